//! Sessions: the memory of those that were got, in this process and between runs, and the second factor that some are got with.

use std::io::{self, BufRead as _, IsTerminal as _};
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use zeroize::Zeroizing;

use super::kept::{self, Purpose};
use crate::aws::renewal::SPARE;
use crate::aws::sts::Session;
use crate::aws::{self, Arn, Keys};
use crate::secret::Secret;

/// The sessions of this process, by what they were asked for with: several jobs of one line take the same roles.
static SESSIONS: Mutex<Vec<(Zeroizing<String>, Session)>> = Mutex::new(Vec::new());

/// The session that this process got for these words before, if it lasts; otherwise a new one.
pub(super) fn in_memory<E>(words: &[&str], new: impl FnOnce() -> Result<Session, E>) -> Result<Session, E> {
    let key = Zeroizing::new(words.join("\0"));
    let mut sessions = SESSIONS.lock().unwrap_or_else(PoisonError::into_inner);
    sessions.retain(|(_, session)| session.expires > SystemTime::now() + SPARE);
    if let Some((_, session)) = sessions.iter().find(|(known, _)| *known == key) {
        return Ok(session.clone());
    }
    let session = new()?;
    sessions.push((key, session.clone()));
    Ok(session)
}

/// The session that `keys` got for the same before, in this process or another, if it lasts; otherwise a new one, which is
/// kept. What is asked for begins with the role, or the device of the second factor.
pub(super) fn remembered(
    keys: &Keys,
    asked: &[&str],
    purpose: Purpose,
    new: impl FnOnce() -> Result<Session, aws::Error>,
) -> Result<Session, aws::Error> {
    let own = [keys.access_key.expose(), keys.secret_key.expose()];
    let words: Vec<_> = own.into_iter().chain(asked.iter().copied()).collect();
    in_memory(&words, || match kept::find(&words, purpose) {
        Some(session) => Ok(session),
        None => {
            let session = new()?;
            let _ = kept::keep(&words, asked.first().copied().unwrap_or_default(), &session);
            Ok(session)
        }
    })
}

/// The device that a user's second factor comes from, if it is called after the user, as the console suggests.
pub(super) fn device_of(arn: &str) -> Option<String> {
    let arn = Arn::parse(arn)?;
    let user = arn.resource.strip_prefix("user/")?;
    Some(arn.in_iam(&format!("mfa/{}", user.rsplit('/').next()?)))
}

/// Asks the terminal for the code of a device.
pub(super) fn asked_for(serial: &str) -> Result<Secret, aws::Error> {
    if !(io::stdin().is_terminal() && io::stderr().is_terminal()) {
        return Err(aws::Error::no_code(serial));
    }
    eprint!("code of the MFA device {serial}: ");
    let mut line = Zeroizing::new(String::new());
    match io::stdin().lock().read_line(&mut line) {
        Ok(_) if !line.trim().is_empty() => Ok(Secret::new(line.trim().to_owned())),
        _ => Err(aws::Error::no_code(serial)),
    }
}
