//! Least privilege: what the keys of a job must be allowed, as far as its resources say.
//!
//! Which actions a resource needs is data: `policy/actions.json`, one row for each statement.

use indexmap::{IndexMap, IndexSet};
use serde::Deserialize;
use serde_json::{Value as Json, json};

use crate::aws::Partition;
use crate::contract::suffix;
use crate::credentials::{Credential, Credentials};
use crate::environment::Environment;
use crate::resolve::{AWS_KINDS, Dependency, Operation, Plan};

/// The rows.
const ACTIONS: &str = include_str!("policy/actions.json");

/// A statement that a resource of a type needs.
#[derive(Deserialize)]
struct Row {
    r#type: String,
    /// A scope that the step has to have.
    scope: Option<String>,
    /// `IN` or `OUT`; both without it.
    operation: Option<String>,
    /// A type of resource that has to go into the job besides.
    with: Option<String>,
    sid: String,
    actions: Vec<String>,
    resources: Vec<String>,
    condition: Option<Json>,
}

/// What the keys of one integration must be allowed.
pub struct Need {
    /// The integration.
    pub integration: String,
    /// The statements, by their names.
    statements: IndexMap<String, Statement>,
    /// What only whoever wrote the job's scripts knows.
    pub left: Vec<String>,
}

/// A statement of a policy.
#[derive(Default)]
struct Statement {
    actions: IndexSet<String>,
    resources: IndexSet<String>,
    condition: Option<Json>,
}

/// What the AWS integrations of a job must be allowed, in the order in which the job names them.
///
/// # Errors
///
/// Only if the rows cannot be read, which a test sees to.
pub fn needs(
    plan: &Plan,
    credentials: &Credentials,
    environment: &Environment,
) -> Result<Vec<Need>, serde_json::Error> {
    let rows: Vec<Row> = serde_json::from_str(ACTIONS)?;
    let mut needs: IndexMap<String, Need> = IndexMap::new();
    for integration in plan.all_integrations().filter(|known| AWS_KINDS.contains(&known.kind.name)) {
        let name = &integration.name.text;
        needs.entry(name.clone()).or_insert_with(|| Need::new(name));
        if let (Some(source), Some(credential)) = (integration.source(), credentials.get(name)) {
            let need = needs.entry(source.text.clone()).or_insert_with(|| Need::new(&source.text));
            let arn = credential.text("assumeRoleARN").unwrap_or_default().to_owned();
            need.add("TakeRole", ["sts:AssumeRole".to_owned()], [arn], None);
        }
    }
    for dependency in &plan.dependencies {
        let Some(credential) = dependency.integration.and_then(|bound| credentials.get(&bound.name.text))
        else {
            continue;
        };
        if let Some(need) = needs.get_mut(&credential.name) {
            let place = Place::of(dependency, credential, environment);
            let rows = rows.iter().filter(|row| row.applies(dependency, plan)).collect::<Vec<_>>();
            for row in &rows {
                let resources = row.resources.iter().map(|resource| place.fill(resource));
                need.add(&row.sid, row.actions.iter().cloned(), resources, row.condition.clone());
            }
            if rows.is_empty() || dependency.target.kind() == "cliConfig" {
                need.left.push(dependency.name.text.clone());
            }
        }
    }
    for (_, integration) in &plan.integrations {
        if let Some(need) = needs.get_mut(&integration.name.text) {
            need.left.push(integration.name.text.clone());
        }
    }
    Ok(needs.into_values().collect())
}

/// The policy that says who may take a role: `principal`, an ARN, with the external id that was agreed on.
pub fn trust(principal: &str, external_id: Option<&str>) -> Json {
    let mut statement = json!({
        "Sid": "TakeRole",
        "Effect": "Allow",
        "Principal": {"AWS": principal},
        "Action": "sts:AssumeRole",
    });
    if let Some(id) = external_id {
        statement["Condition"] = json!({"StringEquals": {"sts:ExternalId": id}});
    }
    json!({"Version": "2012-10-17", "Statement": [statement]})
}

impl Need {
    fn new(integration: &str) -> Need {
        Need { integration: integration.to_owned(), statements: IndexMap::new(), left: Vec::new() }
    }

    fn add(
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
}

impl Row {
    fn applies(&self, dependency: &Dependency, plan: &Plan) -> bool {
        let scopes: &[String] = match dependency.operation {
            Operation::In(input) => &input.scopes,
            Operation::Out(_) => &[],
        };
        let with = |kind: &String| plan.dependencies.iter().any(|other| other.target.kind() == kind);
        let operation = |word: &String| word == dependency.operation.word();
        self.r#type == dependency.target.kind()
            && self
                .scope
                .as_ref()
                .is_none_or(|scope| scopes.iter().any(|known| known.eq_ignore_ascii_case(scope)))
            && self.operation.as_ref().is_none_or(operation)
            && self.with.as_ref().is_none_or(with)
    }
}

/// Where the things are that a resource stands for; `*` for what it does not say.
struct Place {
    partition: &'static str,
    region: String,
    account: String,
    cluster: String,
    repository: String,
}

impl Place {
    fn of(dependency: &Dependency, credential: &Credential, environment: &Environment) -> Place {
        let pointer = |key: &str| {
            let name = format!("{}_{}_{key}", dependency.env, suffix::POINTER);
            environment.get(&name).filter(|value| !value.is_empty())
        };
        let any = || "*".to_owned();
        let source = pointer("SOURCENAME").unwrap_or_default();
        let is_image = dependency.target.kind() == "image";
        // 123456789012.dkr.ecr.us-east-1.amazonaws.com/shop/web
        let (host, path) = source.split_once('/').filter(|_| is_image).unwrap_or_default();
        let parts: Vec<_> = host.split('.').collect();
        let registry = (parts.get(1) == Some(&"dkr")).then(|| (parts[0], parts.get(3)));
        let region = pointer("REGION").or_else(|| registry.and_then(|(_, region)| region.copied()));
        let account = credential.text("awsAccountId").or(registry.map(|(account, _)| account));
        let partition = match (credential.text("assumeRoleARN"), region) {
            (Some(arn), _) => Partition::of_arn(arn),
            (None, region) => Partition::of_region(region.unwrap_or_default()),
        };
        Place {
            partition: partition.name,
            region: region.map_or_else(any, str::to_owned),
            account: account.map_or_else(any, str::to_owned),
            cluster: if source.is_empty() || is_image { any() } else { source.to_owned() },
            repository: if path.is_empty() {
                any()
            } else {
                path.split(':').next().unwrap_or(path).to_owned()
            },
        }
    }

    fn fill(&self, resource: &str) -> String {
        resource
            .replace("{partition}", self.partition)
            .replace("{region}", &self.region)
            .replace("{account}", &self.account)
            .replace("{cluster}", &self.cluster)
            .replace("{repository}", &self.repository)
    }
}
