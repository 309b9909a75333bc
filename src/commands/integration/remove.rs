//! `shipctl integration remove`.

use super::used_by::to_text;
use super::{commit, declared, lock};
use crate::cli::LineOptions;
use crate::edit::Draft;
use crate::exit;
use crate::load::read_good;
use crate::model::usage;
use crate::output::{Failure, failure, paint, print};
use crate::printable::Printable;

/// Runs the command. The status is 1 if something uses the integration.
pub(super) fn run(name: &str, force: bool, options: &LineOptions) -> Result<u8, Failure> {
    let _lock = lock(options, None)?;
    let line = read_good(options)?;
    let integration = declared(&line.pipeline, name)?;
    let usage = usage::of(&line.pipeline, name);
    let shown = Printable(name);
    if !usage.is_empty() && !force {
        return Err(Failure {
            status: exit::IN_USE,
            message: format!(
                "error: {shown} is in use\n{}  hint: take it away there first, or remove it all the same with --force\n",
                indented(&to_text(&usage, &line.sources))
            ),
        });
    }
    let mut draft = Draft::new(&line.sources)
        .map_err(|problems| failure(&problems, &line.sources, paint(options.color, &std::io::stderr())))?;
    draft.remove(integration.name.place)?;
    commit(&line, draft, options)?;
    let file = line.sources.get(integration.name.place.source).path();
    let mut text = format!("removed {shown} from {}\n", file.display());
    if !usage.is_empty() {
        text += &format!("what needs it now:\n{}", indented(&to_text(&usage, &line.sources)));
    }
    print(&text)?;
    Ok(exit::SUCCESS)
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("  {line}\n")).collect()
}
