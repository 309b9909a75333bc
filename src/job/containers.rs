//! The containers that the TASKs of a job run in: which engine, which images, which command lines.

mod examine;
mod leftovers;
pub(super) mod named_image;
pub(super) mod program;
mod services;
pub(super) mod task;
mod wanted_services;

use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::process::{Command, Output};

use anyhow::{Context as _, anyhow};

use super::host::{own_directory, search_path};
use super::{Ready, Session, old_paths, script_commands, ssh_keys};
use crate::cli::Containers as Chosen;
use crate::container::{self, Choice, ContainerOptions, Engine, EngineKind, Mount, Spec};
use crate::contract::{path, shell_quoted, var};
use crate::diagnostic::Diagnostic;
use crate::environment::{Environment, IMAGE_NAME, NAME_OF_CONTAINER, substitute};
use crate::model::image::Image;
use crate::output::Failure;
use crate::resolve::Plan;
use crate::run::{self, Captured, Removal, Signals, Variables};
use crate::source::Span;
pub(crate) use examine::{EngineReport, names_image};
use named_image::{may_be_built, named_image, plain};
use program::program;
use wanted_services::WantedService;

/// The variable that says what `--containers` says.
const VARIABLE: &str = "SHIPCTL_CONTAINERS";

/// The variables by which engines find logins to registries.
const DOCKER_CONFIG: &str = "DOCKER_CONFIG";
const AUTH_FILE: &str = "REGISTRY_AUTH_FILE";

/// What is chosen on the command line, or by the variable.
///
/// # Errors
///
/// When the variable holds none of the words.
pub(crate) fn choice(chosen: Option<Chosen>) -> Result<Choice, Failure> {
    let chosen = match (chosen, std::env::var_os(VARIABLE).filter(|value| !value.is_empty())) {
        (Some(chosen), _) => chosen,
        (None, None) => Chosen::Auto,
        (None, Some(value)) => Chosen::of_word(&value.to_string_lossy()).ok_or_else(|| {
            anyhow!("{VARIABLE} is auto, never, docker or podman, and not `{}`", value.to_string_lossy())
        })?,
    };
    Ok(match chosen {
        Chosen::Auto => Choice::Auto,
        Chosen::Never => Choice::Never,
        Chosen::Podman => Choice::With(EngineKind::Podman),
        Chosen::Docker => Choice::With(EngineKind::Docker),
    })
}

/// What runs the containers of a job.
pub(crate) struct Containers {
    pub(crate) engine: Engine,
    /// The options of each TASK; `None` where it runs on this machine.
    options: Vec<Option<ContainerOptions>>,
    /// The number of the TASK that the run begins with.
    first: usize,
    /// The services beside the job.
    pub(crate) services: Vec<WantedService>,
    /// The environment of the engine.
    pub(crate) environment: Variables,
    pub(crate) machine: String,
}

impl Session {
    /// What runs the containers of a job; `None` if all of it runs on this machine.
    ///
    /// # Errors
    ///
    /// When no engine is there, and when options of an image cannot be.
    pub(crate) fn containers(&self, plan: &Plan) -> Result<Option<Containers>, Failure> {
        let Some((what, place)) = self.first_container(plan) else { return Ok(None) };
        let path = search_path();
        let engine = Engine::find(self.runs_containers, &path).map_err(|none| {
            self.fail(&[Diagnostic::error(format!("{what}, and there is no {} in the PATH", none.names()))
                .at(place)
                .hint("install podman or Docker, or run on this machine, which has to have what the image has: --containers never")])
        })?;
        Ok(Some(self.containers_with(engine, plan)?))
    }

    /// The same as a dry run shows it, whether an engine is there or not.
    pub(crate) fn planned_containers(&self, plan: &Plan) -> Result<Option<Containers>, Failure> {
        if self.first_container(plan).is_none() {
            return Ok(None);
        }
        let path = search_path();
        let engine = Engine::find(self.runs_containers, &path).unwrap_or_else(|none| {
            let kind = none.0.first().copied().unwrap_or(EngineKind::Podman);
            Engine { kind, program: kind.program().into() }
        });
        Ok(Some(self.containers_with(engine, plan)?))
    }

    /// What of a job needs a container first, and where that stands.
    fn first_container(&self, plan: &Plan) -> Option<(String, Span)> {
        if !self.runs_containers.uses_containers() {
            return None;
        }
        let image = plan.tasks.iter().find_map(|task| task.image.as_ref());
        let of_task = image.map(|image| (format!("a TASK runs in the image {}", image.name), image.place));
        of_task.or_else(|| {
            let wanted = WantedService::of(plan).into_iter().next()?;
            Some((
                format!("the service {} runs in the image {}", wanted.name.text, wanted.image),
                wanted.name.place,
            ))
        })
    }

    fn containers_with(&self, engine: Engine, plan: &Plan) -> Result<Containers, Failure> {
        let mut problems = Vec::new();
        let options = plan.tasks.iter().map(|task| {
            let image = task.image.as_ref()?;
            let Some(written) = &image.options else { return Some(ContainerOptions::default()) };
            let read = container::read_options(&written.text);
            read.map_err(|(message, hint)| {
                problems.push(Diagnostic::error(message).at(written.place).hint(hint));
            })
            .ok()
        });
        let options = options.collect();
        if !problems.is_empty() {
            return Err(self.fail(&problems));
        }
        let environment = Variables::new(self.inherited.iter().map(|(name, value)| (&**name, &**value)))?;
        let uname = nix::sys::utsname::uname().context("cannot tell the name of this machine")?;
        let machine = uname.nodename().to_string_lossy().into_owned();
        Ok(Containers {
            engine,
            options,
            first: self.first_task(plan)?,
            services: WantedService::of(plan),
            environment,
            machine,
        })
    }

    /// The environment of a shell in a container: what the job and the TASK have on top of the image.
    pub(crate) fn container_environment(
        &self,
        job: &Environment,
        task: &Environment,
    ) -> Result<Variables, Failure> {
        // The terminal is the same.
        let terminal = self.inherited.iter().find(|(name, _)| name == "TERM");
        let terminal = terminal.map(|(name, value)| (&**name, &**value));
        let of_job = job.iter().filter(|(name, _)| task.get(name).is_none());
        let own = of_job.chain(task.iter());
        let own = own.map(|(name, variable)| (OsStr::new(name), OsStr::new(variable.value.expose())));
        let mut variables = Variables::new(terminal.into_iter().chain(own))?;
        if let Some(image) = task.get(IMAGE_NAME) {
            let name = substitute(image, |name| plain(job, name), |_| {});
            variables.set(IMAGE_NAME.as_ref(), name.as_ref())?;
        }
        script_commands::add(&mut variables)?;
        Ok(variables)
    }

    /// Pulls the images of a job that are not here, or of which a newer one is wanted.
    ///
    /// # Errors
    ///
    /// When one cannot be had.
    pub(crate) fn pull(
        &self,
        containers: &Containers,
        ready: &Ready,
        signals: &Signals,
    ) -> Result<(), Failure> {
        let environment = containers.environment_with_logins(&ready.environment, signals)?;
        let of_service = |wanted: &WantedService| Image {
            name: wanted.image.clone(),
            pull: None,
            options: None,
            place: wanted.name.place,
        };
        let of_services: Vec<Image> = containers.services.iter().map(of_service).collect();
        let mut images: Vec<(Image, Option<&str>)> =
            of_services.into_iter().map(|image| (image, None)).collect();
        let tasks = ready.plan.tasks.iter().zip(&containers.options).enumerate();
        for (index, (task, options)) in tasks.skip(containers.first) {
            if let (Some(image), Some(options)) = (named_image(task, &ready.environment, |_| {}), options)
                && images.iter().all(|(known, _)| known.name != image.name)
                && !containers.is_pulled_at_start(index, &image, ready)
            {
                images.push((image, options.platform()));
            }
        }
        let call = |arguments: &[&str]| containers.call(arguments, &environment, signals);
        let are_here = |images: &[&str]| -> Result<bool, Failure> {
            Ok(call(&[&["image", "inspect", "--format", "{{.Id}}"], images].concat())?.status.success())
        };
        // What the start of the first one pulls is there for the others.
        let first = ready.plan.tasks.get(containers.first);
        let first = first.and_then(|task| named_image(task, &ready.environment, |_| {}));
        let first = first.filter(|image| containers.is_pulled_at_start(containers.first, image, ready));
        images.retain(|(image, _)| first.as_ref().is_none_or(|first| first.name != image.name));
        if images.is_empty() {
            return Ok(());
        }
        let names: Vec<_> = images.iter().map(|(image, _)| image.name.as_str()).collect();
        let all_here = are_here(&names)?;
        for (image, platform) in images {
            let is_here = all_here || are_here(&[&image.name])?;
            if is_here && image.pull != Some(true) {
                continue;
            }
            self.say(&format!("shipctl: pulling {} …\n", image.name));
            let platform = platform.map(|platform| format!("--platform={platform}"));
            let words: Vec<_> = ["pull", "--quiet"]
                .into_iter()
                .chain(platform.as_deref())
                .chain([image.name.as_str()])
                .collect();
            let pulled = call(&words)?;
            if pulled.status.success() {
                continue;
            }
            let said = said(&pulled.stderr);
            let (message, hint) = match container::advice(&said) {
                Some(hint) => (format!("the image {} cannot be pulled: {said}", image.name), hint),
                None => {
                    (format!("the image {} cannot be pulled: {said}", image.name), "see what the engine says")
                }
            };
            if !is_here {
                return Err(self.fail(&[Diagnostic::error(message).at(image.place).hint(hint)]));
            }
            self.warn(&[Diagnostic::warning(message).at(image.place).hint("the one that is here is taken")]);
        }
        Ok(())
    }
}

impl Containers {
    /// What is said of the engine before it runs anything.
    pub(crate) fn engine_line(&self) -> String {
        let Engine { kind, program } = &self.engine;
        format!("shipctl: {} runs the containers ({})\n", kind.program(), program.display())
    }

    /// The same for one TASK alone, without services.
    pub(crate) fn only(mut self, task: usize) -> Containers {
        self.options
            .iter_mut()
            .enumerate()
            .filter(|(index, _)| *index != task)
            .for_each(|(_, options)| *options = None);
        (self.first, self.services) = (task, Vec::new());
        self
    }

    /// Has the engine do something.
    pub(crate) fn call(
        &self,
        arguments: &[&str],
        environment: &Variables,
        signals: &Signals,
    ) -> Result<Output, Failure> {
        let mut command = Command::new(&self.engine.program);
        command.args(arguments);
        match run::capture(&command, environment, signals) {
            Ok(Captured::Ended(output)) => Ok(output),
            Ok(Captured::Stopped(signal)) => Err(run::Error::Interrupted(signal).into()),
            Err(error) => Err(anyhow!("{} cannot be run: {error}", self.engine.program.display()).into()),
        }
    }

    /// The container of a TASK; `None` if that runs on this machine.
    pub(crate) fn of_task(
        &self,
        (index, task): (usize, &crate::model::task::Task),
        ready: &Ready,
        on_top: &Environment,
        workspace: &Path,
        pipes: &Path,
    ) -> Result<Option<run::Container>, Failure> {
        let image = named_image(task, &ready.environment, |_| {});
        let (Some(image), Some(Some(options))) = (image, self.options.get(index)) else {
            return Ok(None);
        };
        let program = program(pipes)?;
        let mut mounts = vec![Mount::same(workspace, true), Mount::same(pipes, true)];
        if old_paths::are_in(&task.entries) {
            mounts.push(Mount {
                source: workspace.to_owned(),
                target: old_paths::BUILD.into(),
                writable: true,
            });
        }
        if ssh_keys::are_needed(&ready.plan) {
            mounts.push(ssh_keys::mount(workspace));
        }
        mounts.extend(program.mounts);
        let mut command = program.command;
        command.push(run::FIRST_PROCESS.into());
        let name = on_top.get(NAME_OF_CONTAINER).unwrap_or_default();
        let spec = Spec {
            image: &image.name,
            pull: self.is_pulled_at_start(index, &image, ready),
            options: &self
                .network(&ready.context)
                .map_or_else(|| options.clone(), |network| options.within(&network)),
            name,
            label: &container::label_of(&self.machine, pipes),
            mounts: &mounts,
            command: &command,
        };
        let job_path = ready.environment.get(var::JOB_PATH).filter(|root| !root.contains(':'));
        let before = job_path.map_or_else(String::new, |root| format!("{root}/{}:", path::SCRIPTS));
        Ok(Some(run::Container {
            image: image.name.clone(),
            start: self.engine.run(&spec),
            removal: self.removal(name),
            path: (before.into(), own_directory().unwrap_or_default().into_os_string()),
            workspace: workspace.to_owned(),
            environment: self.environment.clone(),
        }))
    }

    /// Whether it is left to the start of the container to pull an image: that of the first TASK, before whose container nothing
    /// runs, and one that may be built before. To ask for it takes an engine a tenth of what a start takes. Where there are
    /// logins, they are for the pull alone.
    fn is_pulled_at_start(&self, index: usize, image: &Image, ready: &Ready) -> bool {
        let is_first = index == self.first && image.pull != Some(true);
        (is_first && ready.environment.get(DOCKER_CONFIG).is_none())
            || may_be_built(self, ready, index, image)
    }

    /// The environment of the engine, with the logins of the job.
    fn environment_with_logins(&self, job: &Environment, signals: &Signals) -> Result<Variables, Failure> {
        let mut environment = self.environment.clone();
        let Some(directory) = job.get(DOCKER_CONFIG) else { return Ok(environment) };
        match self.engine.kind {
            EngineKind::Podman => {
                environment.set(AUTH_FILE.as_ref(), format!("{directory}/config.json").as_ref())?;
            }
            EngineKind::Docker => {
                // Which daemon is meant stands in the configuration that is not used then.
                let arguments = ["context", "inspect", "--format", "{{.Endpoints.docker.Host}}"];
                let host = self.call(&arguments, &self.environment, signals)?;
                let host = String::from_utf8_lossy(&host.stdout).trim().to_owned();
                if !host.is_empty() {
                    environment.set("DOCKER_HOST".as_ref(), host.as_ref())?;
                    environment.set("DOCKER_CONTEXT".as_ref(), "".as_ref())?;
                }
                environment.set(DOCKER_CONFIG.as_ref(), directory.as_ref())?;
            }
        }
        Ok(environment)
    }

    /// How a container is removed.
    pub(super) fn removal(&self, name: &str) -> Removal {
        Removal { remove: self.engine.remove(name), list: self.engine.list_one(name) }
    }
}

/// What an engine has said is wrong, on one line.
pub(crate) fn said(bytes: &[u8]) -> String {
    run::last_line(&String::from_utf8_lossy(bytes)).to_owned()
}

/// A command line as a shell takes it.
pub(crate) fn shown(command: &[OsString]) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_=./:,@+%$".contains(c);
    let words = command.iter().map(|word| {
        let word = word.to_string_lossy();
        if !word.is_empty() && word.chars().all(is_plain) { word.into_owned() } else { shell_quoted(&word) }
    });
    words.collect::<Vec<_>>().join(" ")
}
