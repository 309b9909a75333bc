//! How things are printed: the choices of options.

use clap::ValueEnum;

/// When to use colours.
#[derive(Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum ColorWhen {
    /// On a terminal, unless NO_COLOR is set.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// How the log of a run is written.
#[derive(Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object per event and line.
    Json,
}

/// How the problems of a line are printed.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum CheckFormat {
    /// For people.
    Text,
    /// For machines.
    Json,
    /// For GitHub Actions, which shows them beside the lines.
    Github,
    /// SARIF, for code hosts and editors.
    Sarif,
}

/// What runs the TASKs that name an image.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Containers {
    /// podman or docker, whichever is found first.
    Auto,
    /// This machine.
    Never,
    /// Docker.
    Docker,
    /// podman.
    Podman,
}

/// How an environment is printed.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum EnvFormat {
    /// Name, value, and where it comes from.
    Table,
    /// `export NAME='value'` for a shell to evaluate.
    Shell,
    /// `NAME=value` for tools that read .env files.
    Dotenv,
    /// One object.
    Json,
}

/// How lists are printed.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ListFormat {
    /// For people.
    Text,
    /// For machines.
    Json,
}

/// How a graph is printed.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum GraphFormat {
    /// Indented text.
    Text,
    /// For Graphviz.
    Dot,
    /// For Mermaid.
    Mermaid,
    /// A picture, with the last results.
    Svg,
    /// The picture on a page that can be searched.
    Html,
}

/// What is listed.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Listed {
    /// Jobs.
    Jobs,
    /// Resources and triggers.
    Resources,
    /// Integrations.
    Integrations,
}
