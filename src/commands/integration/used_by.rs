//! `shipctl integration used-by`.

use super::unknown;
use crate::cli::{LineOptions, ListFormat};
use crate::exit;
use crate::integration::{usage_json, usage_text};
use crate::load::read_good;
use crate::model::usage;
use crate::output::{Failure, print};
use crate::printable::{self, Printable};

/// Runs the command. What is declared nowhere may be used all the same: it may be in the environment.
pub(super) fn run(name: &str, format: ListFormat, options: &LineOptions) -> Result<u8, Failure> {
    let line = read_good(options)?;
    let usage = usage::of(&line.pipeline, name);
    if usage.is_empty() && !line.pipeline.integrations.contains_key(name) {
        return Err(unknown(&line.pipeline, name));
    }
    print(&match format {
        ListFormat::Json => printable::json(format!("{:#}\n", usage_json(&usage, &line.sources))),
        ListFormat::Text if usage.is_empty() => format!("nothing uses {}\n", Printable(name)),
        ListFormat::Text => usage_text(&usage, &line.sources),
    })?;
    Ok(exit::SUCCESS)
}
