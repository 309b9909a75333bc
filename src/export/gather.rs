//! A line as other systems have to know it, from its pipeline.

use indexmap::{IndexMap, IndexSet};

use super::{ExportedJob, ExportedLine, Need, PROGRAM, Setting, StateLocation};
use crate::credentials::{self, PREFIX};
use crate::model::{self, Integration, Name, Pipeline};
use crate::order::Order;
use crate::value_source::Requirement;
use crate::versions;

/// What a pipeline does not say of the line that is exported.
pub struct ExportOptions {
    /// What the pipeline is called there.
    pub name: String,
    /// The command that makes it anew.
    pub command: String,
    /// What stands behind `shipctl` in each call.
    pub options: String,
}

/// The jobs of `order` and all that goes with them.
pub fn line(
    pipeline: &Pipeline,
    order: &Order,
    state: StateLocation,
    context: ExportOptions,
) -> ExportedLine {
    let mut gathered = Gathered::default();
    let ids = ids(order.members.iter().map(|member| member.job.name.text.as_str()));
    let mut jobs = Vec::new();
    for (member, id) in order.members.iter().zip(ids) {
        let mut job = gathered.job(pipeline, member.job, id, &state);
        job.needs = member.after.iter().map(|wait| Need { job: wait.member, starts: wait.starts }).collect();
        job.requires_inputs = has_all_inputs(pipeline, member.job, order);
        jobs.push(job);
    }
    let mut notes: Vec<String> = order
        .left_out
        .iter()
        .map(|job| format!("job {} is of type {}, which shipctl does not run", job.name.text, job.kind.text))
        .collect();
    notes.extend(of_triggers(pipeline).map(|(_, note)| note));
    if matches!(state, StateLocation::Artefacts) {
        notes.push("the state is an artefact of each job: versions begin anew with each pipeline; --state s3://bucket/prefix keeps them".to_owned());
        notes.extend(lost_over_artefacts(order));
    }
    let ExportOptions { name, command, options } = context;
    ExportedLine { name, command, options, jobs, state, settings: gathered.settings(), notes }
}

/// The settings that jobs read, and what for.
#[derive(Default)]
struct Gathered(IndexMap<String, String>);

impl Gathered {
    fn settings(mut self) -> Vec<Setting> {
        self.0.sort_keys();
        let program =
            (PROGRAM.to_owned(), "where the releases of shipctl lie, for machines that have none".to_owned());
        let all = std::iter::once(program).chain(self.0);
        all.map(|(name, purpose)| Setting { name, purpose }).collect()
    }

    fn job(
        &mut self,
        pipeline: &Pipeline,
        job: &model::Job,
        id: String,
        state: &StateLocation,
    ) -> ExportedJob {
        let mut notes = Vec::new();
        let mut settings: IndexSet<String> = IndexSet::new();
        let mut need = |name: &str, purpose: String| {
            settings.insert(name.to_owned());
            self.0.entry(name.to_owned()).or_insert(purpose);
        };
        if state.is_bucket() {
            of_caller(&mut need, "the state");
        }
        for name in integrations(pipeline, job) {
            let Some(integration) = pipeline.integrations.get(&name.text) else {
                let env = name.env().unwrap_or_default();
                need(&format!("{PREFIX}{env}_TYPE"), format!("the kind of integration {}", name.text));
                notes.push(format!(
                    "integration {} is declared nowhere: set {PREFIX}{env}_TYPE, and one {PREFIX}{env}_<FIELD> for each field",
                    name.text
                ));
                continue;
            };
            of_integration(integration, &mut need, &mut notes);
        }
        let encrypted = inputs(pipeline, job)
            .any(|resource| versions::params(resource, None).iter().any(|param| param.secure.is_some()));
        if encrypted {
            need("SHIPCTL_KEY", "what opens the encrypted values of the line".to_owned());
        }
        let images: IndexSet<&str> =
            job.tasks().filter_map(|task| task.image.as_ref()).map(|image| image.name.as_str()).collect();
        let names_none = job.tasks().any(|task| task.image.is_none());
        let image = match images.iter().collect::<Vec<_>>().as_slice() {
            [] => None,
            [image] if !names_none => Some((**image).to_owned()),
            images => {
                let images = images.iter().map(|image| **image).collect::<Vec<_>>().join(", ");
                notes.push(format!(
                    "its TASKs run in images of their own ({images}): it needs docker or podman"
                ));
                None
            }
        };
        if let Some(pool) = job.node.get("runtime").and_then(|runtime| runtime.get("nodePool")?.text()) {
            notes.push(format!("it ran on the node pool {pool}: choose the machine"));
        }
        if job.notified().next().is_some() {
            notes.push("its notifications are not sent: add --notify to `shipctl run`".to_owned());
        }
        let ci = pipeline.ci.as_ref().filter(|_| job.is_ci());
        let entries = ci.map_or_else(Vec::new, |ci| ci.matrix.iter().map(|entry| entry.may_fail).collect());
        settings.sort();
        ExportedJob {
            name: job.name.text.clone(),
            id,
            needs: Vec::new(),
            entries,
            limit: job.time_limit,
            image,
            settings: settings.into_iter().collect(),
            requires_inputs: true,
            notes,
        }
    }
}

/// What an integration reads from its environment.
fn of_integration(integration: &Integration, need: &mut dyn FnMut(&str, String), notes: &mut Vec<String>) {
    let name = &integration.name.text;
    for field in &integration.fields {
        for (key, source) in field.values.sources() {
            let of = key.map_or(field.field.name, |key| &key.text);
            let whose = format!("integration {name}, field {of}");
            match source.reference.requirement() {
                Requirement::Nothing => {}
                Requirement::Variable(variable) => need(variable, whose),
                Requirement::Key => {
                    need("SHIPCTL_KEY", "what opens the encrypted values of the line".to_owned());
                }
                Requirement::Other(what) => notes.push(format!("{whose} comes from {what}")),
            }
        }
    }
    if credentials::is_role(integration) && integration.source().is_none() {
        of_caller(need, &format!("the role of integration {name}"));
    }
}

/// The keys of the user.
fn of_caller(need: &mut dyn FnMut(&str, String), purpose: &str) {
    need("AWS_ACCESS_KEY_ID", format!("the keys of AWS for {purpose}"));
    need("AWS_SECRET_ACCESS_KEY", format!("the keys of AWS for {purpose}"));
    need("AWS_REGION", "the region of AWS".to_owned());
}

/// The resources that go into a job.
fn inputs<'p>(pipeline: &'p Pipeline, job: &'p model::Job) -> impl Iterator<Item = &'p model::Resource> {
    job.inputs().filter_map(|input| pipeline.resources.get(&input.name.text))
}

/// The integrations that a job has to do with, and those that these get their own credentials with.
fn integrations<'p>(pipeline: &'p Pipeline, job: &'p model::Job) -> Vec<&'p Name> {
    let outputs = job.outputs().filter_map(|output| pipeline.resources.get(&output.name.text));
    let bound =
        inputs(pipeline, job).chain(outputs).filter(|resource| job.uses_integration_of(&resource.kind.text));
    let bound = bound.filter_map(|resource| resource.integration.as_ref());
    let listed = job.integrations.iter().filter(|_| job.has_scripts());
    let mut names: Vec<&Name> = Vec::new();
    let mut open: Vec<&Name> = bound.chain(listed).collect();
    open.reverse();
    while let Some(name) = open.pop() {
        if names.iter().all(|known| known.text != name.text) {
            names.push(name);
            open.extend(pipeline.integrations.get(&name.text).and_then(Integration::source));
        }
    }
    names
}

/// Whether all jobs that go in run in the same pipeline, and so have a version.
fn has_all_inputs(pipeline: &Pipeline, job: &model::Job, order: &Order) -> bool {
    job.inputs().all(|input| {
        let name = &input.name.text;
        let is_resource =
            pipeline.resources.get(name).is_some_and(|resource| resource.kind.text != model::ci::RUN_CI);
        let starts = !input.switched_off;
        is_resource || starts && order.members.iter().any(|member| member.job.name.text == *name)
    })
}

/// What starts jobs in the line, and nothing in another system: the resources, each with what there is to say.
pub(super) fn of_triggers(pipeline: &Pipeline) -> impl Iterator<Item = (&model::Resource, String)> {
    let timed = pipeline.resources.values().filter(|resource| resource.kind.text == "time");
    timed.map(|resource| {
        (resource, format!("resource {} (time) starts nothing: add a schedule", resource.name.text))
    })
}

/// Resources that two jobs put OUT which may run at the same time: artefacts cannot have both.
fn lost_over_artefacts(order: &Order) -> Vec<String> {
    let comes_after = |later: usize, earlier: usize| {
        let mut open = vec![later];
        let mut seen = vec![false; order.members.len()];
        while let Some(member) = open.pop() {
            if member == earlier {
                return true;
            }
            if !std::mem::replace(&mut seen[member], true) {
                open.extend(order.members[member].after.iter().map(|wait| wait.member));
            }
        }
        false
    };
    let mut notes = Vec::new();
    for (second, member) in order.members.iter().enumerate() {
        for first in 0..second {
            let other = order.members[first].job;
            let shared = member
                .job
                .outputs()
                .find(|output| other.outputs().any(|one| one.name.text == output.name.text));
            if let Some(output) = shared.filter(|_| !comes_after(second, first)) {
                notes.push(format!(
                    "jobs {} and {} may put {} OUT at the same time: one of the versions is lost over artefacts",
                    other.name.text, member.job.name.text, output.name.text
                ));
            }
        }
    }
    notes
}

/// A name for each job that all systems take.
pub(super) fn ids<'n>(names: impl Iterator<Item = &'n str>) -> Vec<String> {
    let mut ids: Vec<String> = Vec::new();
    for name in names {
        let plain = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '-' | '_') { c } else { '_' };
        let mut id: String = name.chars().map(plain).collect();
        if !id.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') {
            id.insert(0, '_');
        }
        let numbered = (2..).map(|number| format!("{id}_{number}"));
        let free = std::iter::once(id.clone()).chain(numbered).find(|id| !ids.contains(id));
        ids.extend(free);
    }
    ids
}
