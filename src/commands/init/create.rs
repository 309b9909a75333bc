//! New files of a line.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::Path;

use anyhow::Context as _;

use crate::edit;
use crate::init::LINE;
use crate::output::Failure;

/// Makes a file that is not there yet. One that says where secrets are is its owner's alone.
pub(super) fn create(path: &Path, name: &str, text: &str) -> Result<(), Failure> {
    if name != LINE {
        return Ok(edit::create(path, text).map_err(anyhow::Error::from)?);
    }
    let write = || OpenOptions::new().write(true).create_new(true).open(path)?.write_all(text.as_bytes());
    Ok(write().with_context(|| format!("cannot make {}", path.display()))?)
}
