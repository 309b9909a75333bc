//! What is known of a job that shipctl does not run.

use std::rc::Rc;

use super::{FetchPolicy, Ready, Session};
use crate::credentials;
use crate::diagnostic::Diagnostic;
use crate::environment;
use crate::model::Integration;
use crate::output::Failure;
use crate::resolve::{self, AWS_KINDS};
use crate::workspace::Home;

impl Session {
    /// What is known of a job that shipctl does not run, and of the jobs whose work it takes up: nothing of it has a state or a
    /// workspace here, and only the keys of AWS matter.
    ///
    /// # Errors
    ///
    /// What the jobs refer to and is not there, and keys that cannot be had.
    pub(crate) fn survey(&self, jobs: &[&str], policy: FetchPolicy) -> Result<Ready<'_>, Failure> {
        let fail = |problems: Vec<Diagnostic>| self.fail(&problems);
        let (plan, missing) = resolve::survey(&self.line.pipeline, jobs).map_err(fail)?;
        self.warn(&missing);
        let mut of_aws: Vec<&Integration> = Vec::new();
        for integration in plan.all_integrations().filter(|known| AWS_KINDS.contains(&known.kind.name)) {
            if of_aws.iter().all(|known| known.name.text != integration.name.text) {
                of_aws.push(integration);
            }
        }
        let (mut credentials, problems) = credentials::fetch_each(&of_aws, &mut self.fetcher(policy));
        let problems: Vec<_> = problems.into_iter().flatten().collect();
        if !problems.is_empty() {
            return Err(fail(problems));
        }
        self.assume_roles(&plan, &mut credentials, false).map_err(fail)?;
        let versions = Rc::default();
        let mut context = self.run_context(self.root(&plan.job.name.text, Home::Disk, 0)?, 1, &versions)?;
        context.opened = Rc::new(self.open_params(&plan, &versions)?);
        // No process gets it.
        context.max_environment = usize::MAX;
        let built = environment::build(&plan, &credentials, &context).map_err(fail)?;
        self.warn(&built.warnings);
        let (logins, finish) = Default::default();
        Ok(Ready { plan, credentials, environment: built.environment, context, logins, finish })
    }
}
