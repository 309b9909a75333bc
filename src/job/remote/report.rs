//! How a job ended on another machine, and what it made there.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::assignment::{Exposed, expose, written};
use crate::output::Failure;
use crate::run::Outcome;
use crate::run::remote::{Item, What};
use crate::secret::Secret;
use crate::state::{self, Base, Change, Entries, EntryKind, Files, MAX_BYTES, Seed, Tree, VersionRef};

#[derive(Serialize)]
enum Sent<'a> {
    Ended {
        outcome: Outcome,
        /// What is to be stored, or why that cannot be told.
        changes: Result<Vec<Form<'a>>, String>,
        /// What scripts have added to what is masked.
        #[serde(serialize_with = "expose")]
        added: &'a [Secret],
    },
    Broken {
        status: u8,
        message: &'a str,
    },
}

/// What the other side says of a job.
#[derive(Deserialize)]
enum Taken {
    Ended { outcome: Outcome, changes: Result<Vec<TakenForm>, String>, added: Vec<Exposed> },
    Broken { status: u8, message: String },
}

#[derive(Serialize)]
struct Form<'a> {
    name: &'a str,
    base: &'a Base,
    entries: &'a Entries,
    files: FilesForm,
    even_unchanged: bool,
    seed: &'a Option<Seed>,
}

#[derive(Deserialize)]
struct TakenForm {
    name: String,
    base: Base,
    entries: Entries,
    files: FilesForm,
    even_unchanged: bool,
    seed: Option<Seed>,
}

#[derive(Serialize, Deserialize)]
enum FilesForm {
    Latest,
    Empty,
    /// Those that come along.
    Taken,
    Of(VersionRef),
}

/// A job that has ended, as far as it is known here.
pub(crate) struct Report {
    /// How.
    pub(crate) outcome: Outcome,
    /// What is to be stored, or why that cannot be told.
    pub(crate) changes: Result<Vec<Change>, Failure>,
    /// What scripts have added to what is masked.
    pub(crate) added: Vec<Secret>,
}

/// Where the files of a change lie, among those that go from one machine to the other.
fn place(index: usize) -> PathBuf {
    index.to_string().into()
}

/// The document that says how a job ended, and the files that go with it.
pub(crate) fn ended(
    outcome: Outcome,
    changes: &Result<Vec<Change>, Failure>,
    added: &[Secret],
) -> serde_json::Result<(Zeroizing<Vec<u8>>, Vec<Item>)> {
    let mut items = Vec::new();
    let changes = match changes {
        Ok(changes) => {
            changes.iter().enumerate().for_each(|(index, change)| add_files(index, change, &mut items));
            Ok(changes.iter().map(form).collect())
        }
        Err(failure) => Err(failure.to_string()),
    };
    Ok((written(&Sent::Ended { outcome, changes, added })?, items))
}

/// The same for a job that could not be run to its end.
pub(crate) fn broken(failure: &Failure) -> serde_json::Result<Zeroizing<Vec<u8>>> {
    written(&Sent::Broken { status: failure.status, message: &failure.message })
}

fn form(change: &Change) -> Form<'_> {
    let files = match &change.files {
        Files::Latest => FilesForm::Latest,
        Files::Empty => FilesForm::Empty,
        Files::Taken(_) => FilesForm::Taken,
        Files::Of(version) => FilesForm::Of(version.clone()),
    };
    let Change { name, base, entries, even_unchanged, seed, .. } = change;
    Form { name, base, entries, files, even_unchanged: *even_unchanged, seed }
}

fn add_files(index: usize, change: &Change, items: &mut Vec<Item>) {
    let Files::Taken(tree) = &change.files else { return };
    items.push(Item { from: tree.root().to_owned(), to: place(index), mode: 0o700, what: What::Directory });
    items.extend(tree.entries().iter().map(|entry| Item {
        from: tree.root().join(&entry.path),
        to: place(index).join(&entry.path),
        mode: entry.mode,
        what: match &entry.kind {
            EntryKind::Directory => What::Directory,
            EntryKind::File { .. } => What::File,
            EntryKind::Symlink { .. } => What::Link,
        },
    }));
}

/// Reads the document of a job that `on` started; its files were received below `files`.
///
/// # Errors
///
/// The failure of the other side, and when the document is none.
pub(super) fn read(document: &[u8], files: &Path, on: &str) -> Result<Report, Failure> {
    match serde_json::from_slice(document) {
        Ok(Taken::Ended { outcome, changes, added }) => {
            let changes = match changes {
                Ok(forms) => changes_of(forms, files).map_err(Failure::from),
                Err(message) => Err(Failure { status: outcome.status(), message }),
            };
            Ok(Report { outcome, changes, added: added.into_iter().map(|Exposed(secret)| secret).collect() })
        }
        Ok(Taken::Broken { status, message }) => {
            let where_it_was =
                format!("  hint: this is said by shipctl on the machine where `{on}` starts jobs\n");
            Err(Failure { status, message: message + &where_it_was })
        }
        Err(_) => {
            Err(anyhow::anyhow!("the other side says of the job what this shipctl does not know").into())
        }
    }
}

fn changes_of(forms: Vec<TakenForm>, files: &Path) -> state::Result<Vec<Change>> {
    let change = |(index, form): (usize, TakenForm)| {
        let TakenForm { name, base, entries, files: of, even_unchanged, seed } = form;
        let files = match of {
            FilesForm::Latest => Files::Latest,
            FilesForm::Empty => Files::Empty,
            FilesForm::Taken => Files::Taken(Tree::collect(&files.join(place(index)), MAX_BYTES, |_| true)?),
            FilesForm::Of(version) => Files::Of(version),
        };
        Ok(Change { name, base, entries, files, even_unchanged, seed })
    };
    forms.into_iter().enumerate().map(change).collect()
}
