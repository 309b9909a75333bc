//! The JSON Schema of the files of a line, for editors: what may stand where, with a description of each key.
//!
//! It is made from the tables that the reading itself uses, so that a new kind of integration or source of values is in
//! it without further ado. It is as tolerant as reading in what a value may be, and stricter in keys: an editor shows
//! those that are unknown, where reading warns of them.

use serde_json::{Map, Value, json};

use crate::model::kind::{Field, KINDS, Kind, Shape};
use crate::model::{ci, job, resource};
use crate::value_source::SOURCES;

/// The schema.
pub fn schema() -> Value {
    let mut top = Map::from_iter([
        ("resources".to_owned(), list_of("resource", "What jobs take IN and put OUT.")),
        ("triggers".to_owned(), list_of("resource", "Resources that start jobs.")),
        ("jobs".to_owned(), list_of("job", "What is run, with what goes in and comes out.")),
        (
            "integrations".to_owned(),
            json!({
                "description": "Credentials by name: a list of integrations, or in a CI section those that it uses.",
                "anyOf": [
                    {"type": "array", "items": {"anyOf": [{"$ref": "#/definitions/integration"}, {"$ref": "#/definitions/ciIntegration"}]}},
                    {"type": "object"}, {"type": "null"},
                ],
            }),
        ),
        (
            "recipients".to_owned(),
            json!({"description": "Whose keys open the encrypted values of the line.", "type": ["array", "null"]}),
        ),
    ]);
    for key in ci::KEYS {
        top.entry((*key).to_owned()).or_insert_with(|| json!({"description": describe(CI_KEYS, key)}));
    }
    json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "Assembly line",
        "description": "Jobs, resources and integrations that shipctl reads.",
        "type": ["object", "null"],
        "properties": top,
        // Anchors for the rest of the file stand under keys of their own.
        "additionalProperties": true,
        "definitions": {
            "text": {"type": ["string", "number", "boolean", "null"]},
            "texts": {"anyOf": [{"$ref": "#/definitions/text"}, {"type": "array", "items": {"$ref": "#/definitions/texts"}}]},
            "resource": resource(),
            "job": job(),
            "step": step(),
            "task": task(),
            "section": section(),
            "integration": integration(),
            "ciIntegration": {
                "type": "object",
                "required": ["integrationName"],
                "properties": {"integrationName": {"type": "string"}},
            },
            "source": source(),
        },
    })
}

fn list_of(definition: &str, description: &str) -> Value {
    json!({
        "description": description,
        "type": ["array", "null"],
        "items": {"$ref": format!("#/definitions/{definition}")},
    })
}

/// The description of a key; a test keeps the tables whole.
fn describe(table: &[(&str, &str)], key: &str) -> String {
    let found = table.iter().find(|(known, _)| *known == key);
    found.map_or_else(String::new, |(_, text)| (*text).to_owned())
}

/// A map with these keys and no others, each with its description and what it may hold.
fn map_of(keys: &[&str], table: &[(&str, &str)], values: &[(&str, Value)], required: &[&str]) -> Value {
    let properties = keys.iter().map(|key| {
        let mut value =
            values.iter().find(|(known, _)| known == key).map_or_else(|| json!({}), |(_, v)| v.clone());
        if let Value::Object(value) = &mut value {
            value.insert("description".to_owned(), json!(describe(table, key)));
        }
        ((*key).to_owned(), value)
    });
    json!({
        "type": "object",
        "required": required,
        "properties": properties.collect::<Map<_, _>>(),
        "additionalProperties": false,
    })
}

fn reference(definition: &str) -> Value {
    // A description beside a reference is ignored in this draft, so the reference stands one level deeper.
    json!({"allOf": [{"$ref": format!("#/definitions/{definition}")}]})
}

fn resource() -> Value {
    let map = json!({"type": ["object", "null"]});
    let values = [
        ("name", reference("text")),
        ("type", reference("text")),
        ("integration", reference("text")),
        ("versionTemplate", map.clone()),
        ("pointer", map),
    ];
    map_of(resource::KEYS, RESOURCE_KEYS, &values, &["name"])
}

fn job() -> Value {
    let section = || reference("section");
    let values = [
        ("name", reference("text")),
        ("type", reference("text")),
        (
            "steps",
            json!({"anyOf": [{"type": "array", "items": {"$ref": "#/definitions/step"}}, {"$ref": "#/definitions/step"}, {"type": "null"}]}),
        ),
        ("integrations", reference("texts")),
        ("runtime", json!({"type": ["object", "null"]})),
        ("on_start", section()),
        ("on_success", section()),
        ("on_failure", section()),
        ("on_cancel", section()),
        ("always", section()),
    ];
    map_of(job::KEYS, JOB_KEYS, &values, &["name"])
}

fn step() -> Value {
    let values = [
        ("IN", reference("text")),
        ("GET", reference("text")),
        ("OUT", reference("text")),
        ("PUT", reference("text")),
        ("TASK", reference("task")),
        ("versionName", reference("text")),
        ("versionNumber", reference("text")),
        ("switch", reference("text")),
        ("replicate", reference("text")),
    ];
    let mut step = map_of(job::STEP_KEYS, STEP_KEYS, &values, &[]);
    step["anyOf"] = ["IN", "OUT", "TASK", "NOTIFY", "GET", "PUT"]
        .iter()
        .map(|word| json!({"required": [word]}))
        .collect();
    step
}

fn task() -> Value {
    let script = json!({"allOf": [{"$ref": "#/definitions/texts"}], "description": "Lines for bash: one text, or a list of them."});
    let whole = json!({
        "type": "object",
        "properties": {
            "name": {"allOf": [{"$ref": "#/definitions/text"}], "description": "What the log calls it."},
            "runtime": {"type": ["object", "null"], "description": "Its image and its own variables: container, options: {imageName, imageTag, pull, options, env}."},
            "script": script,
        },
        "additionalProperties": false,
    });
    json!({"anyOf": [{"$ref": "#/definitions/texts"}, whole, {"type": "array", "items": {"anyOf": [{"$ref": "#/definitions/texts"}, whole]}}]})
}

fn section() -> Value {
    let part = json!({
        "type": "object",
        "properties": {
            "script": {"allOf": [{"$ref": "#/definitions/texts"}], "description": "Lines for bash."},
            "NOTIFY": {"description": "Notifications to send."},
        },
        "additionalProperties": false,
    });
    json!({"anyOf": [{"$ref": "#/definitions/texts"}, part, {"type": "array", "items": {"anyOf": [{"$ref": "#/definitions/texts"}, part]}}]})
}

fn integration() -> Value {
    let kinds: Vec<_> = KINDS.iter().flat_map(Kind::names).collect();
    let fields = KINDS.iter().map(|kind| {
        json!({
            "if": {"properties": {"type": {"enum": kind.names()}}},
            "then": {"properties": {"fields": fields_of(kind)}},
        })
    });
    json!({
        "type": "object",
        "required": ["name", "type"],
        "properties": {
            "name": {"allOf": [{"$ref": "#/definitions/text"}], "description": "The name that resources and jobs refer to."},
            "type": {"type": "string", "description": "What it is, such as amazonKeys.", "anyOf": [{"enum": kinds}, {}]},
            "fields": {"type": ["object", "null"], "description": "Its values, or where each of them is."},
        },
        "additionalProperties": false,
        "allOf": fields.collect::<Vec<_>>(),
    })
}

fn fields_of(kind: &Kind) -> Value {
    let required: Vec<_> =
        kind.fields.iter().filter(|field| field.required).map(|field| field.name).collect();
    let properties = kind.fields.iter().map(|field| (field.name.to_owned(), value_of(field)));
    json!({
        "type": "object",
        "required": required,
        "properties": properties.collect::<Map<_, _>>(),
        "additionalProperties": false,
    })
}

fn value_of(field: &Field) -> Value {
    let source = json!({"$ref": "#/definitions/source"});
    let description =
        if field.secret { "A secret: better where it is than its value." } else { "No secret." };
    match field.shape {
        Shape::Text => json!({"allOf": [source], "description": description}),
        Shape::List => {
            json!({"anyOf": [source, {"type": "array", "items": source}], "description": description})
        }
        Shape::Map => json!({
            "type": ["object", "null"],
            "additionalProperties": source,
            "description": "Keys, each with its value. All of them are secrets.",
        }),
        Shape::Integration => {
            json!({"type": ["string", "null"], "description": "The name of another integration."})
        }
    }
}

/// A value, or where it is.
fn source() -> Value {
    let places = SOURCES.iter().map(|source| place(source.key(), source.schema(), source.description()));
    let mut places: Vec<Value> = places.collect();
    places.push(json!({"$ref": "#/definitions/text"}));
    json!({"anyOf": places})
}

fn place(key: &str, mut value: Value, description: String) -> Value {
    if value.get("$ref").is_some() {
        value = json!({"allOf": [value]});
    }
    value["description"] = json!(description);
    json!({
        "type": "object",
        "required": [key],
        "properties": {key: value, "mask": {"description": "Whether the log shows *** in its place; true by default."}},
        "additionalProperties": false,
    })
}

#[rustfmt::skip]
const RESOURCE_KEYS: &[(&str, &str)] = &[
    ("name", "The name that steps refer to."),
    ("type", "Its type, such as params, gitRepo, image, cliConfig, integration, state or cluster."),
    ("integration", "The integration that it is bound to."),
    ("flags", "Labels, which have no effect here."),
    ("versionTemplate", "Its pointer and first version, in the new syntax."),
    ("pointer", "Where it is: sourceName, region, branches and so on."),
    ("seed", "Its first version, such as versionName."),
    ("initialVersion", "The old name of seed."),
    ("version", "Its first version: params, files, a count and so on."),
    ("source", "Its pointer and first version, in the first syntax: name, tag, region, params, count and so on."),
    ("configuration", "The pointer and first version, in the syntax between the old and the new."),
];

#[rustfmt::skip]
const JOB_KEYS: &[(&str, &str)] = &[
    ("name", "The name that other jobs and commands refer to."),
    ("type", "What it does: runSh, runCI, manifest, release, deploy …"),
    ("steps", "What goes IN, what runs as a TASK, and what comes OUT, in order."),
    ("integrations", "Integrations whose fields are in the environment under their own names."),
    ("runtime", "timeoutMinutes, container, nodePool, and options as at a TASK."),
    ("on_start", "Runs before the first TASK."),
    ("on_success", "Runs after the last TASK, if all succeeded."),
    ("on_failure", "Runs after a TASK that failed."),
    ("on_cancel", "Runs after a run that was cancelled."),
    ("always", "Runs at the end, whatever happened."),
    ("triggerMode", "Whether several changes start the job once or several times. No effect here."),
    ("dependencyMode", "What the job waits for before it starts. No effect here."),
    ("priority", "Which of several waiting jobs comes first. No effect here."),
    ("flags", "Labels, which have no effect here."),
    ("allowPublicAccess", "Who sees the runs. No effect here."),
    ("stabilityDuration", "How long a deployed service has to run before it counts as stable, in seconds."),
    ("serial", "Whether services are deployed one after the other."),
    ("maxWaitTime", "How long a deployed service may take to become stable, in seconds."),
    ("workflow", "Whether a deploy job deploys one service after the other (serial) or all at once (parallel)."),
    ("method", "How a deploy replaces what runs: blueGreen, upgrade or replace."),
    ("bump", "Which part of the version a release raises."),
    ("options", "Options of the job."),
];

#[rustfmt::skip]
const STEP_KEYS: &[(&str, &str)] = &[
    ("IN", "A resource or job that goes in."),
    ("OUT", "A resource that comes out."),
    ("TASK", "A script to run."),
    ("NOTIFY", "Notifications to send."),
    ("GET", "The old word for IN."),
    ("PUT", "The old word for OUT."),
    ("switch", "off: a change of it does not start the job."),
    ("versionName", "Take the version of this name."),
    ("versionNumber", "Take the version of this number."),
    ("scopes", "What a cliConfig configures beside its command line: ecr, gke …"),
    ("applyTo", "The manifests or images that it applies to; by default all."),
    ("force", "Deploy even what has not changed."),
    ("showBuildStatus", "Show the status at the commit. No effect here."),
    ("vote", "Vote in Gerrit. No effect here."),
    ("dependencyMode", "What the job waits for before it starts. No effect here."),
    ("replicate", "Make it a copy of this IN."),
    ("replicateOnPullRequest", "Copy on pull requests too. No effect here."),
    ("overwrite", "true: the new version starts from nothing instead of the last one."),
    ("on_failure", "true: a failed job makes a new version too."),
    ("pull", "Pull the image even if it is here."),
    ("bump", "Which part of the version a release raises."),
    ("deployMethod", "How a deploy replaces what runs."),
    ("deployName", "What the deployed service is called, instead of after the job and the manifest."),
    ("deployOptions", "Older lines: serial or parallel, in a list beside the TASK."),
    ("deploymentMethod", "How a deploy replaces what runs."),
    ("agentOnly", "No effect here."),
    ("trigger", "No effect here."),
];

#[rustfmt::skip]
const CI_KEYS: &[(&str, &str)] = &[
    ("language", "The language of a CI build."),
    ("env", "Variables of the CI build; several rows make a matrix."),
    ("build", "The scripts of the CI build: pre_ci, ci, post_ci, on_success, on_failure, push."),
    ("matrix", "Which entries of the matrix run."),
    ("branches", "Which branches are built."),
    ("services", "Services that the build needs."),
    ("git", "How the repository is cloned."),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_has_a_description() {
        for (keys, table) in
            [(resource::KEYS, RESOURCE_KEYS), (job::KEYS, JOB_KEYS), (job::STEP_KEYS, STEP_KEYS)]
        {
            let missing: Vec<_> = keys.iter().filter(|key| describe(table, key).is_empty()).collect();
            assert!(missing.is_empty(), "{missing:?}");
        }
    }
}
