//! The end of one child, as something to wait for.

use std::os::fd::OwnedFd;

use nix::unistd::Pid;
use rustix::process::{PidfdFlags, pidfd_open};

/// What can be read once this child has ended, whatever took the signal that tells of it. `None` on a kernel without
/// (before Linux 5.3): there the signal is all there is.
pub(super) fn end_of(pid: Pid) -> Option<OwnedFd> {
    pidfd_open(rustix::process::Pid::from_raw(pid.as_raw())?, PidfdFlags::empty()).ok()
}
