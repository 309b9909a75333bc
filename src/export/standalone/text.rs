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

/// What stands in values for pieces that are not known here: one of the characters that Unicode keeps for use inside a
/// program, what it is about, and another one.
const ROOT: char = '\u{fdd0}';
const SETTING: char = '\u{fdd1}';
const SHELL: char = '\u{fdd2}';
const END: char = '\u{fdd3}';

/// The variable that holds the number of the run.
pub(super) const NUMBER: &str = "BUILD_NUMBER";

/// The variables that hold images of manifests are called so, with a number behind it.
pub(super) const IMAGE: &str = "image_";

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

/// A variable as a shell reads it.
pub(super) fn braced(variable: &str) -> String {
    format!("${{{variable}}}")
}

impl Text {
    /// Reads a value; only `settings` are taken for settings.
    pub(super) fn read(value: &str, settings: &IndexMap<String, String>) -> Text {
        let mut pieces = Vec::new();
        let mut rest = value;
        while let Some(at) = rest.find([ROOT, SETTING, SHELL]) {
            let (before, marked) = rest.split_at(at);
            let mark = marked.chars().next();
            let Some((about, after)) = marked.split_once(END) else { break };
            let about = about.trim_start_matches([ROOT, SETTING, SHELL]);
            let piece = match mark {
                Some(ROOT) => Piece::Root,
                Some(SETTING) if settings.contains_key(about) => Piece::Setting(about.to_owned()),
                Some(SHELL) if ["HOME", "PATH", NUMBER].contains(&about) || is_image(about) => {
                    Piece::Shell(braced(about))
                }
                _ => Piece::Plain(about.to_owned()),
            };
            if !before.is_empty() {
                pieces.push(Piece::Plain(before.to_owned()));
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

fn is_image(variable: &str) -> bool {
    variable
        .strip_prefix(IMAGE)
        .is_some_and(|number| !number.is_empty() && number.chars().all(|c| c.is_ascii_digit()))
}
