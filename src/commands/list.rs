//! `shipctl list`: what is there.

use std::fmt::Write as _;

use serde_json::{Value as Json, json};

use crate::cli::{LineOptions, List, ListFormat, Listed};
use crate::exit;
use crate::load::read_good;
use crate::model::job::Step;
use crate::model::{Integration, Job, Resource};
use crate::output::{Failure, print};
use crate::printable::{self, Printable};
use crate::source::{Sources, Span};

/// Runs the command.
///
/// # Errors
///
/// On errors in the YAML.
pub fn run(command: &List, options: &LineOptions) -> Result<u8, Failure> {
    let line = read_good(options)?;
    let pipeline = &line.pipeline;
    let tables = [
        (
            Listed::Jobs,
            "jobs",
            pipeline.jobs.values().map(|job| job_row(job, &line.sources)).collect::<Vec<_>>(),
        ),
        (
            Listed::Resources,
            "resources",
            pipeline.resources.values().map(|resource| resource_row(resource, &line.sources)).collect(),
        ),
        (
            Listed::Integrations,
            "integrations",
            pipeline
                .integrations
                .values()
                .map(|integration| integration_row(integration, &line.sources))
                .collect(),
        ),
    ];
    let chosen: Vec<_> =
        tables.iter().filter(|(listed, ..)| command.what.is_none_or(|what| what == *listed)).collect();
    let text = match (command.format, command.what) {
        (ListFormat::Json, Some(_)) => {
            chosen.iter().map(|(_, _, rows)| printable::json(format!("{:#}\n", json!(rows)))).collect()
        }
        (ListFormat::Json, None) => {
            let object: serde_json::Map<_, _> =
                chosen.iter().map(|(_, name, rows)| ((*name).to_owned(), json!(rows))).collect();
            printable::json(format!("{:#}\n", Json::Object(object)))
        }
        (ListFormat::Text, what) => text(&chosen, what.is_none()),
    };
    print(&text)?;
    Ok(exit::SUCCESS)
}

fn job_row(job: &Job, sources: &Sources) -> Json {
    json!({
        "name": job.name.text,
        "type": job.kind.text,
        "in": job.inputs().map(|input| &input.name.text).collect::<Vec<_>>(),
        "out": job.outputs().map(|output| &output.name.text).collect::<Vec<_>>(),
        "tasks": job.steps.iter().filter(|step| matches!(step, Step::Task(_))).count(),
        "integrations": job.integrations.iter().map(|name| &name.text).collect::<Vec<_>>(),
        "place": place(sources, job.name.place),
    })
}

fn resource_row(resource: &Resource, sources: &Sources) -> Json {
    json!({
        "name": resource.name.text,
        "type": resource.kind.text,
        "integration": resource.integration.as_ref().map(|name| &name.text),
        "trigger": resource.trigger,
        "place": place(sources, resource.name.place),
    })
}

fn integration_row(integration: &Integration, sources: &Sources) -> Json {
    json!({
        "name": integration.name.text,
        "type": integration.kind.name,
        "display": integration.kind.display,
        "fields": integration.fields.iter().map(|given| given.field.name).collect::<Vec<_>>(),
        "place": place(sources, integration.name.place),
    })
}

fn place(sources: &Sources, place: Span) -> String {
    sources.describe(place)
}

type Table<'a> = (Listed, &'a str, Vec<Json>);

fn text(tables: &[&Table], headings: bool) -> String {
    let mut text = String::new();
    for (listed, name, rows) in tables {
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
