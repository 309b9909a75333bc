//! All that a job starts, however far it has wandered: `setsid` and a double fork do not hide a process.

use std::collections::{HashMap, HashSet};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use nix::errno::Errno;
use nix::libc;
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;

use crate::platform::{self, Process, Readers, end_of};

/// The processes below this one. While it lives, orphans among them become children of this process instead of init's.
pub(super) struct Tree {
    /// Children that were there before: `sleep 100 & exec shipctl …` leaves us one that is not ours to end.
    strangers: HashSet<Pid>,
    /// A child of our own that is no part of the job: what leads the session of its terminal.
    spared: Option<Pid>,
    /// The session of the shell, where orphans are not collected.
    session: Option<Pid>,
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
            session: None,
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
    pub(super) fn spare(&mut self, pid: Option<Pid>) {
        self.spared = pid;
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
        // Without a look at all processes it is not known whether there are orphans, where they are not collected.
        platform::ended_child(None) != Err(Errno::ECHILD) || self.session.is_some()
    }

    /// Waits for the end of this child from now on, whatever reaps it.
    pub(super) fn watch(&mut self, pid: Pid) {
        (self.watched, self.watched_fd, self.end) = (Some(pid), end_of(pid), None);
        self.session = platform::session_of(pid);
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
        while let Ok(Some(pid)) = platform::ended_child(None) {
            let name = (Some(pid) == self.watched).then(|| platform::program_of(pid));
            let Ok(status) = waitpid(pid, Some(WaitPidFlag::WNOHANG)) else { return };
            self.clients.remove(&pid);
            if let Some(name) = name {
                self.end = Some((status, name));
                (self.watched, self.watched_fd) = (None, None);
            }
        }
    }

    /// Every living process below this one that is the job's.
    pub(super) fn members(&self) -> Vec<Member> {
        let mut children: HashMap<Pid, Vec<Process>> = HashMap::new();
        for process in platform::processes() {
            let is_orphan = self.session.is_some() && process.session == self.session;
            let parent = if is_orphan { Pid::this() } else { process.parent };
            children.entry(parent).or_default().push(process);
        }
        let mut members = Vec::new();
        let mut open = vec![Pid::this()];
        while let Some(parent) = open.pop() {
            for Process { pid, image, is_alive, .. } in children.remove(&parent).into_iter().flatten() {
                if !self.is_left_out(pid) {
                    open.push(pid);
                    if is_alive {
                        members.push(Member { pid, image });
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
    /// What is another number with each program that it executes. A signal that comes between `fork` and `exec` is lost on the program: this tells that it was another one.
    image: u64,
}
