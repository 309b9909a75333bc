//! What a line declares, as tables: jobs, resources and integrations.

use std::fmt::Write as _;

use serde_json::{Value as Json, json};

use crate::cli::Listed;
use crate::model::files::Line;
use crate::model::job::Step;
use crate::model::{Integration, Job, Resource};
use crate::printable::{self, Printable};
use crate::source::Sources;

/// The table of one sort of thing.
pub struct Table {
    listed: Listed,
    name: &'static str,
    rows: Vec<Json>,
}

/// The tables of a line: all, or the one that is chosen.
pub fn tables(line: &Line, chosen: Option<Listed>) -> Vec<Table> {
    let (pipeline, sources) = (&line.pipeline, &line.sources);
    let table = |listed, name, rows| Table { listed, name, rows };
    let tables = [
        table(Listed::Jobs, "jobs", pipeline.jobs.values().map(|job| job_row(job, sources)).collect()),
        table(
            Listed::Resources,
            "resources",
            pipeline.resources.values().map(|resource| resource_row(resource, sources)).collect(),
        ),
        table(
            Listed::Integrations,
            "integrations",
            pipeline.integrations.values().map(|integration| integration_row(integration, sources)).collect(),
        ),
    ];
    tables.into_iter().filter(|table| chosen.is_none_or(|chosen| chosen == table.listed)).collect()
}

/// All tables as one JSON object.
pub fn all_as_json(tables: &[Table]) -> String {
    let object: serde_json::Map<_, _> =
        tables.iter().map(|table| (table.name.to_owned(), json!(table.rows))).collect();
    printable::json(format!("{:#}\n", Json::Object(object)))
}

impl Table {
    /// The rows as a JSON array.
    pub fn as_json(&self) -> String {
        printable::json(format!("{:#}\n", json!(self.rows)))
    }
}

fn job_row(job: &Job, sources: &Sources) -> Json {
    json!({
        "name": job.name.text,
        "type": job.kind.text,
        "in": job.inputs().map(|input| &input.name.text).collect::<Vec<_>>(),
        "out": job.outputs().map(|output| &output.name.text).collect::<Vec<_>>(),
        "tasks": job.steps.iter().filter(|step| matches!(step, Step::Task(_))).count(),
        "integrations": job.integrations.iter().map(|name| &name.text).collect::<Vec<_>>(),
        "place": sources.describe(job.name.place),
    })
}

fn resource_row(resource: &Resource, sources: &Sources) -> Json {
    json!({
        "name": resource.name.text,
        "type": resource.kind.text,
        "integration": resource.integration.as_ref().map(|name| &name.text),
        "trigger": resource.trigger,
        "place": sources.describe(resource.name.place),
    })
}

fn integration_row(integration: &Integration, sources: &Sources) -> Json {
    json!({
        "name": integration.name.text,
        "type": integration.kind.name,
        "display": integration.kind.display,
        "fields": integration.fields.iter().map(|given| given.field.name).collect::<Vec<_>>(),
        "place": sources.describe(integration.name.place),
    })
}

/// The tables as text, each under its heading if there are several.
pub fn text(tables: &[Table], headings: bool) -> String {
    let mut text = String::new();
    for Table { listed, name, rows } in tables {
        if headings {
            let _ = writeln!(text, "{}{name}", if text.is_empty() { "" } else { "\n" });
        }
        let cells: Vec<[String; 4]> = rows
            .iter()
            .map(|row| {
                let field = |key: &str| Printable(row[key].as_str().unwrap_or_default()).to_string();
                [field("name"), field("type"), details(*listed, row), field("place")]
            })
            .collect();
        let width =
            |column: usize| cells.iter().map(|cells| cells[column].chars().count()).max().unwrap_or(0);
        let widths = [width(0), width(1), width(2)];
        for cells in &cells {
            let mut line = String::from(if headings { "  " } else { "" });
            for (cell, width) in cells.iter().zip(widths) {
                let _ = write!(line, "{cell:width$}  ");
            }
            let _ = writeln!(text, "{line}{}", cells[3]);
        }
    }
    text
}

fn details(listed: Listed, row: &Json) -> String {
    let names = |key: &str| {
        let names: Vec<_> = row[key].as_array().into_iter().flatten().filter_map(Json::as_str).collect();
        Printable(&names.join(", ")).to_string()
    };
    match listed {
        Listed::Jobs => match (names("in"), names("out")) {
            (ins, outs) if ins.is_empty() && outs.is_empty() => String::new(),
            (ins, outs) if outs.is_empty() => ins,
            (ins, outs) => format!("{ins} → {outs}").trim_start().to_owned(),
        },
        Listed::Resources => {
            row["integration"].as_str().map_or_else(String::new, |name| Printable(name).to_string())
        }
        Listed::Integrations => names("fields"),
    }
}
