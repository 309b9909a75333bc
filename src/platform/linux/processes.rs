//! The processes of this machine, from `/proc`.

use std::fs;
use std::os::fd::OwnedFd;

use nix::unistd::Pid;
use rustix::process::{PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

use crate::platform::Process;

/// What can be read once this child has ended, whatever took the signal that tells of it. `None` on a kernel without
/// (before Linux 5.3): there the signal is all there is.
pub fn end_of(pid: Pid) -> Option<OwnedFd> {
    pidfd_open(rustix::process::Pid::from_raw(pid.as_raw())?, PidfdFlags::empty()).ok()
}

/// All processes.
pub fn processes() -> Vec<Process> {
    let numbered = numbers();
    numbered.filter_map(|pid| parse(pid, &fs::read(format!("/proc/{pid}/stat")).ok()?)).collect()
}

/// The numbers of all processes.
pub(super) fn numbers() -> impl Iterator<Item = Pid> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).map(Pid::from_raw)
}

/// What the program of a process is called, which may have ended.
pub fn program_of(pid: Pid) -> Option<String> {
    Some(fs::read_to_string(format!("/proc/{pid}/comm")).ok()?.trim_end().to_owned())
}

/// Orphans are collected, so their session does not count.
pub fn session_of(_pid: Pid) -> Option<Pid> {
    None
}

/// Reads `/proc/<pid>/stat` (proc(5)). The second field is the name in parentheses and may hold anything, so what counts
/// begins after the last `)`: the state, the parent, and 24 fields later the beginning of the stack, which is elsewhere with
/// each program (0 if that is not for us to know).
fn parse(pid: Pid, stat: &[u8]) -> Option<Process> {
    let rest = &stat[memchr::memrchr(b')', stat)? + 1..];
    let mut fields = std::str::from_utf8(rest).ok()?.split_ascii_whitespace();
    let is_alive = !matches!(fields.next()?, "Z" | "X" | "x");
    let parent = Pid::from_raw(fields.next()?.parse().ok()?);
    let image = fields.nth(23).and_then(|field| field.parse().ok()).unwrap_or(0);
    Some(Process { pid, parent, image, session: None, is_alive })
}

/// A process that a signal reaches, or none if it has ended: never another one that has its number now.
pub struct Handle {
    /// Its number.
    pub pid: Pid,
    process: OwnedFd,
}

impl Handle {
    /// Tells it to end; one that is stopped is woken to hear it.
    pub fn terminate(&self) {
        self.send(Signal::TERM);
    }

    /// Kills it.
    pub fn kill(&self) {
        self.send(Signal::KILL);
    }

    fn send(&self, signal: Signal) {
        let _ = pidfd_send_signal(&self.process, signal);
        let _ = pidfd_send_signal(&self.process, Signal::CONT);
    }
}

/// The living processes but this one that have a variable, `NAME=value`, in their environment.
pub fn having_variable(variable: &[u8]) -> Vec<Handle> {
    let others = numbers().filter(|pid| *pid != Pid::this());
    others
        .filter_map(|pid| {
            // First the handle, then the look: the number may be another's by then.
            let process = end_of(pid)?;
            let environment = fs::read(format!("/proc/{pid}/environ")).ok()?;
            let has = environment.split(|&byte| byte == 0).any(|entry| entry == variable);
            has.then_some(Handle { pid, process })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_may_have_any_name() {
        let pid = Pid::from_raw(12);
        let found = parse(pid, b"12 (a) Z 3 (b)) S 7 12 12 0").unwrap();
        assert_eq!((found.parent, found.is_alive), (Pid::from_raw(7), true));
        assert!(!parse(pid, b"12 (x) Z 7 12 12 0").unwrap().is_alive);
        assert_eq!(parse(pid, b"12"), None);
    }

    #[test]
    fn the_image_is_where_the_stack_begins() {
        let stat = fs::read("/proc/self/stat").unwrap();
        let image = parse(Pid::this(), &stat).unwrap().image;
        let maps = fs::read_to_string("/proc/self/maps").unwrap();
        let stack = maps.lines().find(|line| line.ends_with("[stack]")).unwrap();
        let (start, end) = stack.split(' ').next().unwrap().split_once('-').unwrap();
        let address = |text| u64::from_str_radix(text, 16).unwrap();
        assert!((address(start)..address(end)).contains(&image));
    }
}
