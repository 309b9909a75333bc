//! The secrets inside a secret that is JSON: a cloud's key file, the answer of a login.

use serde_json::Value;
use zeroize::{Zeroize as _, Zeroizing};

/// Something in a document that must not be printed.
pub(super) enum Part<'a> {
    /// A value that is a secret by its name.
    Secret(&'a str),
    /// A member of an object, its key and its value, as it is printed when the document is printed anew.
    Printed(&'a str),
}

/// Parts of names that say that the value is a secret; in lower case, and without what stands between words.
const NAMES: &[&str] = &[
    "accesskey",
    "apikey",
    "certificatedata",
    "credential",
    "keydata",
    "passphrase",
    "passwd",
    "password",
    "privatekey",
    "pwd",
    "secret",
    "signingkey",
    "token",
];

/// Names of which those are parts, and which nevertheless say where something is, or of which sort.
const HARMLESS_ENDS: &[&str] = &["uri", "url", "id", "name", "type", "endpoint", "expiry", "expiresin"];

/// Tells of the parts of `text`, if it is a JSON document with objects or lists in it.
pub(super) fn visit(text: &str, tell: &mut dyn FnMut(Part)) {
    let text = text.trim();
    if !text.starts_with(['{', '[']) {
        return;
    }
    if let Ok(mut document) = serde_json::from_str(text) {
        walk(&document, false, tell);
        wipe(&mut document);
    }
}

fn walk(value: &Value, secret: bool, tell: &mut dyn FnMut(Part)) {
    match value {
        Value::Object(members) => {
            for (key, value) in members {
                if matches!(value, Value::String(_) | Value::Number(_)) {
                    for between in [": ", ":"] {
                        let printed = Zeroizing::new(format!("{}{between}{value}", Value::from(&**key)));
                        tell(Part::Printed(&printed));
                    }
                }
                walk(value, secret || is_secret(key), tell);
            }
        }
        Value::Array(elements) => elements.iter().for_each(|element| walk(element, secret, tell)),
        Value::String(text) => {
            if secret {
                tell(Part::Secret(text));
            }
            visit(text, tell);
        }
        Value::Number(number) if secret => tell(Part::Secret(&Zeroizing::new(number.to_string()))),
        _ => {}
    }
}

/// Whether a value with this name is a secret.
fn is_secret(name: &str) -> bool {
    let name: String =
        name.chars().filter(char::is_ascii_alphanumeric).map(|char| char.to_ascii_lowercase()).collect();
    let names_secret = name == "auth" || NAMES.iter().any(|part| name.contains(part));
    names_secret && !HARMLESS_ENDS.iter().any(|end| name.ends_with(end))
}

/// Overwrites the text of a document.
fn wipe(value: &mut Value) {
    match value {
        Value::Object(members) => members.values_mut().for_each(wipe),
        Value::Array(elements) => elements.iter_mut().for_each(wipe),
        Value::String(text) => text.zeroize(),
        _ => {}
    }
}
