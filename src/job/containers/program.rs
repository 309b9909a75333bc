//! This program, as the containers of a run have it.

use std::collections::BTreeSet;
use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow};

use super::super::host::program_paths;
use crate::container::Program;
use crate::output::Failure;
use crate::workspace::Pipes;

/// What the script that starts a linked program is called among the pipes.
const SCRIPT: &str = "shipctl";

/// This program, as containers have it.
pub(crate) fn program(pipes: &Path) -> Result<Program, Failure> {
    let program = std::env::current_exe().context("cannot tell where shipctl lies")?;
    let paths = program_paths();
    if cfg!(target_feature = "crt-static") {
        return Ok(Program::fixed(&program, &paths));
    }
    let maps = fs::read_to_string("/proc/self/maps").context("cannot tell what shipctl is linked to")?;
    let libraries: BTreeSet<PathBuf> = maps
        .lines()
        .filter_map(|line| Some(PathBuf::from(line.get(line.find('/')?..)?)))
        .filter(|path| path.file_name().is_some_and(|name| name.to_string_lossy().contains(".so")))
        .collect();
    Program::linked(&program, &paths, &libraries, &pipes.join(SCRIPT)).ok_or_else(|| {
        anyhow!(
            "this shipctl is linked to libraries of this machine, and their loader is not found: use a release, which is linked to none"
        )
        .into()
    })
}

/// Writes what the containers of a run find among its pipes.
///
/// # Errors
///
/// When it cannot be written.
pub(crate) fn prepare(pipes: &Pipes) -> Result<(), Failure> {
    let Some(script) = program(pipes.path())?.script else { return Ok(()) };
    let file = pipes.path().join(SCRIPT);
    let mut options = OpenOptions::new();
    let written = options.write(true).create_new(true).mode(0o700).open(&file);
    let written = written.and_then(|mut file| file.write_all(script.as_bytes()));
    Ok(written.with_context(|| format!("cannot write {}", file.display()))?)
}
