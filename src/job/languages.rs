//! The versions of languages that a CI section asks for: taken from the version managers of this machine, where these have
//! them. Nothing is installed.

use std::cmp::Ordering;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::rc::Rc;

use super::Session;
use crate::credentials::Value;
use crate::diagnostic::Diagnostic;
use crate::environment::Environment;
use crate::resolve::Plan;
use crate::run::{self, Captured, Signals, Variables};

/// A version manager: where it keeps the versions of a language.
struct Manager {
    name: &'static str,
    /// The keys of the CI section.
    keys: &'static [&'static str],
    /// The variable that says where it is, and the directory below HOME that it is otherwise.
    root: (&'static str, &'static str),
    /// The directory of the versions, below that.
    versions: &'static str,
    /// What the names of versions begin with.
    prefix: &'static str,
    /// The variable that programs of the manager know the version by, if they do.
    version: Option<&'static str>,
    /// The variable that holds the directory of the version, if there is one.
    home: Option<&'static str>,
}

#[rustfmt::skip]
const MANAGERS: &[Manager] = &[
    Manager { name: "nvm", keys: &["node_js"], root: ("NVM_DIR", ".nvm"), versions: "versions/node", prefix: "v", version: None, home: None },
    Manager { name: "pyenv", keys: &["python"], root: ("PYENV_ROOT", ".pyenv"), versions: "versions", prefix: "", version: Some("PYENV_VERSION"), home: None },
    Manager { name: "rbenv", keys: &["rvm", "ruby"], root: ("RBENV_ROOT", ".rbenv"), versions: "versions", prefix: "", version: Some("RBENV_VERSION"), home: None },
    Manager { name: "rvm", keys: &["rvm", "ruby"], root: ("rvm_path", ".rvm"), versions: "rubies", prefix: "ruby-", version: None, home: Some("MY_RUBY_HOME") },
    Manager { name: "phpenv", keys: &["php"], root: ("PHPENV_ROOT", ".phpenv"), versions: "versions", prefix: "", version: Some("PHPENV_VERSION"), home: None },
    Manager { name: "sdkman", keys: &["jdk"], root: ("SDKMAN_DIR", ".sdkman"), versions: "candidates/java", prefix: "", version: None, home: Some("JAVA_HOME") },
    Manager { name: "jenv", keys: &["jdk"], root: ("JENV_ROOT", ".jenv"), versions: "versions", prefix: "", version: None, home: Some("JAVA_HOME") },
    Manager { name: "sdkman", keys: &["scala"], root: ("SDKMAN_DIR", ".sdkman"), versions: "candidates/scala", prefix: "", version: None, home: Some("SCALA_HOME") },
];

/// What says which version runs, by the keys of the CI section.
const PROGRAMS: &[(&str, &[&str])] = &[
    ("node_js", &["node", "--version"]),
    ("python", &["python", "--version"]),
    ("rvm", &["ruby", "--version"]),
    ("ruby", &["ruby", "--version"]),
    ("php", &["php", "--version"]),
    ("jdk", &["java", "-version"]),
    ("go", &["go", "version"]),
    ("scala", &["scala", "-version"]),
];

/// A version that is there.
struct InstalledVersion {
    name: String,
    directory: PathBuf,
    manager: &'static Manager,
}

impl Session {
    /// Puts the versions of a job's languages in front of its PATH, where version managers have them.
    pub(crate) fn switch_versions(&self, plan: &Plan, entry: usize, environment: &mut Environment) {
        let versions = plan.ci.and_then(|ci| ci.matrix.get(entry)).map_or(&[][..], |entry| &entry.versions);
        for (axis, wanted) in versions {
            let inherited = |name: &str| {
                let (_, value) = self.inherited.iter().find(|(known, _)| known == name)?;
                (!value.is_empty()).then(|| value.clone())
            };
            let Some(found) = find(axis.key, wanted, &inherited) else { continue };
            let origin: Rc<str> = format!("{} {wanted} of the CI section", axis.key).into();
            let path =
                environment.get("PATH").map(OsString::from).or_else(|| inherited("PATH")).unwrap_or_default();
            let front = std::iter::once(found.directory.join("bin"));
            let joined = std::env::join_paths(front.chain(std::env::split_paths(&path)));
            let path = joined.ok().and_then(|path| path.into_string().ok());
            let directory = || found.directory.display().to_string();
            let variables = [
                path.map(|path| ("PATH", path)),
                found.manager.version.map(|variable| (variable, found.name.clone())),
                found.manager.home.map(|variable| (variable, directory())),
            ];
            let variables = variables.into_iter().flatten();
            let variables = variables.map(|(name, value)| (name, Value::Plain(value), Rc::clone(&origin)));
            environment.configure(variables.collect::<Vec<_>>(), [], []);
        }
    }

    /// Says which versions run, where they are not those that the CI section asks for.
    pub(crate) fn warn_of_versions(
        &self,
        plan: &Plan,
        entry: usize,
        variables: &Variables,
        signals: &Signals,
    ) {
        let versions = plan.ci.and_then(|ci| ci.matrix.get(entry)).map_or(&[][..], |entry| &entry.versions);
        for (axis, wanted) in versions {
            let Some((_, words)) = PROGRAMS.iter().find(|(key, _)| *key == axis.key) else { continue };
            let program = words[0];
            let runs = match version_of(words, variables, signals) {
                Some(version) if is_version(axis.key, wanted, &version) => continue,
                Some(version) => format!("`{program}` here is {version}"),
                None => format!("there is no `{program}` here"),
            };
            let language = if axis.key == "rvm" { "ruby" } else { axis.key };
            let message = format!("the CI section asks for {language} {wanted}, and {runs}");
            let managers = MANAGERS.iter().filter(|manager| manager.keys.contains(&axis.key));
            let managers: Vec<_> = managers.map(|manager| manager.name).collect();
            let hint = match managers.is_empty() {
                true => format!("install that version, and put its `{program}` first in the PATH"),
                false => format!("install that version with {}", managers.join(" or ")),
            };
            self.warn(&[Diagnostic::warning(message).hint(hint)]);
        }
    }
}

/// The version that a program says it has.
fn version_of(words: &[&str], variables: &Variables, signals: &Signals) -> Option<String> {
    let mut command = Command::new(words[0]);
    command.args(&words[1..]);
    let Ok(Captured::Ended(output)) = run::capture(&command, variables, signals) else { return None };
    if !output.status.success() {
        return None;
    }
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    let start = said.find(|c: char| c.is_ascii_digit())?;
    let version: String =
        said[start..].chars().take_while(|c| c.is_ascii_digit() || matches!(c, '.' | '_')).collect();
    Some(version.trim_end_matches(['.', '_']).to_owned())
}

/// The newest version of a language that is what is wanted.
fn find(key: &str, wanted: &str, variable: &dyn Fn(&str) -> Option<OsString>) -> Option<InstalledVersion> {
    let managers = MANAGERS.iter().filter(|manager| manager.keys.contains(&key));
    managers.into_iter().find_map(|manager| {
        let (named, below_home) = manager.root;
        let root = variable(named).map(PathBuf::from);
        let root = root.or_else(|| Some(Path::new(&variable("HOME")?).join(below_home)))?;
        let entries = std::fs::read_dir(root.join(manager.versions)).ok()?;
        let versions = entries.flatten().filter_map(|entry| {
            let name = entry.file_name().to_str()?.strip_prefix(manager.prefix)?.to_owned();
            let directory = entry.path();
            (is_version(key, wanted, &name) && directory.join("bin").is_dir()).then_some((name, directory))
        });
        let (name, directory) = versions.max_by(|(one, _), (other, _)| newer(one, other))?;
        Some(InstalledVersion { name, directory, manager })
    })
}

/// Whether a version is what is wanted: `3.11.4` is if `3.11` is.
fn is_version(key: &str, wanted: &str, version: &str) -> bool {
    if key == "jdk" {
        return major_of_java(wanted).is_some_and(|major| major_of_java(version) == Some(major));
    }
    let wanted = wanted.trim_start_matches('v').trim_start_matches("ruby-");
    let rest = version.strip_prefix(wanted);
    rest.is_some_and(|rest| !rest.starts_with(|c: char| c.is_ascii_digit())) && !wanted.is_empty()
}

/// 8 of `oraclejdk8`, `1.8.0_302`, `8.0.392-tem` and `openjdk64-1.8.0.1`.
fn major_of_java(text: &str) -> Option<u32> {
    let parts: Vec<&str> = text.split('-').collect();
    let numbered = parts.iter().find(|part| part.starts_with(|c: char| c.is_ascii_digit()));
    let number = match numbered {
        Some(part) => part.strip_prefix("1.").unwrap_or(part),
        None => text.trim_start_matches(|c: char| !c.is_ascii_digit()),
    };
    let digits: String = number.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok()
}

/// The order of versions: by their numbers, and then by all else.
fn newer(one: &str, other: &str) -> Ordering {
    let numbers = |text: &str| -> Vec<u64> {
        text.split(|c: char| !c.is_ascii_digit()).filter_map(|part| part.parse().ok()).collect()
    };
    numbers(one).cmp(&numbers(other)).then_with(|| one.cmp(other))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_told_by_their_numbers() {
        for (key, wanted, version, is_it) in [
            ("python", "3.11", "3.11.4", true),
            ("python", "3.1", "3.11.4", false),
            ("node_js", "v8", "8.17.0", true),
            ("rvm", "ruby-2.3", "2.3.3-p222", true),
            ("jdk", "oraclejdk8", "1.8.0_302", true),
            ("jdk", "openjdk11", "11.0.2-open", true),
            ("jdk", "openjdk8", "openjdk64-1.8.0.292", true),
            ("jdk", "openjdk8", "18.0.1", false),
        ] {
            assert_eq!(is_version(key, wanted, version), is_it, "{key} {wanted} {version}");
        }
        assert_eq!(newer("3.9.18", "3.10.2"), Ordering::Less);
    }
}
