//! Values of dockerOptions in the types that the APIs of clusters take: in YAML, `sleep 10` may be a text and a number.

use serde_json::Value as Json;

/// A scalar as text.
pub(super) fn text(value: &Json) -> String {
    match value {
        Json::String(text) => text.clone(),
        Json::Null => String::new(),
        other => other.to_string(),
    }
}

/// A list of texts; one value is a list of it alone.
pub(super) fn texts(value: &Json) -> Json {
    match value {
        Json::Array(items) => items.iter().map(text).collect(),
        Json::Null => Json::Array(Vec::new()),
        one => Json::from(vec![text(one)]),
    }
}

/// A yes or no, also where it is written as a text.
pub(super) fn flag(value: &Json) -> Json {
    match value.as_str() {
        Some("true") => Json::Bool(true),
        Some("false") => Json::Bool(false),
        _ => value.clone(),
    }
}

/// A number, also where it is written as a text.
pub(super) fn number(value: &Json) -> Json {
    match value {
        Json::String(text) => text.trim().parse::<u64>().map_or_else(|_| value.clone(), Json::from),
        other => other.clone(),
    }
}
