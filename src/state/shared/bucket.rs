//! A bucket of S3, or of a server that speaks as it does. Objects are created there with `If-None-Match: *`.

use std::fs::File;
use std::io;
use std::path::Path;
use std::time::Duration;

use super::super::tree::{Hash, hex};
use super::super::{Error, Result, StateErrorKind};
use super::{Objects, Take};
use crate::aws::s3::{Bucket, Content};
use crate::aws::{self, Problem};

/// How many files are sent at the same time.
const AT_ONCE: usize = 8;

/// The objects of a bucket whose keys begin in the same way.
pub(in super::super) struct BucketObjects {
    bucket: Bucket,
    /// Empty, or ends in `/`.
    prefix: String,
    shown: String,
}

impl BucketObjects {
    /// The objects of a bucket below a prefix, which messages call `shown`.
    pub(in super::super) fn new(bucket: Bucket, prefix: &str, shown: &str) -> BucketObjects {
        let prefix = prefix.trim_matches('/');
        let prefix = if prefix.is_empty() { String::new() } else { format!("{prefix}/") };
        BucketObjects { bucket, prefix, shown: shown.to_owned() }
    }

    fn key(&self, key: &str) -> String {
        format!("{}{key}", self.prefix)
    }

    fn failed(&self, what: &'static str) -> impl Fn(aws::Error) -> Error {
        let shown = self.shown.clone();
        move |error| {
            let kind = match error.problem {
                Problem::AccessDenied | Problem::InvalidKeys | Problem::ExpiredToken => {
                    StateErrorKind::Denied
                }
                _ => StateErrorKind::Io,
            };
            Error::new(kind, format!("cannot {what} the state in {shown}: {error}\n  hint: {}", error.hint()))
        }
    }
}

impl Objects for BucketObjects {
    fn shown(&self) -> String {
        self.shown.clone()
    }

    fn get(&self, key: &str) -> Result<Option<Vec<u8>>> {
        let mut bytes = Vec::new();
        let read = self.read(key, &mut |piece| {
            bytes.extend_from_slice(piece);
            Ok(())
        })?;
        Ok(read.is_ok_and(|there| there).then_some(bytes))
    }

    fn read(&self, key: &str, take: Take) -> Result<io::Result<bool>> {
        self.bucket.get(&self.key(key), take).map_err(self.failed("read"))
    }

    fn create(&self, key: &str, bytes: &[u8]) -> Result<bool> {
        self.bucket.put(&self.key(key), Content::Bytes(bytes), true).map_err(self.failed("write"))
    }

    fn put(&self, key: &str, bytes: &[u8]) -> Result<()> {
        self.bucket.put(&self.key(key), Content::Bytes(bytes), false).map(drop).map_err(self.failed("write"))
    }

    fn put_file(&self, key: &str, path: &Path, hash: &Hash, size: u64) -> Result<()> {
        // S3 refuses what has another hash.
        let open = || Ok(Box::new(io::Read::take(File::open(path)?, size)) as Box<dyn io::Read>);
        let content = Content::Reader(&open, size, &hex(hash));
        self.bucket.put(&self.key(key), content, false).map(drop).map_err(self.failed("write"))
    }

    fn at_once(&self) -> usize {
        AT_ONCE
    }

    fn age(&self, key: &str) -> Result<Option<Duration>> {
        self.bucket.age(&self.key(key)).map_err(self.failed("read"))
    }

    fn list(&self, key: &str, limit: usize) -> Result<Vec<String>> {
        let prefix = self.key(&format!("{key}/"));
        let mut names = Vec::new();
        let mut from = None;
        while names.len() < limit {
            let page = self
                .bucket
                .list(&prefix, limit - names.len(), from.as_deref())
                .map_err(self.failed("read"))?;
            let own = page
                .names
                .iter()
                .filter_map(|name| Some(name.strip_prefix(&prefix)?.trim_end_matches('/').to_owned()));
            names.extend(own);
            from = page.next;
            if from.is_none() {
                break;
            }
        }
        Ok(names)
    }

    fn remove(&self, key: &str) -> Result<()> {
        self.bucket.delete(&self.key(key)).map_err(self.failed("prune"))
    }
}
