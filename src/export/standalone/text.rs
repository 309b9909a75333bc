//! A value of a variable, of which parts are known only where the pipeline runs.

use indexmap::IndexMap;

use crate::contract::shell_quoted;

/// A value, piece by piece.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Text(pub(super) Vec<Piece>);

/// A piece of a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Piece {
    /// It stands for itself.
    Plain(String),
    /// The workspace.
    Root,
    /// A variable that the user sets.
    Setting(String),
    /// The number of the run.
    Number,
    /// Who started the run.
    User,
    /// What a shell makes of this, between double quotes.
    Shell(String),
}

/// What stands in values for pieces that are not known here: a control character, which YAML has none of unless it is
/// asked for, what it is about, and another one.
const ROOT: char = '\u{1}';
const SETTING: char = '\u{2}';
const SHELL: char = '\u{3}';
const END: char = '\u{4}';

/// The workspace in a path.
pub(super) fn root() -> String {
    format!("{ROOT}{END}")
}

/// A variable that the user sets.
pub(super) fn setting(name: &str) -> String {
    format!("{SETTING}{name}{END}")
}

/// A variable of the machine that the job runs on.
pub(super) fn shell(expression: &str) -> String {
    format!("{SHELL}{expression}{END}")
}

impl Text {
    /// Reads a value; only `settings` are taken for settings.
    pub(super) fn read(value: &str, settings: &IndexMap<String, String>) -> Text {
        let mut pieces = Vec::new();
        let mut rest = value;
        while let Some(at) = rest.find([ROOT, SETTING, SHELL]) {
            let mark = rest[at..].chars().next();
            let inside = &rest[at + 1..];
            let Some(end) = inside.find(END) else { break };
            let (about, after) = (&inside[..end], &inside[end + 1..]);
            let piece = match mark {
                Some(ROOT) => Piece::Root,
                Some(SETTING) if settings.contains_key(about) => Piece::Setting(about.to_owned()),
                Some(SHELL) if about == "HOME" || about == "PATH" => Piece::Shell(format!("${about}")),
                _ => Piece::Plain(about.to_owned()),
            };
            if at > 0 {
                pieces.push(Piece::Plain(rest[..at].to_owned()));
            }
            pieces.push(piece);
            rest = after;
        }
        if !rest.is_empty() {
            pieces.push(Piece::Plain(rest.to_owned()));
        }
        Text(pieces)
    }

    /// Whether only a shell of the job can say it.
    pub(super) fn needs_shell(&self) -> bool {
        self.0.iter().any(|piece| matches!(piece, Piece::Root | Piece::Shell(_)))
    }

    /// It as one word of a shell; `number` and `user` are the variables that hold these there.
    pub(super) fn word(&self, number: &str, user: &str) -> String {
        if self.0.is_empty() {
            return "''".to_owned();
        }
        let piece = |piece: &Piece| match piece {
            Piece::Plain(text)
                if text.chars().all(|c| c.is_ascii_alphanumeric() || "_-./:@%+=,".contains(c)) =>
            {
                text.clone()
            }
            Piece::Plain(text) => shell_quoted(text),
            Piece::Root => "\"$root\"".to_owned(),
            Piece::Setting(name) => format!("\"${{{name}-}}\""),
            Piece::Number => format!("\"${number}\""),
            Piece::User => format!("\"${user}\""),
            Piece::Shell(expression) => format!("\"{expression}\""),
        };
        self.0.iter().map(piece).collect()
    }

    /// The settings in it.
    pub(super) fn settings(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|piece| match piece {
            Piece::Setting(name) => Some(name.as_str()),
            _ => None,
        })
    }
}
