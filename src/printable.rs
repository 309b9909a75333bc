//! Text from a file or from outside, fit for a terminal and for those who read it there.
//!
//! A control character steers a terminal, and one of bidirectional writing shows a text in another order than it is in:
//! neither reaches the terminal from a text that is not ours. All output of texts from the YAML goes through this module.

use std::fmt::{self, Write as _};

/// A text with unprintable characters shown as escapes: `\u{1b}`, `\n`.
pub struct Printable<'a>(pub &'a str);

impl fmt::Display for Printable<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = self.0;
        while let Some(at) = rest.find(is_unprintable) {
            f.write_str(&rest[..at])?;
            let mut chars = rest[at..].chars();
            if let Some(c) = chars.next() {
                write!(f, "{}", c.escape_default())?;
            }
            rest = chars.as_str();
        }
        f.write_str(rest)
    }
}

/// Whether a character is not shown as it is: control characters, those that change the direction of writing, and line
/// breaks of any kind.
pub fn is_unprintable(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{61c}'
                | '\u{200e}'
                | '\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2066}'..='\u{206f}'
                | '\u{feff}'
                | '\u{fff9}'..='\u{fffb}'
                | '\u{e0000}'..='\u{e007f}'
        )
}

/// A character in a place where each takes one column: unprintable ones are `�`, and a tab is a blank.
pub fn in_one_column(c: char) -> char {
    match c {
        '\t' => ' ',
        c if is_unprintable(c) => '\u{fffd}',
        c => c,
    }
}

/// Lines of our own with texts from elsewhere in them: their line breaks stay.
pub fn lines(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        let (line, end) = line.strip_suffix('\n').map_or((line, ""), |line| (line, "\n"));
        let _ = write!(shown, "{}{end}", Printable(line));
    }
    shown
}

/// The text of a JSON document in which unprintable characters of its strings are escaped too. It means the same.
pub fn json(document: String) -> String {
    if !document.contains(|c| c != '\n' && is_unprintable(c)) {
        return document;
    }
    let mut shown = String::with_capacity(document.len());
    for c in document.chars() {
        if c != '\n' && is_unprintable(c) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                let _ = write!(shown, "\\u{unit:04x}");
            }
        } else {
            shown.push(c);
        }
    }
    shown
}

/// A text in XML, between tags and in attributes. Unprintable characters are shown as escapes: XML cannot hold most of them,
/// not even written by number.
pub fn xml(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => shown.push_str("&amp;"),
            '<' => shown.push_str("&lt;"),
            '>' => shown.push_str("&gt;"),
            '"' => shown.push_str("&quot;"),
            '\'' => shown.push_str("&#39;"),
            '\n' | '\t' => shown.push(c),
            '\u{fffe}' | '\u{ffff}' => shown.push('\u{fffd}'),
            c if is_unprintable(c) => shown.extend(c.escape_default()),
            c => shown.push(c),
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_steers_a_terminal_is_shown_as_an_escape() {
        let text = "a\u{1b}[31m\u{9b}é\u{202e}\r\n\u{2067}👩\u{200d}💻";
        assert_eq!(Printable(text).to_string(), "a\\u{1b}[31m\\u{9b}é\\u{202e}\\r\\n\\u{2067}👩\u{200d}💻");
        assert_eq!(lines("a\u{7}\nb\r\nc"), "a\\u{7}\nb\\r\nc");
        assert_eq!("\tx\u{1b}".chars().map(in_one_column).collect::<String>(), " x\u{fffd}");
    }

    #[test]
    fn json_with_escapes_means_the_same() {
        let text = "\u{7f}\u{9b}\u{202e}\u{e0041}é\n".to_owned();
        let document = json(format!("{:#}\n", serde_json::json!({ "a": text })));
        assert_eq!(document, "{\n  \"a\": \"\\u007f\\u009b\\u202e\\udb40\\udc41é\\n\"\n}\n");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&document).unwrap()["a"], text);
    }

    #[test]
    fn what_xml_cannot_hold_is_replaced() {
        assert_eq!(xml("a<b>&\"\u{1b}[0m\n"), "a&lt;b&gt;&amp;&quot;\\u{1b}[0m\n");
    }
}
