//! Sessions that are kept between runs: files in the user's cache directory, each encrypted to the user's own key.
//!
//! Only a key that is a file can be used: one in a variable is a machine's, where no user can be asked for a second factor, and
//! a passphrase would have to be typed as often as a code. Without such a key nothing is kept. What cannot be kept or read is
//! got again, so nothing here is an error of a run.

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::PathBuf;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Value as Json, json};
use sha2::{Digest as _, Sha256};

use crate::aws::renewal::{SPARE, keys_to_json, session_of_json};
use crate::aws::sts::Session;
use crate::file;
use crate::secret::Secret;
use crate::secure::{self, KeyPlace, Keys, NoAnswer};

/// Turns it off.
pub const OFF: &str = "SHIPCTL_NO_SESSIONS";

/// How long AWS lets a session last.
const LONGEST: Duration = Duration::from_secs(36 * 60 * 60);

/// What the names of the files end in.
const EXTENSION: &str = "age";

/// What a session is for, which says how long it is used again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// It shows a second factor, which the user had to type. Other sessions are taken with it.
    SecondFactor,
    /// It is a role, for the scripts of a job: they should not begin with keys that are about to end.
    Role,
}

/// A session that is kept.
#[derive(Debug)]
pub struct KeptSession {
    /// The role, or the device of the second factor.
    pub of: String,
    path: PathBuf,
    taken: SystemTime,
    session: Session,
}

impl KeptSession {
    /// When it ends, as AWS writes it.
    pub fn expiration(&self) -> &str {
        &self.session.expiration
    }

    fn lasts(&self, purpose: Purpose) -> bool {
        let now = SystemTime::now();
        let whole = self.session.expires.duration_since(self.taken).unwrap_or_default();
        let spare = match purpose {
            Purpose::SecondFactor => SPARE,
            Purpose::Role => SPARE.max(whole / 2),
        };
        self.session.expires > now + spare
    }

    fn parse(path: PathBuf, text: &Secret) -> Option<KeptSession> {
        let json: Json = serde_json::from_str(text.expose()).ok()?;
        let session = session_of_json(&json)?;
        let taken = UNIX_EPOCH + Duration::from_secs(json["taken"].as_u64()?);
        Some(KeptSession { of: json["of"].as_str()?.to_owned(), path, taken, session })
    }
}

/// The session that was got for these words, if it is kept and lasts. The words may hold secrets.
pub(super) fn find(words: &[&str], purpose: Purpose) -> Option<Session> {
    let path = path(words)?;
    // Where there is none, the key is not asked for.
    let text = fs::read_to_string(&path).ok()?;
    let kept = KeptSession::parse(path, &keys()?.open(&text).ok()?)?;
    kept.lasts(purpose).then_some(kept.session)
}

/// Keeps a session that was got for these words. `of` is the role, or the device of the second factor.
pub(super) fn keep(words: &[&str], of: &str, session: &Session) -> Option<()> {
    let path = path(words)?;
    let keys = keys()?;
    let mut json = keys_to_json(&session.keys, Some(&session.expiration));
    json["of"] = of.into();
    json["taken"] = json!(SystemTime::now().duration_since(UNIX_EPOCH).ok()?.as_secs());
    let text = Secret::new(json.to_string());
    let own: Vec<_> = keys.recipients().into_iter().take(1).collect();
    let encrypted = secure::encrypt(&own, &text).ok()?;
    DirBuilder::new().recursive(true).mode(0o700).create(path.parent()?).ok()?;
    files().into_iter().filter(is_old).for_each(|old| _ = fs::remove_file(old));
    file::replace_private(&path, encrypted.as_bytes()).ok()
}

/// Whether a file is older than any session lasts.
fn is_old(path: &PathBuf) -> bool {
    let written = fs::metadata(path).and_then(|metadata| metadata.modified()).ok();
    written.and_then(|written| written.elapsed().ok()).is_some_and(|age| age > LONGEST)
}

/// Why kept sessions cannot be listed or removed.
#[derive(Debug, thiserror::Error)]
pub enum KeptError {
    /// No key opens them.
    #[error("your key is no file without a passphrase, and nothing else opens them")]
    NoKey,
    /// A file stays where it is.
    #[error("cannot remove {}", path.display())]
    Remove {
        /// The file.
        path: PathBuf,
        /// Why it stays.
        source: io::Error,
    },
}

/// The sessions that are kept and have not ended, those first that end first. Those that have ended are removed.
///
/// # Errors
///
/// When there is no key to open them with.
pub fn list() -> Result<Vec<KeptSession>, KeptError> {
    let files = files();
    if files.is_empty() {
        return Ok(Vec::new());
    }
    let keys = keys().ok_or(KeptError::NoKey)?;
    let mut all = Vec::new();
    for path in files {
        // One that was kept with another key is left to that, until it is old.
        let text = fs::read_to_string(&path).ok().and_then(|text| keys.open(&text).ok());
        match text.and_then(|text| KeptSession::parse(path.clone(), &text)) {
            Some(kept) if kept.session.expires > SystemTime::now() => all.push(kept),
            Some(_) => _ = fs::remove_file(path),
            None => {}
        }
    }
    all.sort_by_key(|kept| (kept.session.expires, kept.path.clone()));
    Ok(all)
}

/// Removes all sessions that are kept; says how many there were.
///
/// # Errors
///
/// When one cannot be removed.
pub fn clear() -> Result<usize, KeptError> {
    let files = files();
    for path in &files {
        let removed = fs::remove_file(path);
        removed.map_err(|source| KeptError::Remove { path: path.clone(), source })?;
    }
    Ok(files.len())
}

/// The files of the directory, if there is one.
fn files() -> Vec<PathBuf> {
    let found = directory().and_then(|directory| fs::read_dir(directory).ok()).into_iter().flatten();
    let paths = found.flatten().map(|entry| entry.path());
    paths.filter(|path| path.extension().is_some_and(|extension| extension == EXTENSION)).collect()
}

/// The file of a session. Its name tells nothing of what the session was got for.
fn path(words: &[&str]) -> Option<PathBuf> {
    if std::env::var_os(OFF).is_some_and(|value| !value.is_empty()) {
        return None;
    }
    let mut hash = Sha256::new();
    for word in words {
        hash.update(word.len().to_le_bytes());
        hash.update(word);
    }
    let name: String = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    Some(directory()?.join(name).with_extension(EXTENSION))
}

/// `shipctl/sessions` in the user's cache directory.
fn directory() -> Option<PathBuf> {
    let set =
        |variable: &str| std::env::var_os(variable).map(PathBuf::from).filter(|path| path.is_absolute());
    let cache = set("XDG_CACHE_HOME").or_else(|| Some(set("HOME")?.join(".cache")))?;
    Some(cache.join("shipctl/sessions"))
}

/// The user's key, if it is a file without a passphrase.
fn keys() -> Option<Keys> {
    match KeyPlace::find().ok()? {
        KeyPlace::Variable => None,
        place @ KeyPlace::File(_) => place.keys(|_| Err(NoAnswer("it is not asked for".to_owned()))).ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws::Keys as AwsKeys;

    #[test]
    fn a_role_is_used_again_while_half_of_its_time_is_left() {
        let minutes = |minutes: u64| Duration::from_secs(minutes * 60);
        let lasts = |taken: u64, left: u64, purpose| {
            let (access_key, secret_key) = (Secret::new(String::new()), Secret::new(String::new()));
            let keys = AwsKeys { access_key, secret_key, session_token: None };
            let expires = SystemTime::now() + minutes(left);
            let session = Session { keys, expires, expiration: String::new() };
            let taken = SystemTime::now() - minutes(taken);
            let kept = KeptSession { of: String::new(), path: PathBuf::new(), taken, session };
            kept.lasts(purpose)
        };
        assert!(lasts(29, 31, Purpose::Role) && !lasts(31, 29, Purpose::Role));
        assert!(!lasts(1, 4, Purpose::Role));
        assert!(lasts(700, 6, Purpose::SecondFactor) && !lasts(1, 4, Purpose::SecondFactor));
    }
}
