//! The script by bash alone.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read as _;
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::LazyLock;
use std::thread;
use std::time::{Duration, Instant};

use regex::bytes::Regex;
use tempfile::TempDir;

use crate::Result;
use crate::marker;
use crate::script::Script;

/// How long a script may take.
pub const LIMIT: Duration = Duration::from_secs(20);

/// Runs it with `bash -e`; what it leaves running is ended behind it.
pub fn run(script: &Script) -> Result {
    let directory = TempDir::with_prefix("soak-").unwrap();
    let (work, files) = (directory.path().join("work"), directory.path().join("files"));
    fs::create_dir(&work).unwrap();
    fs::create_dir(&files).unwrap();
    let file = directory.path().join("script");
    fs::write(&file, script.text()).unwrap();
    let marker = format!("bash-{}", directory.path().display());
    let (mut reader, writer) = std::io::pipe().unwrap();
    let mut command = Command::new("bash");
    command.arg("-e").arg(&file).current_dir(&work).process_group(0).stdin(Stdio::null());
    command.env("FILES", &files).env(marker::VARIABLE, &marker);
    command.stdout(writer.try_clone().unwrap()).stderr(writer);
    let mut child = command.spawn().unwrap();
    drop(command);
    let reading = thread::spawn(move || {
        let mut output = Vec::new();
        reader.read_to_end(&mut output).unwrap();
        output
    });
    let status = wait(&mut child, LIMIT / 4);
    // What stays of purpose sleeps for 300 seconds, or is about to. What reads from a process that has ended ends by itself.
    let deadline = Instant::now() + LIMIT;
    while !reading.is_finished() && Instant::now() < deadline {
        marker::end(&marker, |words| status.is_none() || words.contains(" 300"));
        thread::sleep(Duration::from_millis(1));
    }
    marker::end(&marker, |_| true);
    let output = reading.join().unwrap();
    Result { status: status.map(code), output: steady(&output), files: contents(&files) }
}

/// Waits for the end of a process; after the limit it is killed.
pub fn wait(child: &mut Child, limit: Duration) -> Option<ExitStatus> {
    let deadline = Instant::now() + limit;
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return Some(status);
        }
        if Instant::now() > deadline {
            let _ = child.kill();
            let _ = child.wait();
            return None;
        }
        thread::sleep(Duration::from_millis(1));
    }
}

/// The exit status; 128 + N if a signal ended the process.
pub fn code(status: ExitStatus) -> i32 {
    status.code().unwrap_or_else(|| 128 + status.signal().unwrap())
}

/// Output without what depends on how bash was started: the name of the script, the number of the line and of a process in
/// messages; how many files deep a traced command stands.
pub fn steady(output: &[u8]) -> Vec<u8> {
    static PATTERNS: LazyLock<[(Regex, &[u8]); 5]> = LazyLock::new(|| {
        let message = r"(?-u)(?:bash|/[^\n:]*): (?:\.: |eval: )?line [0-9]+: (?: *[0-9]+ )?";
        [
            (Regex::new(message).unwrap(), b"bash: "),
            (Regex::new(r"(?-u)/[^\n:]*/soak-[^/\n]*/").unwrap(), b"/soak/"),
            // Numbers of processes.
            (Regex::new(r"(?-u)\b[0-9]{4,7}\b").unwrap(), b"1"),
            // In a TASK every line is traced one deeper.
            (Regex::new(r"(?-u)\++ ").unwrap(), b"+ "),
            (Regex::new(r"(?-u)>{2,} ").unwrap(), b">> "),
        ]
    });
    PATTERNS
        .iter()
        .fold(output.to_vec(), |text, (pattern, word)| pattern.replace_all(&text, *word).into_owned())
}

/// The files of a directory, by name.
pub fn contents(directory: &Path) -> Vec<(String, Vec<u8>)> {
    let mut files = BTreeMap::new();
    for entry in fs::read_dir(directory).unwrap().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        files.insert(name, steady(&fs::read(entry.path()).unwrap_or_default()));
    }
    files.into_iter().collect()
}
