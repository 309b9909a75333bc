//! Frames: a kind (one byte), a length (four bytes), so many bytes, and a newline: what stands between the two sides may hand on
//! whole lines alone, as `srun` does.

use std::os::fd::BorrowedFd;

use nix::errno::Errno;
use nix::unistd::write;
use zeroize::{Zeroize as _, Zeroizing};

/// What the first line begins with that `shipctl` writes on the other side; its version follows. What comes before it was
/// written by something else, such as a login script.
const HELLO: &[u8] = b"\x01shipctl remote-job ";

/// No frame is longer: what says so was not written by `shipctl`.
const LONGEST: usize = 256 << 20;

/// How many bytes stand before those of a frame.
const HEAD: usize = 5;

/// What a frame ends with.
const END: u8 = b'\n';

/// How many bytes of a file one frame holds at most.
pub(super) const PIECE: usize = 64 * 1024;

/// What a frame is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FrameKind {
    /// The job that is to be run.
    Job,
    /// A signal for the job.
    Signal,
    /// A sign of life.
    Alive,
    /// A file, directory or link.
    Entry,
    /// The next bytes of the file before.
    Content,
    /// There are no more files.
    EndOfFiles,
    /// What a job has printed, masked.
    Printed,
    /// Another event of the job.
    Event,
    /// Whole lines for stderr.
    Said,
    /// A file of test results, to be kept.
    Kept,
    /// How the job ended, and what it made.
    Result,
    /// The worker was killed.
    Killed,
}

const KINDS: [FrameKind; 12] = [
    FrameKind::Job,
    FrameKind::Signal,
    FrameKind::Alive,
    FrameKind::Entry,
    FrameKind::Content,
    FrameKind::EndOfFiles,
    FrameKind::Printed,
    FrameKind::Event,
    FrameKind::Said,
    FrameKind::Kept,
    FrameKind::Result,
    FrameKind::Killed,
];

/// A frame; wiped when dropped where secrets are in it.
pub(super) struct Frame {
    pub(super) kind: FrameKind,
    pub(super) bytes: Vec<u8>,
}

impl Frame {
    /// What is in it.
    pub(super) fn take(mut self) -> Zeroizing<Vec<u8>> {
        Zeroizing::new(std::mem::take(&mut self.bytes))
    }
}

impl Drop for Frame {
    fn drop(&mut self) {
        if matches!(self.kind, FrameKind::Job | FrameKind::Result) {
            self.bytes.zeroize();
        }
    }
}

/// The bytes of a frame; wiped when dropped, and never grown, so that no copy of a secret stays behind.
pub(super) fn framed(kind: FrameKind, bytes: &[u8]) -> Zeroizing<Vec<u8>> {
    let mut frame = Zeroizing::new(Vec::with_capacity(HEAD + bytes.len() + 1));
    append(&mut frame, kind, bytes);
    frame
}

/// What is in a whole frame.
pub(super) fn bytes_of(frame: &[u8]) -> &[u8] {
    &frame[HEAD..frame.len() - 1]
}

/// Appends a frame.
pub(super) fn append(out: &mut Vec<u8>, kind: FrameKind, bytes: &[u8]) {
    out.push(kind as u8);
    out.extend_from_slice(&u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_le_bytes());
    out.extend_from_slice(bytes);
    out.push(END);
}

/// The first line of the other side.
pub(super) fn hello() -> Vec<u8> {
    // On a line of its own, whatever was printed before.
    [b"\n", HELLO, env!("CARGO_PKG_VERSION").as_bytes(), b"\n"].concat()
}

/// What a pipe surely takes without blocking once it is writable (`PIPE_BUF`).
pub(super) const SURE: usize = 4096;

/// How much may wait to be written before no more is taken from elsewhere.
const FULL: usize = 1 << 20;

/// What is to be written and has not been yet.
#[derive(Default)]
pub(super) struct UnsentBytes {
    bytes: Zeroizing<Vec<u8>>,
    written: usize,
}

impl UnsentBytes {
    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// A frame that is passed on.
    pub(super) fn push_frame(&mut self, frame: &Frame) {
        append(&mut self.bytes, frame.kind, &frame.bytes);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.written == self.bytes.len()
    }

    pub(super) fn is_full(&self) -> bool {
        self.bytes.len() - self.written >= FULL
    }

    /// Writes at most so many bytes to what is ready for them; says whether anything reads there still.
    pub(super) fn write_some(&mut self, to: BorrowedFd, at_once: usize) -> bool {
        let end = self.bytes.len().min(self.written + at_once);
        let is_read = match write(to, &self.bytes[self.written..end]) {
            Ok(n) => {
                self.written += n;
                true
            }
            Err(Errno::EINTR | Errno::EAGAIN) => true,
            Err(_) => false,
        };
        if !is_read {
            self.written = self.bytes.len();
        }
        if self.is_empty() || self.written >= FULL {
            self.bytes.drain(..self.written);
            self.written = 0;
        }
        is_read
    }
}

/// What has been received and not been taken yet.
#[derive(Default)]
pub(super) struct ReceivedBytes {
    bytes: Zeroizing<Vec<u8>>,
    /// How many of the bytes have been taken.
    taken: usize,
}

/// Something that is no frame.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct NoFrame;

impl ReceivedBytes {
    pub(super) fn push(&mut self, bytes: &[u8]) {
        if self.taken > 0 {
            self.bytes.drain(..self.taken);
            self.taken = 0;
        }
        self.bytes.extend_from_slice(bytes);
    }

    /// How many bytes wait.
    pub(super) fn len(&self) -> usize {
        self.bytes.len() - self.taken
    }

    /// The version that the other side says it has, and what was printed before that; `None` if that has not come yet.
    pub(super) fn hello(&mut self) -> Option<(String, Vec<u8>)> {
        let at = memchr::memmem::find(&self.bytes, HELLO)?;
        let version = at + HELLO.len();
        let end = version + memchr::memchr(b'\n', &self.bytes[version..])?;
        let said = String::from_utf8_lossy(&self.bytes[version..end]).into_owned();
        self.taken = end + 1;
        Some((said, self.bytes[..at].to_vec()))
    }

    /// The next frame, if it is there whole.
    pub(super) fn next(&mut self) -> Result<Option<Frame>, NoFrame> {
        let waiting = &self.bytes[self.taken..];
        let Some((&first, rest)) = waiting.split_first() else { return Ok(None) };
        let kind = KINDS.get(usize::from(first)).copied().ok_or(NoFrame)?;
        let Some(length) = rest.first_chunk() else { return Ok(None) };
        let length = u32::from_le_bytes(*length) as usize;
        if length > LONGEST {
            return Err(NoFrame);
        }
        let Some((&end, bytes)) = waiting.get(HEAD..=HEAD + length).and_then(<[u8]>::split_last) else {
            return Ok(None);
        };
        if end != END {
            return Err(NoFrame);
        }
        let bytes = bytes.to_vec();
        self.taken += HEAD + length + 1;
        Ok(Some(Frame { kind, bytes }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_arrive_whatever_the_cuts() {
        let mut sent = b"Welcome to node1\nLast login: ".to_vec();
        sent.extend(hello());
        append(&mut sent, FrameKind::Printed, b"a\x00b");
        append(&mut sent, FrameKind::Alive, b"");
        let mut received = ReceivedBytes::default();
        let mut hello = None;
        let mut frames = Vec::new();
        for byte in &sent {
            received.push(&[*byte]);
            if hello.is_none() {
                hello = received.hello();
                continue;
            }
            while let Some(frame) = received.next().unwrap() {
                frames.push((frame.kind, frame.bytes.to_vec()));
            }
        }
        let (version, before) = hello.unwrap();
        assert_eq!((version.as_str(), &before[..10]), (env!("CARGO_PKG_VERSION"), &b"Welcome to"[..]));
        assert_eq!(frames, [(FrameKind::Printed, b"a\x00b".to_vec()), (FrameKind::Alive, Vec::new())]);
    }

    #[test]
    fn what_is_no_frame_is_told_at_once() {
        let mut received = ReceivedBytes::default();
        received.push(b"Segmentation fault\n");
        assert_eq!(received.next().err(), Some(NoFrame));
    }

    #[test]
    fn kinds_have_their_numbers() {
        for (number, kind) in KINDS.into_iter().enumerate() {
            assert_eq!(kind as usize, number);
        }
    }
}
