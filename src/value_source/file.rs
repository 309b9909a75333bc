//! The contents of a file.

use std::io::Read as _;
use std::path::Path;

use zeroize::Zeroizing;

use super::program::{MAX_VALUE, TextError, text};
use super::{FetchContext, Misread, NoValue, Reference, Requirement, SourceKind, Written, resolve_path};
use crate::file;
use crate::secret::Secret;

#[derive(Debug)]
pub(super) struct File;

impl SourceKind for File {
    fn key(&self) -> &'static str {
        "file"
    }

    fn example(&self) -> String {
        "{file: path}".to_owned()
    }

    fn description(&self) -> String {
        "The contents of a file, without one newline at its end.".to_owned()
    }

    fn read(&'static self, written: &mut Written) -> Result<Box<dyn Reference>, Misread> {
        Ok(Box::new(Contents { path: written.text()? }))
    }
}

#[derive(Debug)]
struct Contents {
    path: String,
}

impl Reference for Contents {
    fn origin(&self) -> String {
        format!("file {}", self.path)
    }

    fn requirement(&self) -> Requirement<'_> {
        Requirement::Other(format!("the file {}, which has to be there", self.path))
    }

    fn fetch(&self, context: &FetchContext) -> Result<Option<Secret>, NoValue> {
        let value = contents(&resolve_path(&self.path, context.directory)).map_err(|why| {
            NoValue::new(
                format!("cannot read the file {}: {why}", self.path),
                "a relative path starts from the directory of the YAML file",
            )
        })?;
        Ok(Some(value))
    }
}

/// Why a file has no value.
#[derive(Debug, thiserror::Error)]
enum FileError {
    #[error(transparent)]
    Io(#[from] std::io::Error),
    #[error(transparent)]
    Text(#[from] TextError),
}

fn contents(path: &Path) -> Result<Secret, FileError> {
    let mut bytes = Zeroizing::new(Vec::new());
    file::open(path)?.take(MAX_VALUE + 1).read_to_end(&mut bytes)?;
    Ok(text(bytes)?)
}
