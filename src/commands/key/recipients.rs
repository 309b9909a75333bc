//! `shipctl key add-recipient` and `shipctl key remove-recipient`.

mod add;
mod remove;

pub(super) use add::add;
pub(super) use remove::remove;
