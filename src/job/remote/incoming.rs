//! The files of a job that was sent here.

use std::io;
use std::path::Path;

use crate::output::Failure;
use crate::run::remote::{Download, Input, copy};
use crate::workspace::Workspace;

/// Where the files that go into a job come from.
pub(crate) enum Incoming {
    /// They are still to come.
    Stream(Input),
    /// They lie here: the entries of a matrix have the same, one after the other.
    Spool(Box<Workspace>),
}

impl Incoming {
    /// Takes the files of a job that has several runs.
    ///
    /// # Errors
    ///
    /// When they do not come, or cannot be written.
    pub(crate) fn spool(job: &str, input: &mut Input) -> Result<Incoming, Failure> {
        let spool = super::claim(job, |_, _| ())?;
        input.files(Download::into(spool.root())).map_err(not_taken)?;
        Ok(Incoming::Spool(Box::new(spool)))
    }

    /// Puts them into a workspace.
    ///
    /// # Errors
    ///
    /// As [`Incoming::spool`].
    pub(crate) fn put(&mut self, root: &Path) -> Result<(), Failure> {
        match self {
            Incoming::Stream(input) => input.files(Download::into(root)),
            Incoming::Spool(spool) => copy(spool.root(), root),
        }
        .map_err(not_taken)
    }
}

fn not_taken(error: io::Error) -> Failure {
    anyhow::Error::from(error).context("the files of the job did not come whole").into()
}
