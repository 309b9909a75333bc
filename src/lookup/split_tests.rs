//! `split_tests`: this job's share of the tests, so that all jobs of a matrix take about the same time.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use roxmltree::{Document, Node};

use super::{Call, Failure, glob};
use crate::exit;

/// Which of the jobs this is, counted from 1, and how many there are.
const JOB: (&str, &str) = ("SHIPPABLE_JOB_NUMBER", "SHIPPABLE_JOB_COUNT");

/// `split_tests TEST_PATH PATTERN REPORTS_PATH`: the files below TEST_PATH whose name fits the pattern, sorted by the
/// time that the JUnit reports below REPORTS_PATH say they took, and dealt out one by one.
///
/// A test that has a report is printed with the path that stands there, as the original did; tests without one come
/// last, with the path they have now; reports of tests that are gone are left out.
pub(super) fn split(call: &mut Call) -> Result<u8, Failure> {
    let (number, count) = share(call)?;
    let pattern = call.text(1).into_owned();
    let fits = |name: &OsStr| glob::matches(&pattern, &name.to_string_lossy());
    let mut tests = Vec::new();
    walk(Path::new(call.arg(0)), &fits, &mut tests)
        .map_err(|error| Failure::Failed(format!("cannot read {}: {error}", call.arg(0).display())))?;
    if tests.is_empty() {
        let directory = call.arg(0).display();
        call.say(format_args!("shipctl: warning: split_tests: no file below {directory} fits `{pattern}`"));
    }
    let timings = timings(call);
    let lines: Vec<u8> = sorted(Path::new(call.arg(0)), tests, timings)
        .into_iter()
        .skip(number - 1)
        .step_by(count)
        .flat_map(|test| [test.into_vec(), b"\n".to_vec()].concat())
        .collect();
    call.out.write_all(&lines)?;
    Ok(exit::SUCCESS)
}

/// Which job this is and how many there are; outside of a matrix it is the only one.
fn share(call: &Call) -> Result<(usize, usize), Failure> {
    let number = |name: &str| match call.context.var(name) {
        None => Ok(1),
        Some(value) => {
            value.to_str().and_then(|value| value.parse().ok()).filter(|&n: &usize| n > 0).ok_or_else(|| {
                Failure::Failed(format!("${name} is `{}`, not a number from 1 on", value.display()))
            })
        }
    };
    let (mine, all) = (number(JOB.0)?, number(JOB.1)?);
    if mine > all {
        return Err(Failure::Failed(format!("${} is {mine}, but ${} is {all}", JOB.0, JOB.1)));
    }
    Ok((mine, all))
}

/// All files below `directory` whose name fits, by path: every job of the matrix must see the same order, and the
/// order of a directory on disk is different on each machine.
fn walk(directory: &Path, fits: &dyn Fn(&OsStr) -> bool, found: &mut Vec<PathBuf>) -> io::Result<()> {
    let mut entries = fs::read_dir(directory)?.collect::<Result<Vec<_>, _>>()?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let path = directory.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            walk(&path, fits, found)?;
        } else if fits(&entry.file_name()) {
            found.push(path);
        }
    }
    Ok(())
}

/// Seconds for each path that the reports name. A report that cannot be read is skipped with a warning, for a test
/// run must not fail because an old one was cut off.
fn timings(call: &mut Call) -> BTreeMap<String, f64> {
    let reports = PathBuf::from(call.arg(2));
    let is_report = |name: &OsStr| name.as_bytes().ends_with(b".xml");
    let mut files = Vec::new();
    let mut timings = BTreeMap::new();
    match walk(&reports, &is_report, &mut files) {
        // Without reports there is nothing to go by: that is how it begins.
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            call.say(format_args!("shipctl: warning: split_tests: {}: {error}", reports.display()));
        }
        _ => {}
    }
    for file in files {
        let text = fs::read_to_string(&file).map_err(|error| error.to_string());
        let read = text.and_then(|text| {
            let document = Document::parse(&text).map_err(|error| error.to_string())?;
            add(&mut timings, document.root_element());
            Ok(())
        });
        if let Err(error) = read {
            call.say(format_args!("shipctl: warning: split_tests: {} is left out: {error}", file.display()));
        }
    }
    timings
}

/// Adds the times of a suite that names its file (`filepath`, or `file` as some tools have it), or of the suites and
/// cases in it.
fn add(timings: &mut BTreeMap<String, f64>, node: Node) {
    match node.attribute("filepath").or_else(|| node.attribute("file")) {
        Some(path) => {
            let seconds: f64 =
                node.attribute("time").and_then(|time| time.trim().parse().ok()).unwrap_or(0.0);
            *timings.entry(path.to_owned()).or_default() += if seconds.is_finite() { seconds } else { 0.0 };
        }
        None => node.children().filter(Node::is_element).for_each(|child| add(timings, child)),
    }
}

/// The tests by time, each as it is to be printed.
fn sorted(directory: &Path, tests: Vec<PathBuf>, timings: BTreeMap<String, f64>) -> Vec<OsString> {
    let mut reports: BTreeMap<OsString, Vec<(String, f64)>> = BTreeMap::new();
    for (path, seconds) in timings {
        if let Some(name) = Path::new(&path).file_name() {
            reports.entry(name.to_owned()).or_default().push((path, seconds));
        }
    }
    let mut timed = Vec::new();
    let mut new = Vec::new();
    for test in tests {
        let same_name = test.file_name().and_then(|name| reports.get_mut(name));
        match same_name.and_then(|reports| take_report(directory, &test, reports)) {
            Some(report) => timed.push(report),
            None => new.push(test.into_os_string()),
        }
    }
    timed.sort_by(|(path, time), (other, other_time)| time.total_cmp(other_time).then(path.cmp(other)));
    timed.into_iter().map(|(path, _)| path.into()).chain(new).collect()
}

/// Takes the report of `test` out of those for files of that name. Reports may come from another machine, so it is
/// the one with the longest common end of the path; all of the path below `directory` must be in it.
fn take_report(directory: &Path, test: &Path, reports: &mut Vec<(String, f64)>) -> Option<(String, f64)> {
    let below = test.strip_prefix(directory).unwrap_or(test).components().count();
    let common = |report: &(String, f64)| common_end(test, Path::new(&report.0));
    let best = (0..reports.len()).max_by_key(|&at| (common(&reports[at]), Reverse(at)))?;
    (common(&reports[best]) >= below).then(|| reports.remove(best))
}

/// How many parts two paths have in common, counted from the end.
fn common_end(one: &Path, other: &Path) -> usize {
    one.components().rev().zip(other.components().rev()).take_while(|(one, other)| one == other).count()
}
