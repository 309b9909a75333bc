//! How secrets become text that may lie in a repository.

use anyhow::anyhow;

use crate::commands::Failure;
use crate::secret::Secret;

/// Encrypts values for everybody who may read those of a line.
pub(super) struct Recipients;

impl Recipients {
    /// Those of the line.
    ///
    /// # Errors
    ///
    /// When there is no key yet.
    pub(super) fn of_line() -> Result<Recipients, Failure> {
        Err(anyhow!(
            "secrets are stored encrypted, and there is no key yet\n  hint: make one with `shipctl key new`"
        )
        .into())
    }

    /// What `secure:` holds for a value.
    pub(super) fn encrypt(&self, _value: &Secret) -> Result<String, Failure> {
        Err(anyhow!("there is no key yet").into())
    }
}
