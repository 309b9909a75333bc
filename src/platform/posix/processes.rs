//! The processes of this machine, as `ps` shows them.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::os::fd::{BorrowedFd, OwnedFd};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicI32, Ordering};

use nix::unistd::{Pid, getsid};

use crate::platform::Process;

/// It is where it always is: the `PATH` may lead elsewhere.
const PS: &str = "/bin/ps";

/// The last `ps` that was started.
static LAST_PS: AtomicI32 = AtomicI32::new(0);

/// Whether a child was started only to look at processes: its end means nothing.
pub(super) fn is_ps(pid: Pid) -> bool {
    LAST_PS.load(Ordering::Relaxed) == pid.as_raw()
}

/// Nothing but SIGCHLD tells of the end of a child.
pub fn end_of(_pid: Pid) -> Option<OwnedFd> {
    None
}

/// All processes.
pub fn processes() -> Vec<Process> {
    let Some((ps, lines)) = ps(&["-A", "-o", "pid=,ppid=,stat=,args="]) else { return Vec::new() };
    let all = lines.lines().filter_map(parse);
    all.filter(|process| process.pid != ps)
        .map(|process| Process { session: session_of(process.pid), ..process })
        .collect()
}

/// The session that a process is in.
pub fn session_of(pid: Pid) -> Option<Pid> {
    getsid(Some(pid)).ok()
}

/// What the program of a process is called, which may have ended: then its name comes in parentheses, or with a word in brackets.
pub fn program_of(pid: Pid) -> Option<String> {
    let (_, line) = ps(&["-p", &pid.to_string(), "-o", "comm="])?;
    let name = line.split_once(" <").map_or(line.as_str(), |(name, _)| name).trim();
    let name = name.trim_start_matches('(').trim_end_matches(')');
    Some(name.rsplit('/').next().unwrap_or(name).to_owned())
}

/// What `ps` prints, and its own number.
fn ps(arguments: &[&str]) -> Option<(Pid, String)> {
    let mut command = Command::new(PS);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    // No secret is in its environment, and keys of the terminal are not for it.
    std::os::unix::process::CommandExt::process_group(command.env_clear(), 0);
    let child = command.spawn().ok()?;
    let pid = Pid::from_raw(child.id() as i32);
    LAST_PS.store(pid.as_raw(), Ordering::Relaxed);
    let output = child.wait_with_output().ok()?;
    Some((pid, String::from_utf8_lossy(&output.stdout).into_owned()))
}

/// Reads a line of numbers and a state, followed by the command line of the process: that is another one with each program.
fn parse(line: &str) -> Option<Process> {
    let mut words = line.split_ascii_whitespace();
    let mut number = || Some(Pid::from_raw(words.next()?.parse().ok()?));
    let (pid, parent) = (number()?, number()?);
    let is_alive = !words.next()?.starts_with(['Z', 'X']);
    let mut image = DefaultHasher::new();
    words.for_each(|word| word.hash(&mut image));
    Some(Process { pid, parent, image: image.finish(), session: None, is_alive })
}

/// The processes that read from a pipe without a name: who does is not known.
#[derive(Debug, Default)]
pub struct Readers {
    /// Those of a pipe that no process writes to any more.
    pub finishing: HashSet<Pid>,
    /// Those of a pipe that another process can write to.
    pub fed: HashSet<Pid>,
}

impl Readers {
    /// None are known.
    pub fn among(_pids: impl IntoIterator<Item = Pid>) -> Readers {
        Readers::default()
    }
}

/// Whether a process that can write to one of these files of ours is about to come to its end by itself is not known.
pub fn has_finishing_writer(_files: &[BorrowedFd]) -> bool {
    false
}

/// A process that a signal reaches.
pub struct Handle {
    /// Its number.
    pub pid: Pid,
}

impl Handle {
    /// Tells it to end.
    pub fn terminate(&self) {
        crate::platform::kill(self.pid, nix::libc::SIGTERM);
    }

    /// Kills it.
    pub fn kill(&self) {
        crate::platform::kill(self.pid, nix::libc::SIGKILL);
    }
}

/// The environment of other processes is not to be seen.
pub fn having_variable(_variable: &[u8]) -> Vec<Handle> {
    Vec::new()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_is_among_all() {
        let all = processes();
        let this = all.iter().find(|process| process.pid == Pid::this()).unwrap();
        assert_eq!((this.parent, this.is_alive), (nix::unistd::getppid(), true));
        assert_eq!(this.session, session_of(Pid::this()));
    }

    #[test]
    fn a_line_of_ps_is_read() {
        let found = parse("  12     7 Zs   (bash) <defunct>").unwrap();
        assert_eq!((found.pid, found.parent), (Pid::from_raw(12), Pid::from_raw(7)));
        assert!(!found.is_alive);
        assert_eq!(parse("PID PPID"), None);
    }
}
