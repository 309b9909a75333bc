//! Writing YAML that people read.

/// A text as a scalar: plain where it can be nothing else, and in double quotes otherwise.
pub(super) fn scalar(text: &str) -> String {
    let is_plain = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_' || c == '/')
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "_./-@+ ".contains(c))
        && !text.ends_with(' ')
        && !matches!(
            text.to_ascii_lowercase().as_str(),
            "true" | "false" | "yes" | "no" | "on" | "off" | "null" | "y" | "n"
        );
    // JSON is YAML, too.
    if is_plain { text.to_owned() } else { serde_json::Value::from(text).to_string() }
}

/// A list in one line.
pub(super) fn list<'a>(items: impl Iterator<Item = &'a str>) -> String {
    format!("[{}]", items.map(scalar).collect::<Vec<_>>().join(", "))
}

/// Lines as comments.
pub(super) fn comment<'a>(indent: &str, lines: impl Iterator<Item = &'a str>) -> String {
    let mut text = String::new();
    for line in lines.flat_map(|line| line.split('\n')) {
        let clean: String = line.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        text += format!("{indent}# {clean}").trim_end();
        text.push('\n');
    }
    text
}

/// Lines as a literal block behind a key, indented by `indent`.
pub(super) fn block(indent: &str, lines: &[String]) -> String {
    let lines = lines.iter().flat_map(|line| line.split('\n'));
    let lines =
        lines.map(|line| if line.is_empty() { String::from("\n") } else { format!("{indent}{line}\n") });
    format!("|\n{}", lines.collect::<String>())
}
