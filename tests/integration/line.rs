//! A line that is run again and again, as users do.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output};

use crate::support::{Call, shipctl};

/// A line in a directory of its own, whose jobs run again and again. Scripts write what they see to `$WORK/seen`.
pub struct Line(Call);

impl Line {
    /// Makes one.
    pub fn new(yaml: &str) -> Line {
        Line(
            shipctl("run")
                .file("shippable.yml", yaml)
                .file("tmp/", "")
                .env("TMPDIR", "{WORK}/tmp")
                .env("WORK", "{WORK}"),
        )
    }

    /// A path in its directory.
    pub fn path(&self, path: &str) -> PathBuf {
        self.0.path(path)
    }

    /// A call of shipctl, which is still to be made.
    pub fn command(&self, args: &str) -> Command {
        self.0.also(args)
    }

    /// Runs shipctl, whatever comes of it.
    pub fn try_to(&self, args: &str) -> Output {
        self.command(args).output().unwrap()
    }

    /// Runs shipctl, which must succeed and have nothing to complain about. What comes out on stdout.
    #[track_caller]
    pub fn does(&self, args: &str) -> String {
        let output = self.try_to(args);
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!((output.status.code(), &*stderr), (Some(0), ""), "{args}: {}", text(&output.stdout));
        text(&output.stdout)
    }

    /// Runs shipctl, which must fail with this status. What it says on stderr.
    #[track_caller]
    pub fn fails(&self, args: &str, status: i32) -> String {
        let output = self.try_to(args);
        assert_eq!(output.status.code(), Some(status), "{}", text(&output.stderr));
        text(&output.stderr)
    }

    /// Runs a job, which must succeed. What it wrote to `$WORK/seen`.
    #[track_caller]
    pub fn run(&self, job: &str) -> String {
        let _ = fs::remove_file(self.path("seen"));
        self.does(&format!("run {job}"));
        fs::read_to_string(self.path("seen")).unwrap_or_default()
    }

    /// Runs a job, which must succeed, and of which there is a warning that begins so. What it wrote to `$WORK/seen`.
    #[track_caller]
    pub fn run_warned(&self, job: &str, warning: &str) -> String {
        let _ = fs::remove_file(self.path("seen"));
        let ran = self.try_to(&format!("run {job}"));
        let stderr = text(&ran.stderr);
        assert_eq!(ran.status.code(), Some(0), "{stderr}");
        assert!(stderr.starts_with(warning) && stderr.matches("warning").count() == 1, "{stderr}");
        fs::read_to_string(self.path("seen")).unwrap_or_default()
    }

    /// Writes a file, in the place of another if there is one.
    pub fn write(&self, path: &str, content: &str) {
        fs::write(self.path(path), content).unwrap();
    }
}

/// Bytes as text.
pub fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A job with these steps before its one TASK, and these behind it.
pub fn job(name: &str, before: &str, script: &str, after: &str) -> String {
    let script = script.replace('\n', "\n            ");
    format!(
        "- name: {name}\n  type: runSh\n  steps:\n{before}    - TASK:\n        script:\n          - |\n            {script}\n{after}"
    )
}
