//! What is said on stderr of the jobs of a session: each warning once, and at the end of a dry run all that is missing.

use std::cell::RefCell;
use std::rc::Rc;

use super::Session;
use crate::diagnostic::Diagnostic;
use crate::exit;
use crate::output::{Failure, failure};
use crate::paint::Paint;
use crate::run::remote::Output;
use crate::source::Span;

/// What was said so far, and how it is said. In cells, because plans borrow from the session for as long as they are told of.
pub(crate) struct Messages {
    pub(crate) paint: Paint,
    /// Whether it is a dry run, which goes on with what there is, and tells at its end what is missing.
    pub(crate) is_dry: bool,
    /// Where the job was sent from, if it was sent here: what is said is said there.
    pub(crate) output: Option<Rc<Output>>,
    /// What stands in front of each line, where several jobs run.
    prefix: RefCell<String>,
    /// The warnings so far: each entry of a matrix has the same.
    said: RefCell<Vec<String>>,
    /// What is missing, as far as a dry run has found out.
    missing: RefCell<Vec<Diagnostic>>,
}

impl Messages {
    pub(crate) fn new(paint: Paint) -> Messages {
        let (is_dry, output, prefix, said, missing) = Default::default();
        Messages { paint, is_dry, output, prefix, said, missing }
    }

    /// Has each line begin with `prefix` from now on.
    pub(crate) fn set_prefix(&self, prefix: &str) {
        self.prefix.replace(prefix.to_owned());
    }

    /// What is missing at a place, in words.
    pub(crate) fn missing_at(&self, place: Span) -> Option<String> {
        let missing = self.missing.borrow();
        missing.iter().find(|problem| problem.place == Some(place)).map(|problem| problem.message.clone())
    }
}

impl Session {
    /// Fails if there are problems; a dry run goes on, and tells of them at its end.
    pub(crate) fn complain(&self, problems: Vec<Diagnostic>) -> Result<(), Failure> {
        if problems.is_empty() {
            return Ok(());
        }
        if !self.messages.is_dry {
            return Err(self.fail(&problems));
        }
        let mut missing = self.messages.missing.borrow_mut();
        for problem in problems {
            // Several jobs may lack the same.
            if !missing.contains(&problem) {
                missing.push(problem);
            }
        }
        Ok(())
    }

    /// The status of a dry run whose plan has been shown.
    ///
    /// # Errors
    ///
    /// What the run itself would fail for before its first script line.
    pub(crate) fn end_of_dry_run(&self) -> Result<u8, Failure> {
        let missing = self.messages.missing.borrow();
        if missing.is_empty() { Ok(exit::SUCCESS) } else { Err(self.fail(&missing)) }
    }

    /// The result, or in a dry run what there is without it.
    pub(crate) fn go_on<T: Default>(&self, result: Result<T, Vec<Diagnostic>>) -> Result<T, Failure> {
        result.or_else(|problems| self.complain(problems).map(|()| T::default()))
    }

    pub(crate) fn fail(&self, problems: &[Diagnostic]) -> Failure {
        failure(problems, &self.line.sources, self.messages.paint)
    }

    /// Says what it has not said yet.
    pub(crate) fn warn(&self, warnings: &[Diagnostic]) {
        for warning in warnings.iter().filter(|warning| !warning.is_allowed(&self.line.sources)) {
            let text = warning.render(&self.line.sources, self.messages.paint);
            if !self.messages.said.borrow().contains(&text) {
                self.say(&text);
                self.messages.said.borrow_mut().push(text);
            }
        }
    }

    /// Says something on stderr: whole lines.
    pub(crate) fn say(&self, text: &str) {
        if let Some(output) = &self.messages.output {
            return output.say(text);
        }
        let prefix = self.messages.prefix.borrow();
        for line in text.split_inclusive('\n') {
            eprint!("{prefix}{line}");
        }
    }
}
