//! Why a file cannot be edited.

use std::io;
use std::path::PathBuf;

/// Why a text cannot be edited at some place.
#[derive(Clone, Copy, Debug, thiserror::Error)]
pub(super) enum Unclear {
    #[error("`integrations:` is an alias")]
    Alias,
    #[error("its `integrations:` are written in an unusual way")]
    List,
    #[error("its `integrations:` have no items")]
    NoItems,
    #[error("it is written between braces, and has no `integrations`")]
    Braces,
    #[error("it is unclear where the item begins and ends")]
    Item,
    #[error("the name is written with escapes, as a block, or behind an alias")]
    Name,
    #[error("the encrypted value is written in an unusual way")]
    Encrypted,
}

/// Why a file was not written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// A new text could not be put into a file.
    #[error("cannot write {}", path.display())]
    Replace {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// A new file could not be made.
    #[error("cannot make {}", path.display())]
    Create {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// A file is not any more what it was when its new text was made.
    #[error("{} has been changed in the meantime; nothing was written", .0.display())]
    Changed(PathBuf),
}
