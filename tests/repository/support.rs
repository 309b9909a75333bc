//! A place with repositories and lines in it, and the program run there.

use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

/// A fresh directory, and git configured as nobody's.
pub struct Place {
    directory: TempDir,
    variables: Vec<(OsString, OsString)>,
}

/// What a call left.
pub struct Done {
    pub stdout: String,
    pub stderr: String,
    pub status: Option<i32>,
}

impl Place {
    pub fn new() -> Place {
        let directory = TempDir::with_prefix("shipctl-test-").unwrap();
        let place = Place { directory, variables: Vec::new() };
        place.write(
            "gitconfig",
            "[user]\n name = Ann \\\"A\\\" O'Neil\n email = ann@example.com\n[init]\n defaultBranch = master\n[protocol \"file\"]\n allow = always\n",
        );
        fs::create_dir(place.path("tmp")).unwrap();
        place
    }

    /// A place with the repository `app` and two commits in it; its origin is `org/app` of GitHub.
    pub fn with_app() -> Place {
        let place = Place::new();
        place.repository("app");
        place.commit("app", "a", "one\n", "one");
        place.commit("app", "a", "two\n", "two");
        place
    }

    pub fn path(&self, path: &str) -> PathBuf {
        self.directory.path().join(path)
    }

    pub fn write(&self, path: &str, content: impl AsRef<[u8]>) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    /// Adds to the user's configuration of git.
    pub fn configure(&self, lines: &str) {
        let config = fs::read_to_string(self.path("gitconfig")).unwrap();
        self.write("gitconfig", config + lines);
    }

    /// Sets a variable for everything that is run.
    pub fn set(&mut self, name: &str, value: impl Into<OsString>) {
        self.variables.push((name.into(), value.into()));
    }

    fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new(program);
        command
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap())
            .env("HOME", self.directory.path())
            .env("TMPDIR", self.path("tmp"))
            .env("SHIPCTL_SHM", self.path("tmp"))
            .env("GIT_CONFIG_GLOBAL", self.path("gitconfig"))
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_COMMITTER_DATE", "2019-02-01T00:00:00Z")
            .env("GIT_AUTHOR_DATE", "2019-02-01T00:00:00Z")
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null());
        command
    }

    /// Runs git and takes what it prints, without the end of its last line.
    pub fn git(&self, directory: &str, arguments: &[&str]) -> String {
        let output =
            self.command("git").arg("-C").arg(self.path(directory)).args(arguments).output().unwrap();
        assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim_end_matches('\n').to_owned()
    }

    /// Makes an empty repository whose origin is that of `org/NAME` at GitHub.
    pub fn repository(&self, name: &str) {
        fs::create_dir_all(self.path(name)).unwrap();
        self.git(name, &["init", "--quiet"]);
        self.git(name, &["remote", "add", "origin", &format!("git@github.com:Org/{name}.git")]);
    }

    /// Commits a file; gives the name of the commit.
    pub fn commit(&self, repository: &str, file: &str, content: &str, message: &str) -> String {
        self.write(&format!("{repository}/{file}"), content);
        self.git(repository, &["add", "--all"]);
        self.git(repository, &["commit", "--quiet", "-m", message]);
        self.head(repository)
    }

    pub fn head(&self, repository: &str) -> String {
        self.git(repository, &["rev-parse", "HEAD"])
    }

    /// Puts a line into a directory: the resource `repo` of `org/app`, which goes into the job `j`.
    pub fn line(&self, directory: &str, pointer: &str, script: &str) {
        self.line_of("gitRepo", directory, &format!("sourceName: org/app, {pointer}"), script);
    }

    pub fn line_of(&self, kind: &str, directory: &str, pointer: &str, script: &str) {
        let script = serde_json::to_string(script).unwrap();
        self.write(
            &format!("{directory}/shippable.yml"),
            format!(
                "resources:\n  - {{name: repo, type: {kind}, integration: gh, pointer: {{{pointer}}}}}\n\
                 jobs:\n  - name: j\n    type: runSh\n    steps:\n      - IN: repo\n      - TASK: {{script: [{script}]}}\n\
                 integrations:\n  - {{name: gh, type: github, fields: {{token: s3cr3t-t0k3n, url: https://api.github.com}}}}\n"
            ),
        );
    }

    /// The program, in a directory.
    pub fn shipctl(&self, directory: &str, arguments: &[&str]) -> Command {
        let mut command = self.command(env!("CARGO_BIN_EXE_shipctl"));
        command.current_dir(self.path(directory)).args(arguments);
        command
    }

    /// Runs the program.
    pub fn run(&self, directory: &str, arguments: &[&str]) -> Done {
        self.shipctl(directory, arguments).output().unwrap().into()
    }

    /// Runs the program, which must succeed, and gives its stdout.
    pub fn good(&self, directory: &str, arguments: &[&str]) -> String {
        let done = self.run(directory, arguments);
        assert_eq!(done.status, Some(0), "{arguments:?}: {}\n{}", done.stderr, done.stdout);
        done.stdout
    }

    /// The environment of the job `j`.
    pub fn env(&self, directory: &str, arguments: &[&str]) -> Value {
        let arguments = [&["env", "j", "--format", "json", "--reveal"], arguments].concat();
        serde_json::from_str(&self.good(directory, &arguments)).unwrap()
    }

    /// Makes every git that is started leave its arguments, one line for each, in the file that is given back.
    pub fn record_git(&mut self) -> PathBuf {
        let log = self.path("git.log");
        self.wrap_git(&format!("printf '%s ' \"$@\" >>'{0}'; echo >>'{0}'", log.display()));
        fs::write(&log, "").unwrap();
        log
    }

    /// Puts a script before git.
    pub fn wrap_git(&mut self, script: &str) {
        let path = std::env::var("PATH").unwrap();
        let git = std::env::split_paths(&path)
            .map(|directory| directory.join("git"))
            .find(|git| git.is_file())
            .unwrap();
        self.write("bin/git", format!("#!/bin/sh\n{script}\nexec '{}' \"$@\"\n", git.display()));
        fs::set_permissions(self.path("bin/git"), fs::Permissions::from_mode(0o755)).unwrap();
        let bin = self.path("bin");
        self.set("PATH", format!("{}:{path}", bin.display()));
    }

    /// Puts a repository where GitHub has `org/app`, as far as git can tell.
    pub fn serve(&self, repository: &str) {
        let (here, name) = repository.rsplit_once('/').unwrap_or(("", repository));
        let bare = self.path("github/org/app.git");
        fs::create_dir_all(bare.parent().unwrap()).unwrap();
        self.git(here, &["clone", "--quiet", "--bare", name, bare.to_str().unwrap()]);
        self.configure(&format!(
            "[url \"file://{}/\"]\n insteadOf = https://github.com/\n",
            self.path("github").display()
        ));
    }

    /// Whether nothing is left where workspaces and other temporary files lie but empty directories, files with nothing in
    /// them, and those that say which of them are workspaces.
    pub fn is_clean(&self) -> bool {
        fn files(directory: &Path) -> usize {
            let entries = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap());
            let of = |entry: fs::DirEntry| match entry.file_type().unwrap().is_dir() {
                true => files(&entry.path()),
                false => usize::from(
                    entry.file_name() != ".shipctl-workspace"
                        && fs::read(entry.path()).unwrap().iter().any(|byte| *byte != b'\n'),
                ),
            };
            entries.map(of).sum()
        }
        files(&self.path("tmp")) == 0
    }
}

impl From<Output> for Done {
    fn from(output: Output) -> Done {
        Done {
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
            status: output.status.code(),
        }
    }
}
