//! `mask`: a value that the script has found out itself is masked in the log from here on.
//!
//! The value is appended to a file that the runner has made, and looks at before it shows anything; see its own side.

use std::fs::OpenOptions;
use std::io::{self, Read as _, Write as _};
use std::path::Path;

use zeroize::Zeroizing;

use super::{Call, Failure};
use crate::contract::{MIN_MASKED, path, var};
use crate::exit;

/// The largest value, in bytes.
const MAX_VALUE: usize = 1 << 20;

/// `mask`, with the value on stdin, of which one newline at the end is dropped.
pub(super) fn mask(call: &mut Call) -> Result<u8, Failure> {
    if !call.args.is_empty() {
        return Err(failed(
            "mask takes the value from stdin: as an argument, everybody on this machine could read it in the list of \
             processes; write `printf %s \"$VALUE\" | shipctl mask`",
        ));
    }
    let outside = || {
        failed(
            "there is no log to mask a value in: this is not inside `shipctl run` or `shipctl exec --mask`",
        )
    };
    let workspace = call.context.var(var::JOB_PATH).ok_or_else(outside)?;
    let path = Path::new(&workspace).join(path::SECRETS).join(path::MASKED);
    let mut file = match OpenOptions::new().append(true).open(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(outside()),
        opened => opened.map_err(|error| failed(&format!("cannot write {}: {error}", path.display())))?,
    };
    let record = read()?;
    if record.len() - 2 < MIN_MASKED {
        call.say(format_args!(
            "shipctl: warning: the value is not masked: values of less than {MIN_MASKED} bytes are in every other word"
        ));
    }
    file.write_all(&record).map_err(|error| failed(&format!("cannot write {}: {error}", path.display())))?;
    Ok(exit::SUCCESS)
}

/// The value on stdin between two NUL bytes, in one piece: what another call writes at the same time must not come between.
fn read() -> Result<Zeroizing<Vec<u8>>, Failure> {
    // With room for all of it: what grows leaves a copy behind.
    let mut record = Zeroizing::new(Vec::with_capacity(MAX_VALUE + 2));
    record.push(0);
    let mut stdin = io::stdin().lock().take(MAX_VALUE as u64 + 1);
    stdin.read_to_end(&mut record).map_err(|error| failed(&format!("cannot read stdin: {error}")))?;
    if record.len() - 1 > MAX_VALUE {
        return Err(failed(&format!("the value has more than {} KiB", MAX_VALUE >> 10)));
    }
    if record.ends_with(b"\n") {
        record.pop();
    }
    let value = &record[1..];
    if value.is_empty() {
        return Err(failed("there is no value on stdin; write `printf %s \"$VALUE\" | shipctl mask`"));
    }
    if value.contains(&0) || std::str::from_utf8(value).is_err() {
        return Err(failed(
            "the value is no text; mask it in the form in which it is printed, base64 for instance",
        ));
    }
    record.push(0);
    Ok(record)
}

fn failed(message: &str) -> Failure {
    Failure::Failed(message.to_owned())
}
