//! Builds, as several machines know them.

use std::cmp::Reverse;

use super::super::{BuildRecord, Result};
use super::{Objects, Shared, builds_key, document};

impl<O: Objects> Shared<O> {
    pub(super) fn read_history(&self, job: Option<&str>, limit: u32) -> Result<Vec<BuildRecord>> {
        let mut records = match job {
            Some(job) => self.builds_below(&builds_key(job), limit as usize)?,
            None => self.read_last_builds(limit)?,
        };
        records.sort_by_key(|record| Reverse(record.started));
        records.truncate(limit as usize);
        Ok(records)
    }

    pub(super) fn read_last_builds(&self, each: u32) -> Result<Vec<BuildRecord>> {
        let mut records = Vec::new();
        for job in self.objects.list("builds", usize::MAX)? {
            records.extend(self.builds_below(&format!("builds/{job}"), each as usize)?);
        }
        records.sort_by_key(|record| Reverse(record.started));
        Ok(records)
    }

    /// The builds below a key, the last one first.
    fn builds_below(&self, key: &str, limit: usize) -> Result<Vec<BuildRecord>> {
        let mut records = Vec::new();
        for name in self.numbered(key, limit)? {
            records.extend(self.build_at(&format!("{key}/{name}"))?);
        }
        Ok(records)
    }

    /// The build at a key, if it is still there.
    pub(super) fn build_at(&self, key: &str) -> Result<Option<BuildRecord>> {
        let Some(beginning) = self.objects.get(&format!("{key}/begun"))? else { return Ok(None) };
        let ended = self.objects.get(&format!("{key}/ended"))?;
        document::build(&beginning, ended.as_deref()).map(Some).ok_or_else(|| self.damaged(key))
    }
}
