//! `shipctl export`: the line as the pipeline of another system.

mod standalone;
mod tell;

use crate::cli::{Export, LineOptions};
use crate::contract::shell_quoted;
use crate::exit;
use crate::export::gather::{self, ExportOptions};
use crate::export::{StateLocation, System, directory_name, place_of_line};
use crate::line::nothing_to_run;
use crate::load::read_good;
use crate::order::{Order, Selection};
use crate::output::{Failure, print};
use standalone::standalone;
use tell::tell;

/// Runs the command.
///
/// # Errors
///
/// On errors in the YAML, and when the line has no job that can be run.
pub fn run(command: &Export, options: &LineOptions) -> Result<u8, Failure> {
    let system = command.system;
    let name = match system {
        System::Github => "github",
        System::Gitlab => "gitlab",
        System::Buildkite => "buildkite",
    };
    if command.standalone {
        return standalone(system, name, options);
    }
    let line = read_good(options)?;
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
        options: place_of_line(&line.directory, &options.file, &options.integrations),
    };
    let exported = gather::line(&line.pipeline, &order, state, context);
    print(&system.write(&exported))?;
    tell(system, &exported, options);
    Ok(exit::SUCCESS)
}
