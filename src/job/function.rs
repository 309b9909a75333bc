//! A lookup function outside of a job, answered as if inside it, from the YAML.

use std::borrow::Cow;
use std::cell::Cell;
use std::ffi::OsStr;
use std::io;
use std::path::Path;

use super::{FetchPolicy, Ready, Session, jobless};
use crate::cli::FunctionCall;
use crate::credentials;
use crate::environment::Environment;
use crate::lookup::{self, Context, Function};
use crate::output::Failure;
use crate::repository;
use crate::workspace::{self, Layout};

/// What a function answers.
pub(crate) struct Answer {
    /// Its exit status.
    pub(crate) status: u8,
    /// What it writes to stdout.
    pub(crate) out: Vec<u8>,
    /// What it writes to stderr.
    pub(crate) err: Vec<u8>,
    /// Whether it follows from what a command of the line prints, which was not run.
    needs_commands: bool,
    /// Whether it follows from what a server alone knows, which was not asked.
    needs_servers: bool,
}

impl Answer {
    /// Calls a function as if inside the job, or inside one with the integrations alone.
    ///
    /// # Errors
    ///
    /// Where `run` would fail before its first script line.
    pub(crate) fn to(function: &Function, call: &FunctionCall) -> Result<Answer, Failure> {
        let (job, session) = match &call.job {
            Some(job) => (job.as_str(), Session::new(&call.line, &call.options, job)?),
            None => (jobless::JOB, Session::of_integrations(&call.line, &call.options, &call.integration)?),
        };
        // Most answers need no secret and no server, and only the question tells.
        let mut ready = session.prepare(job, FetchPolicy::NoCommands)?;
        let mut answer = Answer::of(function, call, &ready)?;
        if answer.needs_commands {
            ready = session.prepare(job, FetchPolicy::NoServers)?;
            answer = Answer::of(function, call, &ready)?;
        }
        if answer.needs_servers {
            ready = session.ask_servers(ready)?;
            answer = Answer::of(function, call, &ready)?;
        }
        Ok(answer)
    }

    fn of(function: &Function, call: &FunctionCall, ready: &Ready) -> Result<Answer, Failure> {
        let layout = workspace::render(&ready.plan, &ready.environment, &ready.credentials, &ready.context)?;
        let asked = |unknown: Option<&'static str>| {
            let (needs_commands, needs_servers) = Default::default();
            let (environment, root) = (&ready.environment, ready.context.root.as_path());
            let context =
                JobContext { environment, layout: &layout, root, unknown, needs_commands, needs_servers };
            let (mut out, mut err) = (Vec::new(), Vec::new());
            let status = lookup::call(function, &call.arguments, &context, &mut out, &mut err);
            let (needs_commands, needs_servers) = (context.needs_commands.get(), context.needs_servers.get());
            Answer { status, out, err, needs_commands, needs_servers }
        };
        let mut answer = asked(None);
        // A document holds more than what is picked from it: an answer that is the same whatever is not known does not
        // follow from that.
        if answer.needs_commands || answer.needs_servers {
            let other = asked(Some("something else"));
            if (other.status, &other.out, &other.err) == (answer.status, &answer.out, &answer.err) {
                (answer.needs_commands, answer.needs_servers) = (false, false);
            }
        }
        Ok(answer)
    }
}

/// The context that a job would have. What a function asks for is noted in cells: it only reads.
struct JobContext<'a> {
    environment: &'a Environment,
    layout: &'a Layout,
    root: &'a Path,
    /// What stands for what is not known, instead of the words for it.
    unknown: Option<&'static str>,
    needs_commands: Cell<bool>,
    needs_servers: Cell<bool>,
}

impl JobContext<'_> {
    /// A text, with something else in place of what is not known.
    fn imagined<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let unknown = [credentials::NOT_RUN, repository::UNASKED].into_iter();
        let mut text = Cow::Borrowed(text);
        for words in unknown.chain(credentials::UNASKED.iter().copied()) {
            if let Some(instead) = self.unknown
                && text.contains(words)
            {
                text = Cow::Owned(text.replace(words, instead));
            }
        }
        text
    }

    /// Notes what is not known of something that a function looked at.
    fn looked_at(&self, content: &[u8]) {
        let holds = |text: &str| memchr::memmem::find(content, text.as_bytes()).is_some();
        if holds(credentials::NOT_RUN) {
            self.needs_commands.set(true);
        }
        if holds(repository::UNASKED) || credentials::UNASKED.iter().any(|unasked| holds(unasked)) {
            self.needs_servers.set(true);
        }
    }
}

impl Context for JobContext<'_> {
    fn var(&self, name: &str) -> Option<Cow<'_, OsStr>> {
        match self.environment.get(name) {
            Some(value) => {
                self.looked_at(value.as_bytes());
                Some(match self.imagined(value) {
                    Cow::Borrowed(value) => Cow::Borrowed(OsStr::new(value)),
                    Cow::Owned(value) => Cow::Owned(value.into()),
                })
            }
            // What the caller set for the function itself.
            None => std::env::var_os(name).filter(|_| name.starts_with("SHIPCTL_")).map(Cow::Owned),
        }
    }

    fn names(&self) -> Vec<String> {
        self.environment.iter().map(|(name, _)| name.to_owned()).collect()
    }

    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        match path.strip_prefix(self.root) {
            Ok(below) => match self.layout.files.get(below) {
                Some(file) => {
                    self.looked_at(&file.contents);
                    Ok(match std::str::from_utf8(&file.contents) {
                        Ok(text) => self.imagined(text).into_owned().into_bytes(),
                        Err(_) => file.contents.to_vec(),
                    })
                }
                None => Err(io::ErrorKind::NotFound.into()),
            },
            Err(_) => std::fs::read(path),
        }
    }
}
