//! Filters of jq, for what is asked of a JSON document that is more than a key.

use serde_json::Value;

use super::Failure;

/// What a filter has and keys seldom have.
const SIGNS: [char; 7] = ['"', '|', '(', ',', '?', '/', '*'];

/// What jq finds at `.path` of a document; nothing if `path` is a plain key, if it is no filter, and if the filter
/// fails or finds nothing but null. Its own messages quote values, which may be secret.
///
/// # Errors
///
/// `path` is more than a key, and this build has no jq.
pub(super) fn run(document: &Value, path: &str) -> Result<Option<Vec<Value>>, Failure> {
    if is_filter(path) { filtered(document, path) } else { Ok(None) }
}

/// Whether a path is more than keys and indices, which are found without jq.
fn is_filter(path: &str) -> bool {
    let is_index = |text: &str| text.parse::<isize>().is_ok();
    let is_key = |text: &str| text.len() > 1 && text.starts_with('"') && text.ends_with('"');
    let mut parts = path.split('[');
    let begins = parts.next().is_some_and(|part| part.contains(SIGNS));
    begins
        || parts.any(|part| match part.split_once(']') {
            Some((inner, rest)) => !is_index(inner) && !is_key(inner) || rest.contains(SIGNS),
            None => true,
        })
}

#[cfg(not(feature = "full"))]
fn filtered(_: &Value, _: &str) -> Result<Option<Vec<Value>>, Failure> {
    Err(Failure::Failed(super::absent::message("jq, which reads what is more than a key,")))
}

#[cfg(feature = "full")]
fn filtered(document: &Value, path: &str) -> Result<Option<Vec<Value>>, Failure> {
    Ok(jq(document, path))
}

#[cfg(feature = "full")]
fn jq(document: &Value, path: &str) -> Option<Vec<Value>> {
    use jaq_core::load::{Arena, File, Loader};
    use jaq_core::{Compiler, Ctx, Vars, data, unwrap_valr};
    use jaq_json::{Val, read};

    let filter = if path.starts_with('.') { path.to_owned() } else { format!(".{path}") };
    let input = read::parse_single(document.to_string().as_bytes()).ok()?;
    let definitions = jaq_core::defs().chain(jaq_std::defs()).chain(jaq_json::defs());
    let functions = jaq_core::funs().chain(jaq_std::funs()).chain(jaq_json::funs());
    let arena = Arena::default();
    let modules = Loader::new(definitions).load(&arena, File { code: &*filter, path: () }).ok()?;
    let filter = Compiler::default().with_funs(functions).compile(modules).ok()?;
    let context = Ctx::<data::JustLut<Val>>::new(&filter.lut, Vars::new([]));
    let found: Vec<Val> = filter.id.run((context, input)).map(unwrap_valr).collect::<Result<_, _>>().ok()?;
    if found.iter().all(|value| matches!(value, Val::Null)) {
        return None;
    }
    // Written and read once more, so that numbers stay as they were written.
    found.iter().map(|value| serde_json::from_str(&value.to_string()).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::is_filter;

    #[test]
    fn keys_and_indices_are_no_filters() {
        for path in ["a.b-c", "list[0]", ".list[-1].x", "[1][2]", "a[\"b.c\"].d", "[\"a/b\"]"] {
            assert!(!is_filter(path), "{path}");
        }
        for path in
            ["list[].x", "list[0:2]", "a | keys", "list[0], b", "list[", "[.[] | .a]", "a[\"b\"]?", "\"a\""]
        {
            assert!(is_filter(path), "{path}");
        }
    }
}
