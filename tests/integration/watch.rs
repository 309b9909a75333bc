//! `run --watch`: again when something changes.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Child, ChildStderr, Command, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::line::{Line, text};

const LINE: &str = "jobs:
- {name: show, type: runSh, steps: [{TASK: [cat $SHIPCTL_LINE_DIR/input >> $SHIPCTL_LINE_DIR/ignored/seen]}]}
";

/// A run that watches.
struct Watching {
    child: Child,
    said: std::io::Lines<BufReader<ChildStderr>>,
}

impl Watching {
    fn start(line: &Line, args: &str) -> Watching {
        let mut child = line.command(args).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let said = BufReader::new(child.stderr.take().unwrap()).lines();
        Watching { child, said }
    }

    /// Reads up to where it waits; all that it has said.
    fn waits(&mut self) -> Vec<String> {
        let mut said = Vec::new();
        for line in self.said.by_ref() {
            let line = line.unwrap();
            if line == "shipctl: waiting for a file to change; Ctrl-C ends" {
                return said;
            }
            said.push(line);
        }
        panic!("it has ended: {said:?}");
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn line() -> Line {
    let line = Line::new(LINE);
    fs::create_dir(line.path("ignored")).unwrap();
    line.write("input", "one ");
    let git = Command::new("git").args(["init", "-q"]).current_dir(line.path("")).output().unwrap();
    assert!(git.status.success(), "{}", text(&git.stderr));
    line.write(".gitignore", "ignored\n");
    line
}

#[test]
fn a_change_runs_the_job_again() {
    let line = line();
    let mut watching = Watching::start(&line, "run show --watch");
    assert_eq!(watching.waits(), [""; 0]);
    // What git ignores is not looked at, or it would be named here.
    line.write("ignored/other", "x");
    line.write("input", "two ");
    assert_eq!(watching.waits(), ["shipctl: input has changed; running again"]);
    line.write("shippable.yml", "jobs: [}\n");
    let said = watching.waits();
    assert!(said[0].ends_with("shippable.yml has changed; running again"), "{said:?}");
    assert!(said[1].starts_with("error: "), "{said:?}");
    line.write("shippable.yml", &LINE.replace("cat ", "echo three; cat "));
    fs::remove_file(line.path("input")).unwrap();
    let said = watching.waits();
    assert!(said[0].contains("and 1 more have changed"), "{said:?}");
    assert_eq!(fs::read_to_string(line.path("ignored/seen")).unwrap(), "one two ");
    kill(Pid::from_raw(watching.child.id().try_into().unwrap()), Signal::SIGINT).unwrap();
    assert_eq!(watching.child.wait().unwrap().signal(), Some(Signal::SIGINT as i32));
}

#[test]
fn a_job_that_is_interrupted_is_not_run_again() {
    let line = line();
    line.write(
        "shippable.yml",
        "jobs: [{name: wait, type: runSh, steps: [{TASK: ['kill -INT $PPID; sleep 60']}]}]\n",
    );
    let output = line.try_to("run wait --watch --grace 1s");
    assert_eq!(output.status.code(), Some(130), "{}", text(&output.stderr));
}

#[test]
fn without_a_line_there_is_nothing_to_watch() {
    let line = line();
    fs::remove_file(line.path("shippable.yml")).unwrap();
    assert!(line.fails("run show --watch", 125).starts_with("error: no assembly line in "));
}
