//! Keys of a profile of the AWS CLI that the line names.

use std::path::PathBuf;
use std::time::SystemTime;

use super::caller::{self, Caller, Issued, SourceError};
use super::provider::AwsProvider;
use crate::aws::renewal::SPARE;
use crate::aws::sts::{self, Session};
use crate::aws::{CredentialSource, Keys};

/// Why a profile gives no keys, and what to do.
#[derive(Clone)]
pub struct NoKeysOfProfile {
    /// Why.
    pub message: String,
    /// What to do.
    pub hint: String,
}

/// The keys that a profile gave.
#[derive(Clone, Debug)]
pub(super) struct KeysOfProfile {
    pub(super) keys: Keys,
    /// The session that they are of, where it is known when that ends.
    pub(super) session: Option<ProfileSession>,
}

/// A session that came from a profile, which gives another when it ends.
#[derive(Clone, Debug)]
pub struct ProfileSession {
    /// The profile.
    pub profile: String,
    /// The session that it gave last.
    pub session: Session,
    /// The files of the AWS CLI that it stands in, and the variables that name them.
    pub files: Vec<(&'static str, PathBuf)>,
    /// Whether a program is started for it.
    pub starts_program: bool,
}

impl ProfileSession {
    /// The session to use now: the last one, or another when that is about to end.
    ///
    /// # Errors
    ///
    /// When the session has ended, and the profile gives no other. The terminal is not asked for a second factor.
    pub fn renew(&mut self) -> Result<&Session, NoKeysOfProfile> {
        let now = SystemTime::now();
        if self.session.expires <= now + SPARE {
            match ask(&self.profile, None, true) {
                Ok(KeysOfProfile { session: Some(ProfileSession { session, .. }), .. }) => {
                    self.session = session;
                }
                // What is spare is for this, too.
                Err(error) if self.session.expires <= now => return Err(error),
                _ => {}
            }
        }
        Ok(&self.session)
    }
}

/// The keys that a profile leads to: its own, those that its `credential_process` prints, or those of its role. Where only
/// the AWS CLI knows the way, as with single sign-on and web identities, that is asked.
pub(super) fn keys_of(profile: &str, mfa_code: Option<&str>) -> Result<KeysOfProfile, NoKeysOfProfile> {
    ask(profile, mfa_code, false)
}

fn ask(profile: &str, mfa_code: Option<&str>, unattended: bool) -> Result<KeysOfProfile, NoKeysOfProfile> {
    let caller = Caller::of_profile(profile);
    let source = caller.credential_source().map_err(|error| NoKeysOfProfile {
        message: error.to_string(),
        hint: "`aws configure list-profiles` lists the profiles of this machine".to_owned(),
    })?;
    let region = caller.region().unwrap_or_else(|| "us-east-1".to_owned());
    let provider = AwsProvider::of_caller(caller, mfa_code);
    let provider = if unattended { provider.unattended() } else { provider };
    let issued = provider.keys_of_source(&source, &region).map_err(|error| match error {
        SourceError::Aws(error) => {
            NoKeysOfProfile { message: format!("AWS profile `{profile}`: {error}"), hint: error.hint() }
        }
        error => NoKeysOfProfile {
            message: format!("AWS profile `{profile}`: {error}"),
            hint: format!("if it is for single sign-on, log in first: aws sso login --profile {profile}"),
        },
    })?;
    let Issued { keys, expiration } = issued;
    let session = expiration.and_then(|expiration| {
        let session = Session { keys: keys.clone(), expires: sts::time(&expiration)?, expiration };
        let (profile, files) = (profile.to_owned(), caller::files());
        Some(ProfileSession { profile, session, files, starts_program: starts_program(&source) })
    });
    Ok(KeysOfProfile { keys, session })
}

/// Whether a program is started for the keys of a source.
fn starts_program(source: &CredentialSource) -> bool {
    match source {
        CredentialSource::Keys(..) => false,
        CredentialSource::Process(_) | CredentialSource::AwsCli { .. } => true,
        CredentialSource::Role { from, .. } => starts_program(from),
        CredentialSource::WebIdentity { token, .. } => matches!(token, crate::aws::Token::Program(_)),
    }
}

/// The session of a profile, for a process that has nothing but its name and the session before, if there is one.
///
/// # Errors
///
/// When the profile gives no keys, and those before have ended.
pub fn renewed(profile: &str, before: Option<Session>) -> Result<Session, NoKeysOfProfile> {
    let (profile, files) = (profile.to_owned(), Vec::new());
    match before {
        Some(session) => {
            let mut last = ProfileSession { profile, session, files, starts_program: false };
            last.renew()?;
            Ok(last.session)
        }
        None => match ask(&profile, None, true)?.session {
            Some(session) => Ok(session.session),
            None => Err(NoKeysOfProfile {
                message: format!("AWS profile `{profile}` gives no session"),
                hint: "its keys last".to_owned(),
            }),
        },
    }
}
