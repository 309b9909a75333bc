//! What a job finds around it: the environment of its processes, and the machine.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use super::Session;
use crate::contract::{path, var};
use crate::credentials;
use crate::environment::Environment;
use crate::output::Failure;
use crate::run::{self, DEFAULT_PATH, SHELL_SETTINGS, Variables};
use crate::secure;

const PATH: &str = "PATH";

impl Session {
    /// The whole environment of a process of the job: what it inherits, the job's own, and the TASK's on top.
    ///
    /// # Errors
    ///
    /// When there is a NUL in one.
    pub(crate) fn process_environment(
        &self,
        job: &Environment,
        task: &Environment,
    ) -> Result<Variables, Failure> {
        let own = |name: &str| task.get(name).or_else(|| job.get(name));
        let inherited = || self.inherited.iter().map(|(name, value)| (&**name, &**value));
        let path = own(PATH)
            .map(OsStr::new)
            .or_else(|| inherited().find(|(name, _)| *name == PATH).map(|(_, path)| path));
        let path = with_shipctl(path.unwrap_or(OsStr::new(DEFAULT_PATH)), own(var::JOB_PATH));
        let left_out = |name: &str| name == PATH || own(name).is_some() || job.hides(name);
        let inherited = inherited().filter(|(name, _)| !name.to_str().is_some_and(left_out));
        let of_job = job.iter().filter(|(name, _)| *name != PATH && task.get(name).is_none());
        let of_task = task.iter().filter(|(name, _)| *name != PATH);
        let of_both = of_job.chain(of_task);
        let of_both = of_both.map(|(name, variable)| (OsStr::new(name), OsStr::new(variable.value.expose())));
        Ok(Variables::new(inherited.chain(of_both).chain([(OsStr::new(PATH), &*path)]))?)
    }
}

/// Where shipctl looks for the programs that it starts itself.
pub(crate) fn search_path() -> OsString {
    std::env::var_os(PATH).unwrap_or_else(|| DEFAULT_PATH.into())
}

/// A `PATH` for scripts, which ask `shipctl`: where this one lies comes last, unless it is along it anyway. To look whether
/// any lies there would take longer than to add it. The file of the workspace that is meant by `source shipctl` comes
/// first; it is not executable, so that it is not what `shipctl` finds.
fn with_shipctl(path: &OsStr, workspace: Option<&str>) -> OsString {
    let mut whole = OsString::new();
    if let Some(workspace) = workspace.filter(|workspace| !workspace.contains(':')) {
        whole.push(format!("{workspace}/{}:", path::SCRIPTS));
    }
    whole.push(path);
    if let Some(own) = own_directory()
        && !std::env::split_paths(path).any(|directory| directory == own)
    {
        whole.push(":");
        whole.push(own);
    }
    whole
}

/// Where this program lies: as it was called, if it was called `shipctl` there, as a link to it may be along the `PATH`.
pub(crate) fn own_directory() -> Option<PathBuf> {
    program_paths().first()?.parent().map(Path::to_owned)
}

/// The paths of this program: as it was called, if it was called `shipctl` there, and as the system knows it.
pub(crate) fn program_paths() -> Vec<PathBuf> {
    let called = run::executed_as().filter(|path| path.is_absolute() && path.ends_with("shipctl"));
    let mut paths: Vec<_> = called.into_iter().chain(std::env::current_exe()).collect();
    paths.dedup();
    paths
}

/// What a job inherits of an environment, that of this process. The variables that tell shipctl itself about secrets are
/// not for the job.
pub(crate) fn inherited(environment: Vec<(OsString, OsString)>, clean: bool) -> Vec<(OsString, OsString)> {
    const KEPT: &[&str] = &["HOME", "PATH", "USER", "LOGNAME", "LANG", "TERM", "TMPDIR", "SHELL", "TZ"];
    environment
        .into_iter()
        .filter(|(name, _)| {
            let name = name.to_string_lossy();
            if clean {
                KEPT.contains(&&*name) || name.starts_with("LC_")
            } else {
                !name.starts_with(credentials::PREFIX)
                    && !secure::VARIABLES.contains(&&*name)
                    && !SHELL_SETTINGS.contains(&&*name)
            }
        })
        .collect()
}

/// What the kernel allows all variables together: a quarter of the stack, between 128 KiB and 6 MiB. Arguments and the
/// names of files count too; a little is left for them.
pub(crate) fn max_environment() -> usize {
    let stack = nix::sys::resource::getrlimit(nix::sys::resource::Resource::RLIMIT_STACK)
        .map_or(8 << 20, |(soft, _)| soft);
    usize::try_from(stack / 4).unwrap_or(usize::MAX).clamp(128 << 10, 6 << 20) - (16 << 10)
}

/// The operating system as the original wrote it: `Ubuntu_16.04`.
pub(crate) fn operating_system() -> String {
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
