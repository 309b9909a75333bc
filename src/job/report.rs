//! `run --report FILE`: how a run went, for a CI server.

use std::cell::RefCell;
use std::fs::File;
use std::io::Write as _;
use std::path::PathBuf;
use std::rc::Rc;

use anyhow::Context as _;

use crate::cli::Run;
use crate::output::Failure;
use crate::run::Event;
use crate::run::console::junit::{self, Junit, Suite};
use crate::run::console::{Console, Watcher};

/// The report of a run.
pub(crate) struct Report {
    path: PathBuf,
    /// Opened before anything runs: whether it can be written is known then.
    file: File,
    /// Shared with the console, which tells of the run.
    seen: Rc<RefCell<Junit>>,
}

/// What watches a console for a report.
struct Seen(Rc<RefCell<Junit>>);

impl Watcher for Seen {
    fn event(&mut self, event: &Event) {
        self.0.borrow_mut().event(event);
    }
}

impl Report {
    /// The report that a command asks for.
    ///
    /// # Errors
    ///
    /// When its file cannot be written.
    pub(crate) fn wanted(command: &Run) -> Result<Option<Report>, Failure> {
        let Some(path) = &command.report else { return Ok(None) };
        let file = File::create(path).with_context(|| format!("cannot write {}", path.display()))?;
        Ok(Some(Report { path: path.clone(), file, seen: Rc::default() }))
    }

    /// Takes note of all that a console shows.
    pub(crate) fn watch(&self, console: &mut Console) {
        console.tell_also(Seen(Rc::clone(&self.seen)));
    }

    /// Writes the report of a job.
    pub(crate) fn write<T>(&self, job: &str, done: &Result<T, Failure>) -> Result<(), Failure> {
        let error = done.as_ref().err().map(ToString::to_string);
        let text = self.seen.borrow().document(job, error.as_deref());
        self.put(&text)
    }

    /// Writes the report of a line.
    pub(crate) fn write_suites(&self, suites: &[Suite]) -> Result<(), Failure> {
        self.put(&junit::document(&suites.iter().collect::<Vec<_>>()))
    }

    fn put(&self, text: &str) -> Result<(), Failure> {
        let written = (&self.file).write_all(text.as_bytes());
        Ok(written.with_context(|| format!("cannot write {}", self.path.display()))?)
    }
}
