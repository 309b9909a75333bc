//! Containers: the engines that run them, and their command lines. Nothing is started here.

mod advice;
mod engine;
mod options;
mod program;
mod service;

pub use advice::advice;
pub use engine::{Choice, Engine, EngineKind};
pub use options::{ContainerOptions, read as read_options};
pub use program::Program;
pub use service::{Service, service, service_names};

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

/// The label of every container that is started here. Its value says by whom; see [`label_of`].
pub const LABEL: &str = "shipctl.run";

/// A file or directory of this machine that a container has.
#[derive(Clone, Debug)]
pub struct Mount {
    /// Where it is here.
    pub source: PathBuf,
    /// Where it is there.
    pub target: PathBuf,
    /// Whether it can be changed there.
    pub writable: bool,
}

impl Mount {
    /// Something at the same path.
    pub fn same(path: &Path, writable: bool) -> Mount {
        Mount { source: path.to_owned(), target: path.to_owned(), writable }
    }

    /// The value of `--mount`, which is a line of CSV.
    fn option(&self) -> OsString {
        let mut option = OsString::from("type=bind,");
        option.push(field("source=", &self.source));
        option.push(",");
        option.push(field("target=", &self.target));
        if !self.writable {
            option.push(",readonly");
        }
        option
    }
}

fn field(key: &str, path: &Path) -> OsString {
    let text = path.to_string_lossy();
    if text.contains([',', '"']) {
        return format!("\"{key}{}\"", text.replace('"', "\"\"")).into();
    }
    let mut field = OsString::from(key);
    field.push(path);
    field
}

/// What the container of a TASK is started with.
pub struct Spec<'a> {
    /// The image.
    pub image: &'a str,
    /// Whether the engine pulls it if it is not here.
    pub pull: bool,
    /// The options of the TASK.
    pub options: &'a ContainerOptions,
    /// How the container is called.
    pub name: &'a str,
    /// The value of its [`LABEL`].
    pub label: &'a OsStr,
    /// What it has of this machine.
    pub mounts: &'a [Mount],
    /// The program that it runs, and its arguments.
    pub command: &'a [OsString],
}

impl Engine {
    /// The command line that starts a container.
    pub fn run(&self, spec: &Spec) -> Vec<OsString> {
        let mut line = vec![self.program.clone().into_os_string()];
        line.extend(
            [
                "run",
                "--rm",
                "--pull",
                if spec.pull { "missing" } else { "never" },
                "--log-driver",
                "none",
                "--name",
                spec.name,
            ]
            .map(OsString::from),
        );
        let mut label = OsString::from(format!("{LABEL}="));
        label.push(spec.label);
        line.extend(["--label".into(), label]);
        // The workspace has a label of its own; to give it another would change the files of this machine.
        line.extend(["--security-opt", "label=disable"].map(OsString::from));
        if self.kind == EngineKind::Podman {
            // Directories instead of volumes: podman killed before it has made the container would leave those, and nothing tells
            // whose they are.
            line.extend(["--image-volume", "ignore"].map(OsString::from));
        }
        if !spec.options.names_user() {
            line.extend(["--user", "0:0"].map(OsString::from));
        }
        for mount in spec.mounts {
            line.extend(["--mount".into(), mount.option()]);
        }
        line.extend(spec.options.words().iter().map(OsString::from));
        let [program, arguments @ ..] = spec.command else { return line };
        line.extend(["--entrypoint".into(), program.clone(), spec.image.into()]);
        line.extend(arguments.iter().cloned());
        line
    }

    /// The arguments that list the containers with our [`LABEL`]: on each line a name, a blank, and the value of the label.
    pub fn list(&self) -> [String; 6] {
        let label = match self.kind {
            EngineKind::Podman => format!("{{{{index .Labels \"{LABEL}\"}}}}"),
            EngineKind::Docker => format!("{{{{.Label \"{LABEL}\"}}}}"),
        };
        let format = format!("{{{{.Names}}}} {label}");
        let filter = format!("label={LABEL}");
        ["ps".to_owned(), "--all".to_owned(), "--filter".to_owned(), filter, "--format".to_owned(), format]
    }

    /// The command line that prints something as long as there is a container of this name.
    pub fn list_one(&self, name: &str) -> Vec<OsString> {
        let mut line = vec![self.program.clone().into_os_string()];
        line.extend(["ps", "--all", "--quiet", "--filter", &format!("name=^{name}$")].map(OsString::from));
        line
    }

    /// The command line that removes a container, running or not, and the volumes that it alone has.
    pub fn remove(&self, name: &str) -> Vec<OsString> {
        let mut line = vec![self.program.clone().into_os_string()];
        line.extend(["rm", "--force", "--volumes", name].map(OsString::from));
        line
    }
}

/// What the label of a container says: on which machine the run is, and the directory for its pipes, which is there as long as
/// the run is.
pub fn label_of(machine: &str, pipes: &Path) -> OsString {
    let mut label = OsString::from(format!("{machine}:"));
    label.push(pipes);
    label
}

/// The directory for pipes that a label tells of, if the run is or was on this machine.
pub fn pipes_of<'a>(label: &'a str, machine: &str) -> Option<&'a Path> {
    label.strip_prefix(machine)?.strip_prefix(':').map(Path::new)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mount_may_have_any_path() {
        let mount = |path: &str| Mount::same(Path::new(path), true).option().into_string().unwrap();
        assert_eq!(mount("/a:b c"), "type=bind,source=/a:b c,target=/a:b c");
        assert_eq!(mount("/a,\"b"), "type=bind,\"source=/a,\"\"b\",\"target=/a,\"\"b\"");
    }

    #[test]
    fn a_label_tells_whose_container_it_is() {
        let label = label_of("here", Path::new("/dev/shm/x")).into_string().unwrap();
        assert_eq!(pipes_of(&label, "here"), Some(Path::new("/dev/shm/x")));
        assert_eq!(pipes_of(&label, "her"), None);
    }
}
