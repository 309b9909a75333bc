//! Values inside JSON documents: found by path, printed as `jq -r` prints them.

use serde_json::Value;

use super::missing::list;
use super::{Failure, query};

/// Reads a document; a byte order mark is skipped. serde_json's messages about syntax quote nothing.
pub(super) fn parse(bytes: &[u8]) -> serde_json::Result<Value> {
    let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    serde_json::from_slice(text)
}

/// What stands at `path`, or the deepest value that was reached on the way.
///
/// Keys may hold any character, so the whole path is tried as one key first, then its beginnings at each `.` and
/// `[`, the longest first. `[n]` is an element of an array (from the end if negative), `["key"]` a key between
/// quotes.
///
/// ```text
/// servers[0].ipaddress    a.b    [1]    labels["app.kubernetes.io/name"]
/// ```
pub(super) fn find<'a>(value: &'a Value, path: &str) -> Result<&'a Value, &'a Value> {
    if let Some(found) = value.get(path) {
        return Ok(found);
    }
    if let Some(found) = bracketed(value, path) {
        return found;
    }
    let mut reached = value;
    for (at, _) in path.rmatch_indices(['.', '[']) {
        let rest = path[at..].strip_prefix('.').unwrap_or(&path[at..]);
        // A dot at the beginning, as jq's own paths have it.
        let next = if at == 0 && rest.len() < path.len() { Some(value) } else { value.get(&path[..at]) };
        match next.map(|next| find(next, rest)) {
            Some(Ok(found)) => return Ok(found),
            Some(Err(deeper)) => reached = deeper,
            None => {}
        }
    }
    Err(reached)
}

/// Takes a path's `[…]` at the beginning; `None` if it has none.
fn bracketed<'a>(value: &'a Value, path: &str) -> Option<Result<&'a Value, &'a Value>> {
    let inner = path.strip_prefix('[')?;
    let (found, rest) = if let Some(quoted) = inner.strip_prefix('"') {
        let (key, rest) = quoted.split_once("\"]")?;
        (value.get(key), rest)
    } else {
        let (index, rest) = inner.split_once(']')?;
        (element(value, index), rest)
    };
    let Some(found) = found else { return Some(Err(value)) };
    let rest = rest.strip_prefix('.').unwrap_or(rest);
    Some(if rest.is_empty() { Ok(found) } else { find(found, rest) })
}

fn element<'a>(value: &'a Value, index: &str) -> Option<&'a Value> {
    let elements = value.as_array()?;
    match index.parse::<isize>().ok()? {
        index @ 0.. => elements.get(index.unsigned_abs()),
        index => elements.get(elements.len().checked_sub(index.unsigned_abs())?),
    }
}

/// What stands at `path` of a document, or what a filter of jq makes of it, as text; or the failure that `lacks` makes of
/// what there is instead.
pub(super) fn found_or(
    document: &Value,
    path: &str,
    lacks: impl FnOnce(&str) -> Failure,
) -> Result<Vec<u8>, Failure> {
    find(document, path).map(print).or_else(|reached| match query::run(document, path)? {
        Some(found) => Ok(found.iter().flat_map(print).collect()),
        None => Err(lacks(&there(reached))),
    })
}

/// A string as it is, anything else as JSON: two blanks for each level, keys in their order, numbers as written.
pub(super) fn print(value: &Value) -> Vec<u8> {
    let mut text = match value {
        Value::String(text) => text.clone(),
        // `{:#}` is the pretty form, and cannot fail as serialization could.
        other => format!("{other:#}"),
    };
    text.push('\n');
    text.into_bytes()
}

/// Says what a value has, for the message about what it has not. Names of keys, never values.
fn there(value: &Value) -> String {
    match value {
        Value::Object(fields) if fields.is_empty() => "; there is nothing in it".to_owned(),
        Value::Object(fields) => {
            format!("; there is: {}", list(&fields.keys().map(String::as_str).collect::<Vec<_>>()))
        }
        Value::Array(elements) => format!("; there is a list of {}", elements.len()),
        Value::Null => String::new(),
        _ => "; there is a single value without keys".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_whole_path_as_a_key_comes_first_then_the_longest_beginning() {
        let document = json!({"a": {"b": {"c": 1}, "b.c": 2}, "a.b": {"c": 3}, "a.b.c": 4});
        assert_eq!(find(&document, "a.b.c"), Ok(&json!(4)));
        let document = json!({"a": {"b": {"c": 1}, "b.c": 2}, "a.b": {"c": 3}});
        assert_eq!(find(&document, "a.b.c"), Ok(&json!(3)));
        let document = json!({"a": {"b": {"c": 1}, "b.c": 2}, "a.b": {"x": 3}});
        assert_eq!(find(&document, "a.b.c"), Ok(&json!(2)));
    }

    #[test]
    fn brackets_are_indices_or_part_of_a_key() {
        let document = json!({"list": [[1, 2], {"x": 3}], "odd[0]": 4, "[1]": 5, "dots": {"a.b": {"c": 6}}});
        for (path, value) in [
            ("list[0][1]", 2),
            ("list[1].x", 3),
            ("list[-1].x", 3),
            ("odd[0]", 4),
            ("[1]", 5),
            ("dots[\"a.b\"].c", 6),
            (".list[0][0]", 1),
        ] {
            assert_eq!(find(&document, path), Ok(&json!(value)), "{path}");
        }
    }

    #[test]
    fn what_is_not_there_is_said_with_what_was_reached() {
        let document = json!({"list": [1], "deep": {"k": {"z": 1}}});
        for (path, reached) in [
            ("nope", &document),
            ("nope.k", &document),
            ("list[1]", &document["list"]),
            ("list[-2]", &document["list"]),
            ("deep.k.y", &document["deep"]["k"]),
            ("deep.k.z.w", &document["deep"]["k"]["z"]),
        ] {
            assert_eq!(find(&document, path), Err(reached), "{path}");
        }
        for odd in [
            "",
            ".",
            "..",
            "[",
            "[]",
            "[x]",
            "]",
            "list[",
            "list[]",
            "list[0",
            "list.[0].",
            "list[9999999999999999999]",
        ] {
            assert!(find(&document, odd).is_err() || odd.starts_with("list.[0]"), "{odd}");
        }
    }
}
