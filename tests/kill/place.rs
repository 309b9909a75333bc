//! A line, and commands on it that are cut short.

use std::fs;
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use shipctl::state::Store;
use tempfile::TempDir;

use crate::dice::Dice;
use crate::homes::Homes;
use crate::marker;

const SECRET: &str = "killedSECRET1234";

/// How long a command may take.
const LIMIT: Duration = Duration::from_secs(30);

const LINE: &str = r#"
integrations:
  - {name: kv, type: keyValuePair, fields: {envs: {TOKEN: killedSECRET1234}}}
  - {name: key, type: sshKey, fields: {publicKey: p, privateKey: KEY killedSECRET1234}}
resources:
  - {name: r, type: integration, integration: kv}
  - {name: k, type: integration, integration: key}
jobs:
  - name: ship
    type: runSh
    steps: [IN: r, IN: k, TASK: ['echo n=$BUILD_NUMBER >> $JOB_STATE/ship.env', 'bash "$WORK/work.sh"']]
    always: {script: ['echo $TOKEN']}
  - {name: beside, type: runSh, steps: [IN: r, IN: k, TASK: ['bash "$WORK/work.sh"', 'cat "$K_KEYPATH"']]}
  - {name: behind, type: runSh, steps: [IN: ship, IN: k, TASK: ['sleep 0.01']]}
  - {name: tidy, type: runSh, steps: [IN: r, TASK: ['true']]}
  - {name: neat, type: runSh, steps: [IN: k, TASK: ['true']]}
"#;

/// A script with children that stay, that went away from it, and that come and go.
const WORK: &str = "sleep 300 & (setsid sleep 300 > /dev/null 2>&1 &)
for i in 1 2 3 4 5; do (sleep 0.004; echo $TOKEN | cat); done
kill %1
";

pub struct Place {
    directory: TempDir,
    homes: Homes,
}

/// What came of a command of which something was killed.
pub struct Killed {
    pub what: String,
    /// The exit status; 128 + N if signal N ended it; `None` if it did not end.
    pub status: Option<i32>,
    /// What was there when it should have ended.
    pub left: Vec<String>,
}

impl Place {
    pub fn new() -> Place {
        let place = Place { directory: TempDir::with_prefix("shipctl-kill-").unwrap(), homes: Homes::new() };
        fs::write(place.path().join("shippable.yml"), LINE).unwrap();
        fs::write(place.path().join("work.sh"), WORK).unwrap();
        place
    }

    fn path(&self) -> &Path {
        self.directory.path()
    }

    fn marker(&self, number: usize) -> String {
        format!("{}-{number}", self.path().display())
    }

    fn start(&self, arguments: &str, number: usize) -> Child {
        let mut command = Command::new(env!("CARGO_BIN_EXE_shipctl"));
        command.args(arguments.split_whitespace()).current_dir(self.path()).process_group(0);
        command.env("WORK", self.path()).env(marker::VARIABLE, self.marker(number));
        self.homes.give(&mut command);
        let log = |name: &str| fs::File::create(self.path().join(name)).unwrap();
        command.stdin(Stdio::null()).stdout(log("stdout")).stderr(log("stderr"));
        command.spawn().unwrap()
    }

    /// How long a command takes that nothing happens to.
    pub fn duration(&self, command: &str) -> Duration {
        // The first has the state to make.
        self.succeeds(command, "before all");
        let begun = Instant::now();
        self.succeeds(command, "before all");
        begun.elapsed()
    }

    /// Runs a command that must succeed.
    pub fn succeeds(&self, command: &str, what: &str) {
        let mut child = self.start(command, usize::MAX);
        let status = end(&mut child).map(code);
        let said = |name: &str| fs::read_to_string(self.path().join(name)).unwrap_or_default();
        assert_eq!(status, Some(0), "{what}: {}{}", said("stdout"), said("stderr"));
    }

    /// Starts a command, and kills it, or a process of it, after this time.
    pub fn kill(&self, command: &str, number: usize, after: Duration, dice: &mut Dice) -> Killed {
        let mut child = self.start(command, number);
        sleep(after);
        let own = Pid::from_raw(child.id().cast_signed());
        let mut victims = vec![(own, format!("shipctl {command}"))];
        // As often the command itself as all others together.
        if dice.roll(2) == 0 {
            victims.extend(
                marker::processes(&self.marker(number)).into_iter().filter(|(process, _)| *process != own),
            );
        }
        let (victim, words) =
            victims.swap_remove(if victims.len() > 1 { 1 + dice.roll(victims.len() - 1) } else { 0 });
        // It may have ended in the meantime.
        let _ = kill(victim, Signal::SIGKILL);
        let status = end(&mut child).map(code);
        self.await_workers(number);
        let left = marker::processes(&self.marker(number));
        let left = left.into_iter().map(|(process, words)| format!("{process} {words}")).collect();
        if status.is_none() {
            self.end(number);
        }
        Killed { what: format!("kill -9 of `{words}`"), status, left }
    }

    /// Waits until the workers of a line are gone, which the kernel kills with the process that has them.
    fn await_workers(&self, number: usize) {
        let deadline = Instant::now() + Duration::from_secs(5);
        let is_worker = |(_, words): &(Pid, String)| words.contains("shipctl run");
        while marker::processes(&self.marker(number)).iter().any(is_worker) && Instant::now() < deadline {
            sleep(Duration::from_millis(2));
        }
    }

    /// The processes of a command that live on. What is being killed takes a moment to end.
    pub fn living(&self, number: usize) -> Vec<String> {
        let deadline = Instant::now() + Duration::from_secs(5);
        loop {
            let living = marker::processes(&self.marker(number));
            if living.is_empty() || Instant::now() > deadline {
                self.end(number);
                return living.into_iter().map(|(process, words)| format!("{process} {words}")).collect();
            }
            sleep(Duration::from_millis(2));
        }
    }

    /// Ends what is left of a command.
    pub fn end(&self, number: usize) {
        marker::end(&self.marker(number), |_| true);
    }

    /// The files with secrets that are left where workspaces lie.
    pub fn secrets(&self) -> Vec<PathBuf> {
        let has_secret =
            |file: &Path| fs::read(file).is_ok_and(|text| String::from_utf8_lossy(&text).contains(SECRET));
        let (mut found, mut directories) = (Vec::new(), vec![self.homes.path().to_owned()]);
        while let Some(directory) = directories.pop() {
            for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
                match entry.file_type() {
                    Ok(kind) if kind.is_dir() => directories.push(entry.path()),
                    Ok(kind) if kind.is_file() && has_secret(&entry.path()) => found.push(entry.path()),
                    _ => {}
                }
            }
        }
        found
    }

    /// How many versions the job `ship` has; they are whole, and numbered without a gap.
    pub fn versions(&self) -> usize {
        let Some(store) = Store::open_existing(self.path()).unwrap() else { return 0 };
        let versions = store.versions("ship", u32::MAX).unwrap();
        for version in &versions {
            assert!(
                version.bag["n"].as_str().is_some_and(|number| number.parse::<u32>().is_ok()),
                "{:?}",
                version.bag
            );
        }
        versions.len()
    }
}

/// Waits for the end of a process; after the limit it is killed.
fn end(child: &mut Child) -> Option<ExitStatus> {
    let deadline = Instant::now() + LIMIT;
    while Instant::now() < deadline {
        if let Some(status) = child.try_wait().unwrap() {
            return Some(status);
        }
        sleep(Duration::from_millis(1));
    }
    let _ = child.kill();
    let _ = child.wait();
    None
}

/// The exit status; 128 + N if a signal ended the process.
fn code(status: ExitStatus) -> i32 {
    status.code().unwrap_or_else(|| 128 + status.signal().unwrap())
}
