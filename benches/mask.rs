//! How fast the masker is, in megabytes of log text per second on one core, and how long patterns take to be made.
//!
//! `cargo bench --bench mask`. The text is what a build prints: time stamps, paths, URLs, hashes, and one secret
//! in a thousand lines. It comes in chunks of 64 KiB, as from a pipe; and once line by line, as from a terminal. Then
//! whole processes: `exec --mask cat FILE` against `cat FILE`, in turn, both into a pipe; `SHIPCTL_BINARY` names another
//! binary to measure there.

#![allow(clippy::unwrap_used, reason = "a benchmark may panic")]

use std::hint::black_box;
use std::io::Read as _;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use shipctl::mask::{Masker, Patterns};
use shipctl::secret::Secret;

const CHUNK: usize = 64 << 10;
const RUNS: usize = 15;

fn main() {
    let mut random = Random(0x5eed);
    for (count, shortest) in [(0, 8), (2, 8), (50, 8), (50, 3), (1_000, 8), (1_000, 3), (10_000, 8)] {
        let secrets: Vec<String> = (0..count).map(|at| random.secret(at, shortest)).collect();
        let text = log(&mut random, &secrets, 32 << 20);
        let secrets: Vec<Secret> = secrets.into_iter().map(Secret::new).collect();
        let made = median(|| {
            black_box(Patterns::new(&secrets));
        });
        let patterns = Patterns::new(&secrets);
        let chunks = speed(&patterns, &text.chunks(CHUNK).collect::<Vec<_>>());
        let lines = speed(&patterns, &text.split_inclusive(|&byte| byte == b'\n').collect::<Vec<_>>());
        println!(
            "{count:>6} secrets of {shortest} bytes and more: {chunks:>6.0} MB/s, line by line {lines:>6.0} MB/s, \
             made in {made:>9.1?}"
        );
    }
    for (name, secrets, text) in pathological() {
        let text = text.repeat((8 << 20) / text.len() + 1).into_bytes();
        let secrets: Vec<Secret> = secrets.into_iter().map(Secret::new).collect();
        let speed = speed(&Patterns::new(&secrets), &text.chunks(CHUNK).collect::<Vec<_>>());
        println!("{name}: {speed:>6.0} MB/s");
    }
    for count in [50, 1_000] {
        let (masked, plain) = processes(&mut random, count);
        println!(
            "{count:>6} secrets, whole processes: exec --mask cat {masked:>6.0} MB/s, cat {plain:>6.0} MB/s"
        );
    }
}

/// Secrets and texts that have as much in common as can be.
fn pathological() -> Vec<(&'static str, Vec<String>, String)> {
    let (long, longer) = ("a".repeat(512), "a".repeat(4_000));
    let base64 = "YWFh".repeat(19);
    vec![
        ("equal characters", vec![long.clone()], long.clone()),
        ("equal characters that end too soon", vec![long.clone()], format!("{}b", "a".repeat(500))),
        ("wrapped base64 of equal characters", vec![longer.clone()], format!("{base64}\n")),
        ("the same with a prefix on each line", vec![longer.clone()], format!("web-1  | {base64}\n")),
        ("the same in short lines", vec![longer], "YWFhYWFhYWFhYWFh\n".to_owned()),
        ("two characters in turn", vec!["ab".repeat(256), "ba".repeat(100)], "ab".repeat(4_000)),
        ("secrets that end differently", (0..50).map(|n| format!("{}{n}", &long[n..])).collect(), long),
    ]
}

/// Megabytes per second, with the best of a few runs, of `exec --mask cat` and of `cat`.
fn processes(random: &mut Random, count: usize) -> (f64, f64) {
    let directory = tempfile::tempdir().unwrap();
    let secrets: Vec<String> = (0..count).map(|at| random.secret(at, 8)).collect();
    let text = log(random, &secrets, 256 << 20);
    let at = |name: &str| directory.path().join(name);
    std::fs::write(at("log"), &text).unwrap();
    let envs: serde_json::Map<_, _> =
        secrets.into_iter().enumerate().map(|(n, secret)| (format!("S{n}"), secret.into())).collect();
    let line = serde_json::json!({
        "integrations": [{"name": "all", "type": "keyValuePair", "fields": {"envs": envs}}],
        "jobs": [{"name": "job", "type": "runSh", "integrations": ["all"], "steps": [{"TASK": [":"]}]}],
    });
    std::fs::write(at("line.yml"), line.to_string()).unwrap();
    let mut masked =
        Command::new(std::env::var_os("SHIPCTL_BINARY").unwrap_or(env!("CARGO_BIN_EXE_shipctl").into()));
    masked.args(["exec", "job", "--mask", "-f"]).arg(at("line.yml"));
    masked.arg("--workspace").arg(at("workspace")).args(["--", "cat"]).arg(at("log"));
    let mut plain = Command::new("cat");
    plain.arg(at("log"));
    let (mut best_masked, mut best_plain) = (Duration::MAX, Duration::MAX);
    for _ in 0..7 {
        best_masked = best_masked.min(drain(&mut masked));
        best_plain = best_plain.min(drain(&mut plain));
    }
    let speed = |time: Duration| text.len() as f64 / time.as_secs_f64() / 1e6;
    (speed(best_masked), speed(best_plain))
}

/// How long a command takes whose output is read and thrown away.
fn drain(command: &mut Command) -> Duration {
    let begun = Instant::now();
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut output = child.stdout.take().unwrap();
    let mut buffer = vec![0; 1 << 20];
    while output.read(&mut buffer).unwrap() > 0 {}
    assert!(child.wait().unwrap().success());
    begun.elapsed()
}

/// Megabytes per second.
fn speed(patterns: &Patterns, chunks: &[&[u8]]) -> f64 {
    let mut out = Vec::with_capacity(2 * CHUNK);
    let taken = median(|| {
        let mut masker = Masker::new(patterns);
        for chunk in chunks {
            out.clear();
            masker.push(chunk, &mut out);
            black_box(&out);
        }
        masker.finish(&mut out);
    });
    let bytes: usize = chunks.iter().map(|chunk| chunk.len()).sum();
    bytes as f64 / taken.as_secs_f64() / 1e6
}

fn median(mut run: impl FnMut()) -> Duration {
    let mut times: Vec<Duration> = (0..RUNS)
        .map(|_| {
            let start = Instant::now();
            run();
            start.elapsed()
        })
        .collect();
    times.sort();
    times[RUNS / 2]
}

/// Numbers that are the same in every run (xorshift64*).
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        ((self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 32) as usize) % limit
    }

    fn string(&mut self, alphabet: &[u8], length: usize) -> String {
        (0..length).map(|_| char::from(alphabet[self.below(alphabet.len())])).collect()
    }

    /// Keys, tokens, passwords with signs, addresses with a password in them.
    fn secret(&mut self, at: usize, shortest: usize) -> String {
        const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
        const SIGNS: &[u8] = b"abcdefghijklmnopqrstuvwxyz0123456789 !\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~";
        match at % 5 {
            0 => format!("AKIA{}", self.string(LETTERS, 16)),
            1 => format!("ghp_{}", self.string(LETTERS, 36)),
            2 => format!("https://bot:{}@git.example.com", self.string(LETTERS, 20)),
            3 => format!("{}/+{}", self.string(LETTERS, 20), self.string(LETTERS, 20)),
            _ => {
                let length = shortest + self.below(12);
                self.string(SIGNS, length)
            }
        }
    }
}

fn log(random: &mut Random, secrets: &[String], length: usize) -> Vec<u8> {
    const WORDS: &[&str] = &[
        "Compiling",
        "Downloading",
        "warning:",
        "unused",
        "variable",
        "src/model/resource.rs",
        "the",
        "and",
        "with",
        "https://registry.example.com/v2/library/image",
        "ok",
        "error",
        "in",
        "step",
        "finished",
        "12.4s",
        "==>",
        "node_modules/react-dom/index.js",
        "INFO",
        "DEBUG",
        "[main]",
        "request",
        "GET",
        "/api/v1/users",
        "200",
        "-",
    ];
    const HEX: &[u8] = b"0123456789abcdef";
    let mut text = Vec::with_capacity(length + 256);
    let mut line = 0;
    while text.len() < length {
        text.extend(format!("2024-05-{:02}T12:{:02}:00Z ", line / 1440 % 30 + 1, line % 60).bytes());
        for _ in 0..random.below(14) {
            text.extend(WORDS[random.below(WORDS.len())].bytes().chain([b' ']));
        }
        if line % 5 == 0 {
            text.extend(format!("sha256:{}", random.string(HEX, 64)).bytes());
        }
        if line % 1000 == 0 && !secrets.is_empty() {
            text.extend(secrets[random.below(secrets.len())].bytes());
        }
        text.push(b'\n');
        line += 1;
    }
    text
}
