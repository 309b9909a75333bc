//! `shipctl state prune`.

use crate::load::store;
use crate::model::files::Line;
use crate::output::{Failure, print};
use crate::state::logs;

/// Drops old versions and runs, and the logs of runs that are dropped.
pub(super) fn prune(line: &Line, keep: u32) -> Result<(), Failure> {
    let Some(mut store) = store::open_existing(line)? else {
        return print("nothing is stored\n");
    };
    let pruned = store.prune(keep)?;
    let builds: Vec<_> = store.history(None, u32::MAX)?.into_iter().map(|build| build.reference).collect();
    logs::retain(&line.directory, &builds);
    store.close()?;
    let (versions, builds) = (pruned.versions, pruned.builds);
    print(&format!("dropped: versions {versions}, runs {builds}, bytes of files {}\n", pruned.bytes))?;
    Ok(())
}
