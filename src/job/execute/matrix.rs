//! The runs of a runCI job, one for each entry of its matrix.

use anyhow::anyhow;

use super::{Inputs, Ran};
use crate::job::matrix::{described, entries};
use crate::job::{Executor, Fetched, Ready};
use crate::mask::Patterns;
use crate::model::ci::MatrixEntry;
use crate::output::Failure;
use crate::run::{Event, Outcome};
use crate::workspace::{Home, Workspace};

impl Executor<'_, '_> {
    /// Runs a job once for each entry of its matrix, one after the other, each in a workspace of its own. All of them are
    /// one build; what the last one leaves is what is stored of it.
    ///
    /// # Errors
    ///
    /// When an entry cannot be started, or what was made cannot be stored.
    pub(super) fn run_matrix<'a>(
        &mut self,
        mut fetched: Fetched<'a>,
        mut before: Option<Workspace>,
        inputs: &mut Inputs,
    ) -> Result<Ran<'a>, Failure> {
        let (session, keep) = (self.session, self.command.keep);
        let entries = entries(&fetched.plan);
        if keep && session.options.workspace.is_some() {
            return Err(anyhow!("--keep and --workspace: pick one entry of the matrix with --matrix").into());
        }
        let mut outcomes = Vec::new();
        loop {
            let index = outcomes.len();
            fetched.entry = index;
            let (ready, workspace) = session.open(fetched, Home::Disk, keep, true)?;
            let patterns = Patterns::new(ready.environment.secrets());
            let label = |index: usize, entry| {
                String::from_utf8_lossy(&patterns.mask(described(index, entry).as_bytes())).into_owned()
            };
            self.console.tell(&Event::MatrixStart { label: &label(index, &entries[index]) });
            let (outcome, masking) = self.run_scripts(&ready, &workspace, before.take(), inputs)?;
            outcomes.push(outcome);
            if outcomes.len() < entries.len() && !matches!(outcomes[index], Outcome::Cancelled(_)) {
                drop(workspace);
                fetched = ready.again();
                continue;
            }
            let labels = entries.iter().enumerate().map(|(index, entry)| label(index, entry));
            let rows: Vec<_> =
                labels.enumerate().map(|(index, label)| (label, outcomes.get(index).copied())).collect();
            self.console.tell(&Event::MatrixEnd { entries: &rows });
            let outcome = overall(entries, &outcomes);
            return Ok(Ran { ready, workspace, outcome, masking });
        }
    }
}

impl<'a> Ready<'a> {
    /// What was fetched for it, for the next entry of the matrix.
    fn again(self) -> Fetched<'a> {
        Fetched {
            plan: self.plan,
            credentials: self.credentials,
            repositories: self.context.repositories,
            versions: self.context.versions,
            logins: self.logins,
            opened: self.context.opened,
            number: self.context.number,
            entry: self.context.entry,
        }
    }
}

/// How a job ended: as the first of its entries that had to succeed and did not.
fn overall(entries: &[MatrixEntry], results: &[Outcome]) -> Outcome {
    let cancelled = results.iter().find(|outcome| matches!(outcome, Outcome::Cancelled(_)));
    let failed =
        entries.iter().zip(results).find(|(entry, outcome)| !entry.may_fail && **outcome != Outcome::Success);
    cancelled.copied().or(failed.map(|(_, outcome)| *outcome)).unwrap_or(Outcome::Success)
}
