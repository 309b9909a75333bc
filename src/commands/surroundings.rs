//! What a job finds around it: the environment of its processes, and the machine.

use std::ffi::OsString;
use std::path::PathBuf;

use super::Session;
use crate::credentials;
use crate::environment::{self, Environment};
use crate::run::Variables;
use crate::secure;

impl Session {
    /// The whole environment of a process of the job: what it inherits, the job's own, and the TASK's on top.
    pub(super) fn process_environment(&self, job: &Environment, task: &Environment) -> Variables {
        let own = |name: &str| task.get(name).or_else(|| job.get(name)).is_some();
        let left_out = |name: &str| own(name) || job.hides(name);
        let inherited =
            self.inherited.iter().filter(|(name, _)| !name.to_str().is_some_and(left_out)).cloned();
        let pair =
            |(name, variable): (&str, &environment::Variable)| (name.into(), variable.value.expose().into());
        let job = job.iter().filter(|(name, _)| task.get(name).is_none());
        let mut variables: Vec<_> = inherited.chain(job.map(pair)).chain(task.iter().map(pair)).collect();
        self.offer_shipctl(&mut variables);
        Variables(variables)
    }

    /// Scripts ask `shipctl`: where their PATH has none, this one comes last.
    fn offer_shipctl(&self, variables: &mut Vec<(OsString, OsString)>) {
        let place = variables.iter().position(|(name, _)| name == "PATH").unwrap_or_else(|| {
            variables.push(("PATH".into(), "/usr/local/bin:/usr/bin:/bin".into()));
            variables.len() - 1
        });
        let path = &mut variables[place].1;
        if let Some(directory) = self.missing_from(path) {
            path.push(":");
            path.push(directory);
        }
    }

    /// The directory of this program, if there is no `shipctl` along a `PATH`.
    fn missing_from(&self, path: &OsString) -> Option<PathBuf> {
        let mut asked = self.asked.borrow_mut();
        if let Some((_, missing)) = asked.as_ref().filter(|(known, _)| known == path) {
            return missing.clone();
        }
        let has = std::env::split_paths(path).any(|directory| directory.join("shipctl").is_file());
        let own = || Some(std::env::current_exe().ok()?.parent()?.to_owned());
        let missing = if has { None } else { own() };
        *asked = Some((path.clone(), missing.clone()));
        missing
    }
}
/// What a job inherits of this process's environment. The variables that tell shipctl itself about secrets are not for
/// the job.
pub(super) fn inherited(clean: bool) -> Vec<(OsString, OsString)> {
    const KEPT: &[&str] = &["HOME", "PATH", "USER", "LOGNAME", "LANG", "TERM", "TMPDIR", "SHELL", "TZ"];
    std::env::vars_os()
        .filter(|(name, _)| {
            let name = name.to_string_lossy();
            if clean {
                KEPT.contains(&&*name) || name.starts_with("LC_")
            } else {
                !name.starts_with(credentials::PREFIX) && !secure::VARIABLES.contains(&&*name)
            }
        })
        .collect()
}

/// What the kernel allows all variables together: a quarter of the stack, between 128 KiB and 6 MiB. Arguments and the
/// names of files count too; a little is left for them.
pub(super) fn max_environment() -> usize {
    let stack = nix::sys::resource::getrlimit(nix::sys::resource::Resource::RLIMIT_STACK)
        .map_or(8 << 20, |(soft, _)| soft);
    usize::try_from(stack / 4).unwrap_or(usize::MAX).clamp(128 << 10, 6 << 20) - (16 << 10)
}

/// The operating system as the original wrote it: `Ubuntu_16.04`.
pub(super) fn operating_system() -> String {
    let release = std::fs::read_to_string("/etc/os-release").unwrap_or_default();
    let value = |key: &str| {
        let line = release.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('='));
        line.map(|value| value.trim_matches('"').split(' ').next().unwrap_or_default().to_owned())
    };
    match (value("NAME"), value("VERSION_ID")) {
        (Some(name), Some(version)) => format!("{name}_{version}"),
        (Some(name), None) => name,
        _ => std::env::consts::OS.to_owned(),
    }
}
