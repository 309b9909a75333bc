//! Where this user's keys are: `SHIPCTL_KEY`, `SHIPCTL_KEY_FILE`, or a file in the configuration directory.

use std::fmt::Display;
use std::fs::DirBuilder;
use std::io::{self, Read};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::error::{CreateError, KeyError, NoAnswer};
use super::keys::{Keys, is_protected, unprotect};
use crate::file;
use crate::secret::Secret;

/// The variables that tell shipctl of keys. They are not for the processes that it starts.
pub const VARIABLES: [&str; 2] = [TEXT, FILE];

const TEXT: &str = "SHIPCTL_KEY";
const FILE: &str = "SHIPCTL_KEY_FILE";

/// The largest file of keys that is read, in bytes.
const MAX_FILE: usize = 64 << 10;

/// Asks the user for a secret: the question, and the answer or why there is none.
pub type Ask = fn(&str) -> Result<Secret, NoAnswer>;

/// Where keys come from.
pub enum KeyPlace {
    /// A variable that holds them.
    Variable,
    /// A file; the one in the configuration directory need not be there.
    File(PathBuf),
}

impl KeyPlace {
    /// Where they come from as things are.
    ///
    /// # Errors
    ///
    /// When there is no configuration directory, because there is no home directory.
    pub fn find() -> Result<KeyPlace, KeyError> {
        if set(TEXT).is_some() {
            return Ok(KeyPlace::Variable);
        }
        set(FILE).map_or_else(default_file, |path| Ok(path.into())).map(KeyPlace::File)
    }

    /// Reads the keys.
    ///
    /// # Errors
    ///
    /// When there are none, or the file is not for its owner alone; one that the variable names may be read by others, with a
    /// warning.
    pub fn keys(&self, ask: Ask) -> Result<Keys, KeyError> {
        match self {
            KeyPlace::Variable => {
                let text = Zeroizing::new(std::env::var(TEXT).unwrap_or_default());
                let lines = words_of_keys(&text);
                Keys::parse(lines.as_ref().unwrap_or(&text), format!("${TEXT}")).map_err(|why| KeyError {
                    message: format!("${TEXT} holds no keys: {why}"),
                    hint: if is_like_path(&text) {
                        format!("it looks like the path of a file: that is for {FILE}")
                    } else {
                        "set it to the text AGE-SECRET-KEY-1…, or unset it".to_owned()
                    },
                })
            }
            KeyPlace::File(path) => of_file(path, ask),
        }
    }
}

/// The keys of a file that became one line on its way into a variable, one a line again: services that keep secrets make
/// blanks of newlines, and then all of it is a comment. `None` if it is no such line.
fn words_of_keys(text: &str) -> Option<Zeroizing<String>> {
    let text = text.trim();
    let keys: Vec<_> =
        text.split_ascii_whitespace().filter(|word| word.starts_with("AGE-SECRET-KEY-1")).collect();
    (!text.contains('\n') && !keys.is_empty()).then(|| Zeroizing::new(keys.join("\n")))
}

/// Whether a text is rather the path of a file than a key.
fn is_like_path(text: &str) -> bool {
    let text = text.trim();
    let is_one = !text.contains(['\n', ' ']) && !text.contains("AGE-SECRET-KEY-");
    is_one && (text.contains('/') || text.ends_with(".txt") || Path::new(text).is_file())
}

fn set(variable: &str) -> Option<std::ffi::OsString> {
    std::env::var_os(variable).filter(|value| !value.is_empty())
}

/// The file in the user's configuration directory.
///
/// # Errors
///
/// When there is no home directory.
pub fn default_file() -> Result<PathBuf, KeyError> {
    let configuration = set("XDG_CONFIG_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
    let directory = configuration.or_else(|| Some(PathBuf::from(set("HOME")?).join(".config")));
    directory.map(|directory| directory.join("shipctl/key.txt")).ok_or_else(|| KeyError {
        message: "there is no key, and no home directory that could have one".to_owned(),
        hint: format!("set {TEXT} to a key, or {FILE} to a file that has one"),
    })
}

fn of_file(path: &Path, ask: Ask) -> Result<Keys, KeyError> {
    let shown = path.display().to_string();
    let error = |message: String, hint: String| KeyError { message, hint };
    let mut file = file::open(path).map_err(|problem| match problem.kind() {
        io::ErrorKind::NotFound if set(FILE).is_none() => error(
            "you have no key".to_owned(),
            format!("make one with `shipctl key new`, or set {TEXT} to one; it would be in {shown}"),
        ),
        _ => error(
            format!("cannot read the key file {shown}: {}", file::describe(&problem)),
            format!("{FILE} says where the file is; {TEXT} may hold the key itself"),
        ),
    })?;
    let unreadable = |problem: io::Error| {
        error(
            format!("cannot read the key file {shown}: {}", file::describe(&problem)),
            "give another file".to_owned(),
        )
    };
    let mode = file.metadata().map_err(unreadable)?.mode();
    // One that is named is often mounted from elsewhere, read-only and for all to read: as a secret of Kubernetes or docker.
    let is_mounted = set(FILE).is_some() && mode & 0o022 == 0;
    if mode & 0o077 != 0 && is_mounted {
        eprintln!("shipctl: the key file {shown} may be read by others (mode {:04o})", mode & 0o7777);
    } else if mode & 0o077 != 0 {
        return Err(error(
            format!("the key file {shown} may be read or changed by others (mode {:04o})", mode & 0o7777),
            format!("run `chmod 600 {shown}`, and rotate the key if it may have been read"),
        ));
    }
    let mut bytes = Zeroizing::new(Vec::with_capacity(MAX_FILE + 1));
    Read::by_ref(&mut file).take(MAX_FILE as u64 + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    let bad = |why: &dyn Display| {
        error(
            format!("the key file {shown} cannot be used: {why}"),
            "`shipctl key new` writes a good one".to_owned(),
        )
    };
    if bytes.len() > MAX_FILE {
        return Err(bad(&format_args!("it holds more than {} KiB", MAX_FILE >> 10)));
    }
    if is_protected(&bytes) {
        let passphrase = ask(&format!("Passphrase of {shown}")).map_err(|why| {
            error(
                format!("the key file {shown} has a passphrase: {why}"),
                format!("use a terminal, or set {TEXT} to a key without one"),
            )
        })?;
        let text = unprotect(&bytes, &passphrase).map_err(|why| {
            error(format!("cannot open the key file {shown}: {why}"), "try again".to_owned())
        })?;
        return Keys::parse(text.expose(), shown.clone()).map_err(|why| bad(&why));
    }
    let text = std::str::from_utf8(&bytes).map_err(|_| bad(&"it is no text"))?;
    Keys::parse(text, shown.clone()).map_err(|why| bad(&why))
}

/// Writes a new file of keys, for its owner alone from the first instant, as are directories that it needs.
///
/// # Errors
///
/// When it is there already, or cannot be written. Nothing half-written stays.
pub fn create(path: &Path, text: &str) -> Result<(), CreateError> {
    let failed = |error: io::Error| match error.kind() {
        io::ErrorKind::AlreadyExists => CreateError::Exists(path.to_owned()),
        _ => CreateError::Io { path: path.to_owned(), source: error },
    };
    if let Some(parent) = path.parent() {
        DirBuilder::new().recursive(true).mode(0o700).create(parent).map_err(failed)?;
    }
    file::create_private(path, text.as_bytes()).map_err(failed)
}
