//! Which engine runs containers.

use std::ffi::OsStr;
use std::path::PathBuf;

use nix::unistd::{AccessFlags, access};
use serde::{Deserialize, Serialize};

/// Whether TASKs run in the images they name, and by which engine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Choice {
    /// By the engine that is found.
    Auto,
    /// They run on this machine.
    #[default]
    Never,
    /// By this engine.
    With(EngineKind),
}

/// A kind of engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum EngineKind {
    /// podman.
    Podman,
    /// Docker.
    Docker,
}

impl EngineKind {
    /// Those that are looked for, in this order.
    pub const ALL: &[EngineKind] = &[EngineKind::Podman, EngineKind::Docker];

    /// The name of its program.
    pub fn program(self) -> &'static str {
        match self {
            EngineKind::Podman => "podman",
            EngineKind::Docker => "docker",
        }
    }
}

/// An engine that is there.
#[derive(Clone, Debug)]
pub struct Engine {
    /// Its kind.
    pub kind: EngineKind,
    /// Its program.
    pub program: PathBuf,
}

/// That no engine is there; what was looked for.
#[derive(Debug)]
pub struct NoEngine(pub &'static [EngineKind]);

impl NoEngine {
    /// `podman or docker`
    pub fn names(&self) -> String {
        self.0.iter().map(|kind| kind.program()).collect::<Vec<_>>().join(" or ")
    }
}

impl Choice {
    /// Whether TASKs run in the images they name.
    pub fn uses_containers(self) -> bool {
        self != Choice::Never
    }

    fn kinds(self) -> &'static [EngineKind] {
        match self {
            Choice::Auto => EngineKind::ALL,
            Choice::Never => &[],
            Choice::With(EngineKind::Podman) => &[EngineKind::Podman],
            Choice::With(EngineKind::Docker) => &[EngineKind::Docker],
        }
    }
}

impl Engine {
    /// Finds the engine along a `PATH`.
    ///
    /// # Errors
    ///
    /// When none is there.
    pub fn find(choice: Choice, path: &OsStr) -> Result<Engine, NoEngine> {
        let kinds = choice.kinds();
        for kind in kinds {
            for directory in std::env::split_paths(path).filter(|directory| directory.is_absolute()) {
                let program = directory.join(kind.program());
                if program.is_file() && access(&program, AccessFlags::X_OK).is_ok() {
                    return Ok(Engine { kind: *kind, program });
                }
            }
        }
        Err(NoEngine(kinds))
    }
}
