//! The first process of a container: it starts the shells of a TASK there, reaps what they leave, and ends all of it when
//! `shipctl` is gone.
//!
//! It is this program. It connects to a socket that is mounted where it lies on the machine of `shipctl`, and is sent what
//! a shell needs: the environment, so that no secret ever passes through the engine, and stdin, stdout and stderr as
//! descriptors, so that output does not either. The connection lasts as long as `shipctl` does, however that ends.

use std::collections::HashSet;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;
use std::iter;
use std::net::{Ipv4Addr, TcpStream};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::libc;
use nix::sys::wait::WaitStatus;
use nix::unistd::{Gid, Pid, Uid};
use zeroize::Zeroizing;

use super::super::command::{Variables, c_string, find, not_started};
use super::super::process_tree::{Member, Tree};
use super::super::{DEFAULT_PATH, Error, SHELL_SETTINGS, Signals};
use super::message::{self, Reply, Request, Start};
use crate::exit;
use crate::platform::{self, Launch, Session};
use crate::poll::PollSet;

/// The shell of scripts.
pub(super) const SHELL: &str = "bash";

/// How often to look whether a service can be reached.
const LOOK_WHETHER_READY: Duration = Duration::from_millis(50);

/// How the command of the first process is called.
pub const COMMAND: &str = "container-init";

/// How long processes may take to vanish after KILL.
const KILL_PATIENCE: Duration = Duration::from_secs(2);

/// How often to look whether they have.
const LOOK_AGAIN: Duration = Duration::from_millis(5);

/// Is the first process of a container; `arguments` are those behind [`COMMAND`].
pub fn first_process(arguments: &[OsString]) -> u8 {
    let [socket] = arguments else {
        eprintln!("error: {COMMAND} is what shipctl starts in a container; it takes a socket");
        return exit::USAGE;
    };
    match attend(Path::new(socket)) {
        Ok(()) => exit::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            exit::SHIPCTL_FAILED
        }
    }
}

fn attend(socket: &Path) -> Result<(), Error> {
    let signals = Signals::hold().map_err(Error::system("take hold of signals"))?;
    let doing = || format!("reach shipctl at {}", socket.display());
    let stream = UnixStream::connect(socket).map_err(Error::system(doing()))?;
    let owner = fs::metadata(socket).map_err(Error::system(doing()))?;
    let tree = Tree::new().map_err(Error::system("collect orphaned processes"))?;
    let mut first = First {
        stream,
        signals,
        tree,
        owner: (owner.uid(), owner.gid()),
        namespace: None,
        workspace: PathBuf::new(),
        shell: None,
        told: HashSet::new(),
        awaited_port: None,
        received: Zeroizing::default(),
        descriptors: Vec::new(),
    };
    let ended = first.run();
    first.end_all();
    first.hand_over();
    ended
}

struct First {
    /// The connection to `shipctl`.
    stream: UnixStream,
    signals: Signals,
    tree: Tree,
    /// Who runs `shipctl`, as seen here.
    owner: (u32, u32),
    /// The pid namespace of `shipctl`.
    namespace: Option<u64>,
    workspace: PathBuf,
    shell: Option<Shell>,
    /// The processes that were told to end.
    told: HashSet<Member>,
    /// The port on which the service cannot be reached yet.
    awaited_port: Option<u16>,
    received: Zeroizing<Vec<u8>>,
    descriptors: Vec<OwnedFd>,
}

/// A shell that has been started and not reported as ended.
struct Shell {
    pid: Pid,
    _session: Option<Session>,
}

impl First {
    /// Does as it is asked, until `shipctl` is gone or wants no more.
    fn run(&mut self) -> Result<(), Error> {
        let mut buffer = Zeroizing::new(vec![0; 64 * 1024]);
        loop {
            let mut set = PollSet::default();
            set.readable(self.stream.as_fd());
            set.readable(self.signals.as_fd());
            set.readable(self.tree.watched_fd());
            set.wait(self.awaited_port.map(|_| LOOK_WHETHER_READY))
                .map_err(Error::system("wait for the shell"))?;
            if let Some(port) = self.awaited_port
                && TcpStream::connect_timeout(&(Ipv4Addr::LOCALHOST, port).into(), LOOK_WHETHER_READY).is_ok()
            {
                self.awaited_port = None;
                self.say(&Reply::Ready)?;
            }
            while let Some(arrival) = self.signals.next().map_err(Error::system("read signals"))? {
                if arrival.signal != libc::SIGCHLD
                    && let Some(shell) = &self.shell
                {
                    platform::kill(shell.pid, arrival.signal);
                }
            }
            self.report_end()?;
            match platform::receive_from(self.stream.as_fd(), &mut buffer, &mut self.descriptors) {
                Ok(0) => return Ok(()),
                Ok(n) => self.received.extend_from_slice(&buffer[..n]),
                Err(Errno::EAGAIN | Errno::EINTR) => {}
                // It was killed while it had not read all that we have said.
                Err(Errno::ECONNRESET) => return Ok(()),
                Err(error) => return Err(Error::system("hear shipctl")(error)),
            }
            while let Some(message) = message::next(&mut self.received) {
                match Request::parse(&message) {
                    Some(request) => self.answer(request)?,
                    None => {
                        let why = io::Error::other("its message has another format: is it another version?");
                        return Err(Error::System("understand shipctl".to_owned(), why));
                    }
                }
            }
        }
    }

    fn answer(&mut self, request: Request) -> Result<(), Error> {
        match request {
            Request::Start(start) => {
                let is_command = start.is_command;
                match self.start(*start) {
                    Ok(shell) => {
                        self.tree.watch(shell.pid);
                        self.shell = Some(shell);
                    }
                    Err(error) => {
                        let status = if is_command { error.status() } else { exit::SHIPCTL_FAILED };
                        self.say(&Reply::NotStarted { message: error.to_string(), status })?;
                    }
                }
            }
            Request::Signal { signal, group } => {
                if let Some(shell) = &self.shell {
                    let pid = if group { Pid::from_raw(-shell.pid.as_raw()) } else { shell.pid };
                    platform::kill(pid, signal);
                }
            }
            Request::SignalAll(signal) => self.tree.signal(signal),
            Request::Terminate { afresh, kill, spare_readers } => {
                if afresh {
                    self.told.clear();
                }
                self.tree.terminate(&mut self.told, kill, spare_readers);
            }
            Request::Count => {
                self.tree.reap();
                let members = u32::try_from(self.tree.members().len()).unwrap_or(u32::MAX);
                let finishing = !self.tree.readers().finishing.is_empty();
                self.say(&Reply::Count { members, finishing })?;
            }
        }
        Ok(())
    }

    /// Starts a shell.
    fn start(&mut self, start: Start) -> Result<Shell, Error> {
        let Start { namespace, terminal, is_command, port, command, directory, workspace, path, environment } =
            start;
        self.namespace = Some(namespace);
        self.workspace = workspace.into();
        let mut descriptors = self.descriptors.drain(..);
        let (Some(stdin), Some(stdout)) = (descriptors.next(), descriptors.next()) else {
            let why = io::Error::other("its stdin and stdout did not come along");
            return Err(Error::System("start the shell".to_owned(), why));
        };
        let stderr = descriptors.next();
        let controlling = descriptors.next();
        drop(descriptors);
        let stderr = stderr.as_ref().unwrap_or(&stdout);
        let controlling = controlling.as_ref().unwrap_or(stderr);
        let environment = whole(&environment, &path)?;
        let name = command.first().map_or(OsStr::new(SHELL), OsString::as_os_str);
        let found = find(name, &environment).map_err(|error| match name == SHELL && !is_command {
            true => {
                let why = "the scripts of a job are run by bash, and the image has none in its PATH";
                Error::System("find bash".to_owned(), io::Error::other(why))
            }
            false => error,
        })?;
        // Told by a whole path, bash does not look for itself.
        let program = c_string(found.as_os_str())?;
        let arguments = command.iter().skip(1).map(|word| c_string(word));
        let arguments: Vec<_> = iter::once(Ok(program.clone())).chain(arguments).collect::<Result<_, _>>()?;
        let directory = (!directory.is_empty()).then(|| c_string(&directory)).transpose()?;
        let launch = Launch {
            program: &program,
            arguments: &arguments,
            environment: environment.words(),
            directory: directory.as_deref(),
            stdin: Some(stdin.as_fd()),
            stdout: Some(stdout.as_fd()),
            stderr: Some(stderr.as_fd()),
            session: !terminal,
            outlives: false,
            blocked: self.signals.before(),
            mount: None,
        };
        let (started, session) = if terminal {
            let (session, started) = Session::start(&launch, controlling.as_fd(), false)
                .map_err(Error::system("open a session on a terminal"))?;
            self.tree.spare(session.leader());
            (started, Some(session))
        } else {
            (platform::spawn(&launch), None)
        };
        let pid = started.map_err(|error| not_started(&found, error, &environment))?;
        self.awaited_port = Some(port).filter(|port| *port != 0);
        Ok(Shell { pid, _session: session })
    }

    /// Says that the shell has ended, if it has.
    fn report_end(&mut self) -> Result<(), Error> {
        let Some(status) = self.tree.watched_end() else { return Ok(()) };
        if self.shell.take().is_none() {
            return Ok(());
        }
        let status = match status {
            WaitStatus::Exited(_, status) => status << 8,
            WaitStatus::Signaled(_, signal, _) => signal as libc::c_int,
            _ => 0,
        };
        self.say(&Reply::Ended { status, program: self.tree.program_at_end().map(str::to_owned) })
    }

    fn say(&self, reply: &Reply) -> Result<(), Error> {
        match platform::send(self.stream.as_fd(), &reply.message(), &[]) {
            // The reader is gone, which is noticed where it is read.
            Ok(()) | Err(Errno::EPIPE | Errno::ECONNRESET) => Ok(()),
            Err(error) => Err(Error::system("answer shipctl")(error)),
        }
    }

    /// Ends every process of the container, or what there is below this one where that is not a container of its own.
    fn end_all(&mut self) {
        self.shell = None;
        let until = Instant::now() + KILL_PATIENCE;
        while self.tree.has_children() && Instant::now() < until {
            if self.is_first_of_namespace() {
                platform::kill(Pid::from_raw(-1), libc::SIGKILL);
            } else {
                self.tree.signal(libc::SIGKILL);
            }
            self.tree.reap();
            std::thread::sleep(LOOK_AGAIN);
        }
    }

    /// Whether this process is the first of a pid namespace that is not the one of `shipctl`: then, and only then, `-1` means
    /// the processes of the container.
    fn is_first_of_namespace(&self) -> bool {
        Pid::this().as_raw() == 1
            && matches!((pid_namespace(), self.namespace), (Some(ours), Some(theirs)) if ours != theirs)
    }

    /// Gives the files that root has made in the workspace to the user who runs `shipctl`, where root here is another user: as with
    /// the daemon of docker, and not where a user runs podman.
    fn hand_over(&self) {
        let (uid, gid) = self.owner;
        if Uid::effective().is_root() && uid != 0 && !self.workspace.as_os_str().is_empty() {
            hand_over(&self.workspace, (uid, gid));
        }
    }
}

/// The pid namespace of this process, by the number of its file.
pub(in super::super) fn pid_namespace() -> Option<u64> {
    Some(fs::metadata("/proc/self/ns/pid").ok()?.ino())
}

/// The environment of a shell: the image's, with the variables of the job on top, and with `shipctl` along the `PATH`.
fn whole(of_job: &Variables, path: &(OsString, OsString)) -> Result<Variables, Error> {
    const PATH: &str = "PATH";
    let of_image: Vec<_> = std::env::vars_os().collect();
    let given: HashSet<&OsStr> = of_job.iter().map(|(name, _)| name).collect();
    let value = |name: &str| of_image.iter().find(|(known, _)| known == name).map(|(_, value)| &**value);
    let own = of_job.iter().rfind(|(name, _)| *name == PATH).map(|(_, value)| value);
    let mut whole = path.0.clone();
    whole.push(own.or_else(|| value(PATH)).unwrap_or(OsStr::new(DEFAULT_PATH)));
    if !path.1.is_empty() && !std::env::split_paths(&whole).any(|directory| directory == Path::new(&path.1)) {
        whole.push(":");
        whole.push(&path.1);
    }
    let of_image = of_image.iter().filter(|(name, _)| {
        !given.contains(&**name) && name != PATH && !SHELL_SETTINGS.iter().any(|setting| name == setting)
    });
    let of_image = of_image.map(|(name, value)| (&**name, &**value));
    let of_job = of_job.iter().filter(|(name, _)| *name != PATH);
    Variables::new(of_image.chain(of_job).chain([(OsStr::new(PATH), &*whole)]))
}

/// Changes the owner of what belongs to root at and below a path. What cannot be changed stays as it is.
fn hand_over(path: &Path, owner: (u32, u32)) {
    let Ok(found) = path.symlink_metadata() else { return };
    if found.uid() == 0 {
        let (uid, gid) = (Uid::from_raw(owner.0), Gid::from_raw(owner.1));
        let _ = nix::unistd::fchownat(
            nix::fcntl::AT_FDCWD,
            path,
            Some(uid),
            Some(gid),
            nix::fcntl::AtFlags::AT_SYMLINK_NOFOLLOW,
        );
    }
    if found.is_dir() {
        for entry in fs::read_dir(path).into_iter().flatten().flatten() {
            hand_over(&entry.path(), owner);
        }
    }
}
