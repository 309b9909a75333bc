//! `shipctl reset`: all versions and runs are forgotten.

use std::io::{self, IsTerminal as _, Write as _};

use anyhow::anyhow;

use crate::cli::{LineOptions, Reset};
use crate::exit;
use crate::load::line_of_state;
use crate::output::{Failure, print};
use crate::state;

/// Runs the command. It asks before, on a terminal; elsewhere it wants `--yes`.
///
/// # Errors
///
/// When the user has not agreed to it, and when the state cannot be written.
pub fn run(command: &Reset, options: &LineOptions) -> Result<u8, Failure> {
    let line = line_of_state(options)?;
    if let Some(shared) = &line.state {
        let message =
            format!("{shared} is not reset: other machines may use it; remove what is in it, if none does");
        return Err(anyhow!(message).into());
    }
    let directory = line.directory;
    let at = directory.join(state::DIRECTORY);
    if at.exists() && !command.yes {
        if !io::stdin().is_terminal() {
            let message = "error: this forgets all versions and runs of the line, and there is no terminal to ask on: add --yes\n";
            return Err(Failure { status: exit::USAGE, message: message.to_owned() });
        }
        eprint!("Forget all versions and runs in {}? [y/N] ", at.display());
        io::stderr().flush()?;
        let mut answer = String::new();
        io::stdin().read_line(&mut answer)?;
        if !matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes") {
            let message = "shipctl: nothing was changed\n".to_owned();
            return Err(Failure { status: exit::USAGE, message });
        }
    }
    let reset = state::reset(&directory)?;
    state::logs::retain(&directory, &[]);
    print(&match reset {
        state::Reset::Nothing => "nothing is stored\n".to_owned(),
        state::Reset::Emptied => "all versions and runs are forgotten\n".to_owned(),
        state::Reset::SetAside(aside) => {
            format!("what was stored could not be read, and is now {}\n", aside.display())
        }
    })?;
    Ok(exit::SUCCESS)
}
