//! Running git: the one place that does.

use std::ffi::{OsStr, OsString};
use std::io::{self, IsTerminal as _};
use std::path::Path;
use std::process::{Command, Output, Stdio};

use super::access::Access;

/// Variables that tie git to one repository: a hook or an alias that calls shipctl has them set, and they would lead
/// git astray in every other one.
const OF_ANOTHER: &[&str] = &[
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_COMMON_DIR",
    "GIT_CONFIG",
    "GIT_DIR",
    "GIT_GRAFT_FILE",
    "GIT_IMPLICIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_INTERNAL_SUPER_PREFIX",
    "GIT_NAMESPACE",
    "GIT_NO_REPLACE_OBJECTS",
    "GIT_OBJECT_DIRECTORY",
    "GIT_PREFIX",
    "GIT_QUARANTINE_PATH",
    "GIT_REPLACE_REF_BASE",
    "GIT_SHALLOW_FILE",
    "GIT_WORK_TREE",
];

/// Configuration that holds for every git started here, on top of the user's own: nothing is started that stays, and a
/// question is not answered by a daemon that it starts.
const ALWAYS: &[(&str, &str)] = &[
    ("core.fsmonitor", "false"),
    ("gc.auto", "0"),
    ("maintenance.auto", "false"),
    ("advice.detachedHead", "false"),
];

/// Runs a command and takes what it prints; its stdin is empty or closed.
pub type Runner<'r> = dyn Fn(&mut Command) -> io::Result<Output> + 'r;

/// A git to be run.
pub(super) struct Git<'r> {
    command: Command,
    runner: &'r Runner<'r>,
    config: Vec<(OsString, OsString)>,
    secrets: Vec<crate::secret::Secret>,
    name: String,
}

/// Why git did not do what it was asked for.
#[derive(Debug, thiserror::Error)]
pub enum GitError {
    /// It cannot be started.
    #[error("cannot run git: {0}")]
    Unavailable(io::Error),
    /// It failed.
    #[error("{words}")]
    Failed {
        /// Its exit status, if it has one.
        status: Option<i32>,
        /// What it said on stderr, secrets masked, after its name and subcommand.
        words: String,
    },
    /// What it prints is not what it should be.
    #[error("{0}")]
    Unexpected(String),
}

impl<'r> Git<'r> {
    /// `git SUBCOMMAND` in a directory.
    pub(super) fn at(directory: &Path, subcommand: &str) -> Git<'r> {
        let mut command = Command::new("git");
        command.arg("-C").arg(directory).arg(subcommand).stdin(Stdio::null());
        for variable in OF_ANOTHER {
            command.env_remove(variable);
        }
        // `git status` would write what it learnt into the index of a repository that is only asked.
        command.env("GIT_OPTIONAL_LOCKS", "0");
        let config = ALWAYS.iter().map(|(key, value)| (key.into(), value.into())).collect();
        Git {
            command,
            runner: &Command::output,
            config,
            secrets: Vec::new(),
            name: format!("git {subcommand}"),
        }
    }

    /// Run by another function.
    pub(super) fn by(mut self, runner: &'r Runner<'r>) -> Git<'r> {
        self.runner = runner;
        self
    }

    /// Only looks: what a partial clone lacks is not fetched.
    pub(super) fn offline(mut self) -> Git<'r> {
        self.command.env("GIT_NO_LAZY_FETCH", "1");
        self
    }

    /// Starts none of the filter programs that the configuration of a repository names.
    pub(super) fn without_filters(mut self, repository: &Path) -> Result<Git<'r>, GitError> {
        let names = Git::at(repository, "config").args(["-z", "--name-only", "--get-regexp", r"^filter\."]);
        let names = match names.run() {
            // There is none.
            Err(GitError::Failed { status: Some(1), .. }) => Vec::new(),
            names => names?,
        };
        for name in names.split(|&byte| byte == 0).filter(|name| !name.is_empty()) {
            let name = String::from_utf8_lossy(name);
            let Some((filter, _)) = name.rsplit_once('.') else { continue };
            for (key, value) in [("clean", ""), ("smudge", ""), ("process", ""), ("required", "false")] {
                self = self.config(&format!("{filter}.{key}"), value);
            }
        }
        Ok(self)
    }

    /// Takes paths as they are: `*` is a star.
    pub(super) fn literal(mut self) -> Git<'r> {
        self.command.env("GIT_LITERAL_PATHSPECS", "1");
        self
    }

    /// With words that can be told apart by a program.
    pub(super) fn in_english(mut self) -> Git<'r> {
        self.command.env("LC_ALL", "C");
        self
    }

    /// May talk to a server, with the credentials that were given for it. Without a terminal, nothing is asked.
    pub(super) fn online(mut self, access: Option<&Access>) -> Git<'r> {
        if let Some(access) = access {
            let (key, header) = access.config();
            // First an empty one, which takes away those of the user: two of them are refused.
            self.config.extend(["", header].map(|value| (key.clone().into(), value.into())));
            self.secrets.extend(access.secrets().cloned());
        }
        if !io::stdin().is_terminal() {
            self.command.env("GIT_TERMINAL_PROMPT", "0");
            let set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
            if !set("GIT_SSH_COMMAND") && !set("GIT_SSH") && !has_ssh_command() {
                self.command.env("GIT_SSH_COMMAND", "ssh -o BatchMode=yes");
            }
        }
        self
    }

    /// Adds an argument.
    pub(super) fn arg(mut self, arg: impl AsRef<OsStr>) -> Git<'r> {
        self.command.arg(arg);
        self
    }

    /// Adds arguments.
    pub(super) fn args<A: AsRef<OsStr>>(mut self, args: impl IntoIterator<Item = A>) -> Git<'r> {
        self.command.args(args);
        self
    }

    /// Sets a variable of configuration for this one run.
    pub(super) fn config(mut self, key: &str, value: impl AsRef<OsStr>) -> Git<'r> {
        self.config.push((key.into(), value.as_ref().to_owned()));
        self
    }

    /// Runs it and takes what it prints.
    pub(super) fn run(mut self) -> Result<Vec<u8>, GitError> {
        self.configure();
        let output = (self.runner)(&mut self.command).map_err(GitError::Unavailable)?;
        if output.status.success() {
            return Ok(output.stdout);
        }
        let said = crate::mask::Patterns::new(&self.secrets).mask(&output.stderr);
        let said = String::from_utf8_lossy(&said);
        let said: Vec<_> = said.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        let words = match said.as_slice() {
            [] => format!("{} failed ({})", self.name, output.status),
            said => format!("{}: {}", self.name, said.join("; ")),
        };
        Err(GitError::Failed { status: output.status.code(), words })
    }

    /// Starts it, to read what it prints while it runs; what it says on stderr goes there.
    pub(super) fn start(mut self, stdin: Stdio) -> Result<std::process::Child, GitError> {
        self.configure();
        self.command.stdin(stdin).stdout(Stdio::piped()).spawn().map_err(GitError::Unavailable)
    }

    /// Runs it and takes what it prints as text, without the end of its last line.
    pub(super) fn line(self) -> Result<String, GitError> {
        let mut text = String::from_utf8_lossy(&self.run()?).into_owned();
        text.truncate(text.trim_end_matches('\n').len());
        Ok(text)
    }

    /// Passes configuration by the environment: arguments are there for all to see. What the caller's own environment
    /// configures stays.
    fn configure(&mut self) {
        const COUNT: &str = "GIT_CONFIG_COUNT";
        let before = std::env::var(COUNT).ok().and_then(|count| count.parse::<usize>().ok()).unwrap_or(0);
        for (i, (key, value)) in self.config.drain(..).enumerate() {
            let number = before + i;
            self.command.env(format!("GIT_CONFIG_KEY_{number}"), key);
            self.command.env(format!("GIT_CONFIG_VALUE_{number}"), value);
            self.command.env(COUNT, (number + 1).to_string());
        }
    }
}

/// Whether the user's configuration says how ssh is called.
fn has_ssh_command() -> bool {
    Git::at(Path::new("."), "config").args(["--get", "core.sshCommand"]).run().is_ok()
}
