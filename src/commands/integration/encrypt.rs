//! How secrets become text that may lie in a repository.

use anyhow::anyhow;

use crate::commands::{Failure, encrypt};
use crate::model::Pipeline;
use crate::secret::Secret;
use crate::secure;

/// Encrypts values for everybody who may read those of a line.
pub(super) struct Recipients(Vec<secure::Recipient>);

impl Recipients {
    /// Those of the line.
    ///
    /// # Errors
    ///
    /// When it lists none, and there is no key.
    pub(super) fn of_line(pipeline: &Pipeline) -> Result<Recipients, Failure> {
        encrypt::recipients(pipeline, &encrypt::opener(pipeline)).map(Recipients)
    }

    /// What `secure:` holds for a value.
    pub(super) fn encrypt(&self, value: &Secret) -> Result<String, Failure> {
        Ok(secure::encrypt(&self.0, value).map_err(|why| anyhow!(why))?)
    }
}
