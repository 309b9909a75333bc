//! `get_git_changes`: what changed in a repository, by plain git.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::variables::prefix;
use super::{Call, Failure, files, json};
use crate::contract::suffix;

/// The range that a CI run came with, if none is given.
const RANGE: &str = "SHIPPABLE_COMMIT_RANGE";

/// `get_git_changes --path=DIR|--resource=NAME [--commit-range=RANGE] [--depth=N] [--directories-only]`.
///
/// Prints the changed files, or the directories that hold them, in git's order and as bytes: nothing is quoted.
/// With `--depth`, of each path only its Nth part is printed, as in the original, which made empty lines of shorter paths.
pub(super) fn changes(call: &Call) -> Result<Vec<u8>, Failure> {
    let options = ChangesOptions::of(call.args)?;
    let repository = match (&options.path, &options.resource) {
        (Some(path), _) => PathBuf::from(path),
        (None, Some(resource)) => resource_clone(call, resource)?,
        (None, None) => return Err(Failure::Usage),
    };
    if !repository.join(".git").exists() {
        let message = format!("git repository not found at path: {}", repository.display());
        return Err(Failure::Failed(message));
    }
    let range = match (&options.range, &options.resource) {
        (Some(range), _) => range.clone(),
        (None, Some(resource)) => resource_range(call, resource)?,
        (None, None) => call.context.var(RANGE).map(|range| range.into_owned()).unwrap_or_default(),
    };
    if range.is_empty() {
        return Err(Failure::Failed("Unknown commit range. use --commit-range.".to_owned()));
    }
    let changed = diff(&repository, &range)?;
    let mut paths: Vec<&[u8]> = changed.split(|&b| b == 0).filter(|path| !path.is_empty()).collect();
    let directories;
    if options.directories_only {
        directories = Directory::of(&paths).paths();
        paths = directories.iter().map(Vec::as_slice).collect();
    }
    if let Some(depth) = options.depth {
        paths = paths.into_iter().filter_map(|path| part(path, depth)).collect();
    }
    paths.dedup();
    Ok(paths.into_iter().flat_map(|path| [path, b"\n"].concat()).collect())
}

#[derive(Default)]
struct ChangesOptions {
    path: Option<OsString>,
    resource: Option<OsString>,
    range: Option<OsString>,
    depth: Option<usize>,
    directories_only: bool,
}

impl ChangesOptions {
    fn of(args: &[OsString]) -> Result<ChangesOptions, Failure> {
        let mut options = ChangesOptions::default();
        let mut args = args.iter();
        while let Some(arg) = args.next() {
            if arg == "--directories-only" {
                options.directories_only = true;
                continue;
            }
            let bytes = arg.as_bytes();
            let (name, value) = match bytes.iter().position(|&b| b == b'=') {
                Some(at) => (&bytes[..at], OsStr::from_bytes(&bytes[at + 1..]).to_owned()),
                None => (bytes, args.next().cloned().ok_or(Failure::Usage)?),
            };
            match name {
                b"--path" => options.path = Some(value).filter(|path| !path.is_empty()),
                b"--resource" => options.resource = Some(value).filter(|name| !name.is_empty()),
                b"--commit-range" => options.range = Some(value).filter(|range| !range.is_empty()),
                b"--depth" => {
                    let depth = value.to_str().and_then(|depth| depth.parse().ok());
                    let wrong = || Failure::Failed(format!("`{}` is not a depth", value.display()));
                    // 0 is the original's default: no limit.
                    options.depth = Some(depth.ok_or_else(wrong)?).filter(|&depth| depth > 0);
                }
                _ => return Err(Failure::Usage),
            }
        }
        Ok(options)
    }
}

/// The directory of the clone of a resource.
fn resource_clone(call: &Call, resource: &OsStr) -> Result<PathBuf, Failure> {
    let variable = format!("{}_{}", prefix(&resource.to_string_lossy())?, suffix::STATE);
    let path = call.context.var(&variable);
    path.map(|path| PathBuf::from(path.into_owned())).ok_or_else(|| {
        let message = format!("there is no resource `{}` here (${variable} is not set)", resource.display());
        super::missing::resource(call.context, &resource.to_string_lossy(), &message)
    })
}

/// What a push brought, or a pull request: against its base branch then.
fn resource_range(call: &Call, resource: &OsStr) -> Result<OsString, Failure> {
    let name = resource.to_string_lossy();
    let prefix = prefix(&name)?;
    let version = files::version(call.context, &name)?;
    let commit = |key: &str| {
        let found = json::find(&version["version"]["propertyBag"], &format!("shaData.{key}")).ok()?;
        found.as_str().filter(|commit| !commit.is_empty()).map(str::to_owned)
    };
    let is_pull_request =
        call.context.var(&format!("{prefix}_IS_PULL_REQUEST")).is_some_and(|is| *is == *"true");
    let base = call.context.var(&format!("{prefix}_BASE_BRANCH"));
    let range = match (commit("commitSha"), commit("beforeCommitSha"), base) {
        (Some(head), _, Some(base)) if is_pull_request => {
            let mut range = OsString::from("origin/");
            range.push(base);
            range.push(format!("...{head}"));
            Some(range)
        }
        (Some(head), Some(before), _) => Some(format!("{before}..{head}").into()),
        _ => None,
    };
    Ok(range.or_else(|| Some(call.context.var(RANGE)?.into_owned())).unwrap_or_default())
}

/// The paths of the changed files from the top of the repository, each with a NUL behind it.
fn diff(repository: &Path, range: &OsStr) -> Result<Vec<u8>, Failure> {
    if range.as_bytes().starts_with(b"-") {
        return Err(Failure::Failed(format!("`{}` is not a commit range", range.display())));
    }
    let mut git = Command::new("git");
    git.arg("-C").arg(repository).args(["-c", "core.fsmonitor=false"]);
    git.args(["diff", "--no-ext-diff", "--name-only", "--no-relative", "-z"]).arg(range).arg("--");
    // What a hook of another repository left in the environment must not lead git astray.
    for variable in ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"] {
        git.env_remove(variable);
    }
    let output = git
        .stdin(Stdio::null())
        .output()
        .map_err(|error| Failure::Failed(format!("git cannot be run: {error}")))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        let message =
            format!("git diff {} failed in {}: {}", range.display(), repository.display(), said.trim());
        return Err(Failure::Failed(message));
    }
    Ok(output.stdout)
}

/// The part of a path at `depth`, from 1, if it has so many.
fn part(path: &[u8], depth: usize) -> Option<&[u8]> {
    path.split(|&byte| byte == b'/').nth(depth - 1).filter(|part| !part.is_empty())
}

/// The directories that changed files lie in.
#[derive(Default)]
struct Directory<'a> {
    below: BTreeMap<&'a [u8], Directory<'a>>,
    /// Whether a changed file lies in this very directory.
    changed: bool,
}

impl<'a> Directory<'a> {
    fn of(paths: &[&'a [u8]]) -> Self {
        let mut top = Directory::default();
        for path in paths {
            let mut directory = &mut top;
            let mut rest = *path;
            while let Some(at) = rest.iter().position(|&b| b == b'/') {
                directory = directory.below.entry(&rest[..=at]).or_default();
                rest = &rest[at + 1..];
            }
            directory.changed = true;
        }
        top
    }

    /// Their paths, in the order of `git diff --dirstat`: what lies below comes first. The top has no name and is
    /// left out; unlike dirstat, no directory is left out because little changed in it.
    fn paths(&self) -> Vec<Vec<u8>> {
        let mut paths = Vec::new();
        self.collect(&mut Vec::new(), &mut paths);
        paths
    }

    fn collect(&self, path: &mut Vec<u8>, paths: &mut Vec<Vec<u8>>) {
        for (name, below) in &self.below {
            let length = path.len();
            path.extend_from_slice(name);
            below.collect(path, paths);
            path.truncate(length);
        }
        if self.changed && !path.is_empty() {
            paths.push(path.clone());
        }
    }
}
