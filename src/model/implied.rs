//! What goes in without being declared: the original made it beside each repository that it knew.

use super::ci::{JOB_SUFFIX, REPOSITORY_SUFFIX, RUN_CI};
use super::job::Job;
use super::{Name, Pipeline, Resource};

/// What the names of such things end in, and the type that they have: the CI job of a repository and the repository that
/// it builds, and the job that kept a syncRepo up to date.
const IMPLIED: &[(&str, &str)] = &[(REPOSITORY_SUFFIX, "ciRepo"), (JOB_SUFFIX, RUN_CI), ("_rSync", "rSync")];

impl Pipeline {
    /// Declares what goes into jobs and is named as the original named such things, unless some file declares it. The
    /// repository of a runCI job is left out: the job may do without one.
    pub(super) fn declare_implied(&mut self) {
        let takers = self.jobs.values().filter(|job| !job.is_ci());
        let names: Vec<Name> = takers.flat_map(Job::inputs).map(|input| input.name.clone()).collect();
        for name in names {
            let Some((_, kind)) = IMPLIED.iter().find(|(end, _)| is_named(&name.text, end)) else { continue };
            if !self.jobs.contains_key(&name.text) {
                self.resources.entry(name.text.clone()).or_insert_with(|| Resource::implied(name, kind));
            }
        }
    }
}

/// Whether a name ends so, and something is left before that.
fn is_named(name: &str, end: &str) -> bool {
    name.strip_suffix(end).is_some_and(|stem| !stem.is_empty())
}
