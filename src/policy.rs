//! Least privilege: what the keys of a job must be allowed, as far as its resources say.
//!
//! Which actions a resource needs is data: `policy/actions.json`, one row for each statement.

mod choice;
mod facts;
mod need;
mod place;

use indexmap::IndexMap;
use serde_json::{Value as Json, json};

use crate::credentials::Credentials;
use crate::environment::Environment;
use crate::resolve::{AWS_KINDS, Plan};

pub use choice::choose;
pub use facts::{Facts, has_scripts};
pub use need::Need;
use place::ArnScope;

/// What the AWS integrations of a job must be allowed, in the order in which the job names them.
pub fn needs(facts: &Facts, plan: &Plan, credentials: &Credentials, environment: &Environment) -> Vec<Need> {
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
    let has_scripts = has_scripts(plan.job);
    for dependency in &plan.dependencies {
        let Some(credential) = dependency.integration.and_then(|bound| credentials.get(&bound.name.text))
        else {
            continue;
        };
        if let Some(need) = needs.get_mut(&credential.name) {
            let place = ArnScope::of(dependency, credential, environment);
            let rows = facts.of(dependency, plan);
            for (row, given) in &rows {
                let resources = row.resources.iter().map(|resource| place.fill(resource, given.as_deref()));
                need.add(&row.sid, row.actions.iter().cloned(), resources, row.condition.clone());
            }
            match has_scripts {
                true if rows.is_empty() || dependency.target.kind() == "cliConfig" => &mut need.left,
                // The cluster pulls images, with a role of its own.
                false if rows.is_empty() && dependency.target.kind() != "image" => &mut need.idle,
                _ => continue,
            }
            .push(dependency.name.text.clone());
        }
    }
    for (_, integration) in &plan.integrations {
        if let Some(need) = needs.get_mut(&integration.name.text) {
            let names = if has_scripts { &mut need.left } else { &mut need.idle };
            names.push(integration.name.text.clone());
        }
    }
    needs.into_values().collect()
}

/// The policy that the state in a bucket needs, below a prefix; in this partition of AWS.
pub fn state(partition: &str, bucket: &str, prefix: &str) -> Json {
    let below = if prefix.is_empty() { String::new() } else { format!("{prefix}/") };
    let bucket = format!("arn:{partition}:s3:::{bucket}");
    let objects = format!("{bucket}/{below}*");
    let mut list =
        json!({"Sid": "ListState", "Effect": "Allow", "Action": ["s3:ListBucket"], "Resource": [bucket]});
    if !prefix.is_empty() {
        list["Condition"] = json!({"StringLike": {"s3:prefix": [format!("{below}*")]}});
    }
    let actions = ["s3:GetObject", "s3:PutObject"];
    json!({"Version": "2012-10-17", "Statement": [
        list,
        {"Sid": "ReadAndWriteState", "Effect": "Allow", "Action": actions, "Resource": [objects]},
        {"Sid": "PruneState", "Effect": "Allow", "Action": ["s3:DeleteObject"], "Resource": [objects]},
    ]})
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
