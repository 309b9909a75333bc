//! Where the state of a line is: beside its files, or where `--state` says.

use std::fmt::Display;
use std::io::{self, IsTerminal as _, Write as _};
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::anyhow;

use crate::aws::s3::Bucket;
use crate::cli::LineOptions;
use crate::credentials::AwsProvider;
use crate::model::files::Line;
use crate::output::Failure;
use crate::state::{self, StateErrorKind, Store, WatchFiles};

/// The variable that says so where no option does.
const VARIABLE: &str = "SHIPCTL_STATE";

/// What the address of a bucket begins with.
const S3: &str = "s3://";

/// Where the options, or the environment, want the state; `None` if it lies beside the files.
pub fn wanted(options: &LineOptions) -> Result<Option<String>, Failure> {
    let given = match &options.state {
        Some(given) => Some(given.clone()),
        None => std::env::var(VARIABLE).ok().filter(|given| !given.is_empty()),
    };
    let Some(given) = given else { return Ok(None) };
    let refuse = |why: &str| anyhow!("the state cannot be kept in `{given}`: {why}");
    if given.contains("://") {
        return match bucket_of(&given) {
            Some(_) => Ok(Some(given)),
            None => Err(refuse("name a directory, or a bucket as s3://bucket/prefix").into()),
        };
    }
    let path = std::path::absolute(&given).map_err(|error| refuse(&error.to_string()))?;
    let path = path.into_os_string().into_string().map_err(|_| refuse("its path is not UTF-8 text"))?;
    Ok(Some(path))
}

/// The bucket and the prefix that an address names, if it is that of a bucket.
pub fn bucket_of(place: &str) -> Option<(&str, &str)> {
    let (bucket, prefix) = place.strip_prefix(S3).map(|rest| rest.split_once('/').unwrap_or((rest, "")))?;
    let is_name =
        bucket.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_'));
    (is_name && !bucket.is_empty()).then_some((bucket, prefix.trim_matches('/')))
}

/// Whether other machines may use the state of a line.
pub fn is_shared(line: &Line) -> bool {
    line.state.is_some()
}

/// Opens the state of a line, which is made if it is not there.
pub fn open(line: &Line) -> state::Result<Store> {
    let Some(shared) = &line.state else { return Store::open(&line.directory) };
    let mut store = open_shared(shared)?;
    if io::stderr().is_terminal() {
        store.watch_files(show_files());
    }
    Ok(store)
}

/// Opens the state of a line if there is any.
pub fn open_existing(line: &Line) -> state::Result<Option<Store>> {
    match &line.state {
        None => Store::open_existing(&line.directory),
        Some(shared) => open_shared(shared).map(Some),
    }
}

/// What takes no longer than this is not worth showing.
const UNSHOWN: Duration = Duration::from_millis(500);

/// How long a count stays.
const SHOWN: Duration = Duration::from_millis(100);

/// Shows how many files are stored, in a line of the terminal that is gone at the end.
fn show_files() -> WatchFiles {
    // When the next count is due, and whether there has been one.
    let shown = Mutex::new((None, false));
    Box::new(move |kept, of| {
        let mut shown = shown.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let due = *shown.0.get_or_insert(now + UNSHOWN);
        let line = match (kept == of, shown.1) {
            (false, _) if now < due => return,
            (false, _) => format!("\rstoring files: {kept} of {of}\x1b[K"),
            (true, true) => "\r\x1b[K".to_owned(),
            (true, false) => String::new(),
        };
        *shown = if kept == of { (None, false) } else { (Some(now + SHOWN), true) };
        // It is for the eye alone.
        let _ = io::stderr().lock().write_all(line.as_bytes());
    })
}

fn open_shared(place: &str) -> state::Result<Store> {
    let Some((bucket, prefix)) = bucket_of(place) else { return Ok(Store::in_directory(Path::new(place))) };
    let fail = |why: &dyn Display| {
        state::Error::new(StateErrorKind::Denied, format!("cannot use the state in {place}: {why}"))
    };
    let (client, region, keys) = AwsProvider::new(None).caller().map_err(|error| fail(&error))?;
    let again = || Ok(AwsProvider::new(None).caller()?.2);
    let bucket = Bucket::new(client, bucket, &region, keys, Box::new(again)).map_err(|error| fail(&error))?;
    Ok(Store::in_bucket(bucket, prefix, place))
}
