//! What a run has made: from the files it left in its workspace to changes of versions.

use std::collections::HashSet;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow};
use serde_json::{Map, Value as Json};

use super::Ready;
use crate::contract::{path, suffix};
use crate::diagnostic::Diagnostic;
use crate::environment::dependency_directory;
use crate::file;
use crate::model::job::Output;
use crate::output::Failure;
use crate::repository::Repository;
use crate::resolve::{Dependency, Operation, Target};
use crate::state::{Base, Change, Ending, Entries, Files, MAX_BYTES, Tree};
use crate::versions::{bag_of, seed_of};
use crate::workspace::{self, Layout};

/// The changes that a run asks for.
pub(crate) struct Outputs {
    /// What becomes a version.
    pub(crate) changes: Vec<Change>,
    /// What does not, and looks as if it should.
    pub(crate) warnings: Vec<Diagnostic>,
}

/// Reads what a run has made. After a success that is the job's next version and those of all that comes out; after a
/// failure, of what is marked `on_failure`; after a cancellation, nothing.
///
/// What comes out changes when the job stored key-values or files for it, or made it a copy of something. So `overwrite`
/// alone empties nothing. Its files are those in its directory; where there are none, those of its last version stay.
///
/// # Errors
///
/// When something cannot be read, is too large, or is no text where it should be.
pub(crate) fn read(ready: &Ready, ending: Ending) -> Result<Outputs, Failure> {
    let mut outputs = Outputs { changes: Vec::new(), warnings: Vec::new() };
    let counts = |output: &Output| match ending {
        Ending::Success => true,
        Ending::Failure | Ending::TimedOut => output.on_failure,
        Ending::Cancelled => false,
    };
    let marked: Vec<_> = ready
        .plan
        .dependencies
        .iter()
        .filter_map(|dependency| match dependency.operation {
            Operation::Out(output) => Some((dependency, output)),
            Operation::In(_) => None,
        })
        .collect();
    if marked.iter().any(|(_, output)| counts(output)) {
        let layout = workspace::render(&ready.plan, &ready.environment, &ready.credentials, &ready.context)?;
        let mut done = HashSet::new();
        // The workspace has the last of two steps that name the same.
        for (dependency, output) in marked.iter().rev().filter(|(_, output)| counts(output)) {
            if done.insert(&dependency.name.text) {
                outputs.changes.extend(of_output(ready, &layout, dependency, output)?);
            }
        }
        outputs.changes.reverse();
    }
    if ending == Ending::Success {
        outputs.changes.insert(0, of_job(ready)?);
        for dependency in &ready.plan.dependencies {
            let name = &dependency.name.text;
            if marked.iter().all(|(output, _)| output.name.text != *name)
                && !read_state(ready, name)?.is_empty()
            {
                outputs.warnings.push(
                    Diagnostic::warning(format!("what the job stored for `{name}` is not kept"))
                        .at(dependency.name.place)
                        .hint(format!("it does not come out of this job: add `- OUT: {name}`")),
                );
            }
        }
    }
    Ok(outputs)
}

/// The next version of the job.
fn of_job(ready: &Ready) -> Result<Change, Failure> {
    let name = &ready.plan.job.name.text;
    let directory = ready.context.root.join(path::STATE);
    let entries = Entries::parse(&read_state(ready, name)?, name, &ready.plan.job.kind.text)?;
    let names = ready.plan.dependencies.iter().map(|dependency| &dependency.name.text).chain([name]);
    let mut left_out: HashSet<PathBuf> = names.map(|name| format!("{name}.env").into()).collect();
    let replicated = read_json(&directory.join(path::OUTPUT_VERSION))?;
    left_out.insert(path::OUTPUT_VERSION.into());
    let files = Tree::collect(&directory, MAX_BYTES, |path| !left_out.contains(path))?;
    let mut change = Change::job(name, entries, files);
    if let Some(mut document) = replicated
        && let Some(Json::Object(bag)) = document.get_mut("propertyBag").map(Json::take)
    {
        let version_name = document["versionName"].as_str().map(str::to_owned);
        change.base = Base::Given { version_name, bag };
    }
    Ok(change)
}

/// The next version of something that comes out, if the job did anything to it.
fn of_output(
    ready: &Ready,
    layout: &Layout,
    dependency: &Dependency,
    output: &Output,
) -> Result<Option<Change>, Failure> {
    // A job makes its own versions.
    let Target::Resource(resource) = dependency.target else { return Ok(None) };
    let name = &dependency.name.text;
    let kind = dependency.target.kind();
    let entries = Entries::parse(&read_state(ready, name)?, name, kind)?;
    let directory = dependency_directory(&ready.context.root, path::OUT, name).join(kind);
    let tree = Tree::collect(&directory, MAX_BYTES, |_| true)?;
    let copied = output.replicate.as_ref().and_then(|from| copy_of(ready, &from.text));
    let (base, untouched) = match (replicated(ready, layout, name)?, copied) {
        (Some(base), _) => (base, Files::Latest),
        (None, Some((base, files))) => (base, files),
        (None, None) if entries == Entries::default() && tree.entries().is_empty() => return Ok(None),
        (None, None) if output.overwrite => (Base::Empty, Files::Empty),
        (None, None) => (Base::Latest, Files::Latest),
    };
    let files = if tree.entries().is_empty() { untouched } else { Files::Taken(tree) };
    Ok(Some(Change { base, files, seed: Some(seed_of(resource)), ..Change::merge(name, entries) }))
}

/// What `replicate: FROM` gives: the version that went in, files and all.
fn copy_of(ready: &Ready, from: &str) -> Option<(Base, Files)> {
    let input = ready.plan.dependencies.iter().find(|dependency| {
        dependency.name.text == from && matches!(dependency.operation, Operation::In(_))
    })?;
    let stored = ready.context.versions.of(input);
    let mut bag = bag_of(input.target.resource(), stored);
    if let Some(sha_data) = ready.context.repository(input).map(Repository::sha_data) {
        bag.insert("shaData".to_owned(), sha_data);
    }
    let version_name = ready.environment.get(&format!("{}_{}", input.env, suffix::VERSIONNAME));
    let version_name = version_name.filter(|name| !name.is_empty()).map(str::to_owned);
    let files = match stored.filter(|version| version.has_files()) {
        Some(version) => Files::Of(version.reference()),
        None => Files::Empty,
    };
    Some((Base::Given { version_name, bag }, files))
}

/// What the job made of `version.json`, which `shipctl replicate` writes to.
fn replicated(ready: &Ready, layout: &Layout, name: &str) -> Result<Option<Base>, Failure> {
    let below = Path::new(path::OUT).join(name).join(path::VERSION_JSON);
    let Some(rendered) = layout.files.get(&below) else { return Ok(None) };
    let at = ready.context.root.join(&below);
    if file::read(&at).is_ok_and(|found| found == rendered.contents) {
        return Ok(None);
    }
    let version = |document: &Json| {
        let version = &document["version"];
        let bag = version["propertyBag"].as_object().cloned().unwrap_or_default();
        (version["versionName"].as_str().map(str::to_owned), bag)
    };
    let Some(found) = read_json(&at)? else { return Ok(None) };
    let before: (Option<String>, Map<String, Json>) =
        serde_json::from_slice(&rendered.contents).map(|before| version(&before)).unwrap_or_default();
    let (version_name, bag) = version(&found);
    let changed = (&version_name, &bag) != (&before.0, &before.1);
    Ok(changed.then_some(Base::Given { version_name, bag }))
}

/// `state/<name>.env`; empty if the job has removed it.
fn read_state(ready: &Ready, name: &str) -> Result<Vec<u8>, Failure> {
    let at = ready.context.root.join(path::STATE).join(format!("{name}.env"));
    match file::read(&at) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        read => Ok(read.with_context(|| format!("cannot read {}, which the job left", at.display()))?),
    }
}

/// A document that the job wrote, if it is there.
fn read_json(at: &Path) -> Result<Option<Json>, Failure> {
    let left = || format!("cannot read {}, which the job left", at.display());
    match file::read(at) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        read => match serde_json::from_slice(&read.with_context(left)?) {
            Ok(json) => Ok(Some(json)),
            // serde_json's own words may quote what is in it.
            Err(error) => Err(anyhow!("{}: it is no JSON at line {}", left(), error.line()).into()),
        },
    }
}
