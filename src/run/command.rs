//! A command line and an environment as the kernel takes them.

use std::ffi::{CString, OsStr, OsString};
use std::fmt;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use nix::libc;
use nix::unistd::{AccessFlags, access};
use zeroize::Zeroizing;

use super::Error;

/// Where commands are looked for when there is no `PATH`, as in the C library.
const DEFAULT_PATH: &str = "/bin:/usr/bin";

/// Finds the file of a command as a shell does: along the `PATH` of the environment it will have.
pub(super) fn find(command: &OsStr, environment: &Variables) -> Result<PathBuf, Error> {
    if command.as_bytes().contains(&b'/') {
        return Ok(PathBuf::from(command));
    }
    let not_found = || Error::NotFound(command.to_string_lossy().into_owned());
    if command.is_empty() {
        return Err(not_found());
    }
    let path = environment.iter().rfind(|(name, _)| *name == "PATH");
    let path = path.map_or(OsStr::new(DEFAULT_PATH), |(_, path)| path);
    let mut forbidden = None;
    for directory in std::env::split_paths(path) {
        // An empty one means the current directory.
        let directory = if directory.as_os_str().is_empty() { Path::new(".") } else { &directory };
        let candidate = directory.join(command);
        if candidate.is_file() {
            match access(&candidate, AccessFlags::X_OK) {
                Ok(()) => return Ok(candidate),
                Err(error) => forbidden = Some((candidate, error)),
            }
        }
    }
    match forbidden {
        Some((file, error)) => Err(Error::NotExecutable(file.display().to_string(), error.into())),
        None => Err(not_found()),
    }
}

/// The words of a command line.
pub(super) fn words(command: &[OsString]) -> Result<Vec<CString>, Error> {
    command.iter().map(|word| c_string(word)).collect()
}

/// The complete environment of a process, as the kernel takes it: `NAME=value` each. Wiped when dropped, as secrets are
/// among them.
#[derive(Clone, Default)]
pub struct Variables(Zeroizing<Vec<CString>>);

impl Variables {
    /// Puts an environment together; of two variables of one name, programs see what they like.
    ///
    /// # Errors
    ///
    /// When there is a NUL in one, which none can hold.
    pub fn new<'a>(variables: impl IntoIterator<Item = (&'a OsStr, &'a OsStr)>) -> Result<Variables, Error> {
        let variables = variables.into_iter();
        let at_most = variables.size_hint().1.unwrap_or_default();
        let mut all = Variables(Zeroizing::new(Vec::with_capacity(at_most)));
        for (name, value) in variables {
            all.push(name, value)?;
        }
        Ok(all)
    }

    /// Adds one.
    ///
    /// # Errors
    ///
    /// When there is a NUL in it.
    pub fn push(&mut self, name: &OsStr, value: &OsStr) -> Result<(), Error> {
        let mut variable = Vec::with_capacity(name.len() + value.len() + 2);
        variable.extend_from_slice(name.as_bytes());
        variable.push(b'=');
        variable.extend_from_slice(value.as_bytes());
        // The value may be a secret: it has no place in the message.
        let no_nul = |_| no_nul(format!("set the variable {}", name.display()));
        self.0.push(CString::new(variable).map_err(no_nul)?);
        Ok(())
    }

    /// Sets one, in place of what has its name.
    ///
    /// # Errors
    ///
    /// When there is a NUL in it.
    pub fn set(&mut self, name: &OsStr, value: &OsStr) -> Result<(), Error> {
        self.0.retain(|variable| {
            let rest = variable.as_bytes().strip_prefix(name.as_bytes());
            !rest.is_some_and(|rest| rest.starts_with(b"="))
        });
        self.push(name, value)
    }

    /// Makes them all that a command has.
    pub fn give_to(&self, command: &mut Command) {
        command.env_clear().envs(self.iter());
    }

    /// Names and values.
    pub(super) fn iter(&self) -> impl DoubleEndedIterator<Item = (&OsStr, &OsStr)> {
        self.0.iter().map(|variable| {
            let bytes = variable.as_bytes();
            // Our parent may have given us names that begin with `=`.
            let end = bytes.iter().skip(1).position(|byte| *byte == b'=').map_or(bytes.len(), |end| end + 1);
            let value = bytes.get(end + 1..).unwrap_or_default();
            (OsStr::from_bytes(&bytes[..end]), OsStr::from_bytes(value))
        })
    }

    /// Those that were taken apart before.
    pub(super) fn of_words(words: Vec<CString>) -> Variables {
        Variables(Zeroizing::new(words))
    }

    /// As the kernel takes them.
    pub(super) fn words(&self) -> &[CString] {
        &self.0
    }
}

impl fmt::Debug for Variables {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter().map(|(name, _)| name)).finish()
    }
}

/// A word or path.
pub(super) fn c_string(text: &OsStr) -> Result<CString, Error> {
    CString::new(text.as_bytes()).map_err(|_| no_nul(format!("pass on {}", text.to_string_lossy())))
}

fn no_nul(doing: String) -> Error {
    Error::System(doing, io::Error::other("it holds a NUL character"))
}

/// Why a file could not be executed.
pub(super) fn not_started(file: &Path, error: io::Error, environment: &Variables) -> Error {
    match error.raw_os_error() {
        Some(libc::E2BIG) => Error::TooLarge(largest(environment)),
        Some(libc::ENOENT | libc::ENOTDIR) if !file.exists() => Error::NotFound(file.display().to_string()),
        Some(libc::ENOENT) => {
            // The file is there; what it names in its first line is not.
            let why = io::Error::other("its interpreter does not exist");
            Error::NotExecutable(file.display().to_string(), why)
        }
        Some(libc::EAGAIN | libc::ENOMEM) => Error::System("start a process".to_owned(), error),
        _ => Error::NotExecutable(file.display().to_string(), error),
    }
}

/// The names and sizes of the variables that fill most of the environment.
fn largest(environment: &Variables) -> String {
    let mut sizes: Vec<_> = environment.iter().map(|(name, value)| (value.len(), name)).collect();
    sizes.sort_by(|a, b| b.cmp(a));
    let named: Vec<_> =
        sizes.iter().take(3).map(|(size, name)| format!("{} ({size} bytes)", name.display())).collect();
    named.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variables(pairs: &[(&str, &str)]) -> Variables {
        Variables::new(pairs.iter().map(|(name, value)| (OsStr::new(name), OsStr::new(value)))).unwrap()
    }

    #[test]
    fn the_largest_variables_are_named() {
        let environment = variables(&[("V0", "a"), ("V1", "b=b"), ("V2", "cc"), ("V3", "")]);
        assert_eq!(largest(&environment), "V1 (3 bytes), V2 (2 bytes), V0 (1 bytes)");
    }

    #[test]
    fn values_are_not_shown() {
        let environment = variables(&[("=V", "a"), ("KEY", "s3cret")]);
        assert_eq!(format!("{environment:?}"), "[\"=V\", \"KEY\"]");
        let error = variables(&[]).push(OsStr::new("KEY"), OsStr::new("s3\0cret")).unwrap_err();
        assert_eq!(error.to_string(), "cannot set the variable KEY: it holds a NUL character");
    }

    #[test]
    fn a_command_is_found_along_the_path_it_will_have() {
        let with = |path: &str| variables(&[("PATH", path)]);
        let sh = OsStr::new("sh");
        assert_eq!(find(sh, &with("/nowhere:/bin")).unwrap(), Path::new("/bin/sh"));
        assert!(matches!(find(sh, &with("/nowhere")), Err(Error::NotFound(_))));
        assert_eq!(find(sh, &variables(&[])).unwrap(), Path::new("/bin/sh"));
        assert_eq!(find(OsStr::new("./x"), &variables(&[])).unwrap(), Path::new("./x"));
        assert!(find(OsStr::new(""), &with("/bin")).is_err());
    }
}
