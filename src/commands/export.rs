//! `shipctl export`: the line as the pipeline of another system.

use std::io;
use std::path::Path;

use crate::cli::{Export, LineOptions};
use crate::contract::shell_quoted;
use crate::diagnostic::Diagnostic;
use crate::exit;
use crate::export::gather::{self, ExportOptions};
use crate::export::standalone::{self, Target};
use crate::export::{self, Setting, StateLocation, System};
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
    if command.standalone {
        return standalone(system, name, options);
    }
    let state = match options.state.clone() {
        Some(place) => StateLocation::Shared(place),
        None => StateLocation::Artefacts,
    };
    let mut written = format!("shipctl export {name}");
    if let StateLocation::Shared(place) = &state {
        written += &format!(" --state {}", shell_quoted(place));
    }
    let order = Order::of(&line.pipeline, &Selection { all: true, ..Selection::default() });
    if order.members.is_empty() {
        return Err(anyhow::anyhow!(nothing_to_run(&order)).into());
    }
    let context = ExportOptions {
        name: directory_name(&line.directory),
        command: written,
        options: place_of_line(&line.directory, options),
    };
    let exported = gather::line(&line.pipeline, &order, state, context);
    print(&system.write(&exported))?;
    tell(system, &exported, options);
    Ok(exit::SUCCESS)
}

/// The line as a pipeline that needs no shipctl.
fn standalone(system: System, name: &str, options: &LineOptions) -> Result<u8, Failure> {
    let target = match system {
        System::Github => Target::Github,
        System::Gitlab => Target::Gitlab,
        System::Buildkite => {
            return Err(anyhow::anyhow!(
                "--standalone writes pipelines of GitHub and GitLab: leave it out, or export to one of these"
            )
            .into());
        }
    };
    let line = read_good(options)?;
    let order = Order::of(&line.pipeline, &Selection { all: true, ..Selection::default() });
    let context = ExportOptions {
        name: directory_name(&line.directory),
        command: format!("shipctl export {name} --standalone"),
        options: String::new(),
    };
    let turned = standalone::read(&line.pipeline, &order, context);
    let paint = paint(options.color, &io::stderr());
    for gap in &turned.gaps {
        let what =
            gap.job.as_ref().map_or_else(|| gap.what.clone(), |job| format!("job `{job}`: {}", gap.what));
        eprint!("{}", Diagnostic::warning(what).at(gap.place).render(&line.sources, paint));
    }
    if turned.is_empty() {
        return Err(anyhow::anyhow!(
            "no job of the line can be turned: leave out --standalone, which has shipctl run them there"
        )
        .into());
    }
    print(&turned.write(target))?;
    eprintln!("shipctl: turned {}", turned.share());
    to_set(system, &turned.settings);
    Ok(exit::SUCCESS)
}

/// Says on stderr what to set, and what does not carry over.
fn tell(system: System, line: &export::ExportedLine, options: &LineOptions) {
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
    to_set(system, &line.settings);
}

/// Says where the pipeline belongs, and what is to be set.
fn to_set(system: System, settings: &[Setting]) {
    let end = if settings.is_empty() { "" } else { "; to be set before it runs:" };
    eprintln!("shipctl: it belongs into {}{end}", system.file());
    let width = settings.iter().map(|setting| setting.name.len()).max().unwrap_or_default();
    for setting in settings {
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
