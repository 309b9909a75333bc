//! What the keys of an integration must be allowed.

use indexmap::{IndexMap, IndexSet};
use serde_json::{Value as Json, json};

use crate::diagnostic::Diagnostic;
use crate::model::Integration;
use crate::resolve::{Dependency, Plan};

/// A job does not have this integration.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is not there")]
pub struct NotThere(String);

/// What the keys of one integration must be allowed.
pub struct Need {
    /// The integration.
    pub integration: String,
    /// The statements, by their names.
    statements: IndexMap<String, Statement>,
    /// What only the author of the job's scripts knows.
    pub(super) left: Vec<String>,
    /// What the job has nothing to do with but that it starts it, as far as is known.
    pub(super) idle: Vec<String>,
}

/// A statement of a policy.
#[derive(Default)]
struct Statement {
    actions: IndexSet<String>,
    resources: IndexSet<String>,
    condition: Option<Json>,
}

impl Need {
    pub(super) fn new(integration: &str) -> Need {
        Need {
            integration: integration.to_owned(),
            statements: IndexMap::new(),
            left: Vec::new(),
            idle: Vec::new(),
        }
    }

    pub(super) fn add(
        &mut self,
        sid: &str,
        actions: impl IntoIterator<Item = String>,
        resources: impl IntoIterator<Item = String>,
        condition: Option<Json>,
    ) {
        let statement = self.statements.entry(sid.to_owned()).or_default();
        statement.actions.extend(actions);
        statement.resources.extend(resources);
        statement.condition = condition;
    }

    /// The integration, with what the job says of it.
    ///
    /// # Errors
    ///
    /// When the job does not have it.
    pub fn integration_in<'p>(&self, plan: &Plan<'p>) -> Result<&'p Integration, NotThere> {
        let found = plan.all_integrations().find(|known| known.name.text == self.integration);
        found.ok_or_else(|| NotThere(self.integration.clone()))
    }

    /// Whether there is nothing that shipctl knows of.
    pub fn is_empty(&self) -> bool {
        self.statements.is_empty()
    }

    /// Each action with the resources that it is needed for.
    pub fn actions(&self) -> impl Iterator<Item = (&str, &IndexSet<String>)> {
        self.statements.values().flat_map(|statement| {
            statement.actions.iter().map(|action| (action.as_str(), &statement.resources))
        })
    }

    /// The policy.
    pub fn policy(&self) -> Json {
        let statements: Vec<_> = self
            .statements
            .iter()
            .map(|(sid, statement)| {
                let mut json = json!({
                    "Sid": sid,
                    "Effect": "Allow",
                    "Action": statement.actions.iter().collect::<Vec<_>>(),
                    "Resource": statement.resources.iter().collect::<Vec<_>>(),
                });
                if let Some(condition) = &statement.condition {
                    json["Condition"] = condition.clone();
                }
                json
            })
            .collect();
        json!({"Version": "2012-10-17", "Statement": statements})
    }

    /// Warnings of what the policy does not hold, as only the scripts know it, and of what it need not hold.
    pub fn warnings(&self, plan: &Plan) -> Vec<Diagnostic> {
        let place = |name: &String| {
            let named = |dependency: &&Dependency| dependency.name.text == *name;
            let place = plan.dependencies.iter().find(named).map(|dependency| dependency.name.place);
            place.or(plan.job.integrations.iter().find(|i| i.text == *name).map(|i| i.place))
        };
        let at = |warning: Diagnostic, name| match place(name) {
            Some(place) => warning.at(place),
            None => warning,
        };
        let kind = &plan.job.kind.text;
        let left = self.left.iter().map(|name| {
            let warning = Diagnostic::warning(format!("what scripts do with `{name}` is not in the policy"));
            at(warning.hint("add the actions that they call"), name)
        });
        let idle = self.idle.iter().map(|name| {
            let warning = Diagnostic::warning(format!("nothing is in the policy for `{name}`"));
            at(warning.hint(format!("jobs of type `{kind}` call nothing of AWS for it")), name)
        });
        left.chain(idle).collect()
    }
}
