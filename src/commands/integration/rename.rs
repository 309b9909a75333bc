//! `shipctl integration rename`.

use super::unknown;
use crate::cli::LineOptions;
use crate::edit;
use crate::exit;
use crate::integration::{check_name, renamed};
use crate::load::read_good;
use crate::model::usage;
use crate::output::{Failure, print};

/// Runs the command.
pub(super) fn run(old: &str, new: &str, options: &LineOptions) -> Result<u8, Failure> {
    let _lock = edit::lock(options, None)?;
    let line = read_good(options)?;
    let used = usage::of(&line.pipeline, old);
    if used.is_empty() && !line.pipeline.integrations.contains_key(old) {
        return Err(unknown(&line.pipeline, old));
    }
    check_name(&line.pipeline, new, Some(old))?;
    let mut draft = edit::draft(&line, options)?;
    draft.rename(old, new)?;
    let edited = edit::commit(&line, draft, options)?;
    let jobs: Vec<_> = used.jobs.iter().map(|(job, _)| job.name.text.as_str()).collect();
    print(&renamed(&line, &edited, old, new, &jobs))?;
    Ok(exit::SUCCESS)
}
