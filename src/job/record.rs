//! What a run remembers of those before it, and leaves for those after it.

use super::outputs::{self, Outputs};
use super::{Fetched, Ready, Session};
use crate::contract::path;
use crate::credentials::{Content, Credentials, FetchedValue, Value};
use crate::diagnostic::Diagnostic;
use crate::environment::dependency_directory;
use crate::exit;
use crate::load::store;
use crate::output::Failure;
use crate::resolve::{Operation, Plan};
use crate::run::{Masking, Outcome};
use crate::secret::Secret;
use crate::state::{self, Build, Change, Ending, RunSecret, StateErrorKind, Store, VersionRef};

/// What a command does to the state.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum StateAccess {
    /// Looks at what is there.
    Read,
    /// Records a run.
    Record,
}

/// The state of the line before a run, as far as the job has a use for it.
pub(crate) struct PriorState {
    stored: Stored,
    /// Whether the run is to be recorded.
    recording: bool,
}

/// What is known of what earlier runs stored.
enum Stored {
    /// The job has no use for it, so it was not opened: this takes as long as many a script. The number of the next run.
    Unopened(u32),
    /// It is open, if there is any.
    Opened(Option<Store>),
}

impl PriorState {
    /// Opens the state of the line. One that cannot be written to does not keep a job from running: a warning says that
    /// the run leaves nothing behind. One that cannot be *read* does, as the job would run with other values than it
    /// should.
    fn open(session: &Session, access: StateAccess, open: Option<Store>) -> Result<PriorState, Failure> {
        let line = &session.line;
        let recorded = |store| PriorState { stored: Stored::Opened(Some(store)), recording: true };
        if access == StateAccess::Record {
            // Unless it was removed in the meantime.
            if let Some(store) = open.filter(Store::is_there) {
                return Ok(recorded(store));
            }
            match store::open(line) {
                Ok(store) => return Ok(recorded(store)),
                Err(error) if goes_unrecorded(session, &error) => warn_unrecorded(session, &error),
                Err(error) => return Err(error.into()),
            }
        }
        Ok(PriorState { stored: Stored::Opened(store::open_existing(line)?), recording: false })
    }

    /// The state of the line for a job. `open` is one that the job before had open.
    pub(crate) fn open_for(
        session: &Session,
        access: StateAccess,
        plan: &Plan,
        open: Option<Store>,
    ) -> Result<PriorState, Failure> {
        let next = || match store::is_shared(&session.line) {
            true => None,
            false => Build::next_unopened(&session.line.directory, &plan.job.name.text),
        };
        match (open.is_none() && plan.dependencies.is_empty()).then(next).flatten() {
            Some(next) => {
                Ok(PriorState { stored: Stored::Unopened(next), recording: access == StateAccess::Record })
            }
            None => PriorState::open(session, access, open),
        }
    }

    /// What is stored, if anything is and the job has a use for it; and whether the run is to be recorded.
    pub(crate) fn store(&mut self) -> (Option<&mut Store>, bool) {
        match &mut self.stored {
            Stored::Unopened(_) => (None, self.recording),
            Stored::Opened(store) => (store.as_mut(), self.recording),
        }
    }

    /// The number that the next run of a job has. One that is recorded gets it when its record begins.
    pub(crate) fn next_build(&self, job: &str) -> Result<u32, Failure> {
        Ok(match &self.stored {
            Stored::Unopened(next) => (*next).max(1),
            Stored::Opened(Some(store)) if !self.recording => store.next_build(job)?,
            Stored::Opened(_) => 1,
        })
    }

    /// Puts the files of the versions that go in, and of the job's last one, where the job finds them.
    pub(crate) fn restore_files(&self, ready: &Ready) -> Result<(), Failure> {
        match &self.stored {
            Stored::Opened(Some(store)) => restore_files(store, ready),
            Stored::Opened(None) | Stored::Unopened(_) => Ok(()),
        }
    }
}

/// Puts the files of the versions that go in, and of the job's last one, where the job finds them.
fn restore_files(store: &Store, ready: &Ready) -> Result<(), Failure> {
    let (root, versions) = (&ready.context.root, &ready.context.versions);
    if let Some(version) = versions.previous.as_ref().filter(|version| version.has_files()) {
        store.restore_files(version, &root.join(path::PREVIOUS_STATE))?;
    }
    let mut restored = Vec::new();
    for dependency in &ready.plan.dependencies {
        let kind = dependency.target.kind();
        let version = match dependency.operation {
            Operation::In(_) => versions.of(dependency).filter(|version| version.has_files()),
            Operation::Out(_) => None,
        };
        // Params have a file where others have a directory; and a resource may go in twice.
        if let Some(version) = version
            && kind != "params"
            && !restored.contains(&&dependency.name.text)
        {
            let directory = dependency_directory(root, path::IN, &dependency.name.text);
            store.restore_files(version, &directory.join(kind))?;
            restored.push(&dependency.name.text);
        }
    }
    Ok(())
}

/// How the history has an end.
pub(crate) fn ending_of(outcome: Outcome) -> Ending {
    match outcome {
        Outcome::Success => Ending::Success,
        Outcome::Failed(_) | Outcome::Signalled(_) => Ending::Failure,
        Outcome::TimedOut => Ending::TimedOut,
        Outcome::Cancelled(_) => Ending::Cancelled,
    }
}

/// A run that has begun, in the history or not.
pub(crate) struct Record {
    /// What the history has of it; `None` for a run that is not recorded.
    build: Option<Build>,
    /// What was stored before, if the job has a use for it.
    store: Option<Store>,
    /// The store that the end of the run is written to, opened while its shell loads.
    ahead: Option<Store>,
}

impl Record {
    /// Begins the record of a run, which gives it its number.
    pub(crate) fn begin(
        session: &Session,
        state: PriorState,
        fetched: &mut Fetched,
    ) -> Result<Record, Failure> {
        let job = &fetched.plan.job.name.text;
        let mut state = state;
        if state.recording && matches!(state.stored, Stored::Unopened(_)) {
            match Build::begin_unopened(&session.line.directory, job) {
                Ok(Some(build)) => {
                    fetched.number = build.reference.number;
                    return Ok(Record { build: Some(build), store: None, ahead: None });
                }
                Err(error) if !goes_unrecorded(session, &error) => return Err(error.into()),
                _ => {}
            }
            state = PriorState::open(session, StateAccess::Record, None)?;
        }
        let PriorState { stored, recording } = state;
        let store = match stored {
            Stored::Opened(store) => store,
            Stored::Unopened(_) => None,
        };
        let Some(mut store) = store else { return Ok(Record { build: None, store: None, ahead: None }) };
        if !recording {
            return Ok(Record { build: None, store: Some(store), ahead: None });
        }
        let mut used: Vec<VersionRef> = Vec::new();
        for dependency in &fetched.plan.dependencies {
            if let (Operation::In(_), Some(version)) = (dependency.operation, fetched.versions.of(dependency))
            {
                used.push(version.reference());
            }
        }
        let build = match store.begin_build(job, &used) {
            Ok(build) => Some(build),
            // A store on a disk that cannot be written to opens well.
            Err(error) if goes_unrecorded(session, &error) => {
                warn_unrecorded(session, &error);
                None
            }
            Err(error) => return Err(error.into()),
        };
        fetched.number = match &build {
            Some(build) => build.reference.number,
            None => store.next_build(job)?,
        };
        Ok(Record { build, store: Some(store), ahead: None })
    }

    /// The number of the run in the history, if it is in there.
    pub(crate) fn number(&self) -> Option<u32> {
        self.build.as_ref().map(|build| build.reference.number)
    }

    /// Puts the files of the versions that go in, and of the job's last one, where the job finds them.
    pub(crate) fn restore_files(&self, ready: &Ready) -> Result<(), Failure> {
        self.store.as_ref().map_or(Ok(()), |store| restore_files(store, ready))
    }

    /// Opens the store that the end of the run is written to, if that is not done yet.
    pub(crate) fn open_ahead(&mut self, session: &Session) {
        if self.build.is_some() && self.store.is_none() && self.ahead.is_none() {
            // What is wrong with it is said when it is needed.
            self.ahead = store::open(&session.line).ok();
        }
    }

    /// Ends it: stores the versions that a recorded run made, all of them or none. Returns the store, for the next run.
    ///
    /// # Errors
    ///
    /// When they cannot be stored, or hold a secret. Then the run has failed.
    pub(crate) fn finish(
        self,
        session: &Session,
        ready: &Ready,
        outcome: Outcome,
        masking: &Masking,
        allow_secrets: bool,
    ) -> Result<Option<Store>, Failure> {
        let secrets = (!allow_secrets).then(|| Secrets::of(&ready.credentials, masking.added()));
        self.store(session, outcome, secrets.as_ref(), |ending| outputs::read(ready, ending))
    }

    /// The same for a job that ran elsewhere, which has made this and added these to what is masked; or for one without
    /// scripts.
    ///
    /// # Errors
    ///
    /// As [`Record::finish`].
    pub(crate) fn finish_with(
        self,
        session: &Session,
        credentials: &Credentials,
        outcome: Outcome,
        (changes, added): (Result<Vec<Change>, Failure>, &[Secret]),
        allow_secrets: bool,
    ) -> Result<Option<Store>, Failure> {
        let secrets = (!allow_secrets).then(|| Secrets::of(credentials, added));
        let read_outputs = |_| Ok(Outputs { changes: changes?, warnings: Vec::new() });
        self.store(session, outcome, secrets.as_ref(), read_outputs)
    }

    /// Ends that of a run which could not begin, or the end of which is not known; `failure` says why.
    pub(crate) fn fail(self, session: &Session, failure: Failure) -> Failure {
        let Record { build, mut store, ahead: _ } = self;
        if let Some(build) = build {
            let stopped = failure.status > exit::of_signal(0);
            let ending = if stopped { Ending::Cancelled } else { Ending::Failure };
            // Should this fail, too, the history has a run that was interrupted.
            let _ = end(&build, &mut store, session, ending, failure.status, &[]);
        }
        failure
    }

    /// Stores what a run made, unless one of these secrets is in it.
    fn store(
        self,
        session: &Session,
        outcome: Outcome,
        secrets: Option<&Secrets>,
        read_outputs: impl FnOnce(Ending) -> Result<Outputs, Failure>,
    ) -> Result<Option<Store>, Failure> {
        let ending = ending_of(outcome);
        // The status of a script that failed is more than that of what it could not leave.
        let status = if outcome == Outcome::Success { exit::NOT_STORED } else { outcome.status() };
        let Record { build, store, ahead } = self;
        let Some(build) = build else { return Ok(None) };
        let mut store = store.or_else(|| ahead.filter(Store::is_there));
        let stored = read_outputs(ending)
            .and_then(|Outputs { changes, warnings }| {
                session.warn(&warnings);
                match secrets {
                    Some(secrets) => without_secrets(secrets, changes),
                    None => Ok(changes),
                }
            })
            .and_then(|changes| Ok(end(&build, &mut store, session, ending, outcome.status(), &changes)?));
        if stored.is_err() {
            let ending = if ending == Ending::Success { Ending::Failure } else { ending };
            // It is in the history all the same, if that can be; what was wrong is said below.
            let _ = end(&build, &mut store, session, ending, status, &[]);
        }
        stored.map(|()| store).map_err(|failure| Failure { status, ..failure })
    }
}

/// Ends a build in the store, which is opened if that is necessary.
fn end(
    build: &Build,
    store: &mut Option<Store>,
    session: &Session,
    ending: Ending,
    status: u8,
    changes: &[Change],
) -> state::Result<()> {
    let store = match store {
        Some(store) => store,
        None => store.insert(store::open(&session.line)?),
    };
    store.finish(build, ending, status, changes).map(drop)
}

/// Refuses what has a secret of the run in it.
fn without_secrets(secrets: &Secrets, changes: Vec<Change>) -> Result<Vec<Change>, Failure> {
    let leaks = state::leaks(&secrets.all(), &changes)?;
    if leaks.is_empty() {
        return Ok(changes);
    }
    let mut message = String::new();
    for leak in leaks {
        message += &format!("error: {leak}\n");
    }
    message += "  hint: nothing of this run was stored; keep secrets in integrations, and take them from there in the job \
                that needs them. --allow-secrets-in-state stores them all the same, unencrypted\n";
    Err(Failure { status: exit::NOT_STORED, message })
}

/// The secrets of a run, with where they come from.
struct Secrets<'a>(Vec<(&'a Secret, String, bool)>);

impl<'a> Secrets<'a> {
    fn of(credentials: &'a Credentials, added: &'a [Secret]) -> Self {
        let added = added.iter().map(|secret| (secret, "a value given to `shipctl mask`".to_owned(), true));
        let mut secrets: Vec<_> = added.collect();
        let mut add = |fetched: &'a FetchedValue, origin: String, inside| {
            if let Value::Secret(secret) = &fetched.value
                && fetched.masked
            {
                secrets.push((secret, origin, inside));
            }
        };
        for credential in credentials.values() {
            let of = |field: &str| format!("integration {}, field {field}", credential.name);
            for field in &credential.fields {
                match &field.content {
                    Content::One(one) => add(one, of(field.name), true),
                    Content::List(items) => {
                        items.iter().for_each(|item| add(item, of(field.name), true));
                    }
                    Content::Map(entries) => {
                        for (key, one) in entries {
                            add(one, format!("integration {}, key {key}", credential.name), false);
                        }
                    }
                }
            }
        }
        Secrets(secrets)
    }

    fn all(&self) -> Vec<RunSecret<'_>> {
        self.0.iter().map(|(value, origin, inside)| RunSecret { value, origin, inside: *inside }).collect()
    }
}

/// Whether state cannot be kept where the line lies, as in a checkout that belongs to another user: then the run goes
/// without. Who names another place for it means that.
fn goes_unrecorded(session: &Session, error: &state::Error) -> bool {
    matches!(error.kind(), StateErrorKind::Denied | StateErrorKind::Missing)
        && !store::is_shared(&session.line)
}

fn warn_unrecorded(session: &Session, error: &state::Error) {
    session.warn(&[Diagnostic::warning(format!(
        "this run leaves no version and is not in the history: {error}"
    ))]);
}

impl From<state::Error> for Failure {
    fn from(error: state::Error) -> Self {
        Failure { status: exit::SHIPCTL_FAILED, message: format!("error: {error}\n") }
    }
}
