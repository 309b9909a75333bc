//! The line as a picture shows it: what is declared, and what became of the last builds.

use std::collections::HashMap;
use std::time::{Duration, SystemTime};

use indexmap::IndexMap;

use super::parts::{edges, names};
use super::{BuildBadge, Edge, Graph, Node, Outcome, Shape};
use crate::model::files::Line;
use crate::model::job::Step;
use crate::model::{Job, Name};
use crate::source::Sources;
use crate::state::{BuildRecord, Ending, Progress, rfc3339};

/// How many builds of a job the picture shows.
pub const BUILDS: u32 = 5;

/// The whole line, with the last builds of its jobs, the last one first, as they are at a time.
pub fn of_line(line: &Line, builds: Vec<BuildRecord>, now: SystemTime) -> Graph {
    let names = names(&line.pipeline);
    let mut builds = by_job(builds, now);
    let nodes = names.iter().map(|name| node(line, name, builds.remove(*name).unwrap_or_default()));
    let index = |name: &str| names.get_index_of(name).unwrap_or_default();
    let mut arrows: IndexMap<(usize, usize), bool> = IndexMap::new();
    for (from, to, starts) in
        line.pipeline.jobs.values().flat_map(|job| edges(job).into_iter().chain(notices(job)))
    {
        if !names.contains(to) {
            continue;
        }
        *arrows.entry((index(from), index(to))).or_insert(false) |= starts;
    }
    let edge = |((from, to), starts): ((usize, usize), bool)| Edge { from, to, switched_off: !starts };
    let title = line.directory.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let created = rfc3339(now);
    Graph { title, created, nodes: nodes.collect(), edges: arrows.into_iter().map(edge).collect() }
}

/// Arrows to what a job notifies. A notification that is declared nowhere is none of the line's parts.
fn notices(job: &Job) -> impl Iterator<Item = (&str, &str, bool)> {
    let steps = job.steps.iter().filter_map(|step| match step {
        Step::Notify(name) => Some(&name.text),
        _ => None,
    });
    let sections = job.sections.notify.iter().map(|(_, name)| &name.text);
    steps.chain(sections).map(|to| (job.name.text.as_str(), to.as_str(), true))
}

fn node(line: &Line, name: &str, builds: Vec<BuildBadge>) -> Node {
    let place = |name: &Name| Some(line.sources.describe(name.place));
    let node = Node {
        name: name.to_owned(),
        shape: Shape::Elsewhere,
        kind: String::new(),
        integration: None,
        place: None,
        steps: Vec::new(),
        builds: Vec::new(),
    };
    if let Some(resource) = line.pipeline.resources.get(name) {
        Node {
            shape: Shape::Resource,
            kind: resource.kind.text.clone(),
            integration: resource.integration.as_ref().map(|integration| integration.text.clone()),
            place: place(&resource.name),
            ..node
        }
    } else if let Some(job) = line.pipeline.jobs.get(name) {
        Node {
            shape: Shape::Job,
            kind: job.kind.text.clone(),
            place: place(&job.name),
            steps: job.steps.iter().map(|step| describe(step, &line.sources)).collect(),
            builds,
            ..node
        }
    } else {
        node
    }
}

/// A step in a line. What a script says is left to the file.
fn describe(step: &Step, sources: &Sources) -> String {
    match step {
        Step::In(input) if input.switched_off => format!("IN {}, switched off", input.name.text),
        Step::In(input) => format!("IN {}", input.name.text),
        Step::Out(output) => format!("OUT {}", output.name.text),
        Step::Notify(name) => format!("NOTIFY {}", name.text),
        Step::Task(task) => match &task.name {
            Some(name) => format!("TASK {name}"),
            None => format!("TASK at {}", sources.describe(task.place)),
        },
    }
}

fn by_job(records: Vec<BuildRecord>, now: SystemTime) -> HashMap<String, Vec<BuildBadge>> {
    let mut builds: HashMap<String, Vec<BuildBadge>> = HashMap::new();
    for record in records {
        let build = build(&record, now);
        builds.entry(record.reference.job).or_default().push(build);
    }
    builds
}

fn build(record: &BuildRecord, now: SystemTime) -> BuildBadge {
    let (outcome, took) = match record.progress {
        Progress::Running | Progress::Started => (Outcome::Running, String::new()),
        Progress::Interrupted => (Outcome::Interrupted, String::new()),
        Progress::Ended(ended) => {
            let outcome = match ended.ending {
                Ending::Success => Outcome::Success,
                Ending::Failure => Outcome::Failure,
                Ending::TimedOut => Outcome::TimedOut,
                Ending::Cancelled => Outcome::Cancelled,
            };
            (outcome, ended.took())
        }
    };
    BuildBadge {
        number: record.reference.number,
        outcome,
        started: rfc3339(record.started),
        // A clock that was set back makes no negative age.
        age: in_words(now.duration_since(record.started).unwrap_or_default()),
        took,
    }
}

/// A length of time in the largest unit that it has one of.
fn in_words(time: Duration) -> String {
    let seconds = time.as_secs();
    let (count, unit) = match seconds {
        0..60 => (seconds, "second"),
        60..3600 => (seconds / 60, "minute"),
        3600..86_400 => (seconds / 3600, "hour"),
        _ => (seconds / 86_400, "day"),
    };
    format!("{count} {unit}{}", if count == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_of_time() {
        for (seconds, words) in
            [(0, "0 seconds"), (1, "1 second"), (119, "1 minute"), (7300, "2 hours"), (200_000, "2 days")]
        {
            assert_eq!(in_words(Duration::from_secs(seconds)), words);
        }
    }
}
