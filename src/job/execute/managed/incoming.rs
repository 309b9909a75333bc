//! The jobs whose manifests go into another.

use std::rc::Rc;

use crate::environment;
use crate::job::record::StateAccess;
use crate::job::{FetchPolicy, Session};
use crate::managed::{self, Holding, Incoming, ManagedJob};
use crate::model::Job;
use crate::resolve::{Operation, Plan, Target};
use crate::versions::Versions;
use crate::workspace::Home;

/// What becomes of a job that goes in and has no version yet.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Unmade {
    /// It gives nothing.
    LeftOut,
    /// It gives what it would if it ran now: in a dry run.
    Assumed,
}

/// The jobs that go in and hold manifests. `trail` are the jobs that are being looked at: two may take each other in.
pub(super) fn incoming(
    session: &Session,
    plan: &Plan,
    versions: &Versions,
    unmade: Unmade,
    trail: &mut Vec<String>,
) -> Vec<Incoming> {
    let jobs =
        plan.dependencies.iter().filter_map(|dependency| match (dependency.operation, dependency.target) {
            (Operation::In(_), Target::Job(job)) if job.holds_manifests() => Some((dependency, job)),
            _ => None,
        });
    let mut incoming = Vec::new();
    for (dependency, job) in jobs {
        let version = match versions.of(dependency) {
            Some(version) => Some(Holding::of(version)),
            None if unmade == Unmade::Assumed => assumed(session, job, trail),
            None => None,
        };
        incoming.push(Incoming { name: dependency.name.text.clone(), kind: job.kind.text.clone(), version });
    }
    incoming
}

/// What a job would make if it ran now; `None` if that cannot be told.
fn assumed(session: &Session, job: &Job, trail: &mut Vec<String>) -> Option<Holding> {
    let name = &job.name.text;
    let work = job.managed()?;
    if trail.contains(name) {
        return None;
    }
    trail.push(name.clone());
    let output = (|| {
        let (fetched, _) = session.fetch(name, FetchPolicy::NoCommands, StateAccess::Read).ok()?;
        let root = session.root(name, Home::Disk, 0).ok()?;
        let mut context = session.run_context(root, fetched.number, &fetched.versions).ok()?;
        context.opened = Rc::clone(&fetched.opened);
        let built = environment::build(&fetched.plan, &fetched.credentials, &context).ok()?;
        let jobs = incoming(session, &fetched.plan, &fetched.versions, Unmade::Assumed, trail);
        let given = ManagedJob {
            plan: &fetched.plan,
            environment: &built.environment,
            versions: &fetched.versions,
            opened: &fetched.opened,
            jobs,
            is_dry: true,
        };
        managed::make(work, &given).ok()
    })();
    trail.pop();
    let output = output?;
    Some(Holding { manifests: output.manifests(), version_name: output.version_name })
}
