//! The encrypted params of a job, opened.

use super::Session;
use crate::contract::path;
use crate::diagnostic::Diagnostic;
use crate::output::Failure;
use crate::resolve::Plan;
use crate::secret::Secret;
use crate::secure::{self, is_of_shippable};
use crate::versions::{self, Opened, Param, Versions};

impl Session {
    /// Opens the encrypted params that go IN. Those that Shippable encrypted are left out: its key is gone.
    pub(crate) fn open_params(&self, plan: &Plan, versions: &Versions) -> Result<Opened, Failure> {
        let mut opened = Opened::default();
        let mut problems = Vec::new();
        for dependency in &plan.dependencies {
            let resource = dependency.target.resource();
            let params = resource
                .filter(|resource| dependency.operation.word() == path::IN && resource.kind.text == "params");
            let Some(resource) = params else { continue };
            let name = &dependency.name.text;
            for param in versions::params(resource, versions.of(dependency)) {
                let Some(text) = param.secure.as_deref().filter(|text| !is_of_shippable(text)) else {
                    continue;
                };
                match self.open_param(&param, text) {
                    Ok(params) => opened.insert(name, param.key, params),
                    Err(error) => problems.push(
                        Diagnostic::error(format!("params `{name}`, key `{}`: {}", param.key, error.message))
                            .at(param.place)
                            .hint(error.hint),
                    ),
                }
            }
        }
        self.complain(problems)?;
        Ok(opened)
    }

    /// Opens the value of a variable that is encrypted in a manifest: alone, or with others, by its key.
    pub(crate) fn open_setting(&self, text: &str, key: Option<&str>) -> Result<Secret, secure::KeyError> {
        let value = self.opener.open(text)?;
        let Some(key) = key else { return Ok(value) };
        let found = assignments(&value).ok().and_then(|all| all.into_iter().find(|(known, _)| known == key));
        found.map(|(_, value)| value).ok_or_else(|| secure::KeyError {
            message: "it is not in the encrypted text any more".to_owned(),
            hint: "run the job of the manifest again".to_owned(),
        })
    }

    fn open_param(&self, param: &Param, text: &str) -> Result<Vec<(String, Secret)>, secure::KeyError> {
        let value = self.opener.open(text)?;
        if !param.is_bag() {
            return Ok(vec![(param.key.to_owned(), value)]);
        }
        assignments(&value).map_err(|error| secure::KeyError {
            message: error.to_string(),
            hint: "it holds `KEY=value KEY2=\"v 2\"`, quoted as for a shell".to_owned(),
        })
    }
}

/// Why a text holds no variables. No value is in the message.
#[derive(Debug, thiserror::Error)]
enum AssignmentError {
    #[error("its quotes do not pair up, or it ends in a backslash")]
    Quotes,
    /// The word of this number, from 1.
    #[error("word {0} of it is not written KEY=value")]
    Word(usize),
}

/// `KEY=value KEY2="v 2"`: words with the quotes and backslashes of a POSIX shell.
fn assignments(text: &Secret) -> Result<Vec<(String, Secret)>, AssignmentError> {
    let words = shlex::split(text.expose()).ok_or(AssignmentError::Quotes)?;
    let words: Vec<_> = words.into_iter().map(Secret::new).collect();
    let assignment = |(index, word): (usize, &Secret)| match word.expose().split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), Secret::new(value.to_owned()))),
        _ => Err(AssignmentError::Word(index + 1)),
    };
    words.iter().enumerate().map(assignment).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<(String, String)>, String> {
        let read = assignments(&Secret::new(text.to_owned())).map_err(|error| error.to_string())?;
        Ok(read.into_iter().map(|(key, value)| (key, value.expose().to_owned())).collect())
    }

    #[test]
    fn words_are_those_of_a_shell() {
        let text = "A=1 B=\"v 2\" C='$x \"y\"'\n  D=a\\ b E=\"\\\"$\\\\\" F= G=a=b H='it'\"'\"s I=\"two\nlines\" J=#x";
        let expected = [
            ("A", "1"),
            ("B", "v 2"),
            ("C", "$x \"y\""),
            ("D", "a b"),
            ("E", "\"$\\"),
            ("F", ""),
            ("G", "a=b"),
            ("H", "it's"),
            ("I", "two\nlines"),
            ("J", "#x"),
        ];
        assert_eq!(read(text), Ok(expected.map(|(k, v)| (k.to_owned(), v.to_owned())).to_vec()));
        assert_eq!(read(""), Ok(Vec::new()));
        assert_eq!(read("A=1 hunter2").unwrap_err(), "word 2 of it is not written KEY=value");
        assert!(read("A='hunter2").is_err());
    }
}
