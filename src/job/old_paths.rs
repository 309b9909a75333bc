//! `/build/…` in scripts: where the workspace of a job was in the original.

use std::fs;
use std::iter;
use std::path::Path;

use super::Session;
use super::warnings::{CI, item_at};
use crate::contract;
use crate::diagnostic::Diagnostic;
use crate::resolve::Plan;
use crate::run;
use crate::source::Span;

/// Where the workspace was.
const WORKSPACE: &str = "/build";

/// What begins with it.
pub(crate) const BUILD: &str = "/build/";

/// What was below it, with the variable that says where it is now; that of a resource ends the variables of its name.
const PARTS: &[(&str, &str)] =
    &[("IN/", "_PATH"), ("OUT/", "_PATH"), ("state", "JOB_STATE"), ("previousState", "JOB_PREVIOUS_STATE")];

impl Session {
    /// Tells of paths of the original in the scripts of a job, and of the variables to use, unless they are there. A
    /// container has them.
    pub(crate) fn warn_of_old_paths(&self, plan: &Plan) {
        let Some(variable) = self.old_path(plan).filter(|_| !self.is_in_build() && !can_be_mounted()) else {
            return;
        };
        let job = &plan.job.name;
        let place = self.place_of_old_path(plan);
        self.warn(&[Diagnostic::warning(format!(
            "a script of job `{}` names a path below /build, which is not there",
            job.text
        ))
        .at(place.unwrap_or(job.place))
        .hint(format!(
            "the workspace is elsewhere: write ${variable}, or have it there with `--workspace /build`"
        ))]);
    }

    /// Where the scripts of a job on this machine see its workspace as well, if they name that path and it can be done.
    pub(crate) fn old_workspace(&self, plan: &Plan) -> Option<&'static Path> {
        (self.old_path(plan).is_some() && !self.is_in_build() && can_be_mounted())
            .then_some(Path::new(WORKSPACE))
    }

    /// The variable to use instead of the first path of the original in the scripts of a job that run on this machine.
    fn old_path(&self, plan: &Plan) -> Option<String> {
        let is_here = |task: &&&crate::model::task::Task| {
            task.image.is_none() || !self.runs_containers.uses_containers()
        };
        let tasks: Vec<_> = plan.tasks.iter().filter(is_here).collect();
        let entries = tasks.iter().flat_map(|task| &task.entries);
        let sections = plan.job.sections.scripts();
        let sections = sections.iter().filter(|_| !tasks.is_empty()).flat_map(|(_, entries)| *entries);
        entries.chain(sections).find_map(|entry| find(entry).map(|(_, variable)| variable))
    }

    /// Whether the workspace was asked to be where it was in the original.
    fn is_in_build(&self) -> bool {
        self.options.workspace.as_deref().is_some_and(|workspace| workspace == Path::new(WORKSPACE))
    }

    /// Where the text of a job, or of the CI section that it runs, has the first such path; it may be in a template.
    fn place_of_old_path(&self, plan: &Plan) -> Option<Span> {
        let job = &plan.job.name;
        let keys = plan.ci.iter().flat_map(|ci| &ci.keys).map(|key| (*key, CI));
        let mut parts = iter::once((job.place, job.text.as_str())).chain(keys);
        parts.find_map(|(from, owner)| self.first_old_path(owner, from))
    }

    fn first_old_path(&self, owner: &str, from: Span) -> Option<Span> {
        let text = self.line.sources.get(from.source).text();
        let start = from.start as usize;
        let (at, _) = find(text.get(start..)?)?;
        let place =
            Span { source: from.source, start: u32::try_from(start + at).ok()?, len: BUILD.len() as u32 };
        (item_at(&self.line.pipeline, place) == Some(owner)).then_some(place)
    }
}

/// Whether the scripts of a job can see its workspace at `/build`: where that is an empty directory and the kernel lets this
/// user mount something. That is root: in a user namespace others can, but without `sudo`, and with all files of root
/// owned by `nobody`, for which `ssh` refuses its own configuration.
fn can_be_mounted() -> bool {
    let build = Path::new(WORKSPACE);
    let is_directory = fs::symlink_metadata(build).is_ok_and(|found| found.is_dir());
    is_directory
        && fs::read_dir(build).is_ok_and(|mut entries| entries.next().is_none())
        && run::can_mount_at(build)
}

/// Whether scripts have such paths: their container has the workspace there, too.
pub(crate) fn are_in(entries: &[String]) -> bool {
    entries.iter().any(|entry| find(entry).is_some())
}

/// The first path of the original in a script: its offset, and the variable that stands for it.
fn find(script: &str) -> Option<(usize, String)> {
    script.match_indices(BUILD).find_map(|(at, _)| {
        // `$HOME/build/state` is another one.
        let before = script[..at].chars().next_back();
        if before.is_some_and(|c| c.is_alphanumeric() || matches!(c, '_' | '}' | '.' | '/' | '-')) {
            return None;
        }
        let rest = &script[at + BUILD.len()..];
        let (part, variable) = PARTS.iter().find(|(part, _)| rest.starts_with(part))?;
        let name: String = rest[part.len()..]
            .chars()
            .take_while(|c| c.is_alphanumeric() || matches!(c, '_' | '-'))
            .collect();
        match variable.strip_prefix('_') {
            None => Some((at, (*variable).to_owned())),
            Some(end) => contract::env_name(&name).map(|env| (at, format!("{env}_{end}"))),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_of_the_original_have_their_variables() {
        for (script, variable) in [
            ("cd /build/IN/my-repo/gitRepo", Some("MYREPO_PATH")),
            ("cp x '/build/state/x'", Some("JOB_STATE")),
            ("ls /build/previousState", Some("JOB_PREVIOUS_STATE")),
            ("ls $HOME/build/state ./build/IN/a", None),
            ("ls /build/other", None),
        ] {
            assert_eq!(find(script).map(|(_, variable)| variable).as_deref(), variable, "{script}");
        }
    }
}
