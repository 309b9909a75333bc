//! Integrations as people see and change them: how each is shown, what uses it, a new one, and a new name for one.
//!
//! What the YAML says of them is in `model::integration`.

pub mod answers;
pub mod describe;
mod item;
mod name;
mod renamed;
mod usage;

pub use answers::FieldOptions;
pub use item::item;
pub use name::check_name;
pub use renamed::renamed;
pub use usage::{usage_json, usage_text};
