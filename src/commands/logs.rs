//! `shipctl logs`: the log of a run, as it was kept.

use std::io::{self, BufRead as _, BufReader, Write as _};

use anyhow::{Context as _, anyhow};

use crate::cli::{LineOptions, Logs};
use crate::exit;
use crate::load::{line_of_state, store};
use crate::output::Failure;
use crate::run::console::STAMP;
use crate::state::{BuildRef, logs};

/// Runs the command.
///
/// # Errors
///
/// When there is no such run, or its log was not kept or cannot be read.
pub fn run(command: &Logs, options: &LineOptions) -> Result<u8, Failure> {
    let line = line_of_state(options)?;
    let build = match (&command.job, command.number) {
        (Some(job), Some(number)) => BuildRef { job: job.clone(), number },
        (job, _) => {
            let store = store::open_existing(&line)?;
            let runs = store.map_or_else(|| Ok(Vec::new()), |store| store.history(job.as_deref(), 1))?;
            let of = job.as_ref().map_or_else(String::new, |job| format!(" of job `{job}`"));
            let run = runs.into_iter().next();
            run.ok_or_else(|| anyhow!("there is no run{of}; `shipctl history` lists them"))?.reference
        }
    };
    let failed = || format!("cannot read the log of {build}");
    let Some(file) = logs::open(&line.directory, &build).with_context(failed)? else {
        return Err(anyhow!(
            "there is no log of {build}: no such run, or one with --no-log, or pruned; `shipctl history` lists the runs"
        )
        .into());
    };
    let mut out = io::stdout().lock();
    let mut reader = BufReader::new(file);
    let mut bytes = Vec::new();
    while reader.read_until(b'\n', &mut bytes).with_context(failed)? > 0 {
        let shown = if command.timestamps { &bytes[..] } else { bytes.get(STAMP..).unwrap_or_default() };
        match out.write_all(shown) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(exit::SUCCESS),
            written => written.context("cannot write to stdout")?,
        }
        bytes.clear();
    }
    out.flush().context("cannot write to stdout")?;
    Ok(exit::SUCCESS)
}
