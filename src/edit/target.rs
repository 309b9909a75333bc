//! Which file a new integration goes to.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow};

use super::OWN;
use super::line::draft;
use crate::cli::LineOptions;
use crate::model::files::Line;
use crate::output::Failure;
use crate::source::{SourceId, read_text};

/// Finds the file: the one that was asked for, that of integrations, or another that has a list of them. If there is
/// none, the file of integrations joins the line with nothing in it, and is made when something is written to it.
pub(crate) fn find(
    line: &mut Line,
    wanted: Option<&Path>,
    options: &LineOptions,
) -> Result<SourceId, Failure> {
    if let Some(path) = wanted {
        return of_path(line, path);
    }
    let draft = draft(line, options)?;
    let named = |id: &SourceId| {
        let path = line.sources.get(*id).path();
        path.file_stem().is_some_and(|stem| Path::new(OWN).file_stem() == Some(stem))
    };
    let with_list = |id: &SourceId| draft.has_list(*id);
    let ids = || line.sources.ids();
    let found = ids()
        .find(|id| with_list(id) && named(id))
        .or_else(|| ids().filter(with_list).last())
        .or_else(|| ids().find(|id| named(id) && !draft.has_list_of_ci(*id)));
    if let Some(id) = found {
        return Ok(id);
    }
    if !options.file.is_empty() {
        return Err(anyhow!(
            "none of the files has a list of integrations\n  hint: say which one gets it with --to FILE"
        )
        .into());
    }
    let path = line.directory.join(OWN);
    join(line, path)
}

/// The file of the line at a path, or one that joins it.
fn of_path(line: &mut Line, path: &Path) -> Result<SourceId, Failure> {
    let canonical = path.canonicalize().ok();
    let same =
        |id: &SourceId| canonical.is_some() && line.sources.get(*id).path().canonicalize().ok() == canonical;
    match line.sources.ids().find(same) {
        Some(id) => Ok(id),
        None => join(line, std::path::absolute(path).context("cannot use the path")?),
    }
}

fn join(line: &mut Line, path: PathBuf) -> Result<SourceId, Failure> {
    let text = if path.exists() {
        read_text(&path).map_err(|why| anyhow!("cannot read {}: {why}", path.display()))?
    } else {
        String::new()
    };
    let here = std::env::current_dir().context("the current directory is gone")?;
    let shown = path.strip_prefix(&here).unwrap_or(&path).to_owned();
    Ok(line.sources.add(shown, text).map_err(anyhow::Error::from)?)
}

/// Says how a file is read that the line does not find by itself.
pub(crate) fn tell(line: &Line, file: SourceId, options: &LineOptions) {
    let path = line.sources.get(file).path();
    let again = crate::load::read(options);
    let found = again.is_ok_and(|again| again.sources.ids().any(|id| again.sources.get(id).path() == path));
    if !found {
        eprintln!("shipctl: {0} is no file of the line by itself: read it with -i {0}", path.display());
    }
}
