//! The kind of a new integration, where no option says it.

use crate::exit;
use crate::init;
use crate::model::files::Line;
use crate::model::integration::meant_kind;
use crate::model::kind::{KINDS, Kind};
use crate::output::Failure;
use crate::printable::Printable;
use crate::prompt;

/// Asks for it on the terminal, and offers what the line and the name tell.
///
/// # Errors
///
/// Where there is no terminal, or no answer.
pub(super) fn ask(name: &str, line: &Line) -> Result<&'static Kind, Failure> {
    if !prompt::can_ask() {
        return Err(Failure {
            status: exit::USAGE,
            message: "error: which kind is it?\n  hint: say it with --type KIND; `shipctl integration types` lists them, and on a terminal you are asked\n".to_owned(),
        });
    }
    let likely = init::likely_kind(line, name);
    let names: Vec<_> = KINDS.iter().map(|kind| kind.name).collect();
    eprintln!("kinds: {}", names.join(", "));
    loop {
        let answer = prompt::ask(&format!("kind [{}]", likely.name))?;
        let written = answer.trim();
        if written.is_empty() {
            return Ok(likely);
        }
        if let Some(kind) = Kind::find(written) {
            return Ok(kind);
        }
        let hint = meant_kind(written).map_or_else(String::new, |hint| format!("; {hint}"));
        eprintln!("there is no kind `{}`{hint}", Printable(written));
    }
}
