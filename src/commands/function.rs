//! `shipctl get_… --job JOB`: a utility function outside of a job, answered from the YAML.

use std::borrow::Cow;
use std::ffi::OsStr;
use std::io::{self, Write as _};
use std::path::Path;

use super::{Commands, Failure, Ready, Session};
use crate::cli::FunctionCall;
use crate::credentials;
use crate::environment::Environment;
use crate::lookup::{self, Function, World};
use crate::repository;
use crate::workspace::{self, Layout};

/// Calls a function as if inside the job.
///
/// # Errors
///
/// Where `run` would fail before its first script line.
pub fn run(function: &Function, call: &FunctionCall) -> Result<u8, Failure> {
    let session = Session::new(&call.line, &call.options, &call.job)?;
    let mut ready = session.prepare(&call.job, Commands::RunHere)?;
    let mut answer = Answer::of(function, call, &ready)?;
    // Most answers need no server, and only the answer tells.
    if answer.is_of_a_server() {
        ready = session.ask_servers(ready)?;
        answer = Answer::of(function, call, &ready)?;
    }
    io::stderr().lock().write_all(&answer.err)?;
    match io::stdout().lock().write_all(&answer.out) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(answer.status),
    }
}

/// What a function answers.
struct Answer {
    status: u8,
    out: Vec<u8>,
    err: Vec<u8>,
}

impl Answer {
    fn of(function: &Function, call: &FunctionCall, ready: &Ready) -> Result<Answer, Failure> {
        let layout = workspace::render(&ready.plan, &ready.environment, &ready.credentials, &ready.build)?;
        let world = Imagined { environment: &ready.environment, layout: &layout, root: &ready.build.root };
        let mut answer = Answer { status: 0, out: Vec::new(), err: Vec::new() };
        answer.status = lookup::call(function, &call.arguments, &world, &mut answer.out, &mut answer.err);
        Ok(answer)
    }

    /// Whether something in it is known to a server alone.
    fn is_of_a_server(&self) -> bool {
        let mut unasked = [repository::UNASKED].into_iter().chain(credentials::UNASKED.iter().copied());
        unasked.any(|unasked| memchr::memmem::find(&self.out, unasked.as_bytes()).is_some())
    }
}

/// The surroundings that a job would have.
struct Imagined<'a> {
    environment: &'a Environment,
    layout: &'a Layout,
    root: &'a Path,
}

impl World for Imagined<'_> {
    fn var(&self, name: &str) -> Option<Cow<'_, OsStr>> {
        match self.environment.get(name) {
            Some(value) => Some(Cow::Borrowed(OsStr::new(value))),
            // What the caller set for the function itself.
            None => std::env::var_os(name).filter(|_| name.starts_with("SHIPCTL_")).map(Cow::Owned),
        }
    }

    fn names(&self) -> Vec<String> {
        self.environment.iter().map(|(name, _)| name.to_owned()).collect()
    }

    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        match path.strip_prefix(self.root) {
            Ok(below) => match self.layout.files.get(below) {
                Some(file) => Ok(file.contents.to_vec()),
                None => Err(io::ErrorKind::NotFound.into()),
            },
            Err(_) => std::fs::read(path),
        }
    }
}
