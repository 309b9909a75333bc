//! `$NAME` and `${NAME}` in what a resource points at.

/// Replaces `$NAME` and `${NAME}` by what `value` says; an unknown name by nothing, after telling `unknown`.
/// Everything else (`$$`, `$5`, `${NAME:-x}`) stays as it is.
pub fn substitute<'v>(
    text: &str,
    value: impl Fn(&str) -> Option<&'v str>,
    mut unknown: impl FnMut(&str),
) -> String {
    let mut replaced = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('$') {
        replaced.push_str(before);
        rest = match placeholder(after) {
            Some((name, behind)) => {
                replaced.push_str(value(name).unwrap_or_else(|| {
                    unknown(name);
                    ""
                }));
                behind
            }
            None => {
                replaced.push('$');
                after
            }
        };
    }
    replaced + rest
}

/// The name that a text behind `$` begins with, in braces or not, and what is behind it.
fn placeholder(text: &str) -> Option<(&str, &str)> {
    match text.strip_prefix('{') {
        Some(inside) => {
            let (name, behind) = name(inside)?;
            Some((name, behind.strip_prefix('}')?))
        }
        None => name(text),
    }
}

/// The name of a variable that a text begins with, and what is behind it.
fn name(text: &str) -> Option<(&str, &str)> {
    let end = text.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(text.len());
    let is_name = end > 0 && !text.starts_with(|c: char| c.is_ascii_digit());
    is_name.then(|| text.split_at(end))
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
        let kept = "$ ${ ${A_1 ${} ${1} $é ${Aé} $";
        assert_eq!(substitute(kept, value, |name| panic!("{name}")), kept);
        assert_eq!(substitute("$$A_1$A_1é", value, |name| panic!("{name}")), "$x$A_1x$A_1é");
    }
}
