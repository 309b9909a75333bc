//! A YAML file as a tree that keeps the text of every scalar and the place of every node.
//!
//! `serde_yaml` hands out numbers as numbers (`1.10` becomes 1.1) and says nothing of places. Two facts help: a
//! string that stands in the file as it is comes as a slice *of the file's text*, so its address tells its place;
//! and scalars come in the order of the file, so that the text of a number is the next token after the last known
//! place, if it reads as that number. Where that does not work out (behind an alias, say), the file is read a
//! second time, with every scalar asked for as text.

pub mod extent;
mod guard;
mod reader;

use indexmap::IndexMap;
use serde::{Serialize, Serializer};

use crate::diagnostic::Diagnostic;
use crate::source::{SourceId, Sources, Span};

/// A node of the tree.
#[derive(Clone, Debug)]
pub struct Node {
    /// Where it stands. For a map, a list, a block or an empty value: where its first part or, without one, its
    /// key stands. What an alias stands for is placed at its anchor.
    pub place: Span,
    /// What it holds.
    pub value: Value,
}

/// What a node holds.
#[derive(Clone, Debug)]
pub enum Value {
    /// Nothing, `~` or `null`.
    Null,
    /// A scalar.
    Scalar(Scalar),
    /// A sequence.
    List(Vec<Node>),
    /// A mapping, in the order of the file, merge keys applied.
    Map(Map),
}

/// A mapping, in the order of the file.
pub type Map = IndexMap<String, Entry>;

/// A value of a mapping and where its key stands.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Where the key stands.
    pub key: Span,
    /// The value.
    pub node: Node,
}

/// A scalar: its text as written, quotes and escapes resolved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scalar {
    /// The text: `010`, `0.50` and `off` are what they were in the file.
    pub text: String,
    /// What it is to YAML's core schema.
    pub kind: ScalarKind,
}

/// The kinds of scalars.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScalarKind {
    /// A string, quoted or not.
    Text,
    /// A string that goes over several lines of the file.
    Lines,
    /// `true` or `false`.
    Bool,
    /// An integer or a float.
    Number,
}

impl Node {
    /// The text of a scalar; empty for null.
    pub fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Null => Some(""),
            Value::Scalar(scalar) => Some(&scalar.text),
            Value::List(_) | Value::Map(_) => None,
        }
    }

    /// Whether it is a text of several words that goes over several lines of the file: it is no name.
    pub fn goes_over_lines(&self) -> bool {
        match &self.value {
            Value::Scalar(Scalar { text, kind: ScalarKind::Lines }) => {
                text.trim().contains(char::is_whitespace)
            }
            _ => false,
        }
    }

    /// The mapping, if it is one.
    pub fn map(&self) -> Option<&Map> {
        match &self.value {
            Value::Map(map) => Some(map),
            _ => None,
        }
    }

    /// The node under a key, if this is a mapping that has it and it is not null.
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.map()?.get(key).map(|entry| &entry.node).filter(|node| !matches!(node.value, Value::Null))
    }

    /// What it is, with its article, for messages: "a list".
    pub fn what(&self) -> &'static str {
        match &self.value {
            Value::Null => "nothing",
            Value::Scalar(Scalar { kind: ScalarKind::Text | ScalarKind::Lines, .. }) => "a text",
            Value::Scalar(Scalar { kind: ScalarKind::Bool, .. }) => "a boolean",
            Value::Scalar(Scalar { kind: ScalarKind::Number, .. }) => "a number",
            Value::List(_) => "a list",
            Value::Map(_) => "a map",
        }
    }

    /// Whether another node says the same, wherever both stand and however their scalars are written.
    pub fn says_the_same(&self, other: &Node) -> bool {
        match (&self.value, &other.value) {
            (Value::List(own), Value::List(others)) => {
                own.len() == others.len() && own.iter().zip(others).all(|(a, b)| a.says_the_same(b))
            }
            (Value::Map(own), Value::Map(others)) => {
                own.len() == others.len()
                    && own
                        .iter()
                        .zip(others)
                        .all(|((a, own), (b, other))| a == b && own.node.says_the_same(&other.node))
            }
            (Value::Null, Value::Null) => true,
            (Value::Scalar(own), Value::Scalar(other)) => own.text == other.text,
            _ => false,
        }
    }

    /// The node as JSON, as it is serialized.
    pub fn to_json(&self) -> serde_json::Value {
        serde_json::to_value(self).unwrap_or_default()
    }
}

/// Numbers that JSON can write stay numbers as written (`1.10`, but not `0x1F`); everything else that is no boolean,
/// list or map is a string.
impl Serialize for Node {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.value {
            Value::Null => serializer.serialize_unit(),
            Value::List(nodes) => serializer.collect_seq(nodes),
            Value::Map(map) => serializer.collect_map(map.iter().map(|(key, entry)| (key, &entry.node))),
            Value::Scalar(Scalar { text, kind: ScalarKind::Bool }) => {
                serializer.serialize_bool(is_true(text))
            }
            Value::Scalar(Scalar { text, kind: ScalarKind::Number }) => {
                match serde_json::from_str::<serde_json::Number>(text) {
                    Ok(number) => number.serialize(serializer),
                    Err(_) => serializer.serialize_str(text),
                }
            }
            Value::Scalar(Scalar { text, kind: ScalarKind::Text | ScalarKind::Lines }) => {
                serializer.serialize_str(text)
            }
        }
    }
}

/// Whether a scalar means yes, in YAML 1.1 as the original read it: `true`, `yes`, `on`, `y`.
pub fn is_true(text: &str) -> bool {
    ["true", "yes", "on", "y"].iter().any(|yes| text.eq_ignore_ascii_case(yes))
}

/// Whether a scalar means no: `false`, `no`, `off`, `n`.
pub fn is_false(text: &str) -> bool {
    ["false", "no", "off", "n"].iter().any(|no| text.eq_ignore_ascii_case(no))
}

/// Reads a file of `sources` as YAML. Anchors of `templates`, another file, are known in it if it needs them.
///
/// Reports what is wrong to `diagnostics`; `None` if there is nothing to go on with.
pub fn parse(
    sources: &Sources,
    file: SourceId,
    templates: Option<SourceId>,
    diagnostics: &mut Vec<Diagnostic>,
) -> Option<Node> {
    reader::parse(sources, file, templates, diagnostics)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (Sources, Option<Node>, Vec<Diagnostic>) {
        let mut sources = Sources::default();
        let id = sources.add("x.yml".into(), text.to_owned()).unwrap();
        let mut diagnostics = Vec::new();
        let node = parse(&sources, id, None, &mut diagnostics);
        (sources, node, diagnostics)
    }

    /// The scalars of a file, in order, with their positions.
    fn scalars(text: &str) -> Vec<String> {
        fn walk(sources: &Sources, node: &Node, out: &mut Vec<String>) {
            match &node.value {
                Value::Null => out.push("null".to_owned()),
                Value::Scalar(scalar) => {
                    let position = sources.get(node.place.source).position(node.place.start);
                    out.push(format!("{} {}:{}", scalar.text, position.line, position.column));
                }
                Value::List(nodes) => nodes.iter().for_each(|node| walk(sources, node, out)),
                Value::Map(map) => map.values().for_each(|entry| walk(sources, &entry.node, out)),
            }
        }
        let (sources, node, diagnostics) = read(text);
        assert!(diagnostics.is_empty(), "{diagnostics:?}");
        let mut out = Vec::new();
        walk(&sources, &node.unwrap(), &mut out);
        out
    }

    #[test]
    fn scalars_keep_their_text_and_place() {
        let text = "a: 1.10\nb: [010, 0x1F, +1, 1e3, .5, -0] # 9\nc: off\nd: True\né: 0.50\nf:\n  - 1.0\n  - ~\n  -\n  - 2.50\n";
        assert_eq!(
            scalars(text),
            [
                "1.10 1:4",
                "010 2:5",
                "0x1F 2:10",
                "+1 2:16",
                "1e3 2:20",
                ".5 2:25",
                "-0 2:29",
                "off 3:4",
                "True 4:4",
                "0.50 5:4",
                "1.0 7:5",
                "null",
                "null",
                "2.50 10:5"
            ]
        );
    }

    #[test]
    fn text_survives_aliases_blocks_and_quotes() {
        let text = "a: [&x foo, 1.1]\nb: [*x, 1.10]\nc: &y 2.0\nd: [*y, 2.00, \"a\\tb\", 3.50]\ne:\n  - |\n    4.0\n  - 4.00\n";
        let texts: Vec<_> = scalars(text).iter().map(|s| s.rsplit_once(' ').unwrap().0.to_owned()).collect();
        assert_eq!(
            texts,
            ["foo", "1.1", "foo", "1.10", "2.0", "2.0", "2.00", "a\tb", "3.50", "4.0\n", "4.00"]
        );
    }

    #[test]
    fn merge_keys_are_applied_and_own_keys_win() {
        let (_, node, diagnostics) = read("t: &t {a: 1, b: 2}\nu: &u {c: 3}\nx:\n  <<: [*t, *u]\n  b: 9\n");
        assert!(diagnostics.is_empty());
        let json = node.unwrap().get("x").unwrap().to_json();
        assert_eq!(json, serde_json::json!({"a": 1, "b": 9, "c": 3}));
    }

    #[test]
    fn what_cannot_be_read_says_where() {
        for (text, place, message) in [
            ("a: 1\nb: 2\na: 3\n", "x.yml:3:1", "the key `a` stands here twice"),
            ("a:\n\t- b\n", "x.yml:2:1", "this is not YAML"),
            ("a: *b\n", "x.yml:1:4", "this is not YAML: unknown anchor"),
            ("a: 1\n---\nb: 1\n", "x.yml:2:1", "a second YAML document begins here"),
            (&"- ".repeat(50_000), "x.yml:1:257", "nested too deep"),
            (&"{a: ".repeat(50_000), "x.yml:1:2049", "nested too deep"),
        ] {
            let (sources, _, diagnostics) = read(text);
            assert_eq!(diagnostics.len(), 1, "{text:.40}");
            assert_eq!(sources.describe(diagnostics[0].place.unwrap()), place);
            assert!(diagnostics[0].message.starts_with(message), "{}", diagnostics[0].message);
        }
    }

    #[test]
    fn alias_bombs_are_refused() {
        let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        for level in 1..12 {
            let aliases = vec![format!("*a{}", level - 1); 10].join(", ");
            text += &format!("a{level}: &a{level} [{aliases}]\n");
        }
        let (_, node, diagnostics) = read(&text);
        assert!(node.is_none());
        assert!(diagnostics[0].message.starts_with("aliases multiply"), "{}", diagnostics[0].message);
        let large = format!("a: &a {}\nb: [{}]\n", "x".repeat(1 << 20), vec!["*a"; 100].join(", "));
        assert!(read(&large).1.is_none());
    }

    #[test]
    fn anchors_of_templates_are_known_elsewhere() {
        let mut sources = Sources::default();
        let templates = sources.add("t.yml".into(), "t: &t\n  a: 1.0\n".to_owned()).unwrap();
        let file = sources.add("x.yml".into(), "jobs:\n  - *t\n  - b: 2\n".to_owned()).unwrap();
        let mut diagnostics = Vec::new();
        let node = parse(&sources, file, Some(templates), &mut diagnostics).unwrap();
        assert!(diagnostics.is_empty(), "{diagnostics:?}");
        assert_eq!(node.to_json(), serde_json::json!({"jobs": [{"a": 1.0}, {"b": 2}]}));
        let Value::List(jobs) = &node.get("jobs").unwrap().value else { panic!("a list") };
        assert_eq!(sources.describe(jobs[0].place), "t.yml:2:3");
        assert_eq!(sources.describe(jobs[1].place), "x.yml:3:5");
    }
}
