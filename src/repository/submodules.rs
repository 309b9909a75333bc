//! The submodules of a clone.

use std::path::{Component, Path, PathBuf};

use super::access::Access;
use super::git::{Git, GitError, Runner};
use super::local::Local;

/// Checks out the submodules of a clone, those of submodules too. Their objects come from where `local` keeps them, if
/// it does, and from their own URL otherwise. Gives back what could not be checked out, in words: a job need not need
/// all of them, and it is not known which.
pub(super) fn update(
    clone: &Path,
    local: Option<&Local>,
    access: Option<&Access>,
    runner: &Runner,
) -> Vec<String> {
    let modules = local.map(|local| local.common.join("modules"));
    let mut updating = Updating { access, runner, problems: Vec::new() };
    updating.below(clone, modules.as_deref());
    updating.problems
}

struct Updating<'a> {
    access: Option<&'a Access>,
    runner: &'a Runner<'a>,
    problems: Vec<String>,
}

/// A submodule: its name and its path.
struct Submodule {
    name: String,
    path: String,
}

impl Updating<'_> {
    /// Updates the submodules of a clone; `modules` is the directory in which git keeps them at home.
    fn below(&mut self, clone: &Path, modules: Option<&Path>) {
        if !clone.join(".gitmodules").is_file() {
            return;
        }
        let listed = match list(clone) {
            Ok(listed) => listed,
            Err(error) => return self.problems.push(format!("its submodules cannot be listed: {error}")),
        };
        for submodule in listed {
            let kept = modules.and_then(|modules| kept(modules, &submodule.name));
            match self.update(clone, &submodule, kept.as_deref()) {
                Ok(()) => {
                    let modules = kept.map(|kept| kept.join("modules"));
                    self.below(&clone.join(&submodule.path), modules.as_deref());
                }
                Err(error) => {
                    self.problems.push(format!("the submodule {} is missing: {error}", submodule.path));
                }
            }
        }
    }

    fn update(&self, clone: &Path, submodule: &Submodule, kept: Option<&Path>) -> Result<(), GitError> {
        let git = |words: &[&str]| {
            let git = Git::at(clone, "submodule").by(self.runner).online(self.access);
            git.arg("--quiet").args(words).args(["--", &submodule.path])
        };
        git(&["init"]).run()?;
        let Some(kept) = kept else { return git(&["update"]).run().map(drop) };
        // Git fetches submodules from directories only if told to: the URLs in a repository may be an attacker's. This
        // one is the directory in which git itself keeps the submodule.
        let updated = git(&["update"])
            .config(&format!("submodule.{}.url", submodule.name), kept.as_os_str())
            .config("protocol.file.allow", "always")
            .run();
        git(&["sync"]).run()?;
        match updated {
            Ok(_) => Ok(()),
            // The wanted commit may be newer than what is kept.
            Err(_) => git(&["update"]).run().map(drop),
        }
    }
}

/// Where git keeps a submodule, if it does.
fn kept(modules: &Path, name: &str) -> Option<PathBuf> {
    let inside = Path::new(name).components().all(|component| matches!(component, Component::Normal(_)));
    Some(modules.join(name)).filter(|kept| inside && kept.join("HEAD").is_file())
}

/// The submodules of a clone: what `.gitmodules` names and the commit has. Files of that name are often out of date.
fn list(clone: &Path) -> Result<Vec<Submodule>, GitError> {
    let git = Git::at(clone, "config");
    let git = git.args(["-z", "--file", ".gitmodules", "--get-regexp", r"^submodule\..*\.path$"]);
    let listed = match git.run() {
        Err(GitError::Failed { status: Some(1), .. }) => return Ok(Vec::new()),
        listed => listed?,
    };
    let listed = String::from_utf8_lossy(&listed);
    let named: Vec<_> = listed
        .split_terminator('\0')
        .filter_map(|entry| {
            let (key, path) = entry.split_once('\n')?;
            let name = key.strip_prefix("submodule.")?.strip_suffix(".path")?;
            Some(Submodule { name: name.to_owned(), path: path.to_owned() })
        })
        .collect();
    let paths = named.iter().map(|submodule| format!(":(literal){}", submodule.path));
    let staged = Git::at(clone, "ls-files").args(["-z", "--stage", "--"]).args(paths).run()?;
    let staged = String::from_utf8_lossy(&staged);
    // Mode 160000 is a commit of another repository.
    let links: Vec<_> = staged
        .split_terminator('\0')
        .filter_map(|entry| entry.split_once('\t').filter(|(mode, _)| mode.starts_with("160000 ")))
        .map(|(_, path)| path)
        .collect();
    Ok(named.into_iter().filter(|submodule| links.contains(&submodule.path.as_str())).collect())
}
