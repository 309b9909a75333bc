//! Secrets that stand in the YAML as they are, where more than their owner can see them.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use crate::diagnostic::Diagnostic;
use crate::model::files::Line;
use crate::repository::contents;
use crate::source::{SourceId, Span};

/// Warns of each file that holds plain secrets and is tracked by git, or can be read by others. Git is asked only where
/// there is something to ask about: it takes longer than all the rest of `check`.
pub(super) fn warn(line: &Line) -> Vec<Diagnostic> {
    let mut files: BTreeMap<SourceId, Vec<(Span, String)>> = BTreeMap::new();
    for integration in line.pipeline.integrations.values() {
        for given in integration.fields.iter().filter(|given| given.is_secret()) {
            let plain = given.values.sources().into_iter().find(|(_, source)| {
                source.reference.literal().is_some_and(|value| source.masked && !value.is_empty())
            });
            if let Some((_, source)) = plain {
                let what = format!("`{}` of `{}`", given.field.name, integration.name.text);
                files.entry(source.place.source).or_default().push((source.place, what));
            }
        }
    }
    files.iter().filter_map(|(file, secrets)| warning(line.sources.get(*file).path(), secrets)).collect()
}

fn warning(path: &Path, secrets: &[(Span, String)]) -> Option<Diagnostic> {
    let (place, _) = secrets.first()?;
    let tracked = is_tracked(path);
    let who = match (tracked, others_may_read(path)) {
        (true, true) => "git tracks it and others on this machine may read it",
        (true, false) => "git tracks it",
        (false, true) => "others on this machine may read it",
        (false, false) => return None,
    };
    let mut shown: Vec<_> = secrets.iter().take(5).map(|(_, what)| what.as_str()).collect();
    if secrets.len() > shown.len() {
        shown.push("…");
    }
    let instead =
        "encrypt them, or say where they are: `{env: VARIABLE}`, `{file: path}` or `{command: [program]}`";
    let hint = if tracked {
        format!("{instead}; and change them where they come from, for git keeps what it once had")
    } else {
        format!("{instead}; or take the right to read from others: chmod o-r {}", path.display())
    };
    let message = format!("secrets stand in {} in plain, and {who}: {}", path.display(), shown.join(", "));
    Some(Diagnostic::warning(message).rule("plain-secret").at(*place).hint(hint))
}

fn is_tracked(path: &Path) -> bool {
    let Ok(path) = path.canonicalize() else { return false };
    let (Some(directory), Some(name)) = (path.parent(), path.file_name()) else { return false };
    directory.ancestors().any(|directory| directory.join(".git").exists())
        && contents::tracked_of(directory, &[Path::new(name)]).is_ok_and(|tracked| !tracked.is_empty())
}

/// Whether a user who is neither the owner nor of the group can read a file: it allows that, and all directories above
/// let pass.
fn others_may_read(path: &Path) -> bool {
    let allows = |path: &Path, mode| {
        fs::metadata(path).is_ok_and(|metadata| metadata.permissions().mode() & mode != 0)
    };
    path.canonicalize().is_ok_and(|path| {
        allows(&path, 0o004) && path.ancestors().skip(1).all(|directory| allows(directory, 0o001))
    })
}
