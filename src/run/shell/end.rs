//! The end of a shell: what is said of what it was doing.

use std::io;

use super::{At, Shell};
use crate::exit;
use crate::run::driver;
use crate::run::event::Event;
use crate::run::{Error, Outcome};

impl Shell<'_, '_, '_> {
    /// The shell has ended for good: what it left behind goes too, and if it had something to do, this was its end.
    pub(super) fn ended(mut self, mut outcome: Outcome) -> Result<(), Error> {
        let cut = self.event_loop.cut;
        if outcome == Outcome::Success && cut.is_none() && !self.may_end_by_itself() {
            let message = format!(
                "bash ended before the last entry of {} reported",
                self.part.name(&self.event_loop.job)
            );
            self.event_loop.console.event(&Event::Notice { message: &message });
            outcome = Outcome::Failed(exit::NOT_REPORTED);
        }
        self.event_loop.sweep(Some(&mut self.pipes))?;
        if let At::Entry(entry) = self.at {
            self.report_entry(entry, outcome.status());
        }
        match (self.at, cut) {
            (At::Start, None) => {
                if outcome == Outcome::Failed(driver::TOO_OLD) {
                    let why = "the bash that is first in the PATH of the task is older than 4, or another shell: have a newer one in front of it (on macOS, /bin/bash is 3.2: `brew install bash`, then `export PATH=\"$(brew --prefix)/bin:$PATH\"`)";
                    return Err(Error::System("run the script".to_owned(), io::Error::other(why)));
                }
                let why = io::Error::other(format!("bash {} before the first line", outcome.describe()));
                return Err(Error::System("lead bash through the script".to_owned(), why));
            }
            // What ended it was not known when it left.
            (At::Done, None) if matches!(outcome, Outcome::Signalled(_)) => {
                if let Some(part) = self.left {
                    self.event_loop.flow.ended(part, outcome);
                    let name = part.name(&self.event_loop.job);
                    if let Some(step) = self.event_loop.steps.iter_mut().rfind(|step| step.name == name) {
                        step.outcome = Some(outcome);
                    }
                }
            }
            // The shell of the next section would not begin either.
            (At::Start, Some(_)) if self.event_loop.interrupted => self.event_loop.abandoned = true,
            (At::Start | At::Done, _) => {}
            (_, Some(cut)) => self.report_part(cut),
            (_, None) => {
                self.end_part(outcome);
            }
        }
        Ok(())
    }

    /// Whether a process that ended with status 0 and reported nothing may have done so on purpose: it became another
    /// program, or an EXIT trap of the script's own has taken the place of ours until it exited. Either may be in a file that
    /// the script reads.
    fn may_end_by_itself(&self) -> bool {
        let At::Entry(entry) = self.at else { return true };
        if self.leaves {
            return true;
        }
        let script = &self.part.entries(&self.event_loop.job)[entry - 1];
        let has =
            |word: &str| script.split(|c: char| !c.is_ascii_alphanumeric() && c != '.').any(|w| w == word);
        has("trap") && has("exit")
            || ["source", ".", "eval"].into_iter().any(has)
            || executes_program(script)
            || self.event_loop.program_at_end().is_some_and(|name| name != "bash")
    }
}

/// Whether a script has an `exec` that is followed by more than redirections.
fn executes_program(script: &str) -> bool {
    script.match_indices("exec").any(|(at, word)| {
        let rest = script[at + word.len()..].trim_start_matches([' ', '\t']);
        !rest.is_empty() && !rest.starts_with(|c: char| c.is_ascii_digit() || "<>&|;{\n".contains(c))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exec_of_redirections_executes_nothing() {
        for (script, expected) in [
            ("exec > >(sed s/a/b/)", false),
            ("exec 2>&1", false),
            ("exec {fd}> file; exec", false),
            ("exec true", true),
            ("exec 3< f; exec -a name ./prog", true),
            ("exec \"$program\"", true),
        ] {
            assert_eq!(executes_program(script), expected, "{script}");
        }
    }
}
