//! A place with a line in it, and the program run there with an environment of its own.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

/// The keys that the lines of these tests have.
pub const ACCESS_KEY: &str = "AKIAIOSFODNN7EXAMPLE";
pub const SECRET_KEY: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";

/// A fresh directory with a home in it.
pub struct Place {
    directory: TempDir,
    variables: Vec<(String, String)>,
}

/// What a call left.
pub struct Done {
    pub stdout: String,
    pub stderr: String,
    pub status: Option<i32>,
}

/// What `tests/aws/setup.sh` puts programs into.
pub fn programs() -> PathBuf {
    let programs = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("aws-venv").join("bin");
    assert!(programs.join("moto_server").exists(), "run tests/aws/setup.sh first: there is no {programs:?}");
    programs
}

impl Place {
    /// A place where AWS is at this address.
    pub fn new(endpoint: &str) -> Place {
        let directory = TempDir::with_prefix("shipctl-test-").unwrap();
        let programs = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("aws-venv").join("bin");
        let path = format!("{}:{}", programs.display(), std::env::var("PATH").unwrap());
        for name in ["home", "tmp"] {
            fs::create_dir(directory.path().join(name)).unwrap();
        }
        let home = directory.path().join("home").display().to_string();
        let tmp = directory.path().join("tmp").display().to_string();
        let place = Place { directory, variables: Vec::new() };
        place
            .with("PATH", &path)
            .with("HOME", &home)
            .with("TMPDIR", &tmp)
            .with("SHIPCTL_SHM", &tmp)
            .with("AWS_ENDPOINT_URL", endpoint)
            .with("AWS_EC2_METADATA_DISABLED", "true")
    }

    /// Sets a variable; an empty value removes it.
    pub fn with(mut self, name: &str, value: &str) -> Place {
        self.variables.retain(|(known, _)| known != name);
        if !value.is_empty() {
            self.variables.push((name.to_owned(), value.to_owned()));
        }
        self
    }

    /// The keys of the caller, in the environment.
    pub fn with_keys(self) -> Place {
        self.with("AWS_ACCESS_KEY_ID", ACCESS_KEY).with("AWS_SECRET_ACCESS_KEY", SECRET_KEY)
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub fn write(&self, name: &str, text: &str) {
        fs::create_dir_all(self.path(name).parent().unwrap()).unwrap();
        fs::write(self.path(name), text).unwrap();
    }

    /// A program of the place, which is in its PATH before others.
    pub fn program(self, name: &str, script: &str) -> Place {
        self.write(&format!("bin/{name}"), &format!("#!/bin/sh\n{script}\n"));
        fs::set_permissions(self.path(&format!("bin/{name}")), fs::Permissions::from_mode(0o755)).unwrap();
        let (_, path) = self.variables.iter().find(|(known, _)| known == "PATH").unwrap();
        let path = format!("{}:{path}", self.path("bin").display());
        self.with("PATH", &path)
    }

    /// A line of the fixtures.
    pub fn fixture(self, name: &str) -> Place {
        let line = format!("{}/fixtures/{name}/shippable.yml", env!("CARGO_MANIFEST_DIR"));
        fs::copy(line, self.path("shippable.yml")).unwrap();
        self
    }

    /// A line of one job `j`, with these integrations and resources, steps and one script entry.
    pub fn line(self, integrations: &str, resources: &str, steps: &str, script: &str) -> Place {
        let script = serde_json::Value::from(script);
        self.write(
            "shippable.yml",
            &format!(
                "integrations:\n{integrations}\nresources:\n{resources}\njobs:\n  - name: j\n    type: runSh\n    steps:\n{steps}\n      - TASK:\n          - script: {script}\n"
            ),
        );
        self
    }

    /// A line whose job lists the integration `role`, a role that `base` takes.
    pub fn role(self, fields: &str, script: &str) -> Place {
        let line = format!(
            "integrations:
  - name: base
    type: amazonKeys
    fields: {{accessKey: {ACCESS_KEY}, secretKey: {SECRET_KEY}}}
  - name: role
    type: amazonIamRole
    fields:
      assumeRoleARN: {ROLE}
{fields}
jobs:
  - name: j
    type: runSh
    integrations: [role]
    steps:
      - TASK:
          - script: {}
",
            serde_json::Value::from(script)
        );
        self.write("shippable.yml", &line);
        self
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_shipctl"));
        command.args(arguments).current_dir(self.directory.path()).env_clear().stdin(Stdio::null());
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        command
    }

    pub fn run(&self, arguments: &[&str]) -> Done {
        Done::of(self.command(arguments).output().unwrap())
    }

    /// What a call that must succeed prints.
    pub fn good(&self, arguments: &[&str]) -> String {
        let done = self.run(arguments);
        assert_eq!(done.status, Some(0), "{arguments:?}\n{}\n{}", done.stdout, done.stderr);
        done.stdout
    }

    /// What a call prints on stderr that must fail before the job starts.
    pub fn bad(&self, arguments: &[&str]) -> String {
        let done = self.run(arguments);
        assert_eq!(done.status, Some(125), "{arguments:?}\n{}\n{}", done.stdout, done.stderr);
        done.stderr
    }
}

/// The role of these tests.
pub const ROLE: &str = "arn:aws:iam::210987654321:role/deploy";

impl Done {
    fn of(output: Output) -> Done {
        let done = Done {
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
            status: output.status.code(),
        };
        for text in [&done.stdout, &done.stderr] {
            assert!(!text.contains(SECRET_KEY), "the secret key is in: {text}");
        }
        done
    }
}
