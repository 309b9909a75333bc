//! `shipctl integration list` and `show`.

use std::fmt::Write as _;

use serde_json::Value as Json;

use super::declared;
use crate::cli::{LineOptions, ListFormat};
use crate::exit;
use crate::integration::describe;
use crate::load::read_good;
use crate::output::{Failure, print};
use crate::printable;

/// Lists all integrations.
pub(super) fn list(format: ListFormat, options: &LineOptions) -> Result<u8, Failure> {
    let line = read_good(options)?;
    let integrations = line.pipeline.integrations.values();
    print(&match format {
        ListFormat::Json => printable::json(format!(
            "{:#}\n",
            Json::from(integrations.map(|one| describe::json(&line, one)).collect::<Vec<_>>())
        )),
        ListFormat::Text if integrations.len() == 0 => {
            "no integrations are declared; `shipctl integration add` adds one\n".to_owned()
        }
        ListFormat::Text => integrations.map(|one| describe::text(&line, one)).collect::<Vec<_>>().join("\n"),
    })?;
    Ok(exit::SUCCESS)
}

/// Shows one integration, with the fields that it could have.
pub(super) fn show(name: &str, format: ListFormat, options: &LineOptions) -> Result<u8, Failure> {
    let line = read_good(options)?;
    let integration = declared(&line.pipeline, name)?;
    print(&match format {
        ListFormat::Json => printable::json(format!("{:#}\n", describe::json(&line, integration))),
        ListFormat::Text => {
            let mut text = describe::text(&line, integration);
            let absent = describe::absent(integration);
            if !absent.is_empty() {
                let _ = writeln!(text, "  without: {}", absent.join(", "));
            }
            text
        }
    })?;
    Ok(exit::SUCCESS)
}
