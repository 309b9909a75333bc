//! Who reads from a pipe, and who writes to it: whether what stands behind `>( … )` is about to come to its end.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::os::fd::{AsRawFd as _, BorrowedFd};
use std::path::PathBuf;

use nix::libc;
use nix::unistd::Pid;

use super::processes::numbers;

/// The processes that read from a pipe without a name.
#[derive(Debug, Default)]
pub struct Readers {
    /// Those of a pipe that no process writes to any more: they have not come to their end yet, and will.
    pub finishing: HashSet<Pid>,
    /// Those of a pipe that another process can write to.
    pub fed: HashSet<Pid>,
}

/// The processes that have a pipe open.
#[derive(Default)]
struct Ends {
    readers: HashSet<Pid>,
    writers: HashSet<Pid>,
}

impl Readers {
    /// Those among these processes; a pipe that this process can write to has a writer, too.
    pub fn among(pids: impl IntoIterator<Item = Pid>) -> Readers {
        let mut ends: HashMap<PathBuf, Ends> = HashMap::new();
        for pid in pids.into_iter().chain([Pid::this()]) {
            for (fd, pipe) in open_files(pid).filter(|(_, file)| file.to_string_lossy().starts_with("pipe:"))
            {
                let Some(writes) = can_write(pid, &fd) else { continue };
                let ends = ends.entry(pipe).or_default();
                if writes { &mut ends.writers } else { &mut ends.readers }.insert(pid);
            }
        }
        let mut readers = Readers::default();
        for mut ends in ends.into_values() {
            ends.readers.remove(&Pid::this());
            // A shell has both ends of a pipe only before it becomes the program that reads from it.
            ends.writers.retain(|pid| !(ends.readers.contains(pid) && is_shell(*pid)));
            if ends.writers.is_empty() {
                readers.finishing.extend(ends.readers);
            } else if !ends.writers.is_subset(&ends.readers) {
                readers.fed.extend(ends.readers);
            }
        }
        readers
    }
}

/// Whether a process that can write to one of these files of ours is about to come to its end by itself.
pub fn has_finishing_writer(files: &[BorrowedFd]) -> bool {
    let name = |fd: &BorrowedFd| fs::read_link(format!("/proc/self/fd/{}", fd.as_raw_fd())).ok();
    let files: HashSet<PathBuf> = files.iter().filter_map(name).collect();
    let finishing = Readers::among(numbers().filter(|pid| *pid != Pid::this())).finishing;
    finishing.into_iter().any(|pid| open_files(pid).any(|(_, file)| files.contains(&file)))
}

/// The files that a process has open, each with its descriptor.
fn open_files(pid: Pid) -> impl Iterator<Item = (String, PathBuf)> {
    let open = fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten();
    open.filter_map(|fd| Some((fd.file_name().into_string().ok()?, fs::read_link(fd.path()).ok()?)))
}

/// Whether a process can write to an open file (proc(5)).
fn can_write(pid: Pid, fd: &str) -> Option<bool> {
    let info = fs::read_to_string(format!("/proc/{pid}/fdinfo/{fd}")).ok()?;
    let flags = info.lines().find_map(|line| line.strip_prefix("flags:"))?;
    let flags = i32::from_str_radix(flags.trim(), 8).ok()?;
    Some(flags & libc::O_ACCMODE != libc::O_RDONLY)
}

/// Whether the program of a process is a shell.
fn is_shell(pid: Pid) -> bool {
    let program = fs::read_link(format!("/proc/{pid}/exe")).unwrap_or_default();
    let name = program.file_name().unwrap_or_default().to_string_lossy();
    name.ends_with("sh") || name == "busybox"
}
