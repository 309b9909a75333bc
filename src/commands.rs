//! The commands: glue between the command line and the road from YAML to a finished job. One file each.

mod audit;
pub mod aws_credentials;
pub mod check;
mod ci;
pub mod completions;
pub mod doctor;
pub mod encrypt;
pub mod env;
pub mod exec;
pub mod function;
pub mod graph;
pub mod history;
pub mod integration;
pub mod key;
mod line;
pub mod list;
mod made;
mod params;
mod picture;
mod plain_secrets;
mod plan;
pub mod policy;
mod prompt;
mod record;
mod repositories;
pub mod reset;
pub mod run;
pub mod scan;
pub mod state;
mod tools;
mod versions;
mod warnings;

use std::cell::RefCell;
use std::ffi::OsString;
use std::fmt;
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::rc::Rc;

use anyhow::{Context as _, anyhow};

use crate::aws::ecr::Login;
use crate::cli::{ColorWhen, JobOptions, LineOptions};
use crate::contract::path;
use crate::credentials::{self, Ambient, Credentials, Fetch, Taker};
use crate::diagnostic::{Diagnostic, Paint};
use crate::environment::{self, Build, Built, Environment};
use crate::exit;
use crate::mask::Patterns;
use crate::model::files::{self, Line};
use crate::model::task::Task;
use crate::repository::Repositories;
use crate::resolve::{self, Plan};
use crate::run::Masking;
use crate::secure::{self, Opener};
use crate::source::Sources;
use crate::state::Store;
use crate::tools::{Finish, Tools};
use crate::versions::{Opened, Versions};
use crate::workspace::{self, Home, Unavailable, Workspace};
use record::{Access, State};

/// Why a command did not do what it was asked for.
#[derive(Debug)]
pub struct Failure {
    /// The exit status.
    pub status: u8,
    /// What is said on stderr.
    message: String,
}

impl Failure {
    /// The same without secrets.
    fn masked(self, patterns: &Patterns) -> Failure {
        let message = String::from_utf8_lossy(&patterns.mask(self.message.as_bytes())).into_owned();
        Failure { message, ..self }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Failure { status: exit::SHIPCTL_FAILED, message: format!("error: {error:#}\n") }
    }
}

impl From<clap::Error> for Failure {
    fn from(error: clap::Error) -> Self {
        Failure { status: exit::USAGE, message: error.render().to_string() }
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        anyhow::Error::from(error).into()
    }
}

/// A failure that consists of diagnostics.
fn failure(diagnostics: &[Diagnostic], sources: &Sources, paint: Paint) -> Failure {
    let message: String = diagnostics.iter().map(|diagnostic| diagnostic.render(sources, paint)).collect();
    Failure { status: exit::SHIPCTL_FAILED, message }
}

/// Whether a stream gets colours.
pub fn paint(when: ColorWhen, stream: &impl io::IsTerminal) -> Paint {
    let coloured = match when {
        ColorWhen::Always => true,
        ColorWhen::Never => false,
        ColorWhen::Auto => {
            stream.is_terminal()
                && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
                && std::env::var_os("TERM").is_none_or(|term| term != "dumb")
        }
    };
    if coloured { Paint::Coloured } else { Paint::Plain }
}

/// Writes a command's result. A reader that has had enough is no failure.
fn print(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(anyhow::Error::from(error).context("cannot write to stdout").into())
        }
        _ => Ok(()),
    }
}

/// Reads the line that the options name.
fn read(options: &LineOptions) -> Result<Line, Failure> {
    let directory = std::env::current_dir().context("the current directory is gone")?;
    Ok(files::read(&options.file, &options.integrations, &directory))
}

/// Reads the line and fails on errors in it.
fn read_good(options: &LineOptions) -> Result<Line, Failure> {
    let line = read(options)?;
    let errors: Vec<_> =
        line.diagnostics.iter().filter(|diagnostic| diagnostic.is_error()).cloned().collect();
    if errors.is_empty() {
        Ok(line)
    } else {
        Err(failure(&errors, &line.sources, paint(options.color, &io::stderr())))
    }
}

/// Where the line lies whose state a command is about. It need not be free of errors: what was stored can be looked at
/// all the same.
fn line_of_state(options: &LineOptions) -> Result<Line, Failure> {
    let line = read(options)?;
    if line.directory.join(crate::state::DIRECTORY).exists() {
        return Ok(line);
    }
    read_good(options)
}

/// How the credentials of a job are fetched, and what is asked for it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Commands {
    /// Those that come from commands too; and servers are asked for their repositories.
    Run,
    /// Those that come from commands too; git servers are asked, and AWS is not: secrets are not shown.
    RunMasked,
    /// Those that come from commands too; no server is asked.
    RunHere,
    /// Without starting anything.
    Skip,
}

/// A line that was read for one job, and the surroundings of that.
struct Session {
    line: Line,
    options: JobOptions,
    paint: Paint,
    inherited: Rc<[(OsString, OsString)]>,
    /// The architecture and the operating system of this machine.
    machine: (String, String),
    /// What opens the encrypted values of the line.
    opener: Opener,
    /// What stands in front of each line on stderr, where several jobs run.
    prefix: RefCell<String>,
    /// The last `PATH` of a process, and whether there is a `shipctl` along it: the jobs of a line share it.
    asked: RefCell<Option<(OsString, bool)>>,
    /// The state, once a run has opened it: those that follow need not.
    store: RefCell<Option<Store>>,
    /// The warnings so far: each entry of a matrix has the same.
    said: RefCell<Vec<String>>,
}

/// What a job needs from elsewhere, fetched.
struct Fetched<'a> {
    plan: Plan<'a>,
    credentials: Credentials,
    repositories: Repositories,
    versions: Rc<Versions>,
    logins: Vec<(String, Login)>,
    opened: Rc<Opened>,
    state: State,
    number: u32,
    /// The entry of the matrix of a runCI job, from 0.
    entry: usize,
}

/// A job, ready to be run but for the workspace.
struct Ready<'a> {
    plan: Plan<'a>,
    credentials: Credentials,
    environment: Environment,
    build: Build,
    /// The logins to registries of AWS, by the resources that ask for them.
    logins: Vec<(String, Login)>,
    /// What is left to the tools of the job.
    finish: Vec<Finish>,
}

impl Session {
    /// Reads a line for a job.
    fn new(line_options: &LineOptions, options: &JobOptions, job: &str) -> Result<Session, Failure> {
        Session::of(read_good(line_options)?, &[job], paint(line_options.color, &io::stderr()), options)
    }

    /// The session of some jobs of a line.
    fn of(mut line: Line, jobs: &[&str], paint: Paint, options: &JobOptions) -> Result<Session, Failure> {
        let mut problems = Vec::new();
        let ambient = Ambient::new(std::env::vars_os());
        let mut no_repositories = Vec::new();
        for job in jobs {
            no_repositories.extend(ci::add_repository(&mut line, options, job));
            credentials::add_ambient(&mut line.pipeline, job, &ambient, &mut problems);
        }
        if !problems.is_empty() {
            return Err(failure(&problems, &line.sources, paint));
        }
        let inherited = inherited(options.clean_env).into();
        let uname = nix::sys::utsname::uname().context("cannot tell the kind of this machine")?;
        let machine = (uname.machine().to_string_lossy().into_owned(), operating_system());
        let (prefix, said, store, asked) = Default::default();
        let opener = encrypt::opener(&line.pipeline);
        let options = options.clone();
        let session =
            Session { line, options, paint, inherited, machine, opener, prefix, said, store, asked };
        session.warn(&no_repositories);
        Ok(session)
    }

    /// Resolves the job, finds the versions it takes, fetches its credentials and has its repositories described.
    fn fetch(&self, job: &str, commands: Commands, access: Access) -> Result<Fetched<'_>, Failure> {
        let plan = resolve::resolve(&self.line.pipeline, job).map_err(|problems| self.fail(&problems))?;
        let credentials = credentials::fetch(&plan, &mut self.fetcher(commands));
        let credentials = credentials.map_err(|problems| self.fail(&problems))?;
        self.complete(plan, credentials, commands, access)
    }

    /// What fetches credentials.
    fn fetcher(&self, commands: Commands) -> Fetch<'_> {
        let fetch = Fetch::new(&self.line.sources, &self.opener)
            .within(self.options.fetch_timeout.unwrap_or(credentials::LIMIT));
        match commands {
            Commands::Run | Commands::RunMasked | Commands::RunHere => fetch,
            Commands::Skip => fetch.without_commands(),
        }
    }

    /// The same for a job that was resolved and has its credentials.
    fn complete<'a>(
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
        self.take_roles(&plan, &mut credentials, commands == Commands::Run)
            .map_err(|problems| self.fail(&problems))?;
        let opened = Rc::new(self.open_params(&plan, &versions)?);
        // Where the workspace will be in the end makes no difference to a repository.
        let mut build = self.surroundings(self.root(job, Home::Disk, 0)?, number, &versions)?;
        build.entry = entry;
        self.describe_repositories(
            &plan,
            &credentials,
            &mut build,
            matches!(commands, Commands::Run | Commands::RunMasked),
        )?;
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
    fn take_roles(
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
    fn surroundings(&self, root: PathBuf, number: u32, versions: &Rc<Versions>) -> Result<Build, Failure> {
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
            given: self.options.env.clone(),
            opened: Rc::default(),
            repositories: Repositories::new(),
            entry: 0,
            inherited: Rc::clone(&self.inherited),
            max_environment: max_environment().saturating_sub(self.inherited.iter().map(size).sum()),
        })
    }

    /// Builds the environment of the job in a workspace.
    fn build(&self, job: &Fetched, root: PathBuf) -> Result<(Built, Build, Tools), Failure> {
        let mut build = self.surroundings(root, job.number, &job.versions)?;
        build.repositories = job.repositories.clone();
        build.opened = Rc::clone(&job.opened);
        build.entry = job.entry;
        let mut built = environment::build(&job.plan, &job.credentials, &build)
            .map_err(|problems| self.fail(&problems))?;
        let tools =
            self.configure_tools(&job.plan, &job.credentials, &mut built, &job.logins, &build.root)?;
        for (index, task) in job.plan.tasks.iter().enumerate() {
            environment::of_task(task, index, &build).map_err(|problems| self.fail(&problems))?;
        }
        Ok((built, build, tools))
    }

    /// All of the above, for commands that only tell of a job.
    fn prepare(&self, job: &str, commands: Commands) -> Result<Ready<'_>, Failure> {
        let fetched = self.fetch(job, commands, Access::Read)?;
        let (built, build, tools) = self.build(&fetched, self.root(job, Home::Disk, 0)?)?;
        self.warn(&built.warnings);
        let Fetched { plan, credentials, logins, .. } = fetched;
        let (environment, finish) = (built.environment, tools.finish);
        Ok(Ready { plan, credentials, environment, build, logins, finish })
    }

    /// The same job, with what only servers know of its repositories and roles.
    fn ask_servers<'a>(&self, mut ready: Ready<'a>) -> Result<Ready<'a>, Failure> {
        self.take_roles(&ready.plan, &mut ready.credentials, true)
            .map_err(|problems| self.fail(&problems))?;
        self.describe_repositories(&ready.plan, &ready.credentials, &mut ready.build, true)?;
        let built = environment::build(&ready.plan, &ready.credentials, &ready.build);
        let mut built = built.map_err(|problems| self.fail(&problems))?;
        self.configure_tools(&ready.plan, &ready.credentials, &mut built, &[], &ready.build.root)?;
        ready.environment = built.environment;
        Ok(ready)
    }

    /// The job of what was fetched, and its workspace on disk.
    fn open<'a>(
        &self,
        fetched: Fetched<'a>,
        home: Home,
        keep: bool,
    ) -> Result<(Ready<'a>, Workspace), Failure> {
        // One after the other, the entries of a matrix have the same; those that are kept do not.
        let job = match keep {
            true => &ci::name_of_run(&fetched.plan, fetched.entry),
            false => &fetched.plan.job.name.text,
        };
        // A clone may be large.
        let home = if fetched.repositories.is_empty() { home } else { Home::Disk };
        if self.options.workspace.is_none() {
            workspace::remove_stale(home)?;
        }
        for attempt in 0.. {
            let (built, build, tools) = self.build(&fetched, self.root(job, home, attempt)?)?;
            let mut layout =
                workspace::render(&fetched.plan, &built.environment, &fetched.credentials, &build)?;
            for (path, contents) in tools.files {
                layout.add_secret(path, contents);
            }
            match Workspace::create(&build.root, &layout, keep) {
                Ok(workspace) => {
                    self.warn(&built.warnings);
                    let Fetched { plan, credentials, logins, .. } = fetched;
                    let (environment, finish) = (built.environment, tools.finish);
                    return Ok((Ready { plan, credentials, environment, build, logins, finish }, workspace));
                }
                Err(Unavailable::Failed(error)) => return Err(error.into()),
                Err(Unavailable::InUse) if self.options.workspace.is_none() => {}
                Err(Unavailable::InUse) => break,
            }
        }
        Err(anyhow!("another run uses this workspace; give another with --workspace").into())
    }

    /// The workspace of a job; `attempt` counts those that other runs use.
    fn root(&self, job: &str, home: Home, attempt: usize) -> Result<PathBuf, Failure> {
        Ok(match &self.options.workspace {
            Some(root) => std::path::absolute(root).context("cannot use the workspace")?,
            None => home.workspace(job, attempt),
        })
    }

    fn fail(&self, problems: &[Diagnostic]) -> Failure {
        failure(problems, &self.line.sources, self.paint)
    }

    /// Says what it has not said yet.
    fn warn(&self, warnings: &[Diagnostic]) {
        for warning in warnings {
            let text = warning.render(&self.line.sources, self.paint);
            if !self.said.borrow().contains(&text) {
                self.say(&text);
                self.said.borrow_mut().push(text);
            }
        }
    }

    /// Says something on stderr: whole lines.
    fn say(&self, text: &str) {
        let prefix = self.prefix.borrow();
        for line in text.split_inclusive('\n') {
            eprint!("{prefix}{line}");
        }
    }

    /// The variables of a TASK on top of those of the job.
    fn of_task(&self, task: Option<(usize, &Task)>, build: &Build) -> Result<Environment, Failure> {
        let Some((index, task)) = task else { return Ok(Environment::default()) };
        environment::of_task(task, index, build).map_err(|problems| self.fail(&problems))
    }

    /// The whole environment of a process of the job: what it inherits, the job's own, and the TASK's on top.
    fn process_environment(&self, job: &Environment, task: &Environment) -> Vec<(OsString, OsString)> {
        let own = |name: &str| task.get(name).or_else(|| job.get(name)).is_some();
        let left_out = |name: &str| own(name) || job.hides(name);
        let inherited =
            self.inherited.iter().filter(|(name, _)| !name.to_str().is_some_and(left_out)).cloned();
        let pair =
            |(name, variable): (&str, &environment::Variable)| (name.into(), variable.value.expose().into());
        let job = job.iter().filter(|(name, _)| task.get(name).is_none());
        let mut variables: Vec<_> = inherited.chain(job.map(pair)).chain(task.iter().map(pair)).collect();
        self.offer_shipctl(&mut variables);
        variables
    }

    /// Scripts ask `shipctl`: where their PATH has none, this one comes last.
    fn offer_shipctl(&self, variables: &mut Vec<(OsString, OsString)>) {
        let Ok(program) = std::env::current_exe() else { return };
        let Some(directory) = program.parent() else { return };
        match variables.iter_mut().find(|(name, _)| name == "PATH") {
            Some((_, path)) => {
                if !self.has_shipctl(path) {
                    path.push(":");
                    path.push(directory);
                }
            }
            None => {
                let mut path = OsString::from("/usr/local/bin:/usr/bin:/bin:");
                path.push(directory);
                variables.push(("PATH".into(), path));
            }
        }
    }

    /// Whether there is a `shipctl` along a `PATH`.
    fn has_shipctl(&self, path: &OsString) -> bool {
        let mut asked = self.asked.borrow_mut();
        if let Some((_, has)) = asked.as_ref().filter(|(known, _)| known == path) {
            return *has;
        }
        let has = std::env::split_paths(path).any(|directory| directory.join("shipctl").is_file());
        *asked = Some((path.clone(), has));
        has
    }
}

/// What is masked in what a job prints.
fn masking(ready: &Ready, workspace: &Workspace) -> Result<Masking, Failure> {
    let added = workspace.root().join(path::SECRETS).join(path::MASKED);
    let patterns = Patterns::new(ready.environment.secrets());
    Ok(Masking::new(patterns, &added).with_context(|| format!("cannot make {}", added.display()))?)
}

/// What a job inherits of this process's environment. The variables that tell shipctl itself about secrets are not for
/// the job.
fn inherited(clean: bool) -> Vec<(OsString, OsString)> {
    const KEPT: &[&str] = &["HOME", "PATH", "USER", "LOGNAME", "LANG", "TERM", "TMPDIR", "SHELL", "TZ"];
    std::env::vars_os()
        .filter(|(name, _)| {
            let name = name.to_string_lossy();
            if clean {
                KEPT.contains(&&*name) || name.starts_with("LC_")
            } else {
                !name.starts_with(credentials::PREFIX) && !secure::VARIABLES.contains(&&*name)
            }
        })
        .collect()
}

/// What the kernel allows all variables together: a quarter of the stack, between 128 KiB and 6 MiB. Arguments and the
/// names of files count too; a little is left for them.
fn max_environment() -> usize {
    let stack = nix::sys::resource::getrlimit(nix::sys::resource::Resource::RLIMIT_STACK)
        .map_or(8 << 20, |(soft, _)| soft);
    usize::try_from(stack / 4).unwrap_or(usize::MAX).clamp(128 << 10, 6 << 20) - (16 << 10)
}

/// The operating system as the original wrote it: `Ubuntu_16.04`.
fn operating_system() -> String {
    let release = std::fs::read_to_string("/etc/os-release").unwrap_or_default();
    let value = |key: &str| {
        let line = release.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('='));
        line.map(|value| value.trim_matches('"').split(' ').next().unwrap_or_default().to_owned())
    };
    match (value("NAME"), value("VERSION_ID")) {
        (Some(name), Some(version)) => format!("{name}_{version}"),
        (Some(name), None) => name,
        _ => std::env::consts::OS.to_owned(),
    }
}

/// The TASK that `--task` names, with its number: the first by default, `None` for a job without any.
fn chosen_task<'a>(plan: &Plan<'a>, chosen: Option<&str>) -> Result<Option<(usize, &'a Task)>, Failure> {
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

/// Goes to the directory of `-C`, once, before anything else.
pub fn enter(directory: Option<&PathBuf>) -> Result<(), Failure> {
    if let Some(directory) = directory {
        std::env::set_current_dir(directory)
            .with_context(|| format!("cannot go to the directory {}", directory.display()))?;
    }
    Ok(())
}
