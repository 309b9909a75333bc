//! `shipctl integration remove`.

use super::declared;
use crate::cli::LineOptions;
use crate::edit;
use crate::exit;
use crate::integration::usage_text;
use crate::load::read_good;
use crate::model::usage;
use crate::output::{Failure, print};
use crate::printable::Printable;

/// Runs the command. The status is 1 if something uses the integration.
pub(super) fn run(name: &str, force: bool, options: &LineOptions) -> Result<u8, Failure> {
    let _lock = edit::lock(options, None)?;
    let line = read_good(options)?;
    let integration = declared(&line.pipeline, name)?;
    let usage = usage::of(&line.pipeline, name);
    let shown = Printable(name);
    if !usage.is_empty() && !force {
        return Err(Failure {
            status: exit::IN_USE,
            message: format!(
                "error: {shown} is in use\n{}  hint: take it away there first, or remove it all the same with --force\n",
                indented(&usage_text(&usage, &line.sources))
            ),
        });
    }
    let mut draft = edit::draft(&line, options)?;
    draft.remove(integration.name.place)?;
    edit::commit(&line, draft, options)?;
    let file = line.sources.get(integration.name.place.source).path();
    let mut text = format!("removed {shown} from {}\n", file.display());
    if !usage.is_empty() {
        text += &format!("what needs it now:\n{}", indented(&usage_text(&usage, &line.sources)));
    }
    print(&text)?;
    Ok(exit::SUCCESS)
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("  {line}\n")).collect()
}
