//! `shipctl integration types`: the kinds of integrations and their fields.

use crate::exit;
use crate::model::integration::unknown_kind;
use crate::model::kind::{Field, KINDS, Kind, Shape};
use crate::output::{Failure, print};
use crate::source::Sources;

/// Lists all kinds, or the fields of one.
pub(super) fn run(kind: Option<&str>, paint: crate::paint::Paint) -> Result<u8, Failure> {
    let Some(written) = kind else {
        let width = KINDS.iter().map(|kind| kind.name.len()).max().unwrap_or(0);
        let lines = KINDS.iter().map(|kind| format!("{:width$}  {}\n", kind.name, kind.display));
        print(&lines.collect::<String>())?;
        return Ok(exit::SUCCESS);
    };
    let kind = Kind::find(written).ok_or_else(|| {
        let message = format!("there is no type of integrations `{written}`");
        crate::output::failure(&[unknown_kind(message, written)], &Sources::default(), paint)
    })?;
    print(&described(kind))?;
    Ok(exit::SUCCESS)
}

fn described(kind: &Kind) -> String {
    let width = kind.fields.iter().map(|field| field.name.len()).max().unwrap_or(0);
    let mut text = format!("{} ({})\n", kind.name, kind.display);
    for field in kind.fields {
        let required = if field.required { "required" } else { "optional" };
        let line = format!("  {:width$}  {required}  {}", field.name, words(field).join(", "));
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

fn words(field: &Field) -> Vec<&'static str> {
    let shape = match field.shape {
        Shape::Text => None,
        Shape::List => Some("a list"),
        Shape::Map => Some("keys and values"),
        Shape::Integration => Some("the name of another integration"),
    };
    field.secret.then_some("secret").into_iter().chain(shape).collect()
}
