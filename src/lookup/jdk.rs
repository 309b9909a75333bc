//! `jdk set`: another Java for the rest of the script.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::missing::list;
use super::{Call, Failure};
use crate::contract::shell_quoted;

/// Where packages put Java.
const DIRECTORIES: [&str; 3] = ["/usr/lib/jvm", "/usr/java", "/opt"];

/// `jdk set VERSION`: prints the lines that make the shell use that JDK: `eval "$(shipctl jdk set openjdk11)"`.
///
/// The original was sourced and changed the machine's default; a program can do neither to the shell that calls it.
/// VERSION is `openjdk` or `oraclejdk` and a number, as in the original. Java is looked for where packages put it,
/// and where variables like `JAVA_HOME` and `JAVA_HOME_11_X64` point.
pub(super) fn set(call: &Call) -> Result<Vec<u8>, Failure> {
    if call.text(0) != "set" || call.arg(1).is_empty() {
        return Err(Failure::Usage);
    }
    let wanted = call.text(1);
    let installed = installed(call);
    let Some(home) = installed.get(&*wanted) else {
        let names: Vec<&str> = installed.keys().map(String::as_str).collect();
        let there = if names.is_empty() { "none was found".to_owned() } else { list(&names) };
        return Err(Failure::Failed(format!(
            "jdk: there is no {wanted} on this machine; JDKs here: {there}"
        )));
    };
    let home = quoted(home)?;
    Ok(format!("export JAVA_HOME={home}\nexport PATH=\"$JAVA_HOME/bin:$PATH\"\n").into_bytes())
}

/// The JDKs that are there, by the original's names for them.
fn installed(call: &Call) -> BTreeMap<String, PathBuf> {
    let pointed = call.context.names().into_iter().filter(|name| name.starts_with("JAVA_HOME"));
    let pointed = pointed.filter_map(|name| Some(PathBuf::from(call.context.var(&name)?.into_owned())));
    let packaged = DIRECTORIES.iter().filter_map(|directory| fs::read_dir(directory).ok()).flatten();
    let mut homes: Vec<PathBuf> =
        pointed.chain(packaged.filter_map(|entry| Some(entry.ok()?.path()))).collect();
    homes.sort();
    let mut installed = BTreeMap::new();
    for home in homes {
        if let Some(name) = name(&home) {
            installed.entry(name).or_insert(home);
        }
    }
    installed
}

/// `openjdk8` and the like, if a JDK stands in `home`: its file `release` says which.
fn name(home: &Path) -> Option<String> {
    if !home.join("bin/javac").exists() {
        return None;
    }
    let release = fs::read_to_string(home.join("release")).ok()?;
    let field = |name: &str| {
        let line = release.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('='))?;
        Some(line.trim().trim_matches('"').to_owned())
    };
    let version = field("JAVA_VERSION")?;
    // 1.8.0_302 is 8, as every Java before 9 counted.
    let number = version.strip_prefix("1.").unwrap_or(&version);
    let number: String = number.chars().take_while(char::is_ascii_digit).collect();
    let from_oracle = home.to_string_lossy().to_lowercase().contains("oracle")
        || field("BUILD_TYPE").is_some_and(|kind| kind == "commercial");
    (!number.is_empty()).then(|| format!("{}jdk{number}", if from_oracle { "oracle" } else { "open" }))
}

/// The path between single quotes, for a shell.
fn quoted(path: &Path) -> Result<String, Failure> {
    let unusable = || Failure::Failed(format!("jdk: the path {} is not UTF-8", path.display()));
    let path = path.to_str().ok_or_else(unusable)?;
    Ok(shell_quoted(path))
}
