//! What the stages of a running job share.

use super::Session;
use crate::cli::Run;
use crate::run::Signals;
use crate::run::console::Console;

/// Runs jobs for which everything was fetched: see [`execute`](super::execute), and [`remote`](super::remote) for those that
/// run on another machine.
pub(crate) struct Executor<'e, 'c> {
    pub(crate) session: &'e Session,
    /// The options of the run.
    pub(crate) command: &'e Run,
    /// What interrupts a run.
    pub(crate) signals: &'e Signals,
    /// Where the log goes.
    pub(crate) console: &'e mut Console<'c>,
}
