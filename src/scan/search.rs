//! Where the secrets of a line are looked for: in files, in what is staged, in all that git keeps.

use std::collections::HashSet;
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::secrets::LineSecret;
use super::values::{Finding, Scan};
use crate::file;
use crate::model::files::Line;
use crate::repository::contents::{self, Object, Unreadable};
use crate::repository::{self, GitError};

/// A search, and what it has found so far.
pub struct SecretSearch<'a> {
    scan: Scan,
    secrets: &'a [LineSecret<'a>],
    line: &'a Line,
    /// What was found.
    pub found: Vec<SecretMatch>,
    /// Files and directories that could not be read.
    pub unreadable: Vec<(PathBuf, io::Error)>,
}

/// Why nothing was looked through.
#[derive(Debug, thiserror::Error)]
pub enum SearchError {
    /// Git does not say whether it keeps something of the line.
    #[error(transparent)]
    Git(#[from] GitError),
    /// Git does not give what it keeps.
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
    /// Git keeps nothing of the line.
    #[error("{} is in no git repository\n  hint: say which files to look through", .0.display())]
    NoRepository(PathBuf),
    /// The directory that paths are shown from is gone.
    #[error("the current directory is gone: {0}")]
    CurrentDirectory(io::Error),
}

/// A secret that was found.
pub struct SecretMatch {
    /// The file; in the history, `COMMIT:FILE` or `commit ID`.
    pub file: String,
    /// Where in it.
    pub finding: Finding,
    /// The integration that has the secret.
    pub integration: String,
    /// Its field.
    pub field: String,
    /// Whether this is where the line has the value from.
    pub own: bool,
}

impl<'a> SecretSearch<'a> {
    /// A search for these secrets of a line.
    pub fn new(secrets: &'a [LineSecret<'a>], line: &'a Line) -> SecretSearch<'a> {
        let scan = Scan::new(secrets.iter().map(|secret| secret.value));
        SecretSearch { scan, secrets, line, found: Vec::new(), unreadable: Vec::new() }
    }

    /// Looks through the files that git tracks.
    ///
    /// # Errors
    ///
    /// When git does not list them.
    pub fn tracked(&mut self) -> Result<(), SearchError> {
        let directory = self.repository()?;
        let here = std::env::current_dir().map_err(SearchError::CurrentDirectory)?;
        for path in contents::tracked(&directory)? {
            let path = directory.join(path);
            let shown = path.strip_prefix(&here).unwrap_or(&path).to_owned();
            // What was deleted and not committed is still in the list, and submodules are directories.
            if fs::symlink_metadata(&path).is_ok_and(|metadata| metadata.is_file()) {
                self.file(&shown);
            }
        }
        Ok(())
    }

    /// The directory of the line, if git knows it.
    fn repository(&self) -> Result<PathBuf, SearchError> {
        let directory = self.line.directory.clone();
        if repository::holds(&directory)? {
            return Ok(directory);
        }
        Err(SearchError::NoRepository(directory))
    }

    /// Looks through a file that was asked for, or all below a directory.
    pub fn given(&mut self, path: &Path) {
        match fs::metadata(path) {
            Ok(metadata) if metadata.is_dir() => self.below(path),
            _ => self.file(path),
        }
    }

    /// Looks through all files below a directory; symbolic links are not followed.
    fn below(&mut self, directory: &Path) {
        let mut open = vec![directory.to_owned()];
        while let Some(directory) = open.pop() {
            let entries: io::Result<Vec<_>> = fs::read_dir(&directory).and_then(Iterator::collect);
            let mut entries = match entries {
                Ok(entries) => entries,
                Err(error) => {
                    self.unreadable.push((directory, error));
                    continue;
                }
            };
            entries.sort_by_key(fs::DirEntry::file_name);
            for entry in entries {
                match entry.file_type() {
                    Ok(kind) if kind.is_dir() => open.push(entry.path()),
                    Ok(kind) if kind.is_file() => self.file(&entry.path()),
                    _ => {}
                }
            }
        }
    }

    fn file(&mut self, path: &Path) {
        match file::open(path).and_then(|file| self.scan.stream(file)) {
            Ok(findings) => {
                let shown = path.strip_prefix(".").unwrap_or(path).display().to_string();
                self.take(&shown, Some(path), findings);
            }
            Err(error) => self.unreadable.push((path.to_owned(), error)),
        }
    }

    /// Looks through the files as they are staged, of those that differ from the last commit.
    ///
    /// # Errors
    ///
    /// When git does not give them.
    pub fn staged(&mut self) -> Result<(), SearchError> {
        let directory = self.repository()?;
        let here = std::env::current_dir().map_err(SearchError::CurrentDirectory)?;
        let mut found = Vec::new();
        contents::each_staged(&directory, &mut |path: &Path, content: &mut dyn Read| {
            let findings = self.scan.stream(content)?;
            found.push((path.to_owned(), findings));
            Ok(())
        })?;
        for (path, findings) in found {
            let shown = path.strip_prefix(&here).unwrap_or(&path).display().to_string();
            self.take(&shown, Some(&path), findings);
        }
        Ok(())
    }

    /// Looks through all that git keeps. A file that is the same in many commits is looked at once.
    ///
    /// # Errors
    ///
    /// When git does not give it.
    pub fn history(&mut self) -> Result<(), SearchError> {
        let directory = self.repository()?;
        let mut found = Vec::new();
        contents::each_object(&directory, &mut |object: &Object, content: &mut dyn Read| {
            let findings = self.scan.stream(content)?;
            if !findings.is_empty() {
                found.push((Object { id: object.id.clone(), path: object.path.clone() }, findings));
            }
            Ok(())
        })?;
        let mut seen = HashSet::new();
        for (object, findings) in found.into_iter().filter(|(object, _)| seen.insert(object.id.clone())) {
            let name = match &object.path {
                Some(path) => {
                    let commit = contents::commit_of(&directory, &object);
                    format!("{}:{}", commit.as_deref().unwrap_or("staged"), path.display())
                }
                None => format!("commit {}", &object.id[..object.id.len().min(10)]),
            };
            self.take(&name, None, findings);
        }
        Ok(())
    }

    fn take(&mut self, name: &str, path: Option<&Path>, findings: Vec<Finding>) {
        for finding in findings {
            let origin = &self.secrets[finding.secret];
            self.found.push(SecretMatch {
                file: name.to_owned(),
                own: path.is_some_and(|path| self.is_own(path, origin)),
                integration: origin.integration.to_owned(),
                field: origin.field.clone(),
                finding,
            });
        }
    }

    /// Whether the line has a secret from this file, where it stands in plain.
    fn is_own(&self, path: &Path, origin: &LineSecret) -> bool {
        let Some(integration) = self.line.pipeline.integrations.get(origin.integration) else { return false };
        let here = path.canonicalize().ok();
        integration.fields.iter().flat_map(|given| given.values.sources()).any(|(_, source)| {
            source.reference.literal().is_some()
                && self.line.sources.get(source.place.source).path().canonicalize().ok() == here
        })
    }
}
