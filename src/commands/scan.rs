//! `shipctl scan`: where the values of the line's secrets are, and should not be.

use std::collections::HashSet;
use std::fmt::Write as _;
use std::fs;
use std::io::{self, IsTerminal as _, Read};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow};
use serde_json::{Value as Json, json};

use crate::cli::{self, LineOptions, ListFormat};
use crate::credentials::{self, Ambient, Content, Credentials, Fetch, FetchedValue, Value};
use crate::diagnostic::{Diagnostic, Severity};
use crate::exit;
use crate::file;
use crate::load::{opener, read_good};
use crate::model::Pipeline;
use crate::model::files::Line;
use crate::model::integration::{FieldValue, SourceKind};
use crate::output::{Failure, paint, print};
use crate::printable::{self, Printable};
use crate::repository::contents::{self, Object, Unreadable};
use crate::scan::{Finding, SHORTEST, Scan, is_searched};
use crate::secret::Secret;

/// Runs the command. The status is 1 if something was found, and 3 if some secrets could not be looked for.
///
/// # Errors
///
/// On errors in the YAML, when there is nothing to look for or nowhere to look, and when something cannot be read.
pub fn run(command: &cli::Scan, options: &LineOptions) -> Result<u8, Failure> {
    let mut line = read_good(options)?;
    let (credentials, warnings) = resolve(&mut line);
    let all_known = all_known(&line.pipeline, &credentials);
    for warning in &warnings {
        eprint!("{}", warning.render(&line.sources, paint(options.color, &io::stderr())));
    }
    let secrets = secrets(&credentials);
    if secrets.is_empty() && !all_known {
        return Err(Failure {
            status: exit::NOT_ALL_LOOKED_FOR,
            message: "error: none of the secrets of the line could be had, so nothing was looked for\n"
                .to_owned(),
        });
    }
    if secrets.is_empty() {
        return Err(anyhow!("there are no secrets to look for").into());
    }
    for short in secrets.iter().filter(|secret| !is_searched(secret.value)) {
        eprintln!(
            "warning: not looked for: {}: it is shorter than {SHORTEST} bytes",
            Printable(&short.origin())
        );
    }
    let mut search = Search {
        scan: Scan::new(secrets.iter().map(|secret| secret.value)),
        secrets: &secrets,
        line: &line,
        found: Vec::new(),
        unreadable: false,
    };
    if command.staged {
        search.staged()?;
    } else if command.history {
        search.history()?;
    } else if command.paths.is_empty() {
        search.tracked()?;
    } else {
        command.paths.iter().for_each(|path| search.given(path));
    }
    print(&match command.format {
        ListFormat::Json => printable::json(format!(
            "{:#}\n",
            Json::from(search.found.iter().map(Found::to_json).collect::<Vec<_>>())
        )),
        ListFormat::Text => search.found.iter().fold(String::new(), |mut text, found| {
            let _ = writeln!(text, "{}", found.to_text());
            text
        }),
    })?;
    if search.found.is_empty() && io::stderr().is_terminal() {
        eprintln!("shipctl: none of {} secrets was found", secrets.len());
    }
    Ok(match search {
        Search { ref found, .. } if !found.is_empty() => exit::SECRETS_FOUND,
        Search { unreadable: true, .. } => exit::SHIPCTL_FAILED,
        _ if !all_known => exit::NOT_ALL_LOOKED_FOR,
        _ => exit::SUCCESS,
    })
}

/// Fetches all integrations of the line, and those that it takes from the environment. What cannot be had is a warning.
fn resolve(line: &mut Line) -> (Credentials, Vec<Diagnostic>) {
    let ambient = Ambient::new(std::env::vars_os());
    let mut warnings = Vec::new();
    let jobs: Vec<_> = line.pipeline.jobs.keys().cloned().collect();
    for job in jobs {
        credentials::add_ambient(&mut line.pipeline, &job, &ambient, &mut warnings);
    }
    let (credentials, problems) = credentials::fetch_all(
        &line.pipeline,
        &mut Fetch::new(&line.sources, &opener(&line.pipeline)).announcing(),
    );
    warnings.extend(problems);
    for warning in &mut warnings {
        warning.severity = Severity::Warning;
        warning.message = format!("not looked for: {}", warning.message);
    }
    warnings.dedup();
    (credentials, warnings)
}

/// Whether all that the line says of secrets could be fetched.
fn all_known(pipeline: &Pipeline, credentials: &Credentials) -> bool {
    pipeline.integrations.values().all(|integration| {
        let fetched = credentials.get(&integration.name.text);
        integration.fields.iter().filter(|given| given.is_secret() && !is_of_environment(given)).all(
            |given| {
                fetched
                    .is_some_and(|fetched| fetched.fields.iter().any(|field| field.name == given.field.name))
            },
        )
    })
}

/// Whether its values are variables of shipctl's: one that is not set is a secret that is not here.
fn is_of_environment(given: &FieldValue) -> bool {
    given.values.sources().iter().all(|(_, source)| matches!(source.kind, SourceKind::Env(_)))
}

/// A secret of the line.
struct Origin<'a> {
    integration: &'a str,
    field: String,
    value: &'a Secret,
}

impl Origin<'_> {
    fn origin(&self) -> String {
        format!("integration {}, field {}", self.integration, self.field)
    }
}

fn secrets<'a>(credentials: &'a Credentials) -> Vec<Origin<'a>> {
    let mut secrets = Vec::new();
    for credential in credentials.values() {
        for field in &credential.fields {
            let mut add = |key: Option<&str>, fetched: &'a FetchedValue| {
                if let (Value::Secret(value), true) = (&fetched.value, fetched.masked) {
                    let field = key.map_or(field.name.to_owned(), |key| format!("{}.{key}", field.name));
                    secrets.push(Origin { integration: &credential.name, field, value });
                }
            };
            match &field.content {
                Content::One(one) => add(None, one),
                Content::List(items) => items.iter().for_each(|item| add(None, item)),
                Content::Map(entries) => entries.iter().for_each(|(key, one)| add(Some(key), one)),
            }
        }
    }
    secrets
}

/// A search, and what it has found so far.
struct Search<'a> {
    scan: Scan,
    secrets: &'a [Origin<'a>],
    line: &'a Line,
    found: Vec<Found>,
    /// Whether one could not be read.
    unreadable: bool,
}

/// A secret that was found.
struct Found {
    /// The file; in the history, `COMMIT:FILE` or `commit ID`.
    file: String,
    finding: Finding,
    integration: String,
    field: String,
    /// Whether this is where the line has the value from.
    own: bool,
}

impl Search<'_> {
    /// Looks through the files that git tracks.
    fn tracked(&mut self) -> Result<(), Failure> {
        let directory = self.repository()?;
        let here = std::env::current_dir().context("the current directory is gone")?;
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
    fn repository(&self) -> Result<PathBuf, Failure> {
        let directory = self.line.directory.clone();
        if contents::is_in_repository(&directory)? {
            return Ok(directory);
        }
        Err(anyhow!(
            "{} is in no git repository\n  hint: say which files to look through",
            directory.display()
        )
        .into())
    }

    /// Looks through a file that was asked for, or all below a directory.
    fn given(&mut self, path: &Path) {
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
                    self.cannot_read(&directory, &error);
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
            Err(error) => self.cannot_read(path, &error),
        }
    }

    fn cannot_read(&mut self, path: &Path, error: &io::Error) {
        eprintln!("error: cannot read {}: {error}", Printable(&path.to_string_lossy()));
        self.unreadable = true;
    }

    /// Looks through the files as they are staged, of those that differ from the last commit.
    fn staged(&mut self) -> Result<(), Failure> {
        let directory = self.repository()?;
        let here = std::env::current_dir().context("the current directory is gone")?;
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
    fn history(&mut self) -> Result<(), Failure> {
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
            self.found.push(Found {
                file: name.to_owned(),
                own: path.is_some_and(|path| self.is_own(path, origin)),
                integration: origin.integration.to_owned(),
                field: origin.field.clone(),
                finding,
            });
        }
    }

    /// Whether the line has a secret from this file, where it stands in plain.
    fn is_own(&self, path: &Path, origin: &Origin) -> bool {
        let Some(integration) = self.line.pipeline.integrations.get(origin.integration) else { return false };
        let here = path.canonicalize().ok();
        integration.fields.iter().flat_map(|given| given.values.sources()).any(|(_, source)| {
            matches!(source.kind, SourceKind::Literal(_))
                && self.line.sources.get(source.place.source).path().canonicalize().ok() == here
        })
    }
}

impl Found {
    fn to_text(&self) -> String {
        let mut text = format!(
            "{}:{}:{}  integration {}, field {}",
            self.file, self.finding.line, self.finding.column, self.integration, self.field
        );
        if let Some(form) = self.finding.form {
            let _ = write!(text, " ({form})");
        }
        if self.own {
            text.push_str(": the line has it from here; encrypt it, or say where it is");
        }
        Printable(&text).to_string()
    }

    fn to_json(&self) -> Json {
        json!({
            "file": self.file,
            "line": self.finding.line,
            "column": self.finding.column,
            "integration": self.integration,
            "field": self.field,
            "form": self.finding.form.unwrap_or("plain"),
            "own": self.own,
        })
    }
}

impl From<Unreadable> for Failure {
    fn from(error: Unreadable) -> Self {
        anyhow!("{error}").into()
    }
}
