//! The text of a plan, part by part.

use std::fmt::Write as _;

use crate::credentials::{Content, Credential, FetchedValue, Value};
use crate::environment::{Environment, RunContext, Variable, task_name};
use crate::job::containers::named_image::named_image;
use crate::job::{Ready, Session, matrix};
use crate::model::image::Image;
use crate::model::job::{Input, Output, Pin, Sections, Step};
use crate::model::task::Task;
use crate::model::{Name, Resource};
use crate::output::Failure;
use crate::paint::{Paint, Style};
use crate::printable::Printable;
use crate::repository::Repository;
use crate::resolve::{Dependency, Operation, Target};
use crate::source::Span;

/// What is said of a notification.
const UNSENT: &str = "not sent; --notify sends it";

/// What starts a job at the original's, and not here.
fn starter(resource: &Resource) -> Option<String> {
    let interval = || resource.seed()?.get("interval")?.text();
    match (resource.kind.text.as_str(), resource.trigger) {
        ("time", _) => Some(
            interval().map_or("starts nothing here".to_owned(), |at| format!("at {at}; starts nothing here")),
        ),
        ("trigger" | "webhook", _) | (_, true) => Some("starts nothing here".to_owned()),
        _ => None,
    }
}

/// Whether a variable is the same for all jobs, or says only where things lie: what `--verbose` shows alone.
fn is_of_every_job(name: &str, variable: &Variable) -> bool {
    if matches!(variable.value, Value::Missing) {
        return false;
    }
    let origin = &*variable.origin;
    let again = origin.starts_with("params ") && name.contains("_PARAMS_");
    again
        || ["the job", "the task"].contains(&origin)
        || origin.starts_with("IN ")
        || origin.starts_with("OUT ")
}

/// The plan of a job, as far as it is written.
pub(super) struct Text<'s> {
    pub(super) out: String,
    paint: Paint,
    session: &'s Session,
}

impl<'s> Text<'s> {
    pub(super) fn new(session: &'s Session, paint: Paint) -> Self {
        Text { out: String::new(), paint, session }
    }

    /// What is missing, marked.
    fn missing(&self, what: &str) -> String {
        self.paint.with(Style::Bad, &format!("✗ {}", Printable(what)))
    }

    /// What is missing at a place, marked.
    fn missing_at(&self, place: Span) -> Option<String> {
        self.session.messages.missing_at(place).map(|message| self.missing(&message))
    }

    pub(super) fn heading(&mut self, text: &str, note: &str) {
        let gap = if self.out.is_empty() { "" } else { "\n" };
        let text = self.paint.with(Style::Heading, &Printable(text).to_string());
        let note = if note.is_empty() {
            String::new()
        } else {
            format!(" · {}", self.paint.with(Style::Quiet, note))
        };
        let _ = writeln!(self.out, "{gap}{text}{note}");
    }

    pub(super) fn row(&mut self, name: &str, text: &str) {
        let _ = writeln!(self.out, "  {name}: {}", Printable(text));
    }

    /// The options that no one typed.
    pub(super) fn defaults(&mut self) {
        for option in &self.session.defaults {
            self.row("option", option);
        }
    }

    /// How often a runCI job runs, and with what.
    pub(super) fn matrix(&mut self, ready: &Ready) {
        let entries = matrix::entries(&ready.plan);
        if entries.len() < 2 {
            return;
        }
        self.heading("matrix", "one run for each");
        for (index, entry) in entries.iter().enumerate() {
            let _ = writeln!(self.out, "  {}", Printable(&matrix::described(index, entry)));
        }
    }

    /// The integrations that the CI section tells of a run: no resource says how.
    pub(super) fn notifications_of_ci(&mut self, ready: &Ready) {
        let names = ready.plan.ci.map_or(&[][..], |ci| &ci.notifications);
        if !names.is_empty() {
            self.heading("notifications of the CI section", "--notify sends them");
            for notification in names {
                let _ = writeln!(self.out, "  {}", Printable(&notification.name.text));
            }
        }
    }

    /// What the other runs of a matrix have otherwise than the one whose environment is shown.
    pub(super) fn other_entries(&mut self, session: &Session, ready: &Ready) -> Result<(), Failure> {
        if session.options.matrix.is_some() {
            return Ok(());
        }
        for (index, entry) in matrix::entries(&ready.plan).iter().enumerate().skip(1) {
            let other = session.environment_of_entry(ready, index)?;
            self.heading(&format!("environment of {}", matrix::described(index, entry)), "what differs");
            for (name, variable) in matrix::differing(&ready.environment, &other) {
                self.variable(name, variable);
            }
        }
        Ok(())
    }

    pub(super) fn integrations(&mut self, ready: &Ready) {
        let known = |name: &str| ready.credentials.contains_key(name);
        let undeclared = ready.plan.job.integrations.iter().filter(|name| !known(&name.text));
        let undeclared: Vec<_> =
            undeclared.filter_map(|name| Some((name, self.missing_at(name.place)?))).collect();
        if ready.credentials.is_empty() && undeclared.is_empty() {
            return;
        }
        self.heading("integrations", "");
        for (name, missing) in undeclared {
            let _ = writeln!(self.out, "  {}: {missing}", Printable(&name.text));
        }
        for credential in ready.credentials.values() {
            let _ = writeln!(self.out, "  {} ({})", Printable(&credential.name), credential.kind.display);
            self.fields(credential);
            let is_given = |name: &str| credential.fields.iter().any(|field| field.name == name);
            for field in credential.kind.fields.iter().filter(|field| field.required && !is_given(field.name))
            {
                let missing = self.missing("it is not given");
                let _ = writeln!(self.out, "    {}: {missing}", field.name);
            }
        }
    }

    fn fields(&mut self, credential: &Credential) {
        let mut field = |name: &str, value: &FetchedValue| {
            if matches!(value.value, Value::Missing) {
                let missing = self.missing(&value.origin);
                let _ = writeln!(self.out, "    {}: {missing}", Printable(name));
                return;
            }
            let shown = matches!(value.value, Value::Secret(_)) && !value.masked;
            let note = if shown { " (not masked in the log: mask: false)" } else { "" };
            let _ = writeln!(self.out, "    {}: from {}{note}", Printable(name), Printable(&value.origin));
        };
        for fetched in &credential.fields {
            match &fetched.content {
                Content::One(value) => field(fetched.name, value),
                Content::List(values) => {
                    for (index, value) in values.iter().enumerate() {
                        field(&format!("{}[{index}]", fetched.name), value);
                    }
                }
                Content::Map(entries) => {
                    for (key, value) in entries {
                        field(&format!("{}.{key}", fetched.name), value);
                    }
                }
            }
        }
    }

    pub(super) fn steps(&mut self, ready: &Ready, containers: &[Option<String>], from: usize) {
        self.heading("steps", "");
        let of_step =
            |node| ready.plan.dependencies.iter().find(|dependency| std::ptr::eq(dependency.step, node));
        let mut tasks = ready.plan.tasks.iter().enumerate();
        for (number, step) in ready.plan.job.steps.iter().enumerate() {
            let _ = write!(self.out, "  {}. ", number + 1);
            match step {
                Step::In(Input { name, node, .. }) | Step::Out(Output { name, node, .. }) => {
                    match of_step(node) {
                        Some(dependency) => self.dependency(dependency, &ready.context),
                        None => self.unresolved(if matches!(step, Step::In(_)) { "IN" } else { "OUT" }, name),
                    }
                }
                Step::Task(_) => match tasks.next() {
                    Some((index, task)) if index < from => {
                        let name = task_name(task, index);
                        let _ = writeln!(self.out, "TASK {} · not run: --from", Printable(&name));
                    }
                    Some((index, task)) => {
                        let image = named_image(task, &ready.environment, |_| {});
                        let container = containers.get(index).and_then(Option::as_deref);
                        self.task(task, index, image.as_ref(), container);
                    }
                    None => self.out.push_str("TASK managed\n"),
                },
                Step::Notify(name) => {
                    let _ = writeln!(self.out, "NOTIFY {} ({UNSENT})", Printable(&name.text));
                }
            }
        }
    }

    /// A step that names what there is not.
    fn unresolved(&mut self, word: &str, name: &Name) {
        let missing = self.missing_at(name.place).unwrap_or_default();
        let _ = writeln!(self.out, "{word} {} · {missing}", Printable(&name.text));
    }

    fn dependency(&mut self, dependency: &Dependency, context: &RunContext) {
        let what = match dependency.target {
            Target::Resource(resource) => format!("({})", resource.kind.text),
            Target::Job(job) => format!("(job, {})", job.kind.text),
        };
        let mut notes = Vec::new();
        if let Some(bound) = dependency.target.resource().and_then(|resource| resource.integration.as_ref())
            && dependency.integration.is_none()
        {
            notes.extend(self.missing_at(bound.place));
        }
        if let Some(integration) = dependency.integration {
            notes.push(format!("integration {}", integration.name.text));
        }
        notes.extend(self.missing_at(dependency.name.place));
        notes.extend(context.repository(dependency).map(Repository::summary));
        notes.extend(dependency.target.resource().and_then(starter));
        match dependency.operation {
            Operation::In(input) => {
                match &input.pin {
                    Some(Pin::Number(number)) => notes.push(format!("version number {}", number.text)),
                    Some(Pin::Name(name)) => notes.push(format!("version {}", name.text)),
                    None => {}
                }
                if !input.scopes.is_empty() {
                    notes.push(format!("scopes {}", input.scopes.join(", ")));
                }
            }
            Operation::Out(output) => {
                if let Some(from) = &output.replicate {
                    notes.push(format!("replica of {}", from.text));
                }
                if output.overwrite {
                    notes.push("starts from nothing".to_owned());
                }
                if output.on_failure {
                    notes.push("on failure too".to_owned());
                }
            }
        }
        let notes = if notes.is_empty() { String::new() } else { format!(" · {}", notes.join(" · ")) };
        let _ = writeln!(
            self.out,
            "{} {} {}{}",
            dependency.operation.word(),
            Printable(&dependency.name.text),
            Printable(&what),
            Printable(&notes)
        );
    }

    fn task(&mut self, task: &Task, index: usize, image: Option<&Image>, container: Option<&str>) {
        let _ = writeln!(self.out, "TASK {}", Printable(&task_name(task, index)));
        match (image, container) {
            (Some(image), Some(container)) => {
                let _ = writeln!(self.out, "     in a container of {}", Printable(&image.name));
                let _ = writeln!(
                    self.out,
                    "     {}",
                    self.paint.with(Style::Quiet, &Printable(container).to_string())
                );
            }
            (Some(image), None) => {
                let _ = writeln!(self.out, "     on this machine, not in {}", Printable(&image.name));
            }
            (None, _) => {}
        }
        self.entries(&task.entries);
    }

    /// The entries of a script, each line as written; continuation lines are set off.
    fn entries(&mut self, entries: &[String]) {
        for entry in entries {
            for (index, line) in entry.trim_end_matches('\n').split('\n').enumerate() {
                let mark = if index == 0 { "$" } else { "|" };
                let _ =
                    writeln!(self.out, "     {} {}", self.paint.with(Style::Quiet, mark), Printable(line));
            }
        }
    }

    pub(super) fn sections(&mut self, sections: &Sections) {
        for (name, entries) in sections.scripts() {
            if !entries.is_empty() {
                self.heading(name, "");
                self.entries(entries);
            }
        }
        if !sections.notify.is_empty() {
            self.heading("notifications", UNSENT);
            for (section, name) in &sections.notify {
                self.row(section, &name.text);
            }
        }
    }

    /// An environment: all of it, or what the line itself puts there.
    pub(super) fn variables(&mut self, heading: &str, environment: &Environment, all: bool) {
        let (left_out, shown): (Vec<_>, Vec<_>) =
            environment.iter().partition(|(name, variable)| !all && is_of_every_job(name, variable));
        if shown.is_empty() && !all {
            return;
        }
        let note = match left_out.len() {
            0 => String::new(),
            count => format!("and {count} more, which --verbose shows"),
        };
        self.heading(heading, &note);
        for (name, variable) in shown {
            self.variable(name, variable);
        }
    }

    fn variable(&mut self, name: &str, variable: &Variable) {
        let value = match &variable.value {
            Value::Missing => self.paint.with(Style::Bad, "✗"),
            Value::Secret(_) => crate::mask::MASK.to_owned(),
            Value::Plain(text) => Printable(text).to_string(),
        };
        let origin = format!("({})", Printable(&variable.origin));
        let _ = writeln!(self.out, "  {name}={value}  {}", self.paint.with(Style::Quiet, &origin));
    }
}
