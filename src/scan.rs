//! Looking for the secrets of a line where they should not be: in files, in what git keeps.

mod fetch;
mod found;
mod search;
mod secrets;
mod values;

pub use fetch::fetch;
pub use search::{SearchError, SecretMatch, SecretSearch};
pub use secrets::{LineSecret, are_all_known, secrets};
pub use values::{Finding, SHORTEST, Scan, is_searched};
