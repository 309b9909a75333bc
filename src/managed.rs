//! Jobs without scripts, whose work the original service did itself: what they make of what goes in.
//!
//! ```text
//! entry      manifests, with their images or files, as versions hold them
//! inputs     what goes in, as far as these jobs heed it
//! manifest   lists what is deployed together
//! release    gives manifests a semantic version; bump says which
//! deploy     which manifests go onto which cluster, and how
//! ecs        what Amazon ECS is sent for that, and which calls are made in which order
//! kubernetes the same for Kubernetes, whose calls are those of kubectl
//! provision  Services of Kubernetes, for what was deployed there
//! ```
//!
//! Pure: no files, no clock, no processes. What a job makes is a version of it, stored like any other.

mod bump;
pub mod deploy;
pub mod ecs;
mod entry;
mod inputs;
pub mod kubernetes;
mod manifest;
mod names;
pub mod provision;
mod release;
mod values;

use serde_json::{Map, Value as Json};

use crate::diagnostic::Diagnostic;
use crate::environment::Environment;
use crate::model::Managed;
use crate::resolve::Plan;
use crate::versions::{Opened, Versions};

pub use entry::{Manifest, Part, Setting};
pub use release::SEED;

/// A job, and all that its result depends on.
pub struct ManagedJob<'a> {
    /// The job, resolved.
    pub plan: &'a Plan<'a>,
    /// Its environment, which fills the placeholders of resources.
    pub environment: &'a Environment,
    /// The stored versions of what goes in.
    pub versions: &'a Versions,
    /// The encrypted params that go in.
    pub opened: &'a Opened,
    /// The jobs that go in and hold manifests, in step order.
    pub jobs: Vec<Incoming>,
    /// Whether it is only shown, and not made: then values are shown.
    pub is_dry: bool,
}

/// A job that goes in and holds manifests.
#[derive(Clone, Debug)]
pub struct Incoming {
    /// Its name.
    pub name: String,
    /// Its type.
    pub kind: String,
    /// Its version; `None` if it has not run yet.
    pub version: Option<Holding>,
}

/// The version of such a job.
#[derive(Clone, Debug, Default)]
pub struct Holding {
    /// What it is called.
    pub version_name: Option<String>,
    /// What it holds.
    pub manifests: Vec<Manifest>,
}

/// What a job makes: its next version, and what there is to say.
#[derive(Debug, Default)]
pub struct ManagedOutput {
    /// What the version is called.
    pub version_name: Option<String>,
    /// What it holds.
    pub bag: Map<String, Json>,
    /// What people see of it: the log of a run.
    pub lines: Vec<String>,
    /// What looks like a mistake.
    pub warnings: Vec<Diagnostic>,
}

impl ManagedOutput {
    /// The manifests in it.
    pub fn manifests(&self) -> Vec<Manifest> {
        entry::manifests(&self.bag)
    }
}

impl Holding {
    /// What a stored version of a job holds.
    pub fn of(version: &crate::state::Version) -> Holding {
        let mut manifests = entry::manifests(&version.bag);
        for manifest in manifests.iter_mut().filter(|manifest| manifest.name == version.name) {
            manifest.version_number.get_or_insert(version.number);
        }
        Holding { version_name: version.version_name.clone(), manifests }
    }
}

/// What a job makes of what goes in.
///
/// # Errors
///
/// What is missing, or cannot be put together.
///
/// What a deployment makes depends on what becomes of it; this is what it makes if all goes well.
pub fn make(managed: Managed, given: &ManagedJob) -> Result<ManagedOutput, Vec<Diagnostic>> {
    match managed {
        Managed::Manifest => manifest::make(given),
        Managed::Release => release::make(given),
        Managed::Deploy => deploy::make(given),
        Managed::Provision => provision::make(given),
        Managed::Sync => Ok(ManagedOutput {
            lines: vec!["nothing to do: the files of the line are read anew for each command".to_owned()],
            ..ManagedOutput::default()
        }),
    }
}
