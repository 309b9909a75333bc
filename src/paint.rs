//! Colours: what is shown to people says what a text is, and one table says how that looks.

/// Whether text is coloured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Paint {
    /// As it is.
    Plain,
    /// With ANSI escape sequences.
    Coloured,
}

/// What a text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// A heading or a name that others follow on.
    Heading,
    /// What is there for completeness.
    Quiet,
    /// What went well.
    Good,
    /// What did not.
    Bad,
    /// What may not be meant.
    Warning,
    /// The label of an error.
    ErrorLabel,
    /// The label of a warning.
    WarningLabel,
    /// Where something is.
    Place,
    /// What to do.
    Hint,
    /// One of several names, by its number: colours that are neither good nor bad.
    Name(usize),
}

impl Style {
    /// The parameter of the escape sequence.
    fn code(self) -> &'static str {
        const NAMES: [&str; 4] = ["36", "35", "34", "33"];
        match self {
            Style::Heading => "1",
            Style::Quiet => "2",
            Style::Good => "32",
            Style::Bad => "31",
            Style::Warning => "33",
            Style::ErrorLabel => "1;31",
            Style::WarningLabel => "1;33",
            Style::Place => "34",
            Style::Hint => "36",
            Style::Name(number) => NAMES[number % NAMES.len()],
        }
    }
}

impl Paint {
    /// `text` in a style, if there is to be colour.
    pub fn with(self, style: Style, text: &str) -> String {
        match self {
            Paint::Plain => text.to_owned(),
            Paint::Coloured => format!("\x1b[{}m{text}\x1b[0m", style.code()),
        }
    }
}
