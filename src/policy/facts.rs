//! What is known of actions: `actions.json`, with one row for each statement, and which types of jobs take up the work of which others.
//!
//! What jobs with scripts need is what such scripts do as a rule. What the others need is what shipctl calls for them, which a
//! test compares.

use serde::Deserialize;
use serde_json::Value as Json;

use crate::model::{Job, Pipeline};
use crate::resolve::{Dependency, Operation, Plan};
use crate::yaml::Node;

const ACTIONS: &str = include_str!("actions.json");

/// What `jobs` of a row says for all types of jobs that have scripts.
const SCRIPTS: &str = "scripts";

/// All that is known.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Facts {
    managed: Vec<Managed>,
    statements: Vec<Row>,
}

/// Types of jobs that deploy what other jobs have put together.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Managed {
    types: Vec<String>,
    /// The types of those others, which may take it from each other.
    takes_up: Vec<String>,
}

/// A statement that a resource of a type needs in a job of a type.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Row {
    types: Vec<String>,
    /// Types of jobs, or [`SCRIPTS`].
    jobs: Vec<String>,
    /// A scope that the step has to have.
    scope: Option<String>,
    /// `IN` or `OUT`; both without it.
    operation: Option<String>,
    /// A type of resource that has to go into the job besides.
    with: Option<String>,
    /// What that one has to say, as a path; it may name a role.
    given: Option<String>,
    /// What it must not say.
    lacks: Option<String>,
    pub(super) sid: String,
    pub(super) actions: Vec<String>,
    pub(super) resources: Vec<String>,
    pub(super) condition: Option<Json>,
}

impl Facts {
    /// Reads them.
    ///
    /// # Errors
    ///
    /// Only if the file cannot be read, which a test sees to.
    pub fn read() -> Result<Facts, serde_json::Error> {
        serde_json::from_str(ACTIONS)
    }

    /// The job of this name, and the jobs whose work it takes up, directly or by way of others.
    pub fn jobs<'a>(&self, pipeline: &'a Pipeline, name: &'a str) -> Vec<&'a str> {
        let mut names = vec![name];
        let of_type = |job: &Job| self.managed.iter().find(|managed| managed.types.contains(&job.kind.text));
        let Some(managed) = pipeline.jobs.get(name).and_then(of_type) else { return names };
        let mut next = 0;
        while let Some(job) = names.get(next).and_then(|name| pipeline.jobs.get(*name)) {
            next += 1;
            for input in job.inputs().map(|input| input.name.text.as_str()) {
                let is_resource = pipeline.resources.contains_key(input);
                let other = pipeline.jobs.get(input).filter(|_| !is_resource);
                if other.is_some_and(|job| managed.takes_up.contains(&job.kind.text))
                    && !names.contains(&input)
                {
                    names.push(input);
                }
            }
        }
        names
    }

    /// The rows for a dependency of a job, each with what the other resource gives that it asks for.
    pub(super) fn of<'f>(&'f self, dependency: &Dependency, plan: &Plan) -> Vec<(&'f Row, Option<String>)> {
        let rows = self.statements.iter().filter(|row| row.applies(dependency, plan));
        rows.flat_map(|row| row.given(plan).into_iter().map(move |given| (row, given))).collect()
    }
}

/// Whether a job has scripts that know what they do.
pub fn has_scripts(job: &Job) -> bool {
    job.has_scripts() || job.is_ci()
}

impl Row {
    fn applies(&self, dependency: &Dependency, plan: &Plan) -> bool {
        let scopes: &[String] = match dependency.operation {
            Operation::In(input) => &input.scopes,
            Operation::Out(_) => &[],
        };
        let job = if has_scripts(plan.job) { SCRIPTS } else { &plan.job.kind.text };
        let is = |words: &[String], word: &str| words.iter().any(|known| known == word);
        is(&self.types, dependency.target.kind())
            && is(&self.jobs, job)
            && self
                .scope
                .as_ref()
                .is_none_or(|scope| scopes.iter().any(|known| known.eq_ignore_ascii_case(scope)))
            && self.operation.as_ref().is_none_or(|word| word == dependency.operation.word())
    }

    /// One entry for each time that the row counts.
    fn given(&self, plan: &Plan) -> Vec<Option<String>> {
        let Some(with) = &self.with else { return vec![None] };
        let others = plan.dependencies.iter().filter(|other| other.target.kind() == with);
        others
            .filter(|other| self.lacks.as_ref().is_none_or(|path| said(other, path).is_none()))
            .filter_map(|other| match &self.given {
                Some(path) => Some(said(other, path)?.text().map(str::to_owned)),
                None => Some(None),
            })
            .collect()
    }
}

/// What a resource says at a path: `taskDefinition.taskRoleArn`. Nothing and an empty text are as good as no answer.
fn said<'a>(dependency: &Dependency<'a>, path: &str) -> Option<&'a Node> {
    let resource = dependency.target.resource()?;
    let at = |node: &'a Node| path.split('.').try_fold(node, |node, key| node.get(key));
    let found = [resource.pointer(), resource.version()].into_iter().flatten().find_map(at)?;
    Some(found).filter(|node| node.text() != Some(""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_one_name_have_one_condition() {
        let facts = Facts::read().unwrap();
        for row in &facts.statements {
            assert!(!row.actions.is_empty() && !row.resources.is_empty(), "{}", row.sid);
            let same_job = |other: &&Row| other.jobs.iter().any(|job| row.jobs.contains(job));
            for other in facts.statements.iter().filter(|other| other.sid == row.sid).filter(same_job) {
                assert_eq!(row.condition, other.condition, "{}", row.sid);
            }
        }
    }
}
