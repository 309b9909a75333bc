//! The notifications of a job without scripts.

use std::process::Command;

use super::Log;
use crate::environment::Environment;
use crate::job::{Ready, Session};
use crate::resolve::Plan;
use crate::run::{self, Captured, Signals};

/// Whether the job has any.
pub(super) fn is_wanted(plan: &Plan) -> bool {
    let sections = &plan.job.sections;
    [&sections.on_start, &sections.on_success, &sections.on_failure, &sections.on_cancel, &sections.always]
        .iter()
        .any(|entries| !entries.is_empty())
}

/// Sends those of a section. One that cannot be sent changes nothing.
pub(super) fn send(session: &Session, ready: &Ready, entries: &[String], signals: &Signals, log: &mut Log) {
    let Ok(variables) = session.process_environment(&ready.environment, &Environment::default()) else {
        return;
    };
    for entry in entries {
        log.line(&format!("$ {entry}"));
        let mut command = Command::new("bash");
        command.args(["-c", entry]);
        match run::capture(&command, &variables, signals) {
            Ok(Captured::Ended(output)) => {
                let said = [output.stdout, output.stderr].concat();
                String::from_utf8_lossy(&said).lines().for_each(|line| log.line(line));
            }
            Ok(Captured::Stopped(_)) => log.line("not sent: told to end"),
            Err(error) => log.line(&format!("not sent: {error}")),
        }
    }
}
