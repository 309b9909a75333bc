//! The connection to the first process of a container.

use std::io;
use std::os::fd::{AsFd, AsRawFd as _, BorrowedFd, OwnedFd};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::time::Duration;

use nix::errno::Errno;
use zeroize::Zeroizing;

use super::message::{self, Reply, Request};
use crate::platform;

/// How long the first process may take to answer: it has nothing else to do.
pub(super) const ANSWER_LIMIT: Duration = Duration::from_secs(5);

/// The connection, from before it is there until it is lost. The first process ends when this is dropped.
pub(super) struct Link {
    state: LinkState,
    received: Zeroizing<Vec<u8>>,
}

enum LinkState {
    /// It has not come yet; this is what it will be sent.
    Awaited(UnixListener, Zeroizing<Vec<u8>>, Vec<OwnedFd>),
    Open(UnixStream),
    Lost,
}

impl Link {
    /// Waits for the first process at a socket, and has a request ready for it.
    pub(super) fn await_at(socket: &Path, request: &Request, descriptors: Vec<OwnedFd>) -> io::Result<Link> {
        let listener = UnixListener::bind(socket)?;
        listener.set_nonblocking(true)?;
        let state = LinkState::Awaited(listener, request.message(), descriptors);
        Ok(Link { state, received: Zeroizing::default() })
    }

    /// What can be read when there is news.
    pub(super) fn readable(&self) -> Option<BorrowedFd<'_>> {
        match &self.state {
            LinkState::Awaited(listener, ..) => Some(listener.as_fd()),
            LinkState::Open(stream) => Some(stream.as_fd()),
            LinkState::Lost => None,
        }
    }

    pub(super) fn is_awaited(&self) -> bool {
        matches!(self.state, LinkState::Awaited(..))
    }

    pub(super) fn is_open(&self) -> bool {
        matches!(self.state, LinkState::Open(_))
    }

    /// Gives it up.
    pub(super) fn give_up(&mut self) {
        self.state = LinkState::Lost;
    }

    /// What the first process has said since. It is sent its request as soon as it comes.
    pub(super) fn replies(&mut self) -> Vec<Reply> {
        self.accept();
        let mut buffer = [0; 1024];
        while let LinkState::Open(stream) = &self.state {
            match platform::receive_from(stream.as_fd(), &mut buffer, &mut Vec::new()) {
                Ok(n @ 1..) => self.received.extend_from_slice(&buffer[..n]),
                Err(Errno::EINTR) => {}
                Err(Errno::EAGAIN) => break,
                Ok(0) | Err(_) => self.give_up(),
            }
        }
        let mut replies = Vec::new();
        while let Some(message) = message::next(&mut self.received) {
            match Reply::parse(&message) {
                Some(reply) => replies.push(reply),
                None => self.give_up(),
            }
        }
        replies
    }

    fn accept(&mut self) {
        let LinkState::Awaited(listener, request, descriptors) = &mut self.state else { return };
        let Ok((stream, _)) = listener.accept() else { return };
        let (request, descriptors) = (std::mem::take(request), std::mem::take(descriptors));
        let prepared = stream.set_write_timeout(Some(ANSWER_LIMIT));
        self.state = LinkState::Open(stream);
        match prepared {
            Ok(()) => self.write(&request, &descriptors),
            Err(_) => self.give_up(),
        }
    }

    /// Sends a request, if the first process is there.
    pub(super) fn send(&mut self, request: &Request, descriptors: &[OwnedFd]) {
        self.write(&request.message(), descriptors);
    }

    fn write(&mut self, message: &[u8], descriptors: &[OwnedFd]) {
        let LinkState::Open(stream) = &self.state else { return };
        let descriptors: Vec<_> = descriptors.iter().map(|fd| fd.as_raw_fd()).collect();
        if platform::send(stream.as_fd(), message, &descriptors).is_err() {
            self.give_up();
        }
    }
}
