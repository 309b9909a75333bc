//! Keys of a profile of the AWS CLI that the line names.

use super::caller::Caller;
use super::caller::SourceError;
use super::provider::AwsProvider;
use crate::aws::Keys;

/// Why a profile gives no keys, and what to do.
#[derive(Clone)]
pub(super) struct NoKeysOfProfile {
    pub(super) message: String,
    pub(super) hint: String,
}

/// The keys that a profile leads to: its own, those that its `credential_process` prints, or those of its role. Where only
/// the AWS CLI knows the way, as with single sign-on and web identities, that is asked.
pub(super) fn keys_of(profile: &str, mfa_code: Option<&str>) -> Result<Keys, NoKeysOfProfile> {
    let caller = Caller::of_profile(profile);
    let source = caller.credential_source().map_err(|error| NoKeysOfProfile {
        message: error.to_string(),
        hint: "`aws configure list-profiles` lists the profiles of this machine".to_owned(),
    })?;
    let region = caller.region().unwrap_or_else(|| "us-east-1".to_owned());
    let provider = AwsProvider::of_caller(caller, mfa_code);
    provider.keys_of_source(&source, &region).map_err(|error| match error {
        SourceError::Aws(error) => {
            NoKeysOfProfile { message: format!("AWS profile `{profile}`: {error}"), hint: error.hint() }
        }
        error => NoKeysOfProfile {
            message: format!("AWS profile `{profile}`: {error}"),
            hint: format!("if it is for single sign-on, log in first: aws sso login --profile {profile}"),
        },
    })
}
