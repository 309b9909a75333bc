//! Containers that killed runs have left: found and removed by the next run.

use std::ffi::OsStr;
use std::fs;
use std::io::{ErrorKind, Read as _};
use std::process::{Child, Command, Stdio};

use super::Containers;
use crate::container;

/// How often containers are removed that are still there.
const REMOVALS: usize = 5;

/// Containers that are being looked for.
pub(crate) struct Leftovers<'a> {
    containers: &'a Containers,
    listing: Child,
}

impl Leftovers<'_> {
    /// Removes those whose run has ended: its directory for pipes is gone, which the next run sees to.
    ///
    /// Podman ends with 0 without having removed a container when one that uses its network is being removed by another process.
    pub(crate) fn remove(self) {
        let containers = self.containers;
        let mut listing = Some(self.listing);
        for _ in 0..REMOVALS {
            let listed = listing.take().or_else(|| containers.start_listing()).and_then(read_output);
            let names = containers.of_ended_runs(&listed.unwrap_or_default());
            if names.is_empty() {
                return;
            }
            let removal = containers.engine.remove(names.iter().map(String::as_str));
            let _ = containers.background(&removal[1..]).status();
        }
    }
}

impl Containers {
    /// Starts to look for containers of runs that have ended. The engine does that in the background.
    pub(crate) fn look_for_leftovers(&self) -> Option<Leftovers<'_>> {
        Some(Leftovers { containers: self, listing: self.start_listing()? })
    }

    fn start_listing(&self) -> Option<Child> {
        self.background(&self.engine.list()).stdout(Stdio::piped()).spawn().ok()
    }

    /// The engine with these words, which says nothing on the screen.
    fn background(&self, words: &[impl AsRef<OsStr>]) -> Command {
        let mut command = Command::new(&self.engine.program);
        command.args(words).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        self.environment.give_to(&mut command);
        command
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
