//! Which commits the original built by itself: `branches` of the CI section, and words in the message of a commit.

use crate::diagnostic::Diagnostic;
use crate::model::{Name, names, warn_of_unknown_keys};
use crate::source::Span;
use crate::yaml::Node;

/// What a commit says in its message to be left out.
const SKIP: &[&str] = &["[ci skip]", "[skip ci]"];

/// The branches, and tags, that were built.
#[derive(Default)]
pub struct Branches {
    /// These alone, if there are any; with where the list stands.
    only: Option<(Vec<Name>, Span)>,
    /// All but these.
    except: Vec<Name>,
}

/// Why the original would not have built a commit.
#[derive(Debug, PartialEq)]
pub struct Skipped {
    /// In words.
    pub why: String,
    /// Where that is written, if it is in the YAML.
    pub place: Option<Span>,
}

impl Branches {
    /// Reads `branches`.
    pub(super) fn read(node: &Node, diagnostics: &mut Vec<Diagnostic>) -> Branches {
        if let Some(map) = node.map() {
            warn_of_unknown_keys(map, &["only", "except"], "`branches`", diagnostics);
        }
        let mut list = |key: &str| {
            let node = node.get(key)?;
            let names = names(node, "a branch", diagnostics);
            (!names.is_empty()).then_some((names, node.place))
        };
        Branches { only: list("only"), except: list("except").map(|(names, _)| names).unwrap_or_default() }
    }

    /// Why a commit of a branch would not have been built, if so.
    pub fn skip(&self, branch: &str, message: &str) -> Option<Skipped> {
        if let Some(words) = SKIP.iter().find(|words| message.contains(**words)) {
            return Some(Skipped { why: format!("the message of the commit has {words}"), place: None });
        }
        if branch.is_empty() {
            return None;
        }
        if let Some(name) = self.except.iter().find(|name| fits(&name.text, branch)) {
            let why = format!("`except` of `branches` has branch `{branch}`");
            return Some(Skipped { why, place: Some(name.place) });
        }
        let (names, place) = self.only.as_ref()?;
        let is_missing = !names.iter().any(|name| fits(&name.text, branch));
        is_missing.then(|| Skipped {
            why: format!("`only` of `branches` does not have branch `{branch}`"),
            place: Some(*place),
        })
    }
}

/// Whether a pattern, in which `*` stands for anything, is that of a branch.
fn fits(pattern: &str, branch: &str) -> bool {
    let Some((start, rest)) = pattern.split_once('*') else { return pattern == branch };
    let Some(mut left) = branch.strip_prefix(start) else { return false };
    let mut parts: Vec<_> = rest.split('*').collect();
    let end = parts.pop().unwrap_or_default();
    for part in parts {
        let Some((_, after)) = left.split_once(part) else { return false };
        left = after;
    }
    left.ends_with(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_anything() {
        for (pattern, branch, is_one) in [
            ("master", "master", true),
            ("master", "master2", false),
            ("dev*", "dev", true),
            ("feature/*", "feature/a/b", true),
            ("*/a", "feature/a", true),
            ("*-a-*", "x-a-y", true),
            ("a*a", "a", false),
            ("*", "x", true),
            ("dev*", "my-dev", false),
        ] {
            assert_eq!(fits(pattern, branch), is_one, "{pattern} {branch}");
        }
    }
}
