//! The services of a CI section, as containers beside the job.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use anyhow::anyhow;
use serde_json::Value as Json;

use super::super::Session;
use super::Containers;
use super::program::program;
use super::wanted_services::WantedService;
use crate::container::{self, ContainerOptions, Mount, Spec};
use crate::diagnostic::Diagnostic;
use crate::environment::RunContext;
use crate::output::Failure;
use crate::resolve::Plan;
use crate::run::{self, Signals, Variables};

/// Where a service finds its first process's socket.
const PLACE: &str = "/run/shipctl/service";

/// The directory of the services among the pipes of a run.
const DIRECTORY: &str = "services";

impl Containers {
    /// The container whose network the containers of the job share: that of the first service.
    pub(crate) fn network(&self, context: &RunContext) -> Option<String> {
        Some(format!("container:{}", self.services.first()?.container(context)))
    }
}

impl Session {
    /// Tells of services that there are not.
    pub(crate) fn warn_of_unknown_services(&self, plan: &Plan) {
        let names = plan.ci.map_or(&[][..], |ci| &ci.services).iter();
        let unknown = names.filter(|name| container::service(&name.text).is_none()).map(|name| {
            let known: Vec<_> = container::service_names().collect();
            Diagnostic::warning(format!("`{}` is no service that can be started", name.text))
                .at(name.place)
                .hint(format!("there are {}", known.join(", ")))
        });
        self.warn(&unknown.collect::<Vec<_>>());
    }

    /// Starts the services of a job, whose images are here, and waits until they can be reached.
    ///
    /// # Errors
    ///
    /// When one cannot be started or reached.
    pub(crate) fn start_services(
        &self,
        containers: &Containers,
        plan: &Plan,
        context: &RunContext,
        pipes: &Path,
        signals: &Signals,
    ) -> Result<Option<run::Services>, Failure> {
        if containers.services.is_empty() {
            return Ok(None);
        }
        let is_here = plan.tasks.iter().any(|task| task.image.is_none());
        let mut services = Vec::new();
        for (index, wanted) in containers.services.iter().enumerate() {
            self.say(&format!("shipctl: starting {} ({})\n", wanted.name.text, wanted.image));
            let options = match containers.network(context).filter(|_| index > 0) {
                Some(network) => ContainerOptions::of_words(vec![format!("--network={network}")]),
                // It has the network of all, and so their ports.
                None if is_here => {
                    ContainerOptions::of_words(containers.services.iter().flat_map(published).collect())
                }
                None => ContainerOptions::of_words(Vec::new()),
            };
            let directory = pipes.join(DIRECTORY).join(&wanted.name.text);
            services.push(containers.service(wanted, &options, context, pipes, directory, signals)?);
        }
        Ok(Some(run::Services::start(&services, signals)?))
    }
}

/// The option that makes a service of a container reachable on this machine alone.
fn published(wanted: &WantedService) -> [String; 2] {
    let port = wanted.service.port;
    ["--publish".to_owned(), format!("127.0.0.1:{port}:{port}")]
}

impl Containers {
    fn service(
        &self,
        wanted: &WantedService,
        options: &ContainerOptions,
        context: &RunContext,
        pipes: &Path,
        directory: PathBuf,
        signals: &Signals,
    ) -> Result<run::Service, Failure> {
        let program = program(pipes)?;
        let mut mounts = program.mounts;
        mounts.push(Mount { source: directory.clone(), target: PLACE.into(), writable: true });
        let mut command = program.command;
        let socket = Path::new(PLACE).join(run::SERVICE_SOCKET);
        command.extend([run::FIRST_PROCESS.into(), socket.into_os_string()]);
        let name = wanted.container(context);
        let spec = Spec {
            image: &wanted.image,
            pull: false,
            options,
            name: &name,
            label: &container::label_of(&self.machine, pipes),
            mounts: &mounts,
            command: &command,
        };
        let variables = wanted.service.variables.iter();
        let variables = variables.map(|(name, value)| (OsStr::new(*name), OsStr::new(*value)));
        Ok(run::Service {
            name: wanted.name.text.clone(),
            image: wanted.image.clone(),
            start: self.engine.run(&spec),
            removal: self.removal(&name),
            environment: self.environment.clone(),
            command: self.command_of(&wanted.image, signals)?,
            variables: Variables::new(variables)?,
            port: wanted.service.port,
            directory,
        })
    }

    /// What an image starts: its entry point, and the command behind that.
    fn command_of(&self, image: &str, signals: &Signals) -> Result<Vec<OsString>, Failure> {
        let output = self.call(
            &["image", "inspect", "--format", "{{json .Config}}", image],
            &self.environment,
            signals,
        )?;
        let config: Json = serde_json::from_slice(&output.stdout).unwrap_or_default();
        let words = |key: &str| config[key].as_array().cloned().unwrap_or_default();
        let words = words("Entrypoint").into_iter().chain(words("Cmd"));
        let words: Vec<OsString> = words.filter_map(|word| Some(word.as_str()?.to_owned().into())).collect();
        if words.is_empty() {
            return Err(anyhow!("the image {image} starts nothing, so it is no service").into());
        }
        Ok(words)
    }
}
