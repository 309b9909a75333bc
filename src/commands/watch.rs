//! `shipctl run --watch`: runs again when files of the line change.

use crate::cli::{LineOptions, Run};
use crate::exit;
use crate::load::Watched;
use crate::output::Failure;

/// Runs the command each time that something changes, until a signal ends it.
///
/// # Errors
///
/// When there is no line to watch.
pub(super) fn run(
    command: &Run,
    options: &LineOptions,
    once: impl Fn() -> Result<u8, Failure>,
) -> Result<u8, Failure> {
    loop {
        let watched = Watched::new(command, options)?;
        // What changes while it runs counts.
        let before = watched.files();
        let status = match once() {
            Err(failure) if watched.has_no_places() => return Err(failure),
            Err(failure) => {
                eprint!("{failure}");
                failure.status
            }
            Ok(status) => status,
        };
        if [exit::of_signal(nix::libc::SIGINT), exit::of_signal(nix::libc::SIGTERM)].contains(&status) {
            return Ok(status);
        }
        eprintln!("shipctl: waiting for a file to change; Ctrl-C ends");
        eprintln!("shipctl: {}; running again", watched.change(&before));
    }
}
