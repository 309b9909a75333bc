//! `env`: the variables of all runs, and those that make a run each.

use crate::diagnostic::Diagnostic;
use crate::model::{Name, warn_of_unknown_keys};
use crate::source::Span;
use crate::yaml::{Map, Node, Value};

/// What tells rules from rows of variables.
const RULES: &[&str] = &["include", "exclude", "allow_failures"];

/// What an entry of `env` sets.
#[derive(Clone, Debug)]
pub enum Setting {
    /// A variable.
    Variable(Variable),
    /// `secure:` with variables that the original encrypted.
    Secure(Name),
    /// `NAME=value` as written, for the shell of the job: there is a command in the value, or in one before it.
    Command(Name),
}

/// A variable of the CI section.
#[derive(Clone, Debug)]
pub struct Variable {
    /// Its name, as written.
    pub name: String,
    /// Its value, piece by piece.
    pub value: Vec<Part>,
    /// Where it stands.
    pub place: Span,
}

/// A piece of a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// It stands for itself.
    Literal(String),
    /// `$NAME` and `${NAME}` in it are variables.
    Expanded(String),
    /// `~`: the home directory.
    Home,
}

impl Part {
    /// The text, as written.
    pub fn text(&self) -> &str {
        match self {
            Part::Literal(text) | Part::Expanded(text) => text,
            Part::Home => "~",
        }
    }
}

impl Setting {
    /// Whether both set the same to the same.
    pub(super) fn equals(&self, other: &Setting) -> bool {
        match (self, other) {
            (Setting::Variable(one), Setting::Variable(other)) => {
                one.name == other.name && one.written() == other.written()
            }
            (Setting::Secure(one), Setting::Secure(other))
            | (Setting::Command(one), Setting::Command(other)) => one.text == other.text,
            _ => false,
        }
    }

    /// `NAME=value`, as written.
    pub(super) fn label(&self) -> String {
        match self {
            Setting::Variable(variable) => format!("{}={}", variable.name, variable.written()),
            Setting::Secure(_) => "secure".to_owned(),
            Setting::Command(text) => text.text.clone(),
        }
    }
}

impl Variable {
    fn written(&self) -> String {
        self.value.iter().map(Part::text).collect()
    }
}

/// The variables of all runs; and a row of variables for each that is to be a run.
pub(super) fn read(written: &Map, diagnostics: &mut Vec<Diagnostic>) -> (Vec<Setting>, Vec<Vec<Setting>>) {
    let Some(entry) = written.get("env") else { return Default::default() };
    let node = &entry.node;
    match node.map() {
        Some(map) if is_of_parts(map) => {
            warn_of_unknown_keys(map, &["global", "matrix"], "`env`", diagnostics);
            let mut global = Vec::new();
            if let Some(node) = map.get("global") {
                read_row(&node.node, &mut global, diagnostics);
            }
            let matrix = map.get("matrix").filter(|matrix| !is_rules(&matrix.node));
            (global, matrix.map(|matrix| rows(&matrix.node, diagnostics)).unwrap_or_default())
        }
        _ => (Vec::new(), rows(node, diagnostics)),
    }
}

/// Whether a map holds `global` and `matrix` rather than variables. Lists are no variables: a key is misspelt.
fn is_of_parts(map: &Map) -> bool {
    map.contains_key("global")
        || map.contains_key("matrix")
        || map.values().any(|entry| matches!(entry.node.value, Value::List(_) | Value::Map(_)))
}

/// A row for each item of a list; one for anything else.
fn rows(node: &Node, diagnostics: &mut Vec<Diagnostic>) -> Vec<Vec<Setting>> {
    let items = match &node.value {
        Value::List(items) => items.as_slice(),
        _ => std::slice::from_ref(node),
    };
    let rows = items.iter().map(|item| {
        let mut row = Vec::new();
        read_row(item, &mut row, diagnostics);
        row
    });
    rows.filter(|row| !row.is_empty()).collect()
}

/// The variables of `A=1 B=2`, of a map, or of a list of them.
pub(super) fn read_row(node: &Node, row: &mut Vec<Setting>, diagnostics: &mut Vec<Diagnostic>) {
    match &node.value {
        Value::Null => {}
        Value::Scalar(scalar) => read_words(&scalar.text, node.place, row, diagnostics),
        Value::List(items) => {
            for item in items {
                read_row(item, row, diagnostics);
            }
        }
        Value::Map(map) => {
            for (key, entry) in map {
                match entry.node.text() {
                    Some(text) if key == "secure" => {
                        let place = entry.node.place;
                        row.push(Setting::Secure(Name { text: text.to_owned(), place }));
                    }
                    Some(text) => row.push(Setting::Variable(Variable {
                        name: key.clone(),
                        value: vec![Part::Expanded(text.to_owned())],
                        place: entry.key,
                    })),
                    None => diagnostics.push(
                        Diagnostic::warning(format!(
                            "variable `{key}` of `env` must be a text, and this is {}",
                            entry.node.what()
                        ))
                        .at(entry.node.place)
                        .hint("it is not set"),
                    ),
                }
            }
        }
    }
}

fn read_words(text: &str, place: Span, row: &mut Vec<Setting>, diagnostics: &mut Vec<Diagnostic>) {
    for word in (Words { rest: text }) {
        if word.is_open {
            diagnostics.push(
                Diagnostic::error("a quote in `env` is not closed, as bash reads it")
                    .at(place)
                    .hint("close it, or put a value with a quote in it between quotes of the other kind"),
            );
            return;
        }
        let Some((name, value)) = assignment(word.parts) else {
            if word.written != "export" {
                diagnostics.push(
                    Diagnostic::warning(format!("`{}` of `env` sets no variable", word.written))
                        .at(place)
                        .hint("write `NAME=value`, with quotes around a value with blanks"),
                );
            }
            continue;
        };
        if word.written.contains("$(") || word.written.contains('`') {
            row.push(Setting::Command(Name { text: word.written.to_owned(), place }));
            continue;
        }
        // What comes behind may refer to it, and is left to the same shell.
        if row.iter().any(|setting| matches!(setting, Setting::Command(_))) {
            row.push(Setting::Command(Name { text: word.written.to_owned(), place }));
            continue;
        }
        row.push(Setting::Variable(Variable { name, value, place }));
    }
}

/// `NAME=` and the rest; `None` if the word does not begin with a name.
fn assignment(mut parts: Vec<Part>) -> Option<(String, Vec<Part>)> {
    let Some(Part::Expanded(first)) = parts.first_mut() else { return None };
    let (name, rest) = first.split_once('=')?;
    let of_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if name.is_empty() || !name.chars().all(of_name) {
        return None;
    }
    let name = name.to_owned();
    *first = rest.to_owned();
    Some((name, parts))
}

/// The words of a text as a shell splits them, quotes taken off.
struct Words<'a> {
    rest: &'a str,
}

struct Word<'a> {
    written: &'a str,
    parts: Vec<Part>,
    /// Whether a quote in it is not closed.
    is_open: bool,
}

impl<'a> Iterator for Words<'a> {
    type Item = Word<'a>;

    fn next(&mut self) -> Option<Word<'a>> {
        let text = self.rest.trim_start();
        let mut parts = vec![Part::Expanded(String::new())];
        let mut quote = None;
        let mut open = 0_usize;
        let mut in_backquotes = false;
        let mut end = text.len();
        let mut chars = text.char_indices().peekable();
        while let Some((at, c)) = chars.next() {
            match (c, quote) {
                (c, None) if c.is_whitespace() && open == 0 && !in_backquotes => {
                    end = at;
                    break;
                }
                ('\'' | '"', None) => quote = Some(c),
                (c, Some(quoted)) if c == quoted => quote = None,
                ('\\', None | Some('"')) => {
                    let next = chars.next_if(|(_, next)| quote.is_none() || "$`\"\\".contains(*next));
                    push(&mut parts, next.map_or('\\', |(_, next)| next), true);
                }
                ('~', None) if is_home(text, at) => parts.push(Part::Home),
                (c, quote) => {
                    match c {
                        '(' if text[..at].ends_with('$') || open > 0 => open += 1,
                        ')' => open = open.saturating_sub(1),
                        '`' if quote != Some('\'') => in_backquotes = !in_backquotes,
                        _ => {}
                    }
                    push(&mut parts, c, quote == Some('\''));
                }
            }
        }
        self.rest = &text[end..];
        let is_open = quote.is_some() || open > 0 || in_backquotes;
        (end > 0).then(|| Word { written: &text[..end], parts, is_open })
    }
}

/// Whether bash takes the `~` at an offset of an assignment for the home directory: it begins the value or a part of it
/// behind a `:`, and nothing but a path follows.
fn is_home(text: &str, at: usize) -> bool {
    let begins =
        text[..at].find('=') == at.checked_sub(1) || text[..at].contains('=') && text[..at].ends_with(':');
    begins
        && text[at + 1..].chars().next().is_none_or(|next| matches!(next, '/' | ':') || next.is_whitespace())
}

/// Adds a character to a value.
fn push(parts: &mut Vec<Part>, c: char, literal: bool) {
    match parts.last_mut() {
        Some(Part::Literal(text)) if literal => text.push(c),
        Some(Part::Expanded(text)) if !literal => text.push(c),
        _ if literal => parts.push(Part::Literal(c.into())),
        _ => parts.push(Part::Expanded(c.into())),
    }
}

/// Whether a node holds rules and not rows of variables.
pub(super) fn is_rules(node: &Node) -> bool {
    node.map().is_some_and(|map| map.keys().any(|key| RULES.contains(&key.as_str())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<Vec<Part>> {
        Words { rest: text }.map(|word| word.parts).collect()
    }

    fn plain(text: &str) -> Part {
        Part::Expanded(text.to_owned())
    }

    fn literal(text: &str) -> Part {
        Part::Literal(text.to_owned())
    }

    #[test]
    fn words_are_split_as_a_shell_splits_them() {
        assert_eq!(words("A=1  B=\"x $y\"\t"), [[plain("A=1")], [plain("B=x $y")]]);
        assert_eq!(words("A='$x y'z"), [[plain("A="), literal("$x y"), plain("z")]]);
        assert_eq!(
            words(r#"A=\$x"\$\z""#),
            [[plain("A="), literal("$"), plain("x"), literal("$\\"), plain("z")]]
        );
        assert_eq!(words("A=$(a b (c)) B=2"), [[plain("A=$(a b (c))")], [plain("B=2")]]);
        assert_eq!(words("A='open"), [[plain("A="), literal("open")]]);
        assert!(Words { rest: "A='open" }.all(|word| word.is_open));
        let home = [plain("A="), Part::Home, plain("/x:"), Part::Home, plain(":~y:~")];
        assert_eq!(words("A=~/x:~:~y:\"~\""), [home]);
        assert_eq!(words("A=\"~/x\""), [[plain("A=~/x")]]);
        assert!(words("  ").is_empty());
    }
}
