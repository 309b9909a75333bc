//! `kill -9` of shipctl, the command line of the engine, what watches the container and what runs in it, at random moments.
//!
//! Whatever is killed: what shipctl was doing ends, no process lives on, no secret is in what the engine stores, and after the next
//! run no container, volume or network is there that was not before.

use std::fs;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tempfile::TempDir;

use crate::dice::Dice;
use crate::homes::Homes;
use crate::support::{PROGRAM, wait_until};
use crate::{IMAGE, call, engine, holding, place, variables};

const SECRET: &str = "killedSECRET4711";

/// How long an engine may take to remove a container that has ended, until the next run has to.
const REMOVAL_LIMIT: Duration = Duration::from_secs(3);

const WORK: &str = "echo $SECRET | cat\n(setsid sleep 300 &)\nsleep 0.1\n";

/// A line whose jobs run in containers.
struct Line {
    directory: TempDir,
    homes: Homes,
}

impl Line {
    fn new() -> Line {
        let directory = tempfile::tempdir().unwrap();
        let work = WORK.trim_end().replace('\n', "; ");
        let text = format!(
            "services: [redis]\nbuild:\n  pre_ci_boot: {{image_name: '{IMAGE}'}}\n  ci: ['{work}']\nintegrations:\n  - {{name: kv, \
             type: keyValuePair, fields: {{envs: {{SECRET: {SECRET}}}}}}}\nresources:\n  - {{name: r, type: integration, \
             integration: kv}}\nruntime: &image\n  options: {{imageName: '{IMAGE}', options: --network=none}}\njobs:\n  \
             - {{name: ci, type: runCI, steps: [IN: r]}}\n  \
             - {{name: job, type: runSh, runtime: *image, steps: [IN: r, TASK: ['{work}']]}}\n  \
             - {{name: tidy, type: runSh, runtime: *image, steps: [TASK: [':']]}}\n"
        );
        fs::write(directory.path().join("shippable.yml"), text).unwrap();
        Line { directory, homes: Homes::new() }
    }

    fn start(&self, words: &[&str]) -> Child {
        let mut command = Command::new(PROGRAM);
        command.args(words).current_dir(self.directory.path()).envs(variables());
        command.env("SHIPCTL_CONTAINERS", engine());
        self.homes.give(&mut command);
        let output = fs::File::create(self.directory.path().join("output")).unwrap();
        command.stdin(Stdio::null()).stdout(output.try_clone().unwrap()).stderr(output).spawn().unwrap()
    }

    /// Runs a command that must succeed.
    fn succeeds(&self, words: &[&str], what: &str) {
        let status = self.start(words).wait().unwrap();
        let printed = fs::read_to_string(self.directory.path().join("output")).unwrap();
        assert!(status.success(), "{what}, {words:?}: {status}: {printed}");
    }

    /// The processes of its jobs, in containers or not, each with its command line: where workspaces lie is in the environment or
    /// on the command line of all of them.
    fn processes(&self) -> Vec<(Pid, String)> {
        let needle = self.homes.path().as_os_str().as_encoded_bytes();
        let numbers = fs::read_dir("/proc").unwrap().flatten();
        let numbers = numbers.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
        let found = numbers.filter_map(|number| {
            let read = |name: &str| fs::read(format!("/proc/{number}/{name}")).unwrap_or_default();
            let words = read("cmdline");
            let has = |bytes: &[u8]| bytes.windows(needle.len()).any(|window| window == needle);
            (has(&words) || has(&read("environ")))
                .then(|| (Pid::from_raw(number), String::from_utf8_lossy(&words).replace('\0', " ")))
        });
        found.collect()
    }

    /// Its containers, running or not.
    fn containers(&self) -> Vec<String> {
        let listed = call(&["ps", "--all", "--format", "{{.Names}} {{.Status}} {{.Labels}}"]);
        let listed = String::from_utf8(listed.stdout).unwrap();
        let homes = self.homes.path().to_str().unwrap();
        listed.lines().filter(|line| line.contains(homes)).map(str::to_owned).collect()
    }
}

/// The volumes and networks of the engine.
fn volumes_and_networks() -> Vec<String> {
    let lists = [["volume", "ls", "--quiet"], ["network", "ls", "--quiet"]].map(|words| call(&words).stdout);
    String::from_utf8(lists.concat()).unwrap().lines().map(str::to_owned).collect()
}

/// Kills something that belongs to a command, and says what.
fn kill_one(line: &Line, own: &Child, dice: &mut Dice) -> String {
    let own = Pid::from_raw(own.id().cast_signed());
    let processes = line.processes();
    let client = |words: &str| words.contains(&format!("{} run ", engine()));
    let of_kind = |kind: usize| -> Vec<&(Pid, String)> {
        let fits = |(pid, words): &&(Pid, String)| match kind {
            0 => *pid == own,
            1 => client(words),
            _ => *pid != own && !client(words),
        };
        processes.iter().filter(fits).collect()
    };
    let mut victims = of_kind(dice.roll(3));
    if victims.is_empty() {
        victims = of_kind(0);
    }
    let Some((victim, words)) = (!victims.is_empty()).then(|| victims[dice.roll(victims.len())]) else {
        return "nothing any more".to_owned();
    };
    // It may have ended in the meantime.
    let _ = kill(*victim, Signal::SIGKILL);
    words.clone()
}

#[test]
#[ignore = "needs an engine"]
fn kills_leave_nothing() {
    let number = |name: &str, default: usize| {
        std::env::var(name).map_or(default, |text| text.parse::<usize>().unwrap())
    };
    let (kills, seed) = (number("SHIPCTL_TEST_KILLS", 4), number("SHIPCTL_TEST_SEED", 24301));
    let (line, mut dice) = (Line::new(), Dice(seed as u64));
    let words: [Vec<&str>; 3] =
        [vec!["run", "job"], vec!["exec", "job", "--container", "--", "sh", "-c", WORK], vec!["run", "ci"]];
    let whole = words.each_ref().map(|words| {
        let begun = Instant::now();
        line.succeeds(words, "before all");
        begun.elapsed()
    });
    let before = volumes_and_networks();
    for number in 0..kills {
        let which = number % words.len();
        let after = Duration::from_micros(dice.roll(whole[which].as_micros() as usize) as u64);
        let mut child = line.start(&words[which]);
        sleep(after);
        let killed = kill_one(&line, &child, &mut dice);
        let what = format!("{number}: kill -9 of `{killed}` {after:?} after the start of {:?}", words[which]);
        wait_until(|| child.try_wait().unwrap().is_some(), || format!("the end of shipctl; {what}"));
        wait_until(|| line.processes().is_empty(), || format!("the end of {:#?}; {what}", line.processes()));
        // The engine may be at it still.
        let removed = Instant::now() + REMOVAL_LIMIT;
        while !line.containers().is_empty() && Instant::now() < removed {
            sleep(Duration::from_millis(50));
        }
        let left = line.containers();
        if !left.is_empty() {
            println!("{what}: the next run has to remove {left:?}");
        }
        line.succeeds(&["run", "tidy"], &what);
        wait_until(|| line.containers().is_empty(), || format!("the end of {:?}; {what}", line.containers()));
        // Those of tests that run at the same time go with these.
        let added = || {
            let mut now = volumes_and_networks();
            now.retain(|name| !before.contains(name));
            now
        };
        wait_until(
            || added().is_empty(),
            || format!("the end of volumes and networks {:?}; {what}", added()),
        );
        assert_eq!(holding(&place(), SECRET), "", "{what}: files of the engine");
        assert_eq!(holding(line.homes.path(), SECRET), "", "{what}: files of jobs");
    }
    println!("{kills} kills, seed {seed}");
}
