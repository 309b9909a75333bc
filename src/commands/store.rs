//! Where the state of a line is: beside its files, or where `--state` says.

use std::path::PathBuf;

use anyhow::anyhow;

use super::Failure;
use crate::cli::LineOptions;
use crate::model::files::Line;
use crate::state::{self, Store};

/// The variable that says so where no option does.
const VARIABLE: &str = "SHIPCTL_STATE";

/// Where the options, or the environment, want the state; `None` if it lies beside the files.
pub(super) fn wanted(options: &LineOptions) -> Result<Option<String>, Failure> {
    let given = match &options.state {
        Some(given) => Some(given.clone()),
        None => std::env::var(VARIABLE).ok().filter(|given| !given.is_empty()),
    };
    let Some(given) = given else { return Ok(None) };
    if given.contains("://") {
        return Err(anyhow!("the state cannot be kept in {given}: name a directory").into());
    }
    let path = std::path::absolute(&given)
        .map_err(|error| anyhow!("the state cannot be kept in `{given}`: {error}"))?;
    match path.into_os_string().into_string() {
        Ok(path) => Ok(Some(path)),
        Err(_) => Err(anyhow!("the state cannot be kept in `{given}`: its path is not UTF-8 text").into()),
    }
}

/// Whether other machines may use the state of a line.
pub(super) fn is_shared(line: &Line) -> bool {
    line.state.is_some()
}

/// Opens the state of a line, which is made if it is not there.
pub(super) fn open(line: &Line) -> state::Result<Store> {
    match &line.state {
        None => Store::open(&line.directory),
        Some(shared) => Ok(open_shared(shared)),
    }
}

/// Opens the state of a line if there is any.
pub(super) fn open_existing(line: &Line) -> state::Result<Option<Store>> {
    match &line.state {
        None => Store::open_existing(&line.directory),
        Some(shared) => Ok(Some(open_shared(shared))),
    }
}

fn open_shared(place: &str) -> Store {
    Store::in_directory(&PathBuf::from(place))
}
