//! Encrypted values of a line: the key that opens them, the recipients that they are encrypted to, and encrypting them anew.
//!
//! The encryption itself is in `secure`.

mod line_recipients;
pub mod listed;
pub mod new_key;
mod recipients;
mod rotate;
pub mod value;

pub use line_recipients::LineRecipients;
pub use recipients::{own, parse, recipients};
pub use rotate::rotate;
