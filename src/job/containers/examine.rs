//! Whether there is an engine that runs the images of a line.

use std::fmt::Write as _;
use std::process::Command;

use serde_json::{Value as Json, json};

use super::super::host::search_path;
use crate::container::{self, Engine, EngineKind};
use crate::model::Pipeline;
use crate::model::job::Step;
use crate::output::Failure;
use crate::paint::{Paint, Style};
use crate::printable::Printable;

/// How an engine is.
pub(crate) struct EngineReport {
    /// Its name, or those that were looked for.
    name: String,
    /// Where it is, and its version.
    found: Option<(String, String)>,
    /// What is wrong, and what to do.
    problem: Option<(String, String)>,
}

impl EngineReport {
    /// Looks at the engine that would run containers; `None` if this machine is to run all TASKs itself.
    ///
    /// # Errors
    ///
    /// When the variable that picks an engine picks none.
    pub(crate) fn examine() -> Result<Option<EngineReport>, Failure> {
        let choice = super::choice(None)?;
        if !choice.uses_containers() {
            return Ok(None);
        }
        let engine = match Engine::find(choice, &search_path()) {
            Ok(engine) => engine,
            Err(none) => {
                let message = "not in the PATH, and TASKs of the line name images".to_owned();
                let hint = "install one, or run on this machine, which has to have what the images have: --containers never";
                let problem = Some((message, hint.to_owned()));
                return Ok(Some(EngineReport { name: none.names(), found: None, problem }));
            }
        };
        let version = match engine.kind {
            EngineKind::Podman => "{{.Version.Version}}",
            EngineKind::Docker => "{{.ServerVersion}}",
        };
        let (program, name) = (engine.program.display().to_string(), engine.kind.program().to_owned());
        let output = Command::new(&engine.program).args(["info", "--format", version]).output();
        let (found, said) = match output {
            Ok(output) if output.status.success() => {
                let version = String::from_utf8_lossy(&output.stdout).trim().to_owned();
                return Ok(Some(EngineReport { name, found: Some((program, version)), problem: None }));
            }
            Ok(output) => (Some((program, String::new())), super::said(&output.stderr)),
            Err(error) => (Some((program, String::new())), error.to_string()),
        };
        let hint = container::advice(&said).unwrap_or("see what it says to `info`").to_owned();
        Ok(Some(EngineReport { name, found, problem: Some((said, hint)) }))
    }

    /// Whether it can run containers.
    pub(crate) fn is_good(&self) -> bool {
        self.problem.is_none()
    }

    /// The report for people.
    pub(crate) fn text(&self, paint: Paint) -> String {
        let mut text = format!("{} (containers)\n", paint.with(Style::Heading, &self.name));
        if let Some((program, version)) = &self.found {
            let mark =
                if self.is_good() { paint.with(Style::Good, "✓") } else { paint.with(Style::Bad, "✗") };
            let version = if version.is_empty() { String::new() } else { format!(" {}", Printable(version)) };
            let _ = writeln!(text, "  {mark} {}{version}", Printable(program));
        }
        if let Some((message, hint)) = &self.problem {
            let _ = writeln!(text, "  {} {}", paint.with(Style::Bad, "✗"), Printable(message));
            let _ = writeln!(text, "    {} {}", paint.with(Style::Hint, "fix:"), Printable(hint));
        }
        text
    }

    /// The same for programs.
    pub(crate) fn json(&self) -> Json {
        json!({
            "name": self.name,
            "type": "containers",
            "program": self.found.as_ref().map(|(program, _)| program),
            "version": self.found.as_ref().map(|(_, version)| version).filter(|version| !version.is_empty()),
            "problems": self.problem.iter().map(|(message, hint)| json!({"message": message, "hint": hint})).collect::<Vec<_>>(),
        })
    }
}

/// Whether a TASK of one of the jobs runs in an image.
pub(crate) fn names_image(pipeline: &Pipeline, jobs: &[&str]) -> bool {
    let steps = jobs.iter().filter_map(|job| pipeline.jobs.get(*job)).flat_map(|job| &job.steps);
    steps.into_iter().any(|step| matches!(step, Step::Task(task) if task.image.is_some()))
}
