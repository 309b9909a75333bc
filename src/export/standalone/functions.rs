//! The utility functions that scripts call, as a script of their own.

/// The script.
pub(super) const SCRIPT: &str = include_str!("functions.sh");

/// The utility functions that it lacks.
const LACKING: &[&str] = &[
    "get_integration_resource_keys",
    "get_integration_keys",
    "replicate",
    "get_git_changes",
    "split_tests",
    "decrypt",
    "mask",
    "notify",
    "jdk",
];

/// The utility functions that a script calls, as far as it can be seen.
pub(super) fn called(script: &str) -> Vec<&str> {
    let mut called = Vec::new();
    for (at, prefix) in ["shipctl ", "shippable_"]
        .iter()
        .flat_map(|prefix| script.match_indices(prefix).map(move |(at, _)| (at, prefix)))
    {
        let rest = script[at + prefix.len()..].trim_start_matches(' ');
        let end = rest.find(|c: char| !c.is_ascii_lowercase() && c != '_').unwrap_or(rest.len());
        if end > 0 && !called.contains(&&rest[..end]) {
            called.push(&rest[..end]);
        }
    }
    called
}

/// Those of them that the script lacks.
pub(super) fn lacking(script: &str) -> Vec<&str> {
    called(script).into_iter().filter(|name| LACKING.contains(name)).collect()
}
