//! All that a job starts, however far it has wandered: `setsid` and a double fork do not hide a process.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use nix::errno::Errno;
use nix::libc;
use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid, waitpid};
use nix::unistd::Pid;

use super::pipes::Readers;
use super::platform;
use crate::poll::end_of;

/// The processes below this one. While it lives, orphans among them become children of this process instead of init's.
pub(super) struct Tree {
    /// Children that were there before: `sleep 100 & exec shipctl …` leaves us one that is not ours to end.
    strangers: HashSet<Pid>,
    /// A child of our own that is no part of the job: what leads the session of its terminal.
    spared: Option<Pid>,
    /// The processes of engines that run containers, which are none of the job either.
    clients: HashSet<Pid>,
    was_subreaper: bool,
    /// The shell whose end is waited for, how it ended once it has, and what its process was called then.
    watched: Option<Pid>,
    watched_fd: Option<OwnedFd>,
    end: Option<(WaitStatus, Option<String>)>,
}

impl Tree {
    /// Begins to collect orphans.
    pub(super) fn new() -> nix::Result<Tree> {
        let was_subreaper = platform::collects_orphans()?;
        platform::collect_orphans(true)?;
        let mut tree = Tree {
            strangers: HashSet::new(),
            spared: None,
            clients: HashSet::new(),
            was_subreaper,
            watched: None,
            watched_fd: None,
            end: None,
        };
        if tree.has_children() {
            tree.strangers = tree.members().into_iter().map(|member| member.pid).collect();
        }
        Ok(tree)
    }

    /// Leaves out this child, and not the one before any more.
    pub(super) fn spare(&mut self, pid: Pid) {
        self.spared = Some(pid);
    }

    /// Leaves out the process of an engine.
    pub(super) fn add_client(&mut self, pid: Pid) {
        self.clients.insert(pid);
    }

    /// Whether orphans become children of this process: not while a container runs, as what looks after it is an orphan
    /// that is none of the job.
    pub(super) fn collect_orphans(&self, collect: bool) {
        let _ = platform::collect_orphans(collect);
    }

    /// Whether there is any child at all, ended or not: the cheap question before the dear one.
    pub(super) fn has_children(&self) -> bool {
        let peek = WaitPidFlag::WEXITED | WaitPidFlag::WNOHANG | WaitPidFlag::WNOWAIT;
        waitid(Id::All, peek) != Err(Errno::ECHILD)
    }

    /// Waits for the end of this child from now on, whatever reaps it.
    pub(super) fn watch(&mut self, pid: Pid) {
        (self.watched, self.watched_fd, self.end) = (Some(pid), end_of(pid), None);
    }

    /// What can be read once the watched child has ended.
    pub(super) fn watched_fd(&self) -> Option<BorrowedFd<'_>> {
        self.watched_fd.as_ref().map(AsFd::as_fd)
    }

    /// How the watched child has ended, if it has.
    pub(super) fn watched_end(&mut self) -> Option<WaitStatus> {
        self.reap();
        self.end.as_ref().map(|(status, _)| *status)
    }

    /// What the program of the watched child was called when it ended.
    pub(super) fn program_at_end(&self) -> Option<&str> {
        self.end.as_ref().and_then(|(_, name)| name.as_deref())
    }

    /// Reaps the children that have ended.
    pub(super) fn reap(&mut self) {
        let peek = WaitPidFlag::WEXITED | WaitPidFlag::WNOHANG | WaitPidFlag::WNOWAIT;
        while let Ok(status) = waitid(Id::All, peek) {
            let Some(pid) = status.pid() else { return };
            let name = (Some(pid) == self.watched).then(|| fs::read_to_string(format!("/proc/{pid}/comm")));
            if waitpid(pid, Some(WaitPidFlag::WNOHANG)).is_err() {
                return;
            }
            self.clients.remove(&pid);
            if let Some(name) = name {
                self.end = Some((status, name.ok().map(|name| name.trim_end().to_owned())));
                (self.watched, self.watched_fd) = (None, None);
            }
        }
    }

    /// Every living process below this one that is the job's.
    pub(super) fn members(&self) -> Vec<Member> {
        let mut children: HashMap<Pid, Vec<Found>> = HashMap::new();
        for found in fs::read_dir("/proc").into_iter().flatten().flatten().filter_map(|entry| {
            let pid = entry.file_name().to_str()?.parse().ok()?;
            Found::parse(Pid::from_raw(pid), &fs::read(entry.path().join("stat")).ok()?)
        }) {
            children.entry(found.parent).or_default().push(found);
        }
        let mut members = Vec::new();
        let mut open = vec![Pid::this()];
        while let Some(parent) = open.pop() {
            for found in children.remove(&parent).into_iter().flatten() {
                if !self.is_left_out(found.member.pid) {
                    open.push(found.member.pid);
                    if found.alive {
                        members.push(found.member);
                    }
                }
            }
        }
        members
    }

    fn is_left_out(&self, pid: Pid) -> bool {
        self.strangers.contains(&pid) || self.spared == Some(pid) || self.clients.contains(&pid)
    }

    /// The members that read from a pipe without a name.
    pub(super) fn readers(&self) -> Readers {
        Readers::among(self.members().into_iter().map(|member| member.pid))
    }

    /// Tells every member to end that is not among those that were told yet, or kills them all. With `spare_readers`, those
    /// that read what another one writes are left alone: they come to an end by themselves.
    pub(super) fn terminate(&self, told: &mut HashSet<Member>, kill: bool, spare_readers: bool) {
        let readers = if spare_readers { self.readers() } else { Readers::default() };
        for member in self.members() {
            if readers.fed.contains(&member.pid) || readers.finishing.contains(&member.pid) {
                continue;
            }
            if kill {
                platform::kill(member.pid, libc::SIGKILL);
            } else if told.insert(member) {
                platform::kill(member.pid, libc::SIGTERM);
                // One that is stopped must be woken to hear it.
                platform::kill(member.pid, libc::SIGCONT);
            }
        }
    }

    /// Sends a signal to every member.
    pub(super) fn signal(&self, signal: i32) {
        for member in self.members() {
            platform::kill(member.pid, signal);
        }
    }
}

impl Drop for Tree {
    fn drop(&mut self) {
        let _ = platform::collect_orphans(self.was_subreaper);
    }
}

/// A process of the job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Member {
    pub(super) pid: Pid,
    /// Where its stack begins, which is elsewhere with each program that it executes (0 if that is not for us to know).
    /// A signal that comes between `fork` and `exec` is lost on the program: this tells that it was another one.
    image: u64,
}

/// What `/proc/<pid>/stat` says of a process.
#[derive(Debug, PartialEq, Eq)]
struct Found {
    member: Member,
    parent: Pid,
    /// Whether it has not ended yet.
    alive: bool,
}

impl Found {
    /// Reads the file (proc(5)). The second field is the name in parentheses and may hold anything, so what counts
    /// begins after the last `)`: the state, the parent, and 24 fields later the beginning of the stack.
    fn parse(pid: Pid, stat: &[u8]) -> Option<Found> {
        let rest = &stat[memchr::memrchr(b')', stat)? + 1..];
        let mut fields = std::str::from_utf8(rest).ok()?.split_ascii_whitespace();
        let alive = !matches!(fields.next()?, "Z" | "X" | "x");
        let parent = Pid::from_raw(fields.next()?.parse().ok()?);
        let image = fields.nth(23).and_then(|field| field.parse().ok()).unwrap_or(0);
        Some(Found { member: Member { pid, image }, parent, alive })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_may_have_any_name() {
        let pid = Pid::from_raw(12);
        let found = Found::parse(pid, b"12 (a) Z 3 (b)) S 7 12 12 0").unwrap();
        assert_eq!((found.parent, found.alive), (Pid::from_raw(7), true));
        assert!(!Found::parse(pid, b"12 (x) Z 7 12 12 0").unwrap().alive);
        assert_eq!(Found::parse(pid, b"12"), None);
    }

    #[test]
    fn the_image_is_where_the_stack_begins() {
        let stat = fs::read("/proc/self/stat").unwrap();
        let image = Found::parse(Pid::this(), &stat).unwrap().member.image;
        let maps = fs::read_to_string("/proc/self/maps").unwrap();
        let stack = maps.lines().find(|line| line.ends_with("[stack]")).unwrap();
        let (start, end) = stack.split(' ').next().unwrap().split_once('-').unwrap();
        let address = |text| u64::from_str_radix(text, 16).unwrap();
        assert!((address(start)..address(end)).contains(&image));
    }
}
