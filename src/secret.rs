//! A value that must not be shown.

use std::fmt;

use zeroize::Zeroizing;

/// A secret value: UTF-8 text without a way to print, serialize or compare it, wiped when dropped.
///
/// [`Secret::expose`] is the one door. `Debug` prints `***`.
///
/// ```compile_fail
/// println!("{}", shipctl::secret::Secret::new("hunter2".to_owned()));
/// ```
///
/// ```compile_fail
/// serde_json::to_string(&shipctl::secret::Secret::new("hunter2".to_owned()));
/// ```
///
/// ```compile_fail
/// let secret = shipctl::secret::Secret::new("hunter2".to_owned());
/// assert!(secret == secret);
/// ```
#[derive(Clone)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Takes the value; its maker must not keep a copy.
    pub fn new(value: String) -> Self {
        Secret(Zeroizing::new(value))
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The value itself: for the environment of a job, for files of its workspace, for the masker.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}
