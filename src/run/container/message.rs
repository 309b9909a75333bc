//! What `shipctl` and the first process of a container say to each other, over one stream socket.
//!
//! A message is its length (four bytes), its kind (one byte) and its fields. Descriptors go along with the first byte of the
//! message that they belong to.

use std::ffi::{CString, OsStr, OsString};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};

use nix::libc::c_int;
use zeroize::Zeroizing;

use super::super::command::Variables;

/// What the first process is to start, with these descriptors: its stdin, its stdout, its stderr where that is another, and
/// behind them its terminal where that is none of them.
#[derive(Debug)]
pub(super) struct Start {
    /// The pid namespace of `shipctl`, as its file says.
    pub namespace: u64,
    /// Whether the last descriptor is a terminal that is to control the session.
    pub terminal: bool,
    /// Whether it is a command of the user's, whose status says that it cannot be started.
    pub is_command: bool,
    /// The port on which it can be reached once it is ready; 0 if it is no service.
    pub port: u16,
    /// The program and its arguments.
    pub command: Vec<OsString>,
    /// Where it starts; empty for where the image has it start.
    pub directory: OsString,
    /// The directory whose files are handed over to the owner of the socket.
    pub workspace: OsString,
    /// What stands before and behind the `PATH` of the image.
    pub path: (OsString, OsString),
    /// The variables on top of those of the image.
    pub environment: Variables,
}

/// What the first process is asked.
#[derive(Debug)]
pub(super) enum Request {
    /// To start a shell.
    Start(Box<Start>),
    /// To pass a signal on to the shell, or to its process group.
    Signal { signal: c_int, group: bool },
    /// To send a signal to every process of the shell.
    SignalAll(c_int),
    /// To tell every process to end that was not told yet, or to kill them all, but those that read what others write if they
    /// are to be spared; `afresh` forgets who was told.
    Terminate { afresh: bool, kill: bool, spare_readers: bool },
    /// To count the processes of the shell.
    Count,
}

/// What the first process answers.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Reply {
    /// The shell could not be started.
    NotStarted { message: String, status: u8 },
    /// The shell has ended, with this wait status; what its program was called in the end.
    Ended { status: c_int, program: Option<String> },
    /// The service can be reached.
    Ready,
    /// There are so many processes; whether one of them is about to end by itself.
    Count { members: u32, finishing: bool },
}

impl Request {
    /// The bytes of it, wiped when dropped: there are secrets in an environment.
    pub(super) fn message(&self) -> Zeroizing<Vec<u8>> {
        let number = |kind: u8, number: c_int| framed(kind, &[&number.to_le_bytes()]);
        match self {
            Request::Start(start) => {
                let (before, after) = &start.path;
                let texts = [&start.directory, &start.workspace, before, after];
                let mut fields: Vec<&[u8]> = Vec::new();
                let namespace = start.namespace.to_le_bytes();
                let flags = [u8::from(start.terminal), u8::from(start.is_command)];
                let count = u32::try_from(start.command.len()).unwrap_or(u32::MAX).to_le_bytes();
                let port = start.port.to_le_bytes();
                fields.extend([&namespace[..], &flags, &port, &count]);
                let texts = texts.into_iter().chain(&start.command).map(|text| text.as_bytes());
                let words = start.environment.words().iter().map(|word| word.as_bytes());
                for text in texts.chain(words) {
                    fields.extend([text, &[0]]);
                }
                framed(0, &fields)
            }
            Request::Signal { signal, group: false } => number(1, *signal),
            Request::Signal { signal, group: true } => number(2, *signal),
            Request::SignalAll(signal) => number(3, *signal),
            Request::Terminate { afresh, kill, spare_readers } => {
                framed(4, &[&[*afresh, *kill, *spare_readers].map(u8::from)])
            }
            Request::Count => framed(5, &[]),
        }
    }

    /// Reads a message.
    pub(super) fn parse(message: &[u8]) -> Option<Request> {
        let (kind, fields) = message.split_first()?;
        let number = || Some(c_int::from_le_bytes(fields.try_into().ok()?));
        Some(match kind {
            0 => {
                let (namespace, fields) = fields.split_first_chunk::<8>()?;
                let ([terminal, is_command], fields) = fields.split_first_chunk()?;
                let (port, fields) = fields.split_first_chunk()?;
                let (count, fields) = fields.split_first_chunk()?;
                let mut texts = fields.strip_suffix(&[0])?.split(|byte| *byte == 0);
                let mut text = || Some(OsString::from_vec(texts.next()?.to_vec()));
                let (directory, workspace) = (text()?, text()?);
                let path = (text()?, text()?);
                let command = (0..u32::from_le_bytes(*count)).map(|_| text()).collect::<Option<_>>()?;
                let words = texts.map(CString::new).collect::<Result<_, _>>().ok()?;
                Request::Start(Box::new(Start {
                    namespace: u64::from_le_bytes(*namespace),
                    terminal: *terminal != 0,
                    is_command: *is_command != 0,
                    port: u16::from_le_bytes(*port),
                    command,
                    directory,
                    workspace,
                    path,
                    environment: Variables::of_words(words),
                }))
            }
            1 => Request::Signal { signal: number()?, group: false },
            2 => Request::Signal { signal: number()?, group: true },
            3 => Request::SignalAll(number()?),
            4 => {
                let [afresh, kill, spare_readers] = <[u8; 3]>::try_from(fields).ok()?.map(|flag| flag != 0);
                Request::Terminate { afresh, kill, spare_readers }
            }
            5 => Request::Count,
            _ => return None,
        })
    }
}

impl Reply {
    /// The bytes of it.
    pub(super) fn message(&self) -> Zeroizing<Vec<u8>> {
        match self {
            Reply::NotStarted { message, status } => framed(0, &[&[*status], message.as_bytes()]),
            Reply::Ended { status, program } => {
                framed(1, &[&status.to_le_bytes(), program.as_deref().unwrap_or_default().as_bytes()])
            }
            Reply::Count { members, finishing } => {
                framed(2, &[&members.to_le_bytes(), &[u8::from(*finishing)]])
            }
            Reply::Ready => framed(3, &[]),
        }
    }

    /// Reads a message.
    pub(super) fn parse(message: &[u8]) -> Option<Reply> {
        let (kind, fields) = message.split_first()?;
        let text = |bytes: &[u8]| OsStr::from_bytes(bytes).to_string_lossy().into_owned();
        Some(match kind {
            0 => {
                let (status, message) = fields.split_first()?;
                Reply::NotStarted { message: text(message), status: *status }
            }
            1 => {
                let (status, program) = fields.split_first_chunk()?;
                let program = (!program.is_empty()).then(|| text(program));
                Reply::Ended { status: c_int::from_le_bytes(*status), program }
            }
            2 => {
                let (members, finishing) = fields.split_first_chunk()?;
                Reply::Count { members: u32::from_le_bytes(*members), finishing: finishing == [1] }
            }
            3 => Reply::Ready,
            _ => return None,
        })
    }
}

fn framed(kind: u8, fields: &[&[u8]]) -> Zeroizing<Vec<u8>> {
    let length = 1 + fields.iter().map(|field| field.len()).sum::<usize>();
    // Never grown, so that no copy of a secret stays behind.
    let mut message = Zeroizing::new(Vec::with_capacity(4 + length));
    message.extend_from_slice(&u32::try_from(length).unwrap_or(u32::MAX).to_le_bytes());
    message.push(kind);
    for field in fields {
        message.extend_from_slice(field);
    }
    message
}

/// Takes the first message out of what has been received, if it is there whole.
pub(super) fn next(received: &mut Zeroizing<Vec<u8>>) -> Option<Zeroizing<Vec<u8>>> {
    let length = received.first_chunk::<4>().map(|length| u32::from_le_bytes(*length) as usize)?;
    let message = Zeroizing::new(received.get(4..4 + length)?.to_vec());
    received.drain(..4 + length);
    Some(message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_arrive_as_they_were_sent() {
        let value = OsStr::from_bytes(b"a\n'\xff");
        let start = Start {
            namespace: 1 << 40,
            terminal: true,
            is_command: false,
            port: 0,
            command: vec!["bash".into(), "/pipes/Task 0".into()],
            directory: "/root dir".into(),
            workspace: "/w".into(),
            path: ("/w/scripts:".into(), OsString::new()),
            environment: Variables::new([(OsStr::new("NAME"), value), (OsStr::new("EMPTY"), OsStr::new(""))])
                .unwrap(),
        };
        let mut received = Request::Start(Box::new(start)).message();
        received.extend_from_slice(&Request::Signal { signal: 10, group: true }.message());
        let terminate = Request::Terminate { afresh: false, kill: true, spare_readers: false };
        received.extend_from_slice(&terminate.message());
        received.extend_from_slice(&Request::Count.message()[..3]);
        let first = next(&mut received).unwrap();
        let Some(Request::Start(start)) = Request::parse(&first) else { panic!() };
        assert_eq!((start.namespace, start.terminal, start.directory), (1 << 40, true, "/root dir".into()));
        assert_eq!(start.command, ["bash", "/pipes/Task 0"]);
        assert_eq!(start.path, ("/w/scripts:".into(), OsString::new()));
        let words: Vec<_> = start.environment.words().iter().map(|word| word.to_bytes()).collect();
        assert_eq!(words, [&b"NAME=a\n'\xff"[..], b"EMPTY="]);
        let second = next(&mut received).unwrap();
        assert!(matches!(Request::parse(&second), Some(Request::Signal { signal: 10, group: true })));
        let third = next(&mut received).unwrap();
        let terminate = Request::parse(&third);
        assert!(matches!(
            terminate,
            Some(Request::Terminate { afresh: false, kill: true, spare_readers: false })
        ));
        assert_eq!(next(&mut received), None);
    }

    #[test]
    fn replies_arrive_as_they_were_sent() {
        for reply in [
            Reply::NotStarted { message: "no bash".to_owned(), status: 127 },
            Reply::Ended { status: 256, program: Some("bash".to_owned()) },
            Reply::Ended { status: 9, program: None },
            Reply::Count { members: 3, finishing: true },
            Reply::Ready,
        ] {
            let message = next(&mut reply.message()).unwrap();
            assert_eq!(Reply::parse(&message), Some(reply));
        }
        assert_eq!(Reply::parse(b""), None);
        assert!(Request::parse(b"\x00short").is_none());
    }
}
