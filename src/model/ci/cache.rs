//! `cache` of the CI section: what a run finds again that the one before it left, as lines of its script.

use std::fmt::Write as _;

/// What a commit says in its message to begin with nothing.
const RESET: &[&str] = &["[reset cache]", "[reset_cache]", "[cache reset]", "[cache_reset]"];

/// The lines that bring back what was kept.
pub(super) fn restore(directories: &[String]) -> String {
    let reset: Vec<_> = RESET.iter().map(|words| format!("*\"{words}\"*")).collect();
    let mut script = format!(
        "# the cache of the run before\ncase \"$COMMIT_MESSAGE\" in {}) rm -rf \"$SHIPCTL_CACHE_DIR\" ;; esac",
        reset.join("|")
    );
    if directories.is_empty() {
        // What was checked out is newer.
        script += "\nif [ -f \"$SHIPCTL_CACHE_DIR/build.tar\" ]; then tar -xf \"$SHIPCTL_CACHE_DIR/build.tar\" --skip-old-files -C \"$SHIPPABLE_BUILD_DIR\"; fi";
    }
    for (number, directory) in directories.iter().enumerate() {
        let (kept, directory) = (format!("\"$SHIPCTL_CACHE_DIR/{number}\""), word(directory));
        let _ =
            write!(script, "\nif [ -d {kept} ]; then mkdir -p {directory} && cp -a {kept}/. {directory}; fi");
    }
    tolerant(&script, "not all of the cache is there")
}

/// The lines that keep it.
pub(super) fn keep(directories: &[String]) -> String {
    let mut script = "# the cache for the next run\n(umask 077; mkdir -p \"$SHIPCTL_CACHE_DIR\")".to_owned();
    if directories.is_empty() {
        script += "\n(cd \"$SHIPPABLE_BUILD_DIR\" && git ls-files -oz | tar --null -T - -cf \"$SHIPCTL_CACHE_DIR/build.new\") && mv \"$SHIPCTL_CACHE_DIR/build.new\" \"$SHIPCTL_CACHE_DIR/build.tar\"";
    }
    for (number, directory) in directories.iter().enumerate() {
        let (kept, directory) = (format!("\"$SHIPCTL_CACHE_DIR/{number}\""), word(directory));
        let new = format!("\"$SHIPCTL_CACHE_DIR/{number}.new\"");
        let _ = write!(
            script,
            "\nif [ -d {directory} ]; then rm -rf {new} && cp -a {directory} {new} && rm -rf {kept} && mv {new} {kept}; fi"
        );
    }
    tolerant(&script, "not all of the cache is kept")
}

/// A script whose failure is said, and fails nothing.
fn tolerant(script: &str, otherwise: &str) -> String {
    let (comment, commands) = script.split_once('\n').unwrap_or(("", script));
    format!("{comment}\n{{\n{commands}\n}} || echo {otherwise} >&2")
}

/// A path as the shell reads it: variables and commands in it count, blanks do not.
fn word(path: &str) -> String {
    if path.contains('"') {
        return path.to_owned();
    }
    match path.strip_prefix("~/") {
        Some(rest) => format!("\"$HOME/{rest}\""),
        None => format!("\"{path}\""),
    }
}
