//! `shipctl init`: a small line in an empty directory, or what an old line lacks.

mod ask;
mod complete;
mod create;

use std::path::Path;

use anyhow::{Context as _, anyhow};

use crate::cli::{Init, LineOptions};
use crate::exit;
use crate::init;
use crate::load::read;
use crate::model::files;
use crate::output::{Failure, failure, paint, print};
use crate::prompt::can_ask;
use ask::ask_for_secret;
use complete::complete;
use create::create;

/// Runs the command.
///
/// # Errors
///
/// When the line has errors, or a file is there already.
pub fn run(command: &Init, options: &LineOptions) -> Result<u8, Failure> {
    let here = std::env::current_dir().context("the current directory is gone")?;
    let line = read(options)?;
    let asks = !command.yes && can_ask();
    if options.file.is_empty() && (line.sources.is_empty() || line.directory != here) {
        return begin(&here, asks);
    }
    let errors: Vec<_> = line.diagnostics.iter().filter(|found| found.is_error()).cloned().collect();
    if !errors.is_empty() {
        return Err(failure(&errors, &line.sources, paint(options.color, &std::io::stderr())));
    }
    complete(&line, asks)
}

/// Writes a small line into a directory that has none.
fn begin(directory: &Path, asks: bool) -> Result<u8, Failure> {
    if let Some((found, name)) = files::misnamed(directory) {
        return Err(Failure::from(anyhow!("`{found}` is there, and no command reads it: call it `{name}`")));
    }
    let secret = if asks { ask_for_secret()? } else { None };
    let files = init::starter(secret.as_deref());
    for (name, text) in &files {
        create(&directory.join(name), name, text)?;
    }
    let mut said = String::new();
    for (name, _) in &files {
        said += &format!("wrote {name}\n");
    }
    if let Some(secret) = &secret {
        said += &format!("the job reads its secret from your environment: export {secret}=…\n");
    }
    print(&format!("{said}next: shipctl run hello\n"))?;
    Ok(exit::SUCCESS)
}
