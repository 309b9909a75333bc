//! `shipctl integration` and `shipctl scan`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::{ListFormat, value};

/// `shipctl integration`
#[derive(Args)]
pub struct IntegrationArgs {
    /// What is done.
    #[command(subcommand)]
    pub command: IntegrationCommand,
}

/// The commands of `shipctl integration`.
#[derive(Subcommand)]
pub enum IntegrationCommand {
    /// Add an integration to the YAML: asks for its fields, or takes them from options
    Add(IntegrationAdd),
    /// List integrations with their fields and who uses them
    List {
        /// How they are printed
        #[arg(long, value_name = "FORMAT", default_value = "text")]
        format: ListFormat,
    },
    /// Show one integration, secrets masked
    Show {
        /// The integration
        name: String,
        /// How it is printed
        #[arg(long, value_name = "FORMAT", default_value = "text")]
        format: ListFormat,
    },
    /// Show which resources and jobs use an integration
    UsedBy {
        /// The integration
        name: String,
        /// How they are printed
        #[arg(long, value_name = "FORMAT", default_value = "text")]
        format: ListFormat,
    },
    /// List the kinds of integrations, or the fields of one kind
    Types {
        /// The kind, such as amazonKeys or "AWS Keys"
        kind: Option<String>,
    },
    /// Remove an integration that is not used
    Remove {
        /// The integration
        name: String,
        /// Remove it even if something uses it
        #[arg(long)]
        force: bool,
    },
    /// Give an integration another name, wherever the YAML names it
    Rename {
        /// The name it has
        old: String,
        /// The name it gets
        new: String,
    },
}

/// `shipctl integration add`
#[derive(Args)]
#[command(
    after_help = "On a terminal it asks for the kind and for every field that no option gives. Secrets are stored encrypted; no option takes one, because arguments are there for all to see.\nA field of a key-value pair is written envs.KEY; a list takes its option once for each item."
)]
pub struct IntegrationAdd {
    /// What resources are going to call it
    pub name: String,
    /// Its kind, such as amazonKeys or "AWS Keys"; asked for on a terminal
    #[arg(long, value_name = "KIND")]
    pub r#type: Option<String>,
    /// A field that is no secret (repeatable)
    #[arg(long, value_name = "FIELD=VALUE", value_parser = value::field)]
    pub field: Vec<(String, String)>,
    /// A field whose value is a variable of shipctl's environment (repeatable)
    #[arg(long, value_name = "FIELD=VARIABLE", value_parser = value::field)]
    pub env_field: Vec<(String, String)>,
    /// A field whose value is in a file (repeatable)
    #[arg(long, value_name = "FIELD=PATH", value_parser = value::field)]
    pub file_field: Vec<(String, String)>,
    /// A field whose value is what a command line prints (repeatable)
    #[arg(long, value_name = "FIELD=COMMAND", value_parser = value::field)]
    pub command_field: Vec<(String, String)>,
    /// The field whose value is read from stdin; a secret is stored encrypted
    #[arg(long, value_name = "FIELD")]
    pub stdin_field: Option<String>,
    /// The file of the line that it goes to
    #[arg(long, value_name = "FILE")]
    pub to: Option<PathBuf>,
}

/// `shipctl scan`
#[derive(Args)]
#[command(
    after_help = "All integrations of the line are resolved for this. Secrets of less than 8 bytes are not looked for: they are found by chance.\nThe status is 1 if something was found, and the values are never printed."
)]
pub struct Scan {
    /// Files and directories; by default all files that git tracks in the repository of the line
    pub paths: Vec<PathBuf>,
    /// Search everything that git keeps, in all branches and tags, instead
    #[arg(long, conflicts_with = "paths")]
    pub history: bool,
    /// Search what is staged for the next commit instead, as a pre-commit hook does
    #[arg(long, conflicts_with_all = ["paths", "history"])]
    pub staged: bool,
    /// How findings are printed
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub format: ListFormat,
}
