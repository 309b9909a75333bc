//! A line that was read for some jobs, and the way of one of them to where it can be run.

use std::cell::{Cell, OnceCell, RefCell};
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use anyhow::{Context as _, anyhow};
use zeroize::Zeroizing;

use super::given::given;
use super::host::{inherited, max_environment, operating_system};
use super::record::{Access, State};
use super::{audit, ci_inputs, containers, matrix, notifications};
use crate::aws::ecr::Login;
use crate::cli::{JobOptions, LineOptions, Run};
use crate::container::Choice;
use crate::contract::path;
use crate::credentials::{self, Ambient, Credentials, Fetch, Taker};
use crate::diagnostic::{Diagnostic, Paint};
use crate::environment::{self, Build, Built, Environment, Given};
use crate::exit;
use crate::load::opener;
use crate::load::{read_good, store};
use crate::mask::Patterns;
use crate::model::files::Line;
use crate::model::task::Task;
use crate::output::{Failure, failure, paint};
use crate::repository::Repositories;
use crate::resolve::{self, Plan};
use crate::run::Masking;
use crate::secret::Secret;
use crate::secure::Opener;
use crate::state::Store;
use crate::tools::{Finish, Tools};
use crate::versions::{Opened, Versions};
use crate::workspace::{self, Home, Unavailable, Workspace};

/// What logs in to the server that takes e-mail, see `shipctl notify`.
const SMTP_PASSWORD: &str = "SHIPCTL_SMTP_PASSWORD";

/// How the credentials of a job are fetched, and what is asked for it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Commands {
    /// Those that come from commands too; and servers are asked for their repositories.
    Run,
    /// Those that come from commands too; no server is asked.
    RunHere,
    /// Without starting anything.
    Skip,
}

/// A line that was read for one job, and the surroundings of that.
pub(crate) struct Session {
    pub(crate) line: Line,
    pub(crate) options: JobOptions,
    pub(crate) paint: Paint,
    pub(crate) inherited: Rc<[(OsString, OsString)]>,
    /// The variables that the caller gives.
    pub(crate) given: Rc<[Given]>,
    /// The architecture and the operating system of this machine.
    pub(crate) machine: (String, String),
    /// What opens the encrypted values of the line.
    pub(crate) opener: Opener,
    /// What stands in front of each line on stderr, where several jobs run.
    pub(crate) prefix: RefCell<String>,
    /// Whom each of the line's warnings is about: to find that out takes a look at all of the line.
    pub(crate) owners: OnceCell<Vec<Option<String>>>,
    /// The state, once a run has opened it: those that follow need not.
    pub(crate) store: RefCell<Option<Store>>,
    /// What is left of the job before.
    pub(crate) leftover: RefCell<Leftover>,
    /// Whether TASKs run in the images they name, and by what.
    pub(crate) runs_containers: Choice,
    /// Whether this process runs one job after the other.
    pub(crate) has_more_jobs: Cell<bool>,
    /// The warnings so far: each entry of a matrix has the same.
    pub(crate) said: RefCell<Vec<String>>,
    /// Whether it is a dry run, which goes on with what there is, and tells at its end what is missing.
    pub(crate) is_dry: bool,
    /// The options that files gave, for people.
    pub(crate) defaults: Vec<String>,
    /// The TASK that the run begins with.
    pub(crate) from: Option<String>,
    /// Whether it is about several jobs.
    pub(crate) is_of_several: bool,
    /// What is missing, as far as a dry run has found out.
    pub(crate) missing: RefCell<Vec<Diagnostic>>,
}

/// What is still to be done for a job that has ended.
#[derive(Default)]
pub(crate) struct Leftover {
    /// What is to be taken away.
    pub(crate) workspace: Option<Workspace>,
    /// What is to be written to the audit log.
    pub(crate) note: Option<audit::Note>,
}

/// What a job needs from elsewhere, fetched.
pub(crate) struct Fetched<'a> {
    pub(crate) plan: Plan<'a>,
    pub(crate) credentials: Credentials,
    pub(crate) repositories: Repositories,
    pub(crate) versions: Rc<Versions>,
    pub(crate) logins: Vec<(String, Login)>,
    pub(crate) opened: Rc<Opened>,
    pub(crate) state: State,
    pub(crate) number: u32,
    /// The entry of the matrix of a runCI job, from 0.
    pub(crate) entry: usize,
}

/// A job, ready to be run but for the workspace.
pub(crate) struct Ready<'a> {
    pub(crate) plan: Plan<'a>,
    pub(crate) credentials: Credentials,
    pub(crate) environment: Environment,
    pub(crate) build: Build,
    /// The logins to registries of AWS, by the resources that ask for them.
    pub(crate) logins: Vec<(String, Login)>,
    /// What is left to the tools of the job.
    pub(crate) finish: Vec<Finish>,
}

impl Session {
    /// Reads a line for a job.
    pub(crate) fn new(
        line_options: &LineOptions,
        options: &JobOptions,
        job: &str,
    ) -> Result<Session, Failure> {
        Session::of(read_good(line_options)?, &[job], paint(line_options.color, &io::stderr()), options)
    }

    /// The session of some jobs of a line.
    pub(crate) fn of(
        mut line: Line,
        jobs: &[&str],
        paint: Paint,
        options: &JobOptions,
    ) -> Result<Session, Failure> {
        let mut problems = Vec::new();
        let environment: Vec<_> = std::env::vars_os().collect();
        let ambient = Ambient::new(environment.iter().map(|(name, value)| (name, value)));
        let mut no_repositories = Vec::new();
        for job in jobs {
            no_repositories.extend(ci_inputs::add_repository(&mut line, options, job));
            credentials::add_ambient(&mut line.pipeline, job, &ambient, &mut problems);
            ci_inputs::add_hubs(&mut line.pipeline, job);
        }
        if !problems.is_empty() {
            return Err(failure(&problems, &line.sources, paint));
        }
        credentials::spare(&mut line.pipeline, options.repo.iter().map(|(name, _)| name.as_str()));
        let given = given(options)?;
        let inherited = inherited(environment, options.clean_env).into();
        let uname = nix::sys::utsname::uname().context("cannot tell the kind of this machine")?;
        let machine = (uname.machine().to_string_lossy().into_owned(), operating_system());
        let (prefix, said, store, owners, leftover, has_more_jobs) = Default::default();
        let (is_dry, missing, defaults, from) = Default::default();
        let is_of_several = jobs.len() > 1;
        let opener = opener(&line.pipeline);
        let options = options.clone();
        let session = Session {
            line,
            options,
            paint,
            inherited,
            given,
            machine,
            opener,
            prefix,
            said,
            runs_containers: Choice::Never,
            store,
            owners,
            leftover,
            has_more_jobs,
            is_dry,
            is_of_several,
            defaults,
            from,
            missing,
        };
        session.warn(&no_repositories);
        Ok(session)
    }

    /// The session of some jobs of a line, as they are to be run.
    pub(crate) fn to_run(
        mut line: Line,
        jobs: &[&str],
        command: &Run,
        options: &LineOptions,
    ) -> Result<Session, Failure> {
        let sent = if command.notify { jobs } else { &[] };
        let unsent: Vec<_> = sent.iter().flat_map(|job| notifications::send(&mut line, job)).collect();
        let mut session = Session::of(line, jobs, paint(options.color, &io::stderr()), &command.options)?;
        session.warn(&unsent);
        session.is_dry = command.dry_run;
        let errors = session.line.diagnostics.iter().filter(|found| found.is_error());
        session.complain(errors.cloned().collect())?;
        session.defaults.clone_from(&options.defaults);
        session.from.clone_from(&command.from);
        session.runs_containers = containers::choice(command.containers)?;
        Ok(session)
    }

    /// Resolves the job, finds the versions it takes, fetches its credentials and has its repositories described.
    pub(crate) fn fetch(
        &self,
        job: &str,
        commands: Commands,
        access: Access,
    ) -> Result<Fetched<'_>, Failure> {
        let plan = resolve::resolve_in_part(&self.line.pipeline, job);
        let (plan, problems) = plan.map_err(|problems| self.fail(&problems))?;
        self.complain(problems)?;
        let (credentials, problems) = credentials::fetch_in_part(&plan, &mut self.fetcher(commands));
        self.complain(problems)?;
        self.complete(plan, credentials, commands, access)
    }

    /// What fetches credentials.
    pub(crate) fn fetcher(&self, commands: Commands) -> Fetch<'_> {
        let fetch = Fetch::new(&self.line.sources, &self.opener)
            .within(self.options.fetch_timeout.unwrap_or(credentials::LIMIT))
            .with_mfa_code(self.options.mfa_code.as_deref());
        match commands {
            Commands::Run | Commands::RunHere => fetch,
            Commands::Skip => fetch.without_commands(),
        }
    }

    /// The same for a job that was resolved and has its credentials.
    pub(crate) fn complete<'a>(
        &'a self,
        plan: Plan<'a>,
        mut credentials: Credentials,
        commands: Commands,
        access: Access,
    ) -> Result<Fetched<'a>, Failure> {
        let entry = self.chosen_entry(&plan)?;
        let job = &plan.job.name.text;
        let mut state = State::open_for(self, access, &plan)?;
        let versions = Rc::new(self.choose_versions(&mut state, &plan)?);
        let number = state.next_build(job)?;
        // The sessions of a run of several jobs were taken before; those that have ended since are taken again.
        self.go_on(self.take_roles(&plan, &mut credentials, commands == Commands::Run))?;
        let opened = Rc::new(self.open_params(&plan, &versions)?);
        // Where the workspace will be in the end makes no difference to a repository.
        let mut build = self.surroundings(self.root(job, Home::Disk, 0)?, number, &versions)?;
        build.entry = entry;
        self.describe_repositories(&plan, &credentials, &mut build, commands == Commands::Run)?;
        let logins = match commands {
            Commands::Run => {
                self.log_in(&plan, &credentials, &build).map_err(|problems| self.fail(&problems))?
            }
            _ => Vec::new(),
        };
        let repositories = build.repositories;
        Ok(Fetched { plan, credentials, repositories, versions, opened, logins, state, number, entry })
    }

    /// Takes the roles of the job; without asking AWS if that is not wanted.
    pub(crate) fn take_roles(
        &self,
        plan: &Plan,
        credentials: &mut Credentials,
        ask: bool,
    ) -> Result<(), Vec<Diagnostic>> {
        let needed = ask && plan.all_integrations().any(credentials::is_role);
        let taker = needed.then(|| Taker::new(self.options.mfa_code.as_deref()));
        self.warn(&credentials::take_roles(plan, credentials, taker.as_ref())?);
        Ok(())
    }

    /// What is true of a run in a workspace, but for the repositories.
    pub(crate) fn surroundings(
        &self,
        root: PathBuf,
        number: u32,
        versions: &Rc<Versions>,
    ) -> Result<Build, Failure> {
        if root.to_str().is_none() {
            let shown = root.display();
            return Err(
                anyhow!("the workspace {shown} is not UTF-8 text; give another with --workspace").into()
            );
        }
        let size = |(name, value): &(OsString, OsString)| name.len() + value.len() + 2 + size_of::<usize>();
        Ok(Build {
            root,
            number,
            versions: Rc::clone(versions),
            user: std::env::var("USER").or_else(|_| std::env::var("LOGNAME")).unwrap_or_default(),
            architecture: self.machine.0.clone(),
            operating_system: self.machine.1.clone(),
            line: self.line.directory.clone(),
            given: Rc::clone(&self.given),
            opened: Rc::default(),
            repositories: Repositories::new(),
            entry: 0,
            inherited: Rc::clone(&self.inherited),
            containers: self.runs_containers.uses_containers(),
            max_environment: max_environment().saturating_sub(self.inherited.iter().map(size).sum()),
        })
    }

    /// Builds the environment of the job in a workspace.
    pub(crate) fn build(&self, job: &Fetched, root: PathBuf) -> Result<(Built, Build, Tools), Failure> {
        let mut build = self.surroundings(root, job.number, &job.versions)?;
        build.repositories = job.repositories.clone();
        build.opened = Rc::clone(&job.opened);
        build.entry = job.entry;
        let mut built = self.go_on(environment::build(&job.plan, &job.credentials, &build))?;
        let tools =
            self.configure_tools(&job.plan, &job.credentials, &mut built, &job.logins, &build.root)?;
        // Scripts that notify have it in their environment.
        let password = self.inherited.iter().find(|(name, _)| name == SMTP_PASSWORD);
        let password = password.and_then(|(_, value)| value.to_str()).filter(|value| !value.is_empty());
        built.environment.configure([], password.map(|value| Secret::new(value.to_owned())), []);
        self.switch_versions(&job.plan, job.entry, &mut built.environment);
        for (index, task) in job.plan.tasks.iter().enumerate() {
            self.go_on(environment::of_task(task, index, &build))?;
        }
        Ok((built, build, tools))
    }

    /// All of the above, for commands that only tell of a job.
    pub(crate) fn prepare(&self, job: &str, commands: Commands) -> Result<Ready<'_>, Failure> {
        let fetched = self.fetch(job, commands, Access::Read)?;
        let (built, build, tools) = self.build(&fetched, self.root(job, Home::Disk, 0)?)?;
        self.warn(&built.warnings);
        let Fetched { plan, credentials, logins, .. } = fetched;
        let (environment, finish) = (built.environment, tools.finish);
        Ok(Ready { plan, credentials, environment, build, logins, finish })
    }

    /// The same job, with what only servers know of its repositories and roles.
    pub(crate) fn ask_servers<'a>(&self, mut ready: Ready<'a>) -> Result<Ready<'a>, Failure> {
        self.take_roles(&ready.plan, &mut ready.credentials, true)
            .map_err(|problems| self.fail(&problems))?;
        self.describe_repositories(&ready.plan, &ready.credentials, &mut ready.build, true)?;
        let built = environment::build(&ready.plan, &ready.credentials, &ready.build);
        let mut built = built.map_err(|problems| self.fail(&problems))?;
        self.configure_tools(&ready.plan, &ready.credentials, &mut built, &[], &ready.build.root)?;
        ready.environment = built.environment;
        Ok(ready)
    }

    /// The job of what was fetched, and its workspace, which is still to be filled. With `masks`, scripts can add to what is
    /// masked.
    pub(crate) fn open<'a>(
        &self,
        fetched: Fetched<'a>,
        home: Home,
        keep: bool,
        masks: bool,
    ) -> Result<(Ready<'a>, Workspace), Failure> {
        // One after the other, the entries of a matrix have the same; those that are kept do not.
        let job = match keep {
            true => &matrix::name_of_run(&fetched.plan, fetched.entry),
            false => &fetched.plan.job.name.text,
        };
        // A clone may be large.
        let home = if fetched.repositories.is_empty() { home } else { Home::Disk };
        for attempt in 0.. {
            let (built, build, tools) = self.build(&fetched, self.root(job, home, attempt)?)?;
            let mut layout =
                workspace::render(&fetched.plan, &built.environment, &fetched.credentials, &build)?;
            for (path, contents) in tools.files {
                layout.add_secret(path, contents);
            }
            if masks {
                layout.add_secret(Path::new(path::SECRETS).join(path::MASKED), Zeroizing::default());
            }
            match Workspace::claim(&build.root, layout, keep) {
                Ok(workspace) => {
                    self.warn(&built.warnings);
                    let Fetched { plan, credentials, logins, .. } = fetched;
                    let (environment, finish) = (built.environment, tools.finish);
                    return Ok((Ready { plan, credentials, environment, build, logins, finish }, workspace));
                }
                Err(Unavailable::Failed(error)) => return Err(error.into()),
                Err(Unavailable::Blocked(what)) => self.say(&format!(
                    "warning: {} is not used: what a run has left there cannot be removed, {what}: remove it\n",
                    build.root.display()
                )),
                Err(Unavailable::InUse) if self.options.workspace.is_none() => {}
                Err(Unavailable::InUse) => break,
            }
        }
        Err(anyhow!("another run uses this workspace; give another with --workspace").into())
    }

    /// The workspace of a job; `attempt` counts those that other runs use.
    pub(crate) fn root(&self, job: &str, home: Home, attempt: usize) -> Result<PathBuf, Failure> {
        let root = match &self.options.workspace {
            Some(root) => root.clone(),
            None => home.workspace(job, attempt),
        };
        Ok(std::path::absolute(root).context("cannot use the workspace")?)
    }

    /// Fails if there are problems; a dry run goes on, and tells of them at its end.
    pub(crate) fn complain(&self, problems: Vec<Diagnostic>) -> Result<(), Failure> {
        if problems.is_empty() {
            return Ok(());
        }
        if !self.is_dry {
            return Err(self.fail(&problems));
        }
        let mut missing = self.missing.borrow_mut();
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
        let missing = self.missing.borrow();
        if missing.is_empty() { Ok(exit::SUCCESS) } else { Err(self.fail(&missing)) }
    }

    /// The result, or in a dry run what there is without it.
    pub(crate) fn go_on<T: Default>(&self, result: Result<T, Vec<Diagnostic>>) -> Result<T, Failure> {
        result.or_else(|problems| self.complain(problems).map(|()| T::default()))
    }

    pub(crate) fn fail(&self, problems: &[Diagnostic]) -> Failure {
        failure(problems, &self.line.sources, self.paint)
    }

    /// Does what is left to do for the job before: while the shell of the next one loads, or if there is none.
    pub(crate) fn catch_up(&self) {
        let Leftover { workspace, note } = self.leftover.take();
        drop(workspace);
        note.into_iter().for_each(|note| note.write(self));
    }

    /// Opens the state in which the end of a job is stored, while its shell loads.
    pub(crate) fn open_store(&self) {
        if self.store.borrow().is_none() {
            // What is wrong with it is said when it is needed.
            self.store.replace(store::open(&self.line).ok());
        }
    }

    /// Says what it has not said yet.
    pub(crate) fn warn(&self, warnings: &[Diagnostic]) {
        for warning in warnings.iter().filter(|warning| !warning.is_allowed(&self.line.sources)) {
            let text = warning.render(&self.line.sources, self.paint);
            if !self.said.borrow().contains(&text) {
                self.say(&text);
                self.said.borrow_mut().push(text);
            }
        }
    }

    /// Says something on stderr: whole lines.
    pub(crate) fn say(&self, text: &str) {
        let prefix = self.prefix.borrow();
        for line in text.split_inclusive('\n') {
            eprint!("{prefix}{line}");
        }
    }

    /// The number of the TASK that a run begins with.
    pub(crate) fn first_task(&self, plan: &Plan) -> Result<usize, Failure> {
        match &self.from {
            Some(from) => Ok(chosen_task(plan, Some(from))?.map_or(0, |(index, _)| index)),
            None => Ok(0),
        }
    }

    /// The variables of a TASK on top of those of the job.
    pub(crate) fn of_task(
        &self,
        task: Option<(usize, &Task)>,
        build: &Build,
    ) -> Result<Environment, Failure> {
        let Some((index, task)) = task else { return Ok(Environment::default()) };
        self.go_on(environment::of_task(task, index, build))
    }
}

/// What is masked in what a job prints.
pub(crate) fn masking(ready: &Ready, workspace: &Workspace) -> Result<Masking, Failure> {
    let added = workspace.root().join(path::SECRETS).join(path::MASKED);
    let patterns = Patterns::new(ready.environment.secrets());
    Ok(Masking::new(patterns, &added).with_context(|| format!("cannot read {}", added.display()))?)
}

/// The TASK that `--task` names, with its number: the first by default, `None` for a job without any.
pub(crate) fn chosen_task<'a>(
    plan: &Plan<'a>,
    chosen: Option<&str>,
) -> Result<Option<(usize, &'a Task)>, Failure> {
    let tasks = || plan.tasks.iter().copied().enumerate();
    let Some(chosen) = chosen else { return Ok(tasks().next()) };
    let by_name = tasks().find(|(index, task)| environment::task_name(task, *index) == chosen);
    let by_number = || tasks().find(|(index, _)| chosen.parse() == Ok(*index));
    match by_name.or_else(by_number) {
        Some(found) => Ok(Some(found)),
        None => {
            let names: Vec<_> = tasks().map(|(index, task)| environment::task_name(task, index)).collect();
            Err(anyhow!(
                "job `{}` has no TASK `{chosen}`; its TASKs are: {}",
                plan.job.name.text,
                names.join(", ")
            )
            .into())
        }
    }
}
