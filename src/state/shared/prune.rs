//! Making shared state smaller, while others use it.

use std::collections::HashSet;
use std::time::Duration;

use super::super::version::{List, VersionRef};
use super::super::{EntryKind, Pruned, Result};
use super::document::Stored;
use super::{Objects, Shared, document, hex};

/// What nothing names is left alone so long: another run may be about to name it.
const GRACE: Duration = Duration::from_secs(24 * 3600);

impl<O: Objects> Shared<O> {
    /// Drops old versions, old builds, and what no version has any more.
    pub(super) fn drop_old(&self, keep: u32) -> Result<Pruned> {
        let keep = keep as usize;
        let mut pruned = Pruned { versions: 0, builds: 0, bytes: 0 };
        let mut left: HashSet<VersionRef> = HashSet::new();
        let mut trees: HashSet<String> = HashSet::new();
        for name in self.objects.list("versions", usize::MAX)? {
            for (age, number) in self.numbered(&format!("versions/{name}"), usize::MAX)?.iter().enumerate() {
                let key = format!("versions/{name}/{number}");
                if age >= keep {
                    self.objects.remove(&key)?;
                    pruned.versions += 1;
                    continue;
                }
                let Some(bytes) = self.objects.get(&key)? else { continue };
                let version = Stored::parse(&bytes).ok_or_else(|| self.damaged(&key))?.version;
                left.insert(version.reference());
                if let Some(List::Hash(hash)) = version.tree {
                    trees.insert(hash);
                }
            }
        }
        for job in self.objects.list("builds", usize::MAX)? {
            for number in self.numbered(&format!("builds/{job}"), usize::MAX)?.iter().skip(keep) {
                let key = format!("builds/{job}/{number}");
                let Some(build) = self.build_at(&key)? else { continue };
                let is_old = build.started.elapsed().is_ok_and(|age| age > GRACE);
                let has_ended = matches!(build.progress, super::super::Progress::Ended(_));
                if (has_ended || is_old) && !build.outputs.iter().any(|output| left.contains(output)) {
                    self.objects.remove(&format!("{key}/ended"))?;
                    self.objects.remove(&format!("{key}/begun"))?;
                    pruned.builds += 1;
                }
            }
        }
        let mut files: HashSet<String> = HashSet::new();
        for tree in &trees {
            let Some(bytes) = self.objects.get(&format!("trees/{tree}"))? else { continue };
            let entries = document::list(&bytes).ok_or_else(|| self.damaged(&format!("trees/{tree}")))?;
            files.extend(entries.iter().filter_map(|entry| match &entry.kind {
                EntryKind::File { hash, .. } => Some(hex(hash)),
                _ => None,
            }));
        }
        for (directory, used) in [("trees", &trees), ("files", &files)] {
            for name in self.objects.list(directory, usize::MAX)? {
                let key = format!("{directory}/{name}");
                if !used.contains(&name) && self.objects.age(&key)?.is_some_and(|age| age > GRACE) {
                    let mut size = 0;
                    if directory == "files" {
                        let mut count = |bytes: &[u8]| {
                            size += bytes.len() as u64;
                            Ok(())
                        };
                        let _ = self.objects.read(&key, &mut count)?;
                    }
                    self.objects.remove(&key)?;
                    pruned.bytes += size;
                }
            }
        }
        self.objects.sweep()?;
        Ok(pruned)
    }
}
