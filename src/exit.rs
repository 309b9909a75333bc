//! Every exit status of `shipctl`, named.
//!
//! A status that is not listed here is the failing script's or command's own.

/// All went well.
pub const SUCCESS: u8 = 0;
/// `check` found errors.
pub const ERRORS_FOUND: u8 = 1;
/// `integration remove` refused: something uses the integration.
pub const IN_USE: u8 = 1;
/// `scan` found secrets.
pub const SECRETS_FOUND: u8 = 1;
/// `doctor` found something to do.
pub const FINDINGS: u8 = 1;
/// `policy --check` found an action that is not allowed.
pub const DENIED: u8 = 1;
/// All scripts of a job succeeded, but what they left for the next run could not be stored, or must not be.
pub const NOT_STORED: u8 = 1;
/// bash ended with status 0 before the last entry of a script had reported its end.
pub const NOT_REPORTED: u8 = 1;
/// `scan` found nothing, but some secrets could not be looked for.
pub const NOT_ALL_LOOKED_FOR: u8 = 3;
/// A command was used wrongly: an unknown flag, a missing argument.
pub const USAGE: u8 = 2;
/// A utility function (`shipctl get_…`) failed; the original's only error status.
pub const FUNCTION_FAILED: u8 = 99;
/// The job ran longer than `--timeout` or `timeoutMinutes` allows.
pub const TIMED_OUT: u8 = 124;
/// `shipctl` failed before any user code ran: bad YAML, an unknown job, an unreadable secret.
pub const SHIPCTL_FAILED: u8 = 125;
/// The command of `exec` exists but cannot be executed.
pub const NOT_EXECUTABLE: u8 = 126;
/// The command of `exec` was not found.
pub const NOT_FOUND: u8 = 127;

/// The status of something that signal `signal` ended: 128 + N, as shells have it.
pub fn of_signal(signal: i32) -> u8 {
    u8::try_from(128 + signal).unwrap_or(u8::MAX)
}
