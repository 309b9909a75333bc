//! The submodules of a clone.

use std::path::Path;

use super::access::Access;
use super::find::Local;
use super::git::{Git, GitError};

/// Checks out the submodules of a clone, those of submodules too. Their objects come from where `local` keeps them, if
/// it does, and from their own URL otherwise. Gives back what could not be checked out, in words: a job need not need
/// all of them, and nobody can tell which.
pub(super) fn update(clone: &Path, local: Option<&Local>, access: Option<&Access>) -> Vec<String> {
    let modules = local.map(|local| local.common.join("modules"));
    let mut problems = Vec::new();
    update_in(clone, modules.as_deref(), access, &mut problems);
    problems
}

fn update_in(clone: &Path, modules: Option<&Path>, access: Option<&Access>, problems: &mut Vec<String>) {
    if !clone.join(".gitmodules").is_file() {
        return;
    }
    let listed = match list(clone) {
        Ok(listed) => listed,
        Err(error) => return problems.push(format!("its submodules cannot be listed: {error}")),
    };
    for (name, path) in listed {
        let kept = modules.map(|modules| modules.join(&name)).filter(|kept| kept.join("HEAD").is_file());
        match update_one(clone, &name, &path, kept.as_deref(), access) {
            Ok(()) => {
                let below = kept.map(|kept| kept.join("modules"));
                update_in(&clone.join(&path), below.as_deref(), access, problems);
            }
            Err(error) => problems.push(format!("the submodule {path} is missing: {error}")),
        }
    }
}

/// The names of the submodules and their paths.
fn list(clone: &Path) -> Result<Vec<(String, String)>, GitError> {
    let git = Git::at(clone, "config").args([
        "-z",
        "--file",
        ".gitmodules",
        "--get-regexp",
        r"^submodule\..*\.path$",
    ]);
    let listed = match git.run() {
        Err(GitError::Failed { status: Some(1), .. }) => return Ok(Vec::new()),
        listed => listed?,
    };
    let entry = |entry: &str| {
        let (key, path) = entry.split_once('\n')?;
        let name = key.strip_prefix("submodule.")?.strip_suffix(".path")?;
        Some((name.to_owned(), path.to_owned()))
    };
    Ok(String::from_utf8_lossy(&listed).split_terminator('\0').filter_map(entry).collect())
}

fn update_one(
    clone: &Path,
    name: &str,
    path: &str,
    kept: Option<&Path>,
    access: Option<&Access>,
) -> Result<(), GitError> {
    let submodule = |words: &[&str]| Git::at(clone, "submodule").online(access).args(words);
    submodule(&["--quiet", "init", "--", path]).run()?;
    let update = submodule(&["--quiet", "update", "--", path]);
    let Some(kept) = kept else { return update.run().map(drop) };
    // Git fetches submodules from directories only if told to: the URLs in a repository may be an attacker's. This one
    // is the directory in which git itself keeps the submodule.
    let updated = update
        .config(&format!("submodule.{name}.url"), kept.as_os_str())
        .config("protocol.file.allow", "always")
        .run();
    match updated {
        Ok(_) => submodule(&["--quiet", "sync", "--", path]).run().map(drop),
        // The wanted commit may be newer than what is kept.
        Err(_) => submodule(&["--quiet", "update", "--", path]).run().map(drop),
    }
}
