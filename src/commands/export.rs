//! `shipctl export`: the line as the pipeline of another system.

use std::io;
use std::path::Path;

use crate::cli::{Export, LineOptions};
use crate::contract::shell_quoted;
use crate::diagnostic::Diagnostic;
use crate::exit;
use crate::export::gather::{self, Context};
use crate::export::{self, State, System};
use crate::line::nothing_to_run;
use crate::load::read_good;
use crate::order::{Order, Selection};
use crate::output::{Failure, paint, print};
use crate::printable::Printable;

/// Runs the command.
///
/// # Errors
///
/// On errors in the YAML, and when the line has no job that can be run.
pub fn run(command: &Export, options: &LineOptions) -> Result<u8, Failure> {
    let line = read_good(options)?;
    let system = command.system;
    let name = match system {
        System::Github => "github",
        System::Gitlab => "gitlab",
        System::Buildkite => "buildkite",
    };
    let state = match options.state.clone() {
        Some(place) => State::Shared(place),
        None => State::Artefacts,
    };
    let mut written = format!("shipctl export {name}");
    if let State::Shared(place) = &state {
        written += &format!(" --state {}", shell_quoted(place));
    }
    let order = Order::of(&line.pipeline, &Selection { all: true, ..Selection::default() });
    if order.members.is_empty() {
        return Err(anyhow::anyhow!(nothing_to_run(&order)).into());
    }
    let context = Context {
        name: directory_name(&line.directory),
        command: written,
        options: place_of_line(&line.directory, options),
    };
    let exported = gather::line(&line.pipeline, &order, state, context);
    print(&system.write(&exported))?;
    tell(system, &exported, options);
    Ok(exit::SUCCESS)
}

/// Says on stderr what to set, and what does not carry over.
fn tell(system: System, line: &export::Line, options: &LineOptions) {
    let paint = paint(options.color, &io::stderr());
    let sources = crate::source::Sources::default();
    let warn = |message: String| eprint!("{}", Diagnostic::warning(message).render(&sources, paint));
    for note in &line.notes {
        warn(note.clone());
    }
    for job in &line.jobs {
        for note in job.notes.iter().chain(&system.notes(line, job)) {
            warn(format!("job `{}`: {note}", job.name));
        }
    }
    eprintln!("shipctl: it belongs into {}; to be set before it runs:", system.file());
    let width = line.settings.iter().map(|setting| setting.name.len()).max().unwrap_or_default();
    for setting in &line.settings {
        eprintln!("  {:width$}  {}", setting.name, Printable(&setting.purpose));
    }
}

fn directory_name(directory: &Path) -> String {
    let name = std::path::absolute(directory).ok();
    let name = name.as_deref().and_then(Path::file_name);
    name.map_or_else(|| "line".to_owned(), |name| name.to_string_lossy().into_owned())
}

/// What has shipctl find the line in a checkout of its repository.
fn place_of_line(directory: &Path, options: &LineOptions) -> String {
    let absolute = std::path::absolute(directory).unwrap_or_else(|_| directory.to_owned());
    let root = absolute.ancestors().find(|directory| directory.join(".git").exists());
    let below =
        root.and_then(|root| absolute.strip_prefix(root).ok()).filter(|below| !below.as_os_str().is_empty());
    let mut words =
        below.map_or_else(String::new, |below| format!(" -C {}", shell_quoted(&below.display().to_string())));
    for (option, files) in [("-f", &options.file), ("-i", &options.integrations)] {
        for file in files {
            words += &format!(" {option} {}", shell_quoted(&file.display().to_string()));
        }
    }
    words
}
