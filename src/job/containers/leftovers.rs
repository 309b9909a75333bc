//! Containers that killed runs have left: found and removed by the next run.

use std::fs;
use std::io::{ErrorKind, Read as _};
use std::process::{Child, Command, Stdio};

use super::Containers;
use crate::container;
use crate::run;

/// Containers that are being looked for.
pub(crate) struct Leftovers<'a> {
    containers: &'a Containers,
    listing: Child,
}

impl Leftovers<'_> {
    /// Removes those whose run has ended: its directory for pipes is gone, which the next run sees to.
    pub(crate) fn remove(self) {
        let names = self.containers.of_ended_runs(&read_output(self.listing).unwrap_or_default());
        let removals: Vec<_> = names.iter().map(|name| self.containers.removal(name)).collect();
        run::remove_containers(&removals, &self.containers.environment);
    }
}

impl Containers {
    /// Starts to look for containers of runs that have ended. The engine does that in the background.
    pub(crate) fn look_for_leftovers(&self) -> Option<Leftovers<'_>> {
        let mut command = Command::new(&self.engine.program);
        command.args(self.engine.list());
        self.environment.give_to(&mut command);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        Some(Leftovers { containers: self, listing: command.spawn().ok()? })
    }

    /// Which of these containers belong to a run of this machine that has ended.
    fn of_ended_runs(&self, listed: &str) -> Vec<String> {
        let is_left = |label: &str| {
            container::pipes_of(label, &self.machine).is_some_and(|pipes| {
                fs::symlink_metadata(pipes).is_err_and(|error| error.kind() == ErrorKind::NotFound)
            })
        };
        let lines = listed.lines().filter_map(|line| line.split_once(' '));
        lines.filter(|(_, label)| is_left(label)).map(|(name, _)| name.to_owned()).collect()
    }
}

/// All that a process prints.
fn read_output(mut child: Child) -> Option<String> {
    let mut text = String::new();
    let read = child.stdout.take()?.read_to_string(&mut text);
    // Its end may have been collected elsewhere.
    let _ = child.wait();
    read.is_ok().then_some(text)
}
