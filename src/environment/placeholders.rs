//! `$NAME` and `${NAME}` in what a resource points at.

use std::sync::LazyLock;

use regex::{Captures, Regex};

static PLACEHOLDER: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"\$(?:\{([A-Za-z_][A-Za-z0-9_]*)\}|([A-Za-z_][A-Za-z0-9_]*))").ok());

/// Replaces `$NAME` and `${NAME}` by what `value` says; an unknown name by nothing, after telling `unknown`.
/// Everything else (`$$`, `$5`, `${NAME:-x}`) stays as it is.
pub fn substitute<'v>(
    text: &str,
    value: impl Fn(&str) -> Option<&'v str>,
    mut unknown: impl FnMut(&str),
) -> String {
    // Most texts have none, and the pattern is not even compiled for them.
    let Some(pattern) = text.contains('$').then(|| PLACEHOLDER.as_ref()).flatten() else {
        return text.to_owned();
    };
    pattern
        .replace_all(text, |captures: &Captures| {
            let name = captures.get(1).or_else(|| captures.get(2)).map_or("", |name| name.as_str());
            value(name).map_or_else(
                || {
                    unknown(name);
                    String::new()
                },
                str::to_owned,
            )
        })
        .into_owned()
}

#[cfg(test)]
mod tests {
    use super::substitute;

    #[test]
    fn replaces_names_and_nothing_else() {
        let value = |name: &str| (name == "A_1").then_some("x$A_1");
        let mut unknown = Vec::new();
        let out =
            substitute("$A_1-${A_1}.$B|${B} $$ $5 ${A_1:-y} $", value, |name| unknown.push(name.to_owned()));
        assert_eq!(out, "x$A_1-x$A_1.| $$ $5 ${A_1:-y} $");
        assert_eq!(unknown, ["B", "B"]);
    }
}
