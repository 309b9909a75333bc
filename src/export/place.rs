//! Where the line that is exported lies.

use std::path::{Path, PathBuf};

use crate::contract::shell_quoted;

/// The name of a line: that of its directory.
pub fn directory_name(directory: &Path) -> String {
    let name = std::path::absolute(directory).ok();
    let name = name.as_deref().and_then(Path::file_name);
    name.map_or_else(|| "line".to_owned(), |name| name.to_string_lossy().into_owned())
}

/// The options with which shipctl finds the line in a checkout of its repository: its directory, its files, and its files of
/// integrations.
pub fn place_of_line(directory: &Path, files: &[PathBuf], integrations: &[PathBuf]) -> String {
    let absolute = std::path::absolute(directory).unwrap_or_else(|_| directory.to_owned());
    let root = absolute.ancestors().find(|directory| directory.join(".git").exists());
    let below =
        root.and_then(|root| absolute.strip_prefix(root).ok()).filter(|below| !below.as_os_str().is_empty());
    let mut words =
        below.map_or_else(String::new, |below| format!(" -C {}", shell_quoted(&below.display().to_string())));
    for (option, files) in [("-f", files), ("-i", integrations)] {
        for file in files {
            words += &format!(" {option} {}", shell_quoted(&file.display().to_string()));
        }
    }
    words
}
