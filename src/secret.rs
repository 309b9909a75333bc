//! A value that must not be shown.

use std::fmt;
use std::io;

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

/// Random bytes that cannot be guessed.
///
/// # Errors
///
/// When the system gives none.
pub fn random<const N: usize>() -> io::Result<Zeroizing<[u8; N]>> {
    let mut bytes = Zeroizing::new([0; N]);
    let random = rustls::crypto::ring::default_provider().secure_random;
    random.fill(&mut *bytes).map_err(|_| io::Error::other("the system gives no random numbers"))?;
    Ok(bytes)
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}
