//! The options that files give: `.shipctlrc` beside the line, and `shipctl/config` in the user's configuration directory.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow};

use crate::cli::LineOptions;
use crate::cli::defaults::{Defaults, File, Grammar, add};
use crate::model::files;
use crate::output::Failure;
use crate::source::read_text;

/// The file beside the line.
const BESIDE: &str = ".shipctlrc";

/// Reads the options that the files give for a command: the user's own first, so that those of the line win.
///
/// # Errors
///
/// Files that cannot be read, and what is no option in them.
pub fn read(grammar: &Grammar, command: &str, options: &LineOptions) -> Result<Defaults, Failure> {
    let mut defaults = Defaults::default();
    let own = own_file();
    let beside = beside(options)?;
    for (path, is_own) in own.into_iter().map(|path| (path, true)).chain(beside.map(|path| (path, false))) {
        if !exists(&path) {
            continue;
        }
        let name = if is_own { path.display().to_string() } else { BESIDE.to_owned() };
        let text = read_text(&path).map_err(|why| anyhow!("cannot read {name}: {why}"))?;
        let file = File { name, text: &text, is_own };
        add(&mut defaults, &file, grammar, command).map_err(anyhow::Error::from)?;
    }
    Ok(defaults)
}

fn own_file() -> Option<PathBuf> {
    let set = |name| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let configuration = set("XDG_CONFIG_HOME").or_else(|| Some(set("HOME")?.join(".config")))?;
    Some(configuration.join("shipctl/config"))
}

fn beside(options: &LineOptions) -> Result<Option<PathBuf>, Failure> {
    let here = std::env::current_dir().context("the current directory is gone")?;
    let directory = options.directory.as_ref().map_or_else(|| here.clone(), |directory| here.join(directory));
    Ok(files::beside(&options.file, &directory, Path::new(BESIDE)))
}

fn exists(path: &Path) -> bool {
    !matches!(fs::metadata(path), Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory))
}
