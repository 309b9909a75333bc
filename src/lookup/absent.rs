//! What a build without the feature `full` says where it would be needed.

use super::{Call, Failure};

/// Why `what` cannot be had, and what to do.
pub(super) fn message(what: &str) -> String {
    format!(
        "{what} is not in this build of shipctl: build it without --no-default-features, or take a release"
    )
}

/// `decrypt`, without RSA.
pub(super) fn decrypt(_: &mut Call) -> Result<u8, Failure> {
    Err(Failure::Failed(message("RSA")))
}
