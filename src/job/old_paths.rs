//! `/build/…` in scripts: where the workspace of a job was in the original.

use super::Session;
use super::warnings::item_at;
use crate::contract;
use crate::diagnostic::Diagnostic;
use crate::resolve::Plan;
use crate::source::Place;

/// Where the workspace was.
pub(crate) const BUILD: &str = "/build/";

/// What was below it, with the variable that says where it is now; that of a resource ends the variables of its name.
const PARTS: &[(&str, &str)] =
    &[("IN/", "_PATH"), ("OUT/", "_PATH"), ("state", "JOB_STATE"), ("previousState", "JOB_PREVIOUS_STATE")];

impl Session {
    /// Tells of paths of the original in the scripts of a job, and of the variables to use. A container has them.
    pub(crate) fn warn_of_old_paths(&self, plan: &Plan) {
        let is_here = |task: &&&crate::model::task::Task| {
            task.image.is_none() || !self.runs_containers.uses_containers()
        };
        let tasks: Vec<_> = plan.tasks.iter().filter(is_here).collect();
        let entries = tasks.iter().flat_map(|task| &task.entries);
        let sections = plan.job.sections.scripts();
        let sections = sections.iter().filter(|_| !tasks.is_empty()).flat_map(|(_, entries)| *entries);
        let Some(variable) =
            entries.chain(sections).find_map(|entry| find(entry).map(|(_, variable)| variable))
        else {
            return;
        };
        let job = &plan.job.name;
        let place = self.place_of_old_path(&job.text, job.place);
        self.warn(&[Diagnostic::warning(format!(
            "a script of job `{}` names a path below /build, which is not there",
            job.text
        ))
        .at(place.unwrap_or(job.place))
        .hint(format!("the workspace is elsewhere: write ${variable}"))]);
    }

    /// Where the text of a job has the first such path; it may be in a template.
    fn place_of_old_path(&self, job: &str, from: Place) -> Option<Place> {
        let text = self.line.sources.get(from.source).text();
        let start = from.start as usize;
        let (at, _) = find(text.get(start..)?)?;
        let place =
            Place { source: from.source, start: u32::try_from(start + at).ok()?, len: BUILD.len() as u32 };
        (item_at(&self.line.pipeline, place) == Some(job)).then_some(place)
    }
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
