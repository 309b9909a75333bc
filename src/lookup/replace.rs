//! `replace`: fills in the variables of the environment, in files.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use super::state::unwritable;
use crate::file::Pending;

use super::{Call, Context, Failure};
use crate::exit;

/// `replace FILE…`: `$NAME` and `${NAME}` become the variable's value, as with envsubst; a name that is not set
/// becomes nothing, with a warning. All files change or none; permissions stay.
pub(super) fn replace(call: &mut Call) -> Result<u8, Failure> {
    let mut pending = Vec::new();
    for file in call.args {
        let file = Path::new(file);
        if file.is_dir() {
            let message = format!("{} is a directory: only files can be replaced in", file.display());
            return Err(Failure::Failed(message));
        }
        let template = fs::read(file)
            .map_err(|error| Failure::Failed(format!("cannot read {}: {error}", file.display())))?;
        let filled = fill(&template, call.context);
        for name in filled.unknown {
            call.say(format_args!("shipctl: warning: {}: ${name} is not set", file.display()));
        }
        pending.push((file, Pending::like(file, &filled.text).map_err(|error| unwritable(file, &error))?));
    }
    for (file, pending) in pending {
        pending.commit().map_err(|error| unwritable(file, &error))?;
    }
    Ok(exit::SUCCESS)
}

struct Filled<'a> {
    text: Vec<u8>,
    unknown: BTreeSet<&'a str>,
}

fn fill<'a>(template: &'a [u8], context: &dyn Context) -> Filled<'a> {
    let mut filled = Filled { text: Vec::with_capacity(template.len()), unknown: BTreeSet::new() };
    let mut rest = template;
    while let Some(at) = rest.iter().position(|&b| b == b'$') {
        filled.text.extend_from_slice(&rest[..at]);
        rest = &rest[at..];
        let Some((name, length)) = placeholder(rest) else {
            filled.text.push(b'$');
            rest = &rest[1..];
            continue;
        };
        match context.var(name) {
            Some(value) => filled.text.extend_from_slice(value.as_bytes()),
            None => _ = filled.unknown.insert(name),
        }
        rest = &rest[length..];
    }
    filled.text.extend_from_slice(rest);
    filled
}

/// The name in the placeholder that `text` begins with, and the placeholder's length. Nothing else that begins with
/// `$` is one: not `$1`, not `${NAME:-x}`.
fn placeholder(text: &[u8]) -> Option<(&str, usize)> {
    let braced = text.get(1) == Some(&b'{');
    let start = if braced { 2 } else { 1 };
    let length = text[start..].iter().take_while(|b| b.is_ascii_alphanumeric() || **b == b'_').count();
    let end = start + length;
    let name = std::str::from_utf8(&text[start..end]).ok()?;
    let closed = !braced || text.get(end) == Some(&b'}');
    let is_name = !name.is_empty() && !name.starts_with(|c: char| c.is_ascii_digit());
    (closed && is_name).then_some((name, end + usize::from(braced)))
}
