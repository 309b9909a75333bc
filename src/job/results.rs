//! The results of tests that a CI run leaves: summed up in the log, and kept beside it.

use std::borrow::Cow;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{Ready, Session};
use crate::diagnostic::Diagnostic;
use crate::mask::Patterns;
use crate::printable;
use crate::results::{self, Tests};
use crate::run::Event;
use crate::run::console::Console;
use crate::state::{BuildRef, logs};

/// Where a run leaves them, below the directory of the build.
const TESTS: &str = "shippable/testresults";
const COVERAGE: &str = "shippable/codecoverage";

/// No file of results is larger, in bytes.
const LARGEST: u64 = 64 << 20;

/// What they are kept as.
const TEST_RESULTS: &str = "testresults";
const CODE_COVERAGE: &str = "codecoverage";

/// Sums up what a run has left in `root`, and keeps it with the build that has this number.
pub(crate) fn take(
    session: &Session,
    ready: &Ready,
    root: &Path,
    number: Option<u32>,
    patterns: &Patterns,
    console: &mut Console,
) {
    if ready.plan.ci.is_none() {
        return;
    }
    let masked = |path: &PathBuf| {
        let bytes = fs::read(path).ok()?;
        Some(String::from_utf8_lossy(&patterns.mask(&bytes)).into_owned())
    };
    let read = |directory: &str| -> Vec<(PathBuf, String)> {
        files(&root.join(directory))
            .into_iter()
            .filter_map(|path| Some((path.clone(), masked(&path)?)))
            .collect()
    };
    let (tests, coverage) = (read(TESTS), read(COVERAGE));
    let mut sum = Tests::default();
    let mut lines = (0, 0);
    let mut unknown: Vec<&PathBuf> = Vec::new();
    let (mut has_tests, mut has_coverage) = (false, false);
    for (path, text) in &tests {
        match results::tests(text) {
            Some(found) => {
                sum.add(found);
                has_tests = true;
            }
            None => unknown.push(path),
        }
    }
    for (path, text) in &coverage {
        match results::coverage(text) {
            Some((covered, of)) => {
                lines = (lines.0 + covered, lines.1 + of);
                has_coverage = true;
            }
            None => unknown.push(path),
        }
    }
    if has_tests {
        console.tell(&Event::Tests { tests: &sum });
    }
    if has_coverage && lines.1 > 0 {
        let covered = lines.0 as f64 * 100.0 / lines.1 as f64;
        let line = format!("{covered:.1} % of {} lines covered\n", lines.1);
        console.tell(&Event::Output { bytes: line.as_bytes() });
    }
    for path in unknown {
        let name = path.strip_prefix(root).unwrap_or(path).display();
        session.warn(&[Diagnostic::warning(format!(
            "{name} is left out of the summary: it is neither JUnit nor Cobertura"
        ))]);
    }
    let entry = ready.context.entry + 1;
    let kept = tests
        .iter()
        .map(|file| (TEST_RESULTS, file))
        .chain(coverage.iter().map(|file| (CODE_COVERAGE, file)));
    let build = number.map(|number| BuildRef { job: ready.plan.job.name.text.clone(), number });
    for (kind, (path, text)) in kept {
        let Some(name) = path.file_name().and_then(OsStr::to_str) else { continue };
        let result = KeptResults { entry, kind: kind.into(), name: name.into(), text: text.into() };
        match (&session.messages.output, &build) {
            (Some(output), _) => output.keep(&serde_json::to_vec(&result).unwrap_or_default()),
            (None, Some(build)) if !keep(session, build, &result) => return,
            _ => {}
        }
    }
}

/// A file of results, secrets masked.
#[derive(Serialize, Deserialize)]
pub(crate) struct KeptResults<'a> {
    /// The entry of the matrix that left it, from 1.
    entry: usize,
    kind: Cow<'a, str>,
    /// What it is called.
    name: Cow<'a, str>,
    text: Cow<'a, str>,
}

impl KeptResults<'_> {
    /// Reads what another machine says is to be kept.
    pub(crate) fn parse(document: &[u8]) -> Option<KeptResults<'static>> {
        let kept: KeptResults = serde_json::from_slice(document).ok()?;
        let is_name = Path::new(&*kept.name).file_name() == Some(OsStr::new(&*kept.name));
        let is_kind = [TEST_RESULTS, CODE_COVERAGE].contains(&&*kept.kind);
        (is_name && is_kind).then_some(kept)
    }
}

/// Keeps a file of results with its build; says whether that could be done, and warns if not.
pub(crate) fn keep(session: &Session, build: &BuildRef, result: &KeptResults) -> bool {
    let below = [&*result.entry.to_string(), &*result.kind];
    let kept =
        logs::keep_result(&session.line.directory, build, &below, OsStr::new(&*result.name), &result.text);
    if let Err(error) = &kept {
        let why = printable::lines(&error.to_string());
        session.warn(&[Diagnostic::warning(format!("the test results of {build} are not kept: {why}"))]);
    }
    kept.is_ok()
}

/// The results of tests that a build has left, of all entries of its matrix; none of a build whose results are not kept.
pub(crate) fn kept(directory: &Path, job: &str, number: u32) -> Tests {
    let mut tests = Tests::default();
    let build = BuildRef { job: job.to_owned(), number };
    for entry in logs::kept_results(directory, &build, TEST_RESULTS) {
        for path in files(&entry) {
            let found = fs::read_to_string(path).ok().and_then(|text| results::tests(&text));
            found.into_iter().for_each(|found| tests.add(found));
        }
    }
    tests
}

/// The files of a directory, no links, by their names.
fn files(directory: &Path) -> Vec<PathBuf> {
    let is_file = |path: &PathBuf| {
        fs::symlink_metadata(path).is_ok_and(|found| found.is_file() && found.len() <= LARGEST)
    };
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    let mut paths: Vec<_> = entries.map(|entry| entry.path()).filter(is_file).collect();
    paths.sort();
    paths
}
