//! Why a job cannot be sent to another machine.

use crate::model::files::Inseparable;

/// Why a job cannot be sent to another machine.
#[derive(Debug, thiserror::Error)]
pub(super) enum NotSent {
    #[error(transparent)]
    Texts(#[from] Inseparable),
    #[error("it cannot be written: {0}")]
    Json(serde_json::Error),
}
