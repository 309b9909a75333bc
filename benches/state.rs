//! What state costs a run, in milliseconds, when 10,000 versions are stored; and how long a large file takes.
//!
//! `cargo bench --bench state`. Times are medians. A process of its own that opens the state and finds a version is
//! compared with one that does nothing.

use std::hint::black_box;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use shipctl::state::{Change, Ending, Entries, MAX_BYTES, Store, Tree};

const VERSIONS: usize = 10_000;
const NAMES: usize = 100;
const RUNS: usize = 51;
const LARGE: u32 = 256 << 20;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    if let Some(line) = std::env::var_os("SHIPCTL_BENCH_LINE") {
        if !line.is_empty() {
            black_box(latest(Path::new(&line)));
        }
        return Ok(());
    }
    let line = tempfile::tempdir()?;
    let mut store = Store::open(line.path())?;
    let start = Instant::now();
    for n in 0..VERSIONS {
        run(&mut store, &format!("resource_{}", n % NAMES), n)?;
    }
    let each = start.elapsed() / VERSIONS as u32;
    store.close()?;
    println!("a build that makes a version, in one process after the other: {:.3}", millis(each));

    println!(
        "open and find the latest of {VERSIONS} versions: {:.3}",
        millis(median(|| {
            black_box(latest(line.path()));
        }))
    );
    let nothing = process("".as_ref());
    let opened = process(line.path());
    println!(
        "a process that does that: {:.3}, and one that does nothing: {:.3}",
        millis(opened),
        millis(nothing)
    );
    let mut n = VERSIONS;
    let whole = median(|| {
        let store = Store::open(line.path()).and_then(|mut store| {
            n += 1;
            run(&mut store, "resource_1", n).map(|()| store)
        });
        black_box(store.and_then(Store::close)).ok();
    });
    println!("open, make a version, and wait for the disk: {:.3}", millis(whole));
    large(line.path())
}

fn large(line: &Path) -> Result<(), Box<dyn std::error::Error>> {
    let source = line.join("source");
    std::fs::create_dir(&source)?;
    let bytes: Vec<u8> = (0..LARGE).map(|n| (n ^ (n >> 11) ^ (n >> 17)) as u8).collect();
    std::fs::write(source.join("file"), bytes)?;
    let mut store = Store::open(line)?;
    let build = store.begin_build("large", &[])?;
    let start = Instant::now();
    let tree = Tree::collect(&source, MAX_BYTES, |_| true)?;
    let listed = start.elapsed();
    let change = Change::job("large", Entries::default(), tree);
    store.finish(&build, Ending::Success, 0, &[change])?;
    let stored = start.elapsed();
    let latest = store.latest("large")?.ok_or("it is not there")?;
    store.restore_files(&latest, &line.join("back"))?;
    let restored = start.elapsed() - stored;
    println!(
        "a file of {} MB: listed in {:.0}, stored in {:.0}, restored in {:.0}",
        LARGE >> 20,
        millis(listed),
        millis(stored - listed),
        millis(restored)
    );
    Ok(())
}

fn run(store: &mut Store, name: &str, n: usize) -> Result<(), shipctl::state::Error> {
    let entries =
        Entries::parse(format!("versionName=v{n}\nkey={n}\nother=value\n").as_bytes(), name, "image")?;
    let build = store.begin_build("job", &[])?;
    store.finish(&build, Ending::Success, 0, &[Change::merge(name, entries)]).map(drop)
}

fn latest(line: &Path) -> Option<u32> {
    Some(Store::open_existing(line).ok()??.latest("resource_1").ok()??.number)
}

/// How long a process takes that finds a version in `line`, or does nothing if that is empty.
fn process(line: &Path) -> Duration {
    let this = std::env::current_exe().unwrap_or_default();
    median(|| {
        black_box(Command::new(&this).env("SHIPCTL_BENCH_LINE", line).status()).ok();
    })
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

fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}
