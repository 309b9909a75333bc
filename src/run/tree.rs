//! All that a job starts, however far it has wandered: `setsid` and a double fork do not hide a process.

use std::collections::{HashMap, HashSet};
use std::fs;

use nix::errno::Errno;
use nix::sys::prctl;
use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid, waitpid};
use nix::unistd::Pid;

use super::platform;

/// The processes below this one. While it lives, orphans among them become children of this process instead of init's.
pub(super) struct Tree {
    /// Children that were there before: `sleep 100 & exec shipctl …` leaves us one that is not ours to end.
    strangers: HashSet<Pid>,
    was_subreaper: bool,
}

impl Tree {
    /// Begins to collect orphans.
    pub(super) fn new() -> nix::Result<Tree> {
        let was_subreaper = prctl::get_child_subreaper()?;
        prctl::set_child_subreaper(true)?;
        let mut tree = Tree { strangers: HashSet::new(), was_subreaper };
        if tree.has_children() {
            tree.strangers = tree.members().into_iter().collect();
        }
        Ok(tree)
    }

    /// Whether there is any child at all, ended or not: the cheap question before the dear one.
    pub(super) fn has_children(&self) -> bool {
        let peek = WaitPidFlag::WEXITED | WaitPidFlag::WNOHANG | WaitPidFlag::WNOWAIT;
        waitid(Id::All, peek) != Err(Errno::ECHILD)
    }

    /// Takes leave of children that have ended, and says how `awaited` did if it is one of them.
    pub(super) fn reap(&self, awaited: Option<Pid>) -> Option<WaitStatus> {
        let mut found = None;
        loop {
            match waitpid(None, Some(WaitPidFlag::WNOHANG)) {
                Ok(WaitStatus::StillAlive) | Err(_) => return found,
                Ok(status) => {
                    if status.pid() == awaited {
                        found = Some(status);
                    }
                }
            }
        }
    }

    /// Every living process below this one that is the job's.
    pub(super) fn members(&self) -> Vec<Pid> {
        let mut children: HashMap<Pid, Vec<(Pid, bool)>> = HashMap::new();
        for (pid, parent, alive) in
            fs::read_dir("/proc").into_iter().flatten().flatten().filter_map(|entry| {
                let pid = entry.file_name().to_str()?.parse().ok()?;
                let (parent, alive) = parent_of(&fs::read(entry.path().join("stat")).ok()?)?;
                Some((Pid::from_raw(pid), parent, alive))
            })
        {
            children.entry(parent).or_default().push((pid, alive));
        }
        let mut members = Vec::new();
        let mut open = vec![Pid::this()];
        while let Some(parent) = open.pop() {
            for (pid, alive) in children.remove(&parent).into_iter().flatten() {
                if !self.strangers.contains(&pid) {
                    open.push(pid);
                    if alive {
                        members.push(pid);
                    }
                }
            }
        }
        members
    }

    /// Sends a signal to every member.
    pub(super) fn signal(&self, signal: i32) {
        for pid in self.members() {
            platform::kill(pid, signal);
        }
    }
}

impl Drop for Tree {
    fn drop(&mut self) {
        let _ = prctl::set_child_subreaper(self.was_subreaper);
    }
}

/// The parent in a `/proc/<pid>/stat`, and whether the process has not ended yet. The second field is the name in
/// parentheses and may hold anything, so what counts begins after the last `)`.
fn parent_of(stat: &[u8]) -> Option<(Pid, bool)> {
    let rest = &stat[memchr::memrchr(b')', stat)? + 1..];
    let mut fields = std::str::from_utf8(rest).ok()?.split_ascii_whitespace();
    let state = fields.next()?;
    let parent = fields.next()?.parse().ok()?;
    Some((Pid::from_raw(parent), !matches!(state, "Z" | "X" | "x")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_may_have_any_name() {
        assert_eq!(parent_of(b"12 (a) Z 3 (b)) S 7 12 12 0"), Some((Pid::from_raw(7), true)));
        assert_eq!(parent_of(b"12 (x) Z 7 12 12 0"), Some((Pid::from_raw(7), false)));
        assert_eq!(parent_of(b"12"), None);
    }
}
