//! Which processes belong to a test: those that have its marker in their environment, as no other has.

use std::fs;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// The variable that marks the processes of a test.
pub const VARIABLE: &str = "SHIPCTL_TEST_MARKER";

/// The processes with this marker that have not ended, each with its command line.
pub fn processes(marker: &str) -> Vec<(Pid, String)> {
    let needle = format!("{VARIABLE}={marker}\0");
    let numbers = fs::read_dir("/proc").unwrap().flatten();
    let numbers = numbers.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    numbers
        .filter(|number| {
            let environment = fs::read(format!("/proc/{number}/environ")).unwrap_or_default();
            environment.windows(needle.len()).any(|window| window == needle.as_bytes())
        })
        .map(|number| {
            let words = fs::read(format!("/proc/{number}/cmdline")).unwrap_or_default();
            (Pid::from_raw(number), String::from_utf8_lossy(&words).replace('\0', " "))
        })
        .collect()
}

/// Kills those whose command line fits, until there are none any more.
pub fn end(marker: &str, fits: impl Fn(&str) -> bool) {
    let deadline = Instant::now() + Duration::from_secs(10);
    while Instant::now() < deadline {
        let found: Vec<_> = processes(marker).into_iter().filter(|(_, words)| fits(words)).collect();
        if found.is_empty() {
            return;
        }
        for (process, _) in found {
            let _ = kill(process, Signal::SIGKILL);
        }
        std::thread::sleep(Duration::from_millis(2));
    }
}
