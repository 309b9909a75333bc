//! `shipctl get_… --job JOB`: a utility function outside of a job, answered from the YAML.

use std::borrow::Cow;
use std::ffi::OsStr;
use std::io;
use std::path::Path;

use super::{Commands, Failure, Session};
use crate::cli::FunctionCall;
use crate::environment::Environment;
use crate::lookup::{self, Function, World};
use crate::workspace::{self, Layout};

/// Calls a function as if inside the job.
///
/// # Errors
///
/// Where `run` would fail before its first script line.
pub fn run(function: &Function, call: &FunctionCall) -> Result<u8, Failure> {
    let session = Session::new(&call.line, &call.options, &call.job)?;
    let ready = session.prepare(&call.job, Commands::Run)?;
    let layout = workspace::render(&ready.plan, &ready.environment, &ready.credentials, &ready.build)?;
    let world = Imagined { environment: &ready.environment, layout: &layout, root: &ready.build.root };
    Ok(lookup::call(function, &call.arguments, &world, &mut io::stdout().lock(), &mut io::stderr().lock()))
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
