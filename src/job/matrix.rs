//! The matrix of a runCI job: its entries, and what each is called.

use std::fmt::Write as _;

use anyhow::anyhow;

use super::{Ready, Session};
use crate::environment::{self, Environment, Variable};
use crate::model::ci::MatrixEntry;
use crate::output::Failure;
use crate::printable::Printable;
use crate::resolve::Plan;

/// The entries of a plan's matrix; none if it is no runCI job's.
pub(crate) fn entries<'a>(plan: &Plan<'a>) -> &'a [MatrixEntry] {
    plan.ci.map_or(&[], |ci| ci.matrix.as_slice())
}

/// What a run is called: its job; of a matrix, with the number of the entry.
pub(crate) fn name_of_run(plan: &Plan, entry: usize) -> String {
    let name = &plan.job.name.text;
    if entries(plan).len() > 1 { format!("{name}.{}", entry + 1) } else { name.clone() }
}

impl Session {
    /// The entry of the matrix that `--matrix` picks, from 0.
    pub(crate) fn chosen_entry(&self, plan: &Plan) -> Result<usize, Failure> {
        let Some(number) = self.options.matrix else { return Ok(0) };
        let (entries, job) = (entries(plan), &plan.job.name.text);
        if entries.is_empty() {
            return Err(anyhow!("--matrix {number}: job `{job}` is no runCI job, and has no matrix").into());
        }
        if number.get() > entries.len() {
            let mut message = format!("--matrix {number}: the matrix of job `{job}` has");
            if let [_] = entries {
                message += " 1 entry";
            } else {
                let _ = write!(message, " {} entries", entries.len());
            }
            for (index, entry) in entries.iter().enumerate() {
                let _ = write!(message, "\n  {}", Printable(&described(index, entry)));
            }
            return Err(anyhow!(message).into());
        }
        Ok(number.get() - 1)
    }

    /// The environment that another entry of the matrix has.
    ///
    /// # Errors
    ///
    /// Values that no variable can hold.
    pub(crate) fn environment_of_entry(&self, ready: &Ready, entry: usize) -> Result<Environment, Failure> {
        let mut context =
            self.run_context(ready.context.root.clone(), ready.context.number, &ready.context.versions)?;
        context.repositories = ready.context.repositories.clone();
        context.entry = entry;
        let built = environment::build(&ready.plan, &ready.credentials, &context);
        Ok(built.map_err(|problems| self.fail(&problems))?.environment)
    }

    /// Whether a job is run once for each entry of its matrix.
    pub(crate) fn runs_matrix(&self, plan: &Plan) -> bool {
        self.options.matrix.is_none() && entries(plan).len() > 1
    }
}

/// `2. python 3.4, DB=pg`
pub(crate) fn described(index: usize, entry: &MatrixEntry) -> String {
    let number = index + 1;
    let may_fail = if entry.may_fail { " · may fail" } else { "" };
    match entry.label() {
        label if label.is_empty() => format!("{number}.{may_fail}"),
        label => format!("{number}. {label}{may_fail}"),
    }
}

/// The variables of an entry that the first one has not, or has otherwise.
pub(crate) fn differing<'e>(
    first: &'e Environment,
    entry: &'e Environment,
) -> impl Iterator<Item = (&'e str, &'e Variable)> {
    entry.iter().filter(|(name, variable)| first.get(name) != Some(variable.value.expose()))
}
