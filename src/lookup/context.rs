//! What the functions may know of the job that they are called in.

use std::borrow::Cow;
use std::env;
use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::Path;

/// The environment and the files of a job: those of this process, or those that a job would have.
pub trait Context {
    /// The value of the variable `name`; `None` if it is not set.
    fn var(&self, name: &str) -> Option<Cow<'_, OsStr>>;

    /// The names of all variables, in any order: an error lists some of them. Names that are not UTF-8 may be left
    /// out, for no name of the contract is one.
    fn names(&self) -> Vec<String>;

    /// The content of a file of the workspace, or of any other that the user names.
    fn read(&self, path: &Path) -> io::Result<Vec<u8>>;
}

/// The context of a function that a script calls: the environment of this process and the files on disk.
pub struct ProcessContext;

impl Context for ProcessContext {
    fn var(&self, name: &str) -> Option<Cow<'_, OsStr>> {
        env::var_os(name).map(Cow::Owned)
    }

    fn names(&self) -> Vec<String> {
        env::vars_os().filter_map(|(name, _)| name.into_string().ok()).collect()
    }

    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        fs::read(path)
    }
}
