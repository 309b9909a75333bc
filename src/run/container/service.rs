//! Services: containers that run beside a job.
//!
//! The first process of each is this program too, which starts what the image starts; so they end with the run, however that
//! ends.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{Read as _, Seek as _, SeekFrom};
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::super::{Error, Signals, Variables};
use super::client::{Client, Removal};
use super::first;
use super::link::Link;
use super::message::{Reply, Request, Start};
use crate::exit;
use crate::poll::PollSet;

/// How long a service may take until it can be reached.
const READY_LIMIT: Duration = Duration::from_secs(120);

/// How much of what a service has printed is told when it fails, in bytes.
const TOLD: u64 = 2000;

/// What the socket is called in the directory of a service.
pub const SOCKET: &str = "first";

/// A service that is to be started.
#[derive(Debug)]
pub struct Service {
    /// Its name.
    pub name: String,
    /// Its image.
    pub image: String,
    /// The command line of the engine, whole.
    pub start: Vec<OsString>,
    /// How the container is removed, should it be left.
    pub removal: Removal,
    /// The environment of the engine.
    pub environment: Variables,
    /// What the image starts.
    pub command: Vec<OsString>,
    /// The variables on top of those of the image.
    pub variables: Variables,
    /// The port that it can be reached at once it is ready.
    pub port: u16,
    /// The directory that its container has of this machine; it is made.
    pub directory: PathBuf,
}

/// Services that have been started. They end when this is dropped.
pub struct Services {
    active: Vec<Active>,
    /// When all of them are to be ready.
    until: Instant,
}

struct Active {
    name: String,
    image: String,
    client: Client,
    link: Link,
    log: File,
    ready: bool,
}

impl Services {
    /// Starts services, one after the other: the first has the network of all.
    ///
    /// # Errors
    ///
    /// When one cannot be started, ends, or cannot be reached in time; and when a signal tells us to end.
    pub fn start(services: &[Service], signals: &Signals) -> Result<Services, Error> {
        let mut started = Services { active: Vec::new(), until: Instant::now() + READY_LIMIT };
        for service in services {
            started.active.push(Active::start(service, signals)?);
            started.await_connection(signals)?;
        }
        while started.active.iter().any(|service| !service.ready) {
            started.wait(signals)?;
        }
        Ok(started)
    }

    /// Waits until the last one has its first process.
    fn await_connection(&mut self, signals: &Signals) -> Result<(), Error> {
        while self.active.last().is_some_and(|service| service.link.is_awaited()) {
            self.wait(signals)?;
        }
        Ok(())
    }

    /// Waits for something to happen, and takes it.
    fn wait(&mut self, signals: &Signals) -> Result<(), Error> {
        let left = self.until.saturating_duration_since(Instant::now());
        let mut set = PollSet::default();
        set.readable(signals.as_fd());
        self.active.iter().flat_map(Active::readable).for_each(|fd| _ = set.readable(fd));
        let _ = set.wait(Some(left));
        if let Some(signal) = signals.told_to_end() {
            return Err(Error::Interrupted(signal));
        }
        for service in &mut self.active {
            service.attend()?;
            if !service.ready && self.until <= Instant::now() {
                return Err(service.failed("cannot be reached"));
            }
        }
        Ok(())
    }
}

impl Drop for Services {
    fn drop(&mut self) {
        // The first has the network of the others.
        while self.active.pop().is_some() {}
    }
}

impl Active {
    fn start(service: &Service, signals: &Signals) -> Result<Active, Error> {
        let doing = |what: &str, path: &Path| format!("{what} {}", path.display());
        let directory = &service.directory;
        // The user of an image has to get at the socket; the directory lies in one of our own alone.
        let made = fs::DirBuilder::new().recursive(true).mode(0o755).create(directory);
        made.map_err(Error::system(doing("make", directory)))?;
        let (socket, log) = (directory.join(SOCKET), directory.join("log"));
        let mut options = OpenOptions::new();
        let log_file = options.read(true).append(true).create(true).mode(0o666).open(&log);
        let log_file = log_file.map_err(Error::system(doing("make", &log)))?;
        let null = File::open("/dev/null").map_err(Error::system("open /dev/null"))?;
        let start = Start {
            namespace: first::pid_namespace().unwrap_or_default(),
            terminal: false,
            is_command: false,
            port: service.port,
            command: service.command.clone(),
            directory: OsString::new(),
            workspace: OsString::new(),
            path: Default::default(),
            environment: service.variables.clone(),
        };
        let printed = log_file.try_clone().map_err(Error::system(doing("write", &log)))?;
        let descriptors = vec![OwnedFd::from(null), OwnedFd::from(printed)];
        let request = Request::Start(Box::new(start));
        let link = Link::await_at(&socket, &request, descriptors)
            .and_then(|link| fs::set_permissions(&socket, fs::Permissions::from_mode(0o666)).map(|()| link))
            .map_err(Error::system(doing("wait for the service at", &socket)))?;
        let client = Client::start(&service.start, &service.removal, &service.environment, signals)?;
        let (name, image) = (service.name.clone(), service.image.clone());
        Ok(Active { name, image, client, link, log: log_file, ready: false })
    }

    fn readable(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        let [output, end] = self.client.readable();
        [self.link.readable(), output, end.filter(|_| self.link.is_awaited())].into_iter().flatten()
    }

    fn attend(&mut self) -> Result<(), Error> {
        let said = self.client.said();
        for reply in self.link.replies() {
            match reply {
                Reply::Ready => self.ready = true,
                Reply::NotStarted { message, status } => {
                    return Err(Error::Container { image: self.image.clone(), message, status });
                }
                Reply::Ended { .. } => return Err(self.failed("has ended")),
                Reply::Count { .. } => {}
            }
        }
        if self.link.is_awaited() && self.client.has_ended() {
            let said = if said.is_empty() { self.client.said() } else { said };
            return Err(Error::Engine { image: self.image.clone(), said });
        }
        if !self.link.is_awaited() && !self.link.is_open() {
            return Err(self.failed("has ended"));
        }
        Ok(())
    }

    /// The error for a service that is not as it should be, with what it has printed last.
    fn failed(&mut self, what: &str) -> Error {
        let mut printed = Vec::new();
        let length = self.log.seek(SeekFrom::End(0)).unwrap_or_default();
        let from = length.saturating_sub(TOLD);
        let read = self.log.seek(SeekFrom::Start(from)).and_then(|_| self.log.read_to_end(&mut printed));
        let printed =
            read.map_or_else(|error| error.to_string(), |_| String::from_utf8_lossy(&printed).into_owned());
        let message = format!("the service {} {what}; it has printed: {}", self.name, printed.trim());
        Error::Container { image: self.image.clone(), message, status: exit::SHIPCTL_FAILED }
    }
}

impl Drop for Active {
    fn drop(&mut self) {
        let by_itself = self.link.is_open();
        self.link.give_up();
        self.client.finish(by_itself);
    }
}
