//! A call of the program in a fresh directory: what goes in, and everything that must come out.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

use crate::homes::Homes;

/// A call that is being described; [`Call::run`] makes it and compares.
#[must_use = "a call that is not run tests nothing"]
pub struct Call {
    directory: TempDir,
    homes: Homes,
    args: Vec<OsString>,
    env: Vec<(OsString, OsString)>,
    stdout: Vec<u8>,
    stderr: String,
    prefixes: bool,
    status: i32,
}

/// `shipctl FUNCTION`, with an empty environment but for PATH and the places of temporary files; nothing on stdout or stderr and status 0 expected.
pub fn shipctl(function: &str) -> Call {
    Call {
        directory: TempDir::with_prefix("shipctl-test-").unwrap(),
        homes: Homes::new(),
        args: vec![function.into()],
        env: vec![("PATH".into(), std::env::var_os("PATH").unwrap())],
        stdout: Vec::new(),
        stderr: String::new(),
        prefixes: false,
        status: 0,
    }
}

/// What is tested: `SHIPCTL_TEST_PROGRAM`, which may be a build for another machine, or the program of this build.
fn program() -> OsString {
    std::env::var_os("SHIPCTL_TEST_PROGRAM").unwrap_or_else(|| env!("CARGO_BIN_EXE_shipctl").into())
}

impl Call {
    /// Adds an argument.
    pub fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.args.push(arg.as_ref().to_owned());
        self
    }

    /// Adds arguments that hold no blanks.
    pub fn args(mut self, args: &str) -> Self {
        self.args.extend(args.split_whitespace().map(Into::into));
        self
    }

    /// Sets a variable; `{WORK}` is the fresh directory.
    pub fn env(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        let value = match value.as_ref().to_str() {
            Some(text) => self.filled(text).into(),
            None => value.as_ref().to_owned(),
        };
        self.env.push((name.as_ref().to_owned(), value));
        self
    }

    /// Sets the variables that tell a function that it is inside a job.
    pub fn in_job(self) -> Self {
        self.env("JOB_NAME", "my_job")
            .env("JOB_PATH", "{WORK}")
            .env("JOB_STATE", "{WORK}/state")
            .env("JOB_PREVIOUS_STATE", "{WORK}/previousState")
            .env("JOB_INTEGRATIONS", "{WORK}/integrations")
    }

    /// Puts a file into the directory, or a directory if the path ends in `/`.
    pub fn file(self, path: &str, content: impl AsRef<[u8]>) -> Self {
        let at = self.path(path);
        if path.ends_with('/') {
            fs::create_dir_all(at).unwrap();
        } else {
            fs::create_dir_all(at.parent().unwrap()).unwrap();
            fs::write(at, content).unwrap();
        }
        self
    }

    /// A path in the directory.
    pub fn path(&self, path: &str) -> PathBuf {
        self.directory.path().join(path)
    }

    /// All that must come out on stdout; `{WORK}` is the directory.
    pub fn stdout(mut self, text: impl AsRef<[u8]>) -> Self {
        self.stdout = match std::str::from_utf8(text.as_ref()) {
            Ok(text) => self.filled(text).into(),
            Err(_) => text.as_ref().to_vec(),
        };
        self
    }

    /// All that must come out on stderr; `{WORK}` is the directory.
    pub fn stderr(mut self, text: &str) -> Self {
        self.stderr = self.filled(text);
        self
    }

    /// What was given for stdout and stderr is only how they begin.
    pub fn starts(mut self) -> Self {
        self.prefixes = true;
        self
    }

    /// The status that it must end with.
    pub fn status(mut self, status: i32) -> Self {
        self.status = status;
        self
    }

    /// Expects a failure of a utility function: this on stderr, nothing on stdout, status 99.
    pub fn fails(self, stderr: &str) -> Done {
        self.stderr(stderr).status(99).run()
    }

    /// Runs it and compares everything.
    pub fn run(self) -> Done {
        let mut output = self.output();
        if self.prefixes {
            output.stdout.truncate(self.stdout.len());
            output.stderr.truncate(self.stderr.len());
        }
        let (stdout, stderr) = (lossy(&output.stdout), lossy(&output.stderr));
        assert_eq!(
            (stdout.as_str(), stderr.as_str(), output.status.code()),
            (lossy(&self.stdout).as_str(), self.stderr.as_str(), Some(self.status)),
            "shipctl {:?}",
            self.args
        );
        assert_eq!(output.stdout, self.stdout);
        Done { directory: self.directory, _homes: self.homes }
    }

    /// The command itself, for a test that needs more than [`Call::run`].
    pub fn command(&self) -> Command {
        let mut command = Command::new(program());
        command.args(&self.args).current_dir(self.directory.path()).env_clear();
        self.homes.give(&mut command);
        command.envs(self.env.iter().map(|(name, value)| (name, value))).stdin(Stdio::null());
        command
    }

    /// Another call in the same directory, with the same environment; `args` hold no blanks.
    pub fn also(&self, args: &str) -> Command {
        let mut command = Command::new(program());
        command.args(args.split_whitespace()).current_dir(self.directory.path()).env_clear();
        self.homes.give(&mut command);
        command.envs(self.env.iter().map(|(name, value)| (name, value))).stdin(Stdio::null());
        command
    }

    /// What comes out, for a test that cannot say it in full.
    pub fn output(&self) -> Output {
        self.command().output().unwrap()
    }

    fn filled(&self, text: &str) -> String {
        text.replace("{WORK}", self.directory.path().to_str().unwrap())
    }
}

/// A call that came out as expected, with the files it left.
pub struct Done {
    directory: TempDir,
    /// Commands that were made with [`Call::also`] may come later.
    _homes: Homes,
}

impl Done {
    /// A path in the directory that the call was made in.
    pub fn path(&self, path: &str) -> PathBuf {
        self.directory.path().join(path)
    }

    /// Expects a file with this content.
    pub fn file(self, path: &str, content: impl AsRef<[u8]>) -> Self {
        let found = fs::read(self.path(path)).unwrap_or_else(|error| panic!("{path}: {error}"));
        assert_eq!(lossy(&found), lossy(content.as_ref()), "{path}");
        self
    }

    /// Expects that there is no such file.
    pub fn no_file(self, path: &str) -> Self {
        assert!(!self.path(path).exists(), "{path} is there");
        self
    }
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
