//! `post_resource_state` and `put_resource_state`: key-values for the next version of a resource or of the job.
//!
//! They are kept in `$JOB_STATE/<name>.env` until the job has succeeded.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use super::missing;
use super::{Call, Failure};
use crate::contract::{envfile, var};
use crate::exit;
use crate::file;

/// `post_resource_state`: this key-value alone; what was stored before is dropped.
pub(super) fn post(call: &mut Call) -> Result<u8, Failure> {
    store_all(call, &single(call)?)
}

/// `put_resource_state`: one more key-value; of a key that comes twice, the last one counts.
pub(super) fn put(call: &mut Call) -> Result<u8, Failure> {
    append(call, &single(call)?)
}

/// `post_resource_state_multi`: these key-values alone.
pub(super) fn post_multi(call: &mut Call) -> Result<u8, Failure> {
    store_all(call, &several(call)?)
}

/// `put_resource_state_multi`: more key-values.
pub(super) fn put_multi(call: &mut Call) -> Result<u8, Failure> {
    append(call, &several(call)?)
}

/// The lines for `RESOURCE_NAME STATE_NAME STATE_VALUE`.
fn single(call: &Call) -> Result<Vec<u8>, Failure> {
    let mut lines = Vec::new();
    add(&mut lines, call.arg(1).as_bytes(), call.arg(2).as_bytes())?;
    Ok(lines)
}

/// The lines for `RESOURCE_NAME STATE_ARRAY`: `K=V` in arguments of their own, or several in one.
fn several(call: &Call) -> Result<Vec<u8>, Failure> {
    let mut lines = Vec::new();
    for array in &call.args[1..] {
        for pair in pairs(array.as_bytes()) {
            let Some(at) = pair.iter().position(|&b| b == b'=') else {
                let pair = String::from_utf8_lossy(pair);
                return Err(Failure::Failed(format!(
                    "`{pair}` is not of the form KEY=VALUE; nothing was stored"
                )));
            };
            add(&mut lines, &pair[..at], &pair[at + 1..])?;
        }
    }
    Ok(lines)
}

/// Splits `A=1 B=two words C=3` before each word that begins a pair. The original split at every blank, and made
/// lines of their own of the rest of a value.
fn pairs(array: &[u8]) -> Vec<&[u8]> {
    let blank = |at: usize| array.get(at).is_none_or(u8::is_ascii_whitespace);
    let starts = (0..array.len()).filter(|&at| !blank(at) && (at == 0 || blank(at - 1)));
    let mut begins: Vec<usize> = starts.filter(|&at| begins_pair(&array[at..])).collect();
    let first = array.iter().position(|b| !b.is_ascii_whitespace()).unwrap_or(array.len());
    if first < array.len() && begins.first() != Some(&first) {
        begins.insert(0, first);
    }
    let ends = begins.iter().skip(1).copied().chain([array.len()]);
    begins.iter().zip(ends).map(|(&begin, end)| array[begin..end].trim_ascii_end()).collect()
}

fn begins_pair(text: &[u8]) -> bool {
    let key =
        text.iter().take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.')).count();
    key > 0 && text.get(key) == Some(&b'=')
}

fn add(lines: &mut Vec<u8>, key: &[u8], value: &[u8]) -> Result<(), Failure> {
    let key = String::from_utf8_lossy(key);
    if key.is_empty() || key.contains(|c: char| c.is_whitespace() || matches!(c, '=' | '"' | '\'' | '#')) {
        let message =
            format!("`{key}` cannot be a key: it is empty or has a blank, a quote, `=` or `#` in it");
        return Err(Failure::Failed(message));
    }
    Ok(envfile::write_state(lines, &key, value)?)
}

fn store_all(call: &Call, lines: &[u8]) -> Result<u8, Failure> {
    let at = state_file(call)?;
    file::replace(&at, lines).map_err(|error| unwritable(&at, &error))?;
    Ok(exit::SUCCESS)
}

/// Appends in one write, so that two at once lose nothing.
fn append(call: &Call, lines: &[u8]) -> Result<u8, Failure> {
    let at = state_file(call)?;
    let appended = || -> io::Result<()> {
        let old = match fs::read(&at) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            old => old?,
        };
        let newline: &[u8] = if old.last().is_some_and(|&last| last != b'\n') { b"\n" } else { b"" };
        let mut file = OpenOptions::new().append(true).create(true).mode(0o600).open(&at)?;
        file.write_all(&[newline, lines].concat())
    };
    appended().map_err(|error| unwritable(&at, &error))?;
    Ok(exit::SUCCESS)
}

/// `$JOB_STATE/<name>.env`, with the name as it is written.
fn state_file(call: &Call) -> Result<PathBuf, Failure> {
    let mut name = call.arg(0).to_owned();
    if name.as_bytes().contains(&b'/') {
        return Err(Failure::Failed(format!("`{}` cannot be the name of a resource", name.display())));
    }
    name.push(".env");
    Ok(directory(call, var::JOB_STATE)?.join(name))
}

/// The directory that a variable of the job names.
pub(super) fn directory(call: &Call, variable: &str) -> Result<PathBuf, Failure> {
    match call.context.var(variable) {
        Some(directory) if !directory.is_empty() => Ok(PathBuf::from(directory.into_owned())),
        _ => Err(missing::outside(variable)),
    }
}

/// `at` could not be written.
pub(super) fn unwritable(at: &Path, error: &io::Error) -> Failure {
    Failure::Failed(format!("cannot write {}: {error}", at.display()))
}

#[cfg(test)]
mod tests {
    use super::pairs;

    #[test]
    fn an_array_is_split_where_a_pair_begins() {
        for (array, expected) in [
            ("HERO=SUPERMAN FOO=bar", &["HERO=SUPERMAN", "FOO=bar"][..]),
            ("A=two  words B=x", &["A=two  words", "B=x"]),
            (" A=\tB=1\nC-d.e=f ", &["A=", "B=1", "C-d.e=f"]),
            ("A=1 +1=2", &["A=1 +1=2"]),
            ("word A=1", &["word", "A=1"]),
            ("  ", &[]),
        ] {
            let expected: Vec<&[u8]> = expected.iter().map(|pair| pair.as_bytes()).collect();
            assert_eq!(pairs(array.as_bytes()), expected, "{array}");
        }
    }
}
