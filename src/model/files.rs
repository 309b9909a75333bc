//! Which files an assembly line is made of, and reading them.

mod below;
mod sent;

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use nix::unistd::Uid;

use super::{Pipeline, ci};
use crate::diagnostic::Diagnostic;
use crate::source::{SourceId, Sources};
use crate::yaml::{self, Node};

pub use sent::{Inseparable, Texts};

/// The names that are looked for, each with `.yml` or `.yaml`, in the order they are read.
const STEMS: &[&str] = &[
    "shippable.templates",
    "shippable.resources",
    "shippable.triggers",
    "shippable.jobs",
    "shippable",
    "shippable.integrations",
];

/// The file that holds anchors for the others.
const TEMPLATES: &str = "shippable.templates";

/// An assembly line as it was read, with the texts it came from and all that was wrong with it.
pub struct Line {
    /// What the files say.
    pub pipeline: Pipeline,
    /// The files.
    pub sources: Sources,
    /// The directory of the first file: what the line is called after, and where its state lives.
    pub directory: PathBuf,
    /// How many of the sources are its own files: those behind them lie in folders below it.
    pub own: usize,
    /// Where its state is kept, if not beside its files.
    pub state: Option<String>,
    /// What was wrong.
    pub diagnostics: Vec<Diagnostic>,
}

/// Reads the files of a line: `files`, or those that lie in the nearest directory from `directory` up that has any, and in
/// folders below that one; and `integrations` beside them.
pub fn read(files: &[PathBuf], integrations: &[PathBuf], directory: &Path) -> Line {
    let mut line = Line {
        pipeline: Pipeline::default(),
        sources: Sources::default(),
        directory: directory.to_owned(),
        own: 0,
        state: None,
        diagnostics: Vec::new(),
    };
    let paths = match own_paths(files, integrations, directory) {
        Ok(paths) => paths,
        Err(stranger) => {
            line.diagnostics.push(stranger);
            return line;
        }
    };
    if files.is_empty() && paths.len() == integrations.len() {
        line.diagnostics.push(
            Diagnostic::error(format!(
                "no assembly line in {} or any directory above it",
                directory.display()
            ))
            .hint(match misnamed(directory) {
                Some((found, name)) => format!("`{found}` is there: call it `{name}`, or read it with -f"),
                None => "`shipctl init` writes one; -f FILE names files that are called otherwise, -C DIR looks elsewhere".to_owned(),
            }),
        );
    }
    if let Some(parent) = paths.first().and_then(|path| path.parent()) {
        line.directory = parent.to_owned();
    }
    read_texts(&paths, directory, &mut line);
    line.own = line.sources.len();
    line.sources.name_outside(&ci::name_of_job(&line.directory));
    line.pipeline = pipeline(&line.sources, &line.directory, &mut line.diagnostics);
    if files.is_empty() && !paths.is_empty() {
        below::add(&mut line, directory);
    }
    line.pipeline.declare_implied();
    line
}

/// The paths of all files that [`read`] reads.
pub fn paths(files: &[PathBuf], integrations: &[PathBuf], directory: &Path) -> Vec<PathBuf> {
    let mut paths = own_paths(files, integrations, directory).unwrap_or_default();
    if files.is_empty()
        && let Some(parent) = paths.first().and_then(|path| path.parent())
    {
        paths.extend(below::paths(parent));
    }
    paths
}

/// The same but for those in folders below. The error says that they belong to another user.
fn own_paths(
    files: &[PathBuf],
    integrations: &[PathBuf],
    directory: &Path,
) -> Result<Vec<PathBuf>, Diagnostic> {
    let mut paths: Vec<PathBuf> = files.iter().map(|file| directory.join(file)).collect();
    if paths.is_empty() {
        paths = discover(directory);
        if let Some(stranger) = found_of_stranger(&paths, directory) {
            return Err(stranger);
        }
    }
    paths.extend(integrations.iter().map(|file| directory.join(file)));
    Ok(paths)
}

/// Where a file beside those of a line would be; `None` if there is no line, or if the file or the line belongs to another
/// whose options are none for this user.
pub fn beside(files: &[PathBuf], directory: &Path, name: &Path) -> Option<PathBuf> {
    let paths = match files.first() {
        Some(file) => vec![directory.join(file)],
        None => discover(directory),
    };
    let at = paths.first()?.parent()?.join(name);
    let is_strange = files.is_empty() && found_of_stranger(std::slice::from_ref(&at), directory).is_some();
    (!is_strange).then_some(at)
}

/// What the files of a line in `directory` say together.
pub fn pipeline(sources: &Sources, directory: &Path, diagnostics: &mut Vec<Diagnostic>) -> Pipeline {
    let mut pipeline = Pipeline::default();
    for id in sources.ids() {
        if let Some(root) = tree(sources, id, diagnostics) {
            pipeline.read(root, sources, diagnostics);
        }
    }
    pipeline.read_ci(directory, diagnostics);
    pipeline.check_names(diagnostics);
    pipeline
}

/// Adds what a text says to a line, as a file called `name` would.
pub fn add_text(line: &mut Line, name: &str, text: String) {
    let Ok(id) = line.sources.add(name.into(), text) else { return };
    if let Some(root) = tree(&line.sources, id, &mut line.diagnostics) {
        line.pipeline.read(root, &line.sources, &mut line.diagnostics);
    }
}

/// The tree of a file of a line, which may need the anchors of another; `None` if it is no YAML.
pub fn tree(sources: &Sources, file: SourceId, diagnostics: &mut Vec<Diagnostic>) -> Option<Node> {
    let templates = sources.ids().find(|id| is_templates(sources.get(*id).path()));
    yaml::parse(sources, file, templates.filter(|templates| *templates != file), diagnostics)
}

/// Reads the texts; what lies below `directory` is called by its relative name.
fn read_texts(paths: &[PathBuf], directory: &Path, line: &mut Line) {
    for path in paths {
        let shown = path.strip_prefix(directory).unwrap_or(path);
        let text = crate::source::read_text(path);
        if let Err(why) = text.and_then(|text| line.sources.add(shown.to_owned(), text)) {
            let named = if shown.as_os_str().is_empty() { Path::new(".") } else { shown };
            let error = Diagnostic::error(format!("cannot read {}: {why}", named.display()));
            line.diagnostics.push(match path.is_dir() {
                true => error.hint("name the files in it, or go there with -C"),
                false => error,
            });
        }
    }
}

fn is_templates(path: &Path) -> bool {
    path.file_stem().is_some_and(|stem| stem == TEMPLATES)
}

/// What is wrong with files that were found above `directory` and belong to another user: in a directory that others may
/// write to, such as `/tmp`, any user can put a line that runs commands as the next one who looks for a line there.
fn found_of_stranger(paths: &[PathBuf], directory: &Path) -> Option<Diagnostic> {
    let found = paths.first()?.parent()?;
    if found == directory {
        return None;
    }
    let user = Uid::effective();
    // `sudo` in one's own directory is no stranger's.
    let before_sudo = std::env::var("SUDO_UID").ok().filter(|_| user.is_root());
    let is_known = |owner: u32| {
        owner == user.as_raw() || owner == 0 || before_sudo.as_deref() == Some(owner.to_string().as_str())
    };
    let owned = std::iter::once(found).chain(paths.iter().map(PathBuf::as_path));
    let (path, owner) = owned
        .filter_map(|path| Some((path, fs::metadata(path).ok()?.uid())))
        .find(|(_, owner)| !is_known(*owner))?;
    Some(
        Diagnostic::error(format!(
            "the line above this directory belongs to another user: {} is of user {owner}",
            path.display()
        ))
        .hint(format!("if you trust it, name it: `-C {}`, or -f FILE", found.display())),
    )
}

/// A file of a directory that would be read if its name were in small letters, and what it is to be called.
pub fn misnamed(directory: &Path) -> Option<(String, String)> {
    let is_read = |name: &str| {
        let stem = name.strip_suffix(".yml").or_else(|| name.strip_suffix(".yaml"));
        stem.is_some_and(|stem| STEMS.contains(&stem))
    };
    let names =
        fs::read_dir(directory).ok()?.flatten().filter_map(|entry| entry.file_name().into_string().ok());
    names
        .map(|name| (name.to_ascii_lowercase(), name))
        .find(|(lower, name)| lower != name && is_read(lower))
        .map(|(lower, name)| (name, lower))
}

/// The files of the nearest directory that has any.
fn discover(directory: &Path) -> Vec<PathBuf> {
    for directory in directory.ancestors() {
        let found: Vec<_> = STEMS
            .iter()
            .flat_map(|stem| [directory.join(format!("{stem}.yml")), directory.join(format!("{stem}.yaml"))])
            .filter(|path| path.is_file())
            .collect();
        if !found.is_empty() {
            return found.into_iter().chain(below::others(directory)).collect();
        }
    }
    let others = directory.ancestors().map(below::others);
    others.into_iter().find(|found| !found.is_empty()).unwrap_or_default()
}
