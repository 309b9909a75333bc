//! The script as a TASK of shipctl.

use std::ffi::OsString;
use std::fmt::Write as _;
use std::fs;
use std::os::unix::process::CommandExt as _;
use std::process::{Command, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};
use tempfile::TempDir;

use crate::bash::{LIMIT, code, contents, steady, wait};
use crate::script::Script;
use crate::{Result, marker};

/// What came of a TASK.
pub struct Task {
    pub result: Result,
    /// The sections that ran, in order.
    pub sections: Vec<String>,
    /// What the job left running.
    pub left: Vec<String>,
    /// The log, for people.
    pub log: String,
}

/// Runs it.
pub fn run(script: &Script) -> Task {
    let directory = TempDir::with_prefix("soak-").unwrap();
    let path = |name: &str| directory.path().join(name);
    for name in ["files", "tmp", "shm"] {
        fs::create_dir(path(name)).unwrap();
    }
    let mut job = Map::new();
    job.insert("name".into(), "soak".into());
    job.insert("type".into(), "runSh".into());
    job.insert("steps".into(), json!([{"TASK": {"script": script.entries}}]));
    if script.has_sections {
        for name in ["on_success", "on_failure", "on_cancel", "always"] {
            // A program of its own: whatever the script has done to its output, its functions and its PATH.
            let entry = format!("/bin/sh -c 'echo {name} >> \"$0\"' {}", quoted(&path("sections")));
            job.insert(name.into(), json!({"script": entry}));
        }
    }
    fs::write(path("shippable.yml"), json!({"jobs": [job]}).to_string()).unwrap();
    let marker = format!("task-{}", directory.path().display());
    let mut command = Command::new(program());
    command.args(["run", "soak", "--grace", "1s", "--log-format", "json", "--workspace"]).arg(path("work"));
    // A group of its own: a script may signal all of its group.
    command.current_dir(directory.path()).process_group(0).stdin(Stdio::null());
    command.env("TMPDIR", path("tmp")).env("SHIPCTL_SHM", path("shm"));
    command.env("FILES", path("files")).env(marker::VARIABLE, &marker);
    let (log, errors) = (path("log"), path("errors"));
    command.stdout(fs::File::create(&log).unwrap()).stderr(fs::File::create(&errors).unwrap());
    let mut child = command.spawn().unwrap();
    let status = wait(&mut child, LIMIT);
    let left = marker::processes(&marker);
    marker::end(&marker, |_| true);
    let (log, errors) = (fs::read_to_string(log).unwrap(), fs::read_to_string(errors).unwrap());
    let output = output(&log);
    Task {
        result: Result { status: status.map(code), output: steady(&output), files: contents(&path("files")) },
        sections: fs::read_to_string(path("sections"))
            .unwrap_or_default()
            .lines()
            .map(str::to_owned)
            .collect(),
        left: left.into_iter().map(|(process, words)| format!("{process} {words}")).collect(),
        log: log + &errors,
    }
}

/// The program under test.
fn program() -> OsString {
    std::env::var_os("SHIPCTL_SOAK_PROGRAM").unwrap_or_else(|| env!("CARGO_BIN_EXE_shipctl").into())
}

fn quoted(path: &std::path::Path) -> String {
    shlex::try_quote(path.to_str().unwrap()).unwrap().into_owned()
}

/// What the script printed, by a log in JSON. With `set -v` bash shows shipctl's EXIT trap too, as README says.
fn output(log: &str) -> Vec<u8> {
    let mut output = Vec::new();
    for line in log.lines() {
        let Ok(event) = serde_json::from_str::<Value>(line) else { continue };
        if event["event"] == "output" {
            match event["text"].as_str() {
                Some(text) => output.extend_from_slice(text.as_bytes()),
                None => output.extend(STANDARD.decode(event["base64"].as_str().unwrap()).unwrap()),
            }
        }
    }
    let is_of_driver = |line: &&[u8]| line.windows(8).any(|bytes| bytes == b"_shipctl");
    let lines = output.split_inclusive(|&byte| byte == b'\n').filter(|line| !is_of_driver(line));
    lines.collect::<Vec<_>>().concat()
}

/// What happened, without the output.
fn events(log: &str) -> String {
    let is_output =
        |line: &&str| line.starts_with(r#"{"event":"output""#) || line.contains(r#""entry-start""#);
    let events: String =
        log.lines().filter(|line| !is_output(line)).map(|line| format!("  {line}\n")).collect();
    format!("events:\n{events}")
}

/// Some lines of two outputs around the place where they begin to differ.
fn difference(ours: &[u8], theirs: &[u8]) -> (String, String) {
    let lines = |bytes: &[u8]| -> Vec<String> {
        String::from_utf8_lossy(bytes).lines().map(|line| line.chars().take(200).collect()).collect()
    };
    let (ours, theirs) = (lines(ours), lines(theirs));
    let same = ours.iter().zip(&theirs).take_while(|(ours, theirs)| ours == theirs).count();
    let around = |lines: &[String]| -> String {
        lines.iter().skip(same.saturating_sub(3)).take(10).map(|line| format!("  {line}\n")).collect()
    };
    (around(&ours), around(&theirs))
}

/// Says where a TASK did otherwise than bash alone.
pub fn compare(script: &Script, alone: &Result, task: &Task) -> Option<String> {
    let mut fault = String::new();
    let lossy = |bytes: &[u8]| -> String { String::from_utf8_lossy(bytes).chars().take(500).collect() };
    // Where bash was told to run nothing more, the end of the script has not been reached, which is no success.
    let expected = if script.runs_nothing && alone.status == Some(0) { None } else { alone.status };
    match (task.result.status, expected) {
        (None, _) => fault.push_str("it hangs\n"),
        (Some(0), None) => fault.push_str("status 0, though the end was not reached\n"),
        (status, Some(_)) if status != expected => {
            let _ = writeln!(fault, "status {status:?}, bash alone {expected:?}");
        }
        _ => {}
    }
    if alone.output != task.result.output {
        let (task, bash) = difference(&task.result.output, &alone.output);
        let _ = writeln!(fault, "output:\n{task}\nbash alone:\n{bash}");
    }
    if alone.files != task.result.files {
        for (name, bytes) in &task.result.files {
            if !alone.files.contains(&(name.clone(), bytes.clone())) {
                let _ = writeln!(fault, "file {name}, {} bytes: {}", bytes.len(), lossy(bytes));
            }
        }
        for (name, bytes) in &alone.files {
            if !task.result.files.contains(&(name.clone(), bytes.clone())) {
                let _ = writeln!(fault, "file {name} of bash alone, {} bytes: {}", bytes.len(), lossy(bytes));
            }
        }
    }
    if script.has_sections {
        let first = if task.result.status == Some(0) { "on_success" } else { "on_failure" };
        if task.sections != [first, "always"] {
            let _ = writeln!(fault, "sections: {:?}", task.sections);
        }
    }
    if !task.left.is_empty() {
        let _ = writeln!(fault, "still running: {:?}", task.left);
    }
    if fault.is_empty() { None } else { Some(fault + &events(&task.log)) }
}
