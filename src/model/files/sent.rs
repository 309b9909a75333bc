//! A line on its way to another machine: the texts of its files, without the integrations in them.

use std::path::PathBuf;

use super::below::add_file;
use super::{Line, pipeline, tree};
use crate::diagnostic::Diagnostic;
use crate::model::Pipeline;
use crate::source::Sources;
use crate::yaml::Node;
use crate::yaml::extent::{self, Flow};

/// The key of the section that stays.
const INTEGRATIONS: &str = "integrations";

/// The files of a line as they are sent.
#[derive(serde::Serialize, serde::Deserialize)]
pub struct Texts {
    files: Vec<(String, String)>,
    /// How many of them are the line's own; the others lie in folders below it.
    own: usize,
    directory: PathBuf,
}

/// The integrations in this file cannot be told from the rest of it, and are not sent.
#[derive(Debug, thiserror::Error)]
#[error(
    "the integrations in {0} cannot be told from the rest of it, and are not to be sent: put them into a file of their own"
)]
pub struct Inseparable(String);

impl Texts {
    /// The files of a line. Places in them are the same as in the originals.
    ///
    /// # Errors
    ///
    /// A file whose integrations cannot be told from the rest.
    pub fn of(line: &Line) -> Result<Texts, Inseparable> {
        let mut files = Vec::new();
        for id in line.sources.ids() {
            let source = line.sources.get(id);
            let name = source.path().to_string_lossy().into_owned();
            let root = tree(&line.sources, id, &mut Vec::new());
            let text = if root.as_ref().is_none_or(has_none) {
                source.text().to_owned()
            } else {
                let text = without_integrations(source.text());
                text.filter(|text| is_rest(text, line, &name)).ok_or_else(|| Inseparable(name.clone()))?
            };
            files.push((name, text));
        }
        Ok(Texts { files, own: line.own, directory: line.directory.clone() })
    }

    /// The line that they are. What is wrong with it was said where it was read.
    pub fn line(self) -> Line {
        let mut line = Line {
            pipeline: Pipeline::default(),
            sources: Sources::default(),
            directory: self.directory,
            own: self.own,
            state: None,
            diagnostics: Vec::new(),
        };
        let mut files = self.files.into_iter().map(|(name, text)| (name.into(), text));
        for (name, text) in files.by_ref().take(self.own) {
            let _ = line.sources.add(name, text);
        }
        line.pipeline = pipeline(&line.sources, &line.directory, &mut line.diagnostics);
        for (name, text) in files {
            if let Ok(id) = line.sources.add(name, text) {
                add_file(&mut line, id);
            }
        }
        line.pipeline.declare_implied();
        line
    }
}

/// The text with blanks where integrations were; `None` where that cannot be told.
fn without_integrations(text: &str) -> Option<String> {
    let mut out = text.to_owned();
    let mut is_inside = false;
    for line in extent::lines(text) {
        let written = &text[line.range.clone()];
        if line.indent == 0 && !line.comment && written.starts_with('{') {
            let Flow { items, .. } = extent::flow(text, line.range.start)?;
            for item in items {
                if let Some(value) = value_of(&text[item.clone()]) {
                    blank(&mut out, item.start + value..item.end);
                }
            }
            continue;
        }
        if line.indent == 0 && !line.comment && !line.is_item(text) {
            let value = value_of(written);
            is_inside = value.is_some();
            if let Some(value) = value {
                blank(&mut out, line.range.start + value..line.range.end);
            }
        } else if is_inside {
            blank(&mut out, line.range);
        }
    }
    Some(out)
}

/// Where the value begins in `integrations: …`; `None` for another key.
fn value_of(entry: &str) -> Option<usize> {
    let quoted = |quote: char| entry.strip_prefix(quote)?.strip_prefix(INTEGRATIONS)?.strip_prefix(quote);
    let rest = entry.strip_prefix(INTEGRATIONS).or_else(|| quoted('"')).or_else(|| quoted('\''))?;
    let value = rest.trim_start_matches([' ', '\t']).strip_prefix(':')?;
    Some(entry.len() - value.len())
}

/// Puts blanks over a part of a text, as many bytes as there were.
fn blank(text: &mut String, range: std::ops::Range<usize>) {
    let blanks: String = text[range.clone()]
        .bytes()
        .map(|byte| if matches!(byte, b'\n' | b'\r') { char::from(byte) } else { ' ' })
        .collect();
    text.replace_range(range, &blanks);
}

/// Whether a file declares no integrations. A CI section names some under the same key, in a map.
fn has_none(root: &Node) -> bool {
    root.get(INTEGRATIONS).is_none_or(|value| value.text() == Some("") || value.map().is_some())
}

/// Whether a text is YAML without integrations.
fn is_rest(text: &str, line: &Line, name: &str) -> bool {
    let mut sources = Sources::default();
    let mut diagnostics = Vec::new();
    // Anchors of the templates count in all files.
    for id in line.sources.ids().filter(|id| super::is_templates(line.sources.get(*id).path())) {
        let templates = line.sources.get(id);
        if templates.path().to_string_lossy() != name {
            let _ = sources.add(templates.path().to_owned(), templates.text().to_owned());
        }
    }
    let Ok(id) = sources.add(name.into(), text.to_owned()) else { return false };
    let root = tree(&sources, id, &mut diagnostics);
    !diagnostics.iter().any(Diagnostic::is_error) && root.as_ref().is_none_or(has_none)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(text: &str) -> String {
        let mut line =
            Texts { files: vec![("a.yml".into(), text.into())], own: 1, directory: "/".into() }.line();
        line.own = 1;
        let texts = Texts::of(&line).unwrap();
        assert_eq!(texts.files[0].1.len(), text.len());
        texts.files[0].1.clone()
    }

    #[test]
    fn integrations_stay_behind() {
        let text = "jobs:\n  - name: a\n    integrations: [x]\nintegrations: # ours\n- name: x\n  fields:\n    key: |\n      hunter2\n\n      hunter3\n# about hunter4\nresources:\n  - name: r\n";
        let sent = sent(text);
        assert!(!sent.contains("hunter") && sent.contains("integrations: [x]"), "{sent}");
        assert_eq!(sent.find("resources"), text.find("resources"));
    }

    #[test]
    fn so_they_do_in_json() {
        for text in [
            r#"{"jobs": [{"name": "a", "integrations": ["x"]}], "integrations": [{"name": "x", "fields": {"a": "hunter2, }"}}]}"#,
            r#"{"integrations": [{"name": "x", "fields": {"a": "hunter2"}}], "jobs": [{"name": "a", "integrations": ["x"]}]}"#,
        ] {
            let sent = sent(text);
            assert!(!sent.contains("hunter") && sent.contains(r#""integrations": ["x"]"#), "{sent}");
        }
    }

    #[test]
    fn what_cannot_be_told_apart_is_not_sent() {
        let text = "integrations: &all\n  - {name: x, type: keyValuePair, fields: {envs: {A: hunter2}}}\nother: *all\n";
        let line = Texts { files: vec![("a.yml".into(), text.into())], own: 1, directory: "/".into() }.line();
        assert_eq!(Texts::of(&line).err().map(|Inseparable(file)| file).as_deref(), Some("a.yml"));
    }
}
