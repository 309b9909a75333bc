//! `shipctl key`, `shipctl encrypt` and `shipctl decrypt-value`.

use std::ffi::OsString;

use clap::{Args, Subcommand};

use super::ListFormat;

/// `shipctl key`
#[derive(Args)]
#[command(
    after_help = "The key comes from SHIPCTL_KEY (the text itself), SHIPCTL_KEY_FILE, or shipctl/key.txt in the configuration directory, in this order.\nIt is a key of age: other tools that know age open the same values with it.\nOf several in one place the first is the current one: what is encrypted to you is encrypted to it; all of them open.\nWho leaves is taken out with `key remove-recipient`, and `key rotate` encrypts to the others. What they could open before they can still open in what git has kept: change the secrets themselves, where they come from."
)]
pub struct KeyArgs {
    /// What is done.
    #[command(subcommand)]
    pub command: KeyCommand,
}

/// The commands of `shipctl key`.
#[derive(Subcommand)]
pub enum KeyCommand {
    /// Make a key, for you or for a machine
    New {
        /// Keep it encrypted to a passphrase, which is asked for here and whenever it is used
        #[arg(long)]
        passphrase: bool,
    },
    /// Print the public half of the key in use; where it comes from, and older keys, are told on stderr
    Show,
    /// Let another key open the values of the line: whatever is encrypted from now on, and all after `key rotate`
    AddRecipient {
        /// The public half of the key: age1…
        recipient: String,
        /// Whose it is
        #[arg(long)]
        name: Option<String>,
    },
    /// Take a recipient out of the line, by its name or its key; `key rotate` then encrypts to the others alone
    RemoveRecipient {
        /// The name, or the public half of the key: age1…
        recipient: String,
    },
    /// Encrypt every value of the line anew, to the recipients that it lists now
    Rotate {
        /// Make a new key first, which takes the place of yours among the recipients
        #[arg(long)]
        new_key: bool,
        /// Encrypt to others alone: you cannot open the values any more
        #[arg(long, conflicts_with = "new_key")]
        force: bool,
    },
}

/// `shipctl session`
#[derive(Args)]
#[command(
    after_help = "A session of AWS is kept where your key is a file without a passphrase: one that shows a second factor until five minutes before it ends, one of a role until half of its time is over.\nEach is a file in shipctl/sessions of the cache directory, encrypted to that key. SHIPCTL_NO_SESSIONS=1 keeps none."
)]
pub struct SessionArgs {
    /// What is done.
    #[command(subcommand)]
    pub command: SessionCommand,
}

/// The commands of `shipctl session`.
#[derive(Subcommand)]
pub enum SessionCommand {
    /// List the sessions, with the time when each ends
    List {
        /// How they are printed
        #[arg(long, value_name = "FORMAT", default_value = "text")]
        format: ListFormat,
    },
    /// Forget all sessions
    Clear,
}

/// `shipctl encrypt`
#[derive(Args)]
#[command(
    after_help = "Asks for the value, without echo, or reads all of stdin and drops one newline at its end, as `{file: …}` does.\nWithout -r it is encrypted to the recipients of the line, or, where it lists none, to your own key."
)]
pub struct Encrypt {
    /// Encrypt to this recipient instead of those of the line (repeatable)
    #[arg(short, long = "recipient", value_name = "AGE1…")]
    pub recipients: Vec<String>,
    /// Print one line (base64) instead of a block
    #[arg(long)]
    pub one_line: bool,
    /// A value that was given as an argument, which is refused.
    #[arg(hide = true)]
    pub value: Vec<OsString>,
}

/// `shipctl decrypt-value`
#[derive(Args)]
#[command(
    after_help = "Reads `secure: |` with its block, or the encrypted text alone, from stdin, and prints the value and a newline."
)]
pub struct DecryptValue {}
