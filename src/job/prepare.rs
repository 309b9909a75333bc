//! The way of a job to where it can be run: it is resolved, fetched, and gets its environment and its workspace.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use anyhow::{Context as _, anyhow};
use zeroize::Zeroizing;

use super::host::max_environment;
use super::record::{PriorState, StateAccess};
use super::{Session, matrix};
use crate::aws::ecr::Login;
use crate::contract::path;
use crate::credentials::{self, AwsProvider, Credentials, Fetch};
use crate::diagnostic::Diagnostic;
use crate::environment::{self, Built, Environment, RunContext};
use crate::mask::Patterns;
use crate::model::task::Task;
use crate::output::Failure;
use crate::repository::Repositories;
use crate::resolve::{self, Plan};
use crate::run::Masking;
use crate::secret::Secret;
use crate::state::Store;
use crate::tools::{Finish, Tools};
use crate::versions::{Opened, Versions};
use crate::workspace::{self, Home, Unavailable, Workspace};

/// What logs in to the server that takes e-mail, see `shipctl notify`.
const SMTP_PASSWORD: &str = "SHIPCTL_SMTP_PASSWORD";

/// What is started and asked to fetch what a job needs.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum FetchPolicy {
    /// The commands that credentials come from are run, and servers are asked for roles and repositories.
    Full,
    /// Commands are run; no server is asked.
    NoServers,
    /// Nothing is started, and no server is asked.
    NoCommands,
}

/// What a job needs from elsewhere, fetched.
pub(crate) struct Fetched<'a> {
    pub(crate) plan: Plan<'a>,
    pub(crate) credentials: Credentials,
    pub(crate) repositories: Repositories,
    pub(crate) versions: Rc<Versions>,
    pub(crate) logins: Vec<(String, Login)>,
    pub(crate) opened: Rc<Opened>,
    pub(crate) number: u32,
    /// The entry of the matrix of a runCI job, from 0.
    pub(crate) entry: usize,
}

/// A job, ready to be run but for the workspace.
pub(crate) struct Ready<'a> {
    pub(crate) plan: Plan<'a>,
    pub(crate) credentials: Credentials,
    pub(crate) environment: Environment,
    pub(crate) context: RunContext,
    /// The logins to registries of AWS, by the resources that ask for them.
    pub(crate) logins: Vec<(String, Login)>,
    /// What is left to the tools of the job.
    pub(crate) finish: Vec<Finish>,
}

impl Session {
    /// Resolves the job, finds the versions it takes, fetches its credentials and has its repositories described.
    /// Gives the state of the line, too, for the run.
    pub(crate) fn fetch(
        &self,
        job: &str,
        policy: FetchPolicy,
        access: StateAccess,
    ) -> Result<(Fetched<'_>, PriorState), Failure> {
        let plan = resolve::resolve_in_part(&self.line.pipeline, job);
        let (plan, problems) = plan.map_err(|problems| self.fail(&problems))?;
        self.complain(problems)?;
        let (credentials, problems) = credentials::fetch_in_part(&plan, &mut self.fetcher(policy));
        self.complain(problems)?;
        self.complete(plan, credentials, policy, access, None)
    }

    /// What fetches credentials.
    pub(crate) fn fetcher(&self, policy: FetchPolicy) -> Fetch<'_> {
        let fetch = Fetch::new(&self.line.sources, &self.opener)
            .within(self.options.fetch_timeout.unwrap_or(credentials::LIMIT))
            .with_mfa_code(self.options.mfa_code.as_deref());
        match policy {
            FetchPolicy::Full | FetchPolicy::NoServers => fetch,
            FetchPolicy::NoCommands => fetch.without_commands(),
        }
    }

    /// The same for a job that was resolved and has its credentials. `open` is the state that the job before had open.
    pub(crate) fn complete<'a>(
        &'a self,
        plan: Plan<'a>,
        mut credentials: Credentials,
        policy: FetchPolicy,
        access: StateAccess,
        open: Option<Store>,
    ) -> Result<(Fetched<'a>, PriorState), Failure> {
        let entry = self.chosen_entry(&plan)?;
        let job = &plan.job.name.text;
        let mut state = PriorState::open_for(self, access, &plan, open)?;
        let versions = Rc::new(self.choose_versions(&mut state, &plan)?);
        let number = state.next_build(job)?;
        // The sessions of a run of several jobs were taken before; those that have ended since are taken again.
        self.go_on(self.assume_roles(&plan, &mut credentials, policy == FetchPolicy::Full))?;
        let opened = Rc::new(self.open_params(&plan, &versions)?);
        // Where the workspace will be in the end makes no difference to a repository.
        let mut context = self.run_context(self.root(job, Home::Disk, 0)?, number, &versions)?;
        context.entry = entry;
        self.describe_repositories(&plan, &credentials, &mut context, policy == FetchPolicy::Full)?;
        let logins = match policy {
            FetchPolicy::Full => {
                self.log_in(&plan, &credentials, &context).map_err(|problems| self.fail(&problems))?
            }
            _ => Vec::new(),
        };
        let repositories = context.repositories;
        Ok((Fetched { plan, credentials, repositories, versions, opened, logins, number, entry }, state))
    }

    /// Takes the roles of the job; without asking AWS if that is not wanted.
    pub(crate) fn assume_roles(
        &self,
        plan: &Plan,
        credentials: &mut Credentials,
        ask: bool,
    ) -> Result<(), Vec<Diagnostic>> {
        let needed = ask && plan.all_integrations().any(credentials::is_role);
        let provider = needed.then(|| AwsProvider::new(self.options.mfa_code.as_deref()));
        self.warn(&credentials::assume_roles(plan, credentials, provider.as_ref())?);
        Ok(())
    }

    /// What is true of a run in a workspace, but for the repositories.
    pub(crate) fn run_context(
        &self,
        root: PathBuf,
        number: u32,
        versions: &Rc<Versions>,
    ) -> Result<RunContext, Failure> {
        if root.to_str().is_none() {
            let shown = root.display();
            return Err(
                anyhow!("the workspace {shown} is not UTF-8 text; give another with --workspace").into()
            );
        }
        let size = |(name, value): &(OsString, OsString)| name.len() + value.len() + 2 + size_of::<usize>();
        Ok(RunContext {
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

    /// What logs in to the server that takes e-mail.
    pub(crate) fn smtp_password(&self) -> Option<&str> {
        let password = self.inherited.iter().find(|(name, _)| name == SMTP_PASSWORD);
        password.and_then(|(_, value)| value.to_str()).filter(|value| !value.is_empty())
    }

    /// The same for a job that was sent here.
    pub(crate) fn set_smtp_password(&mut self, password: &Secret) {
        let others = self.inherited.iter().filter(|(name, _)| name != SMTP_PASSWORD).cloned();
        self.inherited = others.chain([(SMTP_PASSWORD.into(), password.expose().into())]).collect();
    }

    /// Builds the environment of the job in a workspace.
    pub(crate) fn build(&self, job: &Fetched, root: PathBuf) -> Result<(Built, RunContext, Tools), Failure> {
        let mut context = self.run_context(root, job.number, &job.versions)?;
        context.repositories = job.repositories.clone();
        context.opened = Rc::clone(&job.opened);
        context.entry = job.entry;
        let mut built = self.go_on(environment::build(&job.plan, &job.credentials, &context))?;
        let tools =
            self.configure_tools(&job.plan, &job.credentials, &mut built, &job.logins, &context.root)?;
        // Scripts that notify have it in their environment.
        let password = self.smtp_password();
        built.environment.configure([], password.map(|value| Secret::new(value.to_owned())), []);
        self.switch_versions(&job.plan, job.entry, &mut built.environment);
        for (index, task) in job.plan.tasks.iter().enumerate() {
            self.go_on(environment::of_task(task, index, &context))?;
        }
        Ok((built, context, tools))
    }

    /// All of the above, for commands that only tell of a job.
    pub(crate) fn prepare(&self, job: &str, policy: FetchPolicy) -> Result<Ready<'_>, Failure> {
        let (fetched, _) = self.fetch(job, policy, StateAccess::Read)?;
        let (built, context, tools) = self.build(&fetched, self.root(job, Home::Disk, 0)?)?;
        self.warn(&built.warnings);
        let Fetched { plan, credentials, logins, .. } = fetched;
        let (environment, finish) = (built.environment, tools.finish);
        Ok(Ready { plan, credentials, environment, context, logins, finish })
    }

    /// The same job, with what only servers know of its repositories and roles.
    pub(crate) fn ask_servers<'a>(&self, mut ready: Ready<'a>) -> Result<Ready<'a>, Failure> {
        self.assume_roles(&ready.plan, &mut ready.credentials, true)
            .map_err(|problems| self.fail(&problems))?;
        self.describe_repositories(&ready.plan, &ready.credentials, &mut ready.context, true)?;
        let built = environment::build(&ready.plan, &ready.credentials, &ready.context);
        let mut built = built.map_err(|problems| self.fail(&problems))?;
        self.configure_tools(&ready.plan, &ready.credentials, &mut built, &[], &ready.context.root)?;
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
            let (built, context, tools) = self.build(&fetched, self.root(job, home, attempt)?)?;
            let mut layout =
                workspace::render(&fetched.plan, &built.environment, &fetched.credentials, &context)?;
            for (path, contents) in tools.files {
                layout.add_secret(path, contents);
            }
            if masks {
                layout.add_secret(Path::new(path::SECRETS).join(path::MASKED), Zeroizing::default());
            }
            match Workspace::claim(&context.root, layout, keep) {
                Ok(workspace) => {
                    self.warn(&built.warnings);
                    let Fetched { plan, credentials, logins, .. } = fetched;
                    let (environment, finish) = (built.environment, tools.finish);
                    return Ok((Ready { plan, credentials, environment, context, logins, finish }, workspace));
                }
                Err(Unavailable::Failed(error)) => return Err(error.into()),
                Err(Unavailable::Blocked(what)) => self.say(&format!(
                    "warning: {} is not used: what a run has left there cannot be removed, {what}: remove it\n",
                    context.root.display()
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
}

/// What is masked in what a job prints. `token` is that of its credentials endpoint.
pub(crate) fn masking(
    ready: &Ready,
    workspace: &Workspace,
    token: Option<&Secret>,
) -> Result<Masking, Failure> {
    let added = workspace.root().join(path::SECRETS).join(path::MASKED);
    let patterns = Patterns::new(ready.environment.secrets().iter().chain(token));
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
