//! Changing the integrations of a file: whatever it holds, no panic and no hang; and what is added and removed again, or
//! renamed there and back, leaves every byte as it was, unless it was refused.
//!
//! CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_LINKER=cc RUSTC_BOOTSTRAP=1 cargo fuzz run integrations -- -dict=fuzz/line.dict

#![no_main]

use std::path::Path;

use libfuzzer_sys::fuzz_target;
use shipctl::edit::{Draft, map_node, text_node};
use shipctl::model::{Pipeline, files};
use shipctl::source::{SourceId, Sources};

const NEW: &str = "new-one.1";

/// A text after a change; `None` if it is no YAML or the change is refused.
fn changed(text: &str, change: impl FnOnce(&mut Draft, SourceId, &Pipeline) -> Option<()>) -> Option<String> {
    let mut sources = Sources::default();
    let id = sources.add("x.yml".into(), text.to_owned()).ok()?;
    let mut diagnostics = Vec::new();
    let pipeline = files::pipeline(&sources, Path::new("."), &mut diagnostics);
    let mut draft = Draft::new(&sources).ok()?;
    change(&mut draft, id, &pipeline)?;
    let edited = draft.finish().ok()?;
    edited.into_iter().next().map(|edited| edited.text)
}

fn add(text: &str) -> Option<String> {
    changed(text, |draft, file, _| {
        let entries = [("name", NEW), ("type", "slackKey")].map(|(key, text)| (key.to_owned(), text_node(file, text)));
        draft.add(file, map_node(file, entries)).ok()
    })
}

fn remove(text: &str, name: &str) -> Option<String> {
    changed(text, |draft, _, pipeline| draft.remove(pipeline.integrations.get(name)?.name.place).ok())
}

fn rename(text: &str, old: &str, new: &str) -> Option<String> {
    changed(text, |draft, _, _| draft.rename(old, new).ok())
}

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let mut sources = Sources::default();
    let Ok(_) = sources.add("x.yml".into(), text.to_owned()) else { return };
    let mut problems = Vec::new();
    let pipeline = files::pipeline(&sources, Path::new("."), &mut problems);
    if text.contains(NEW) || problems.iter().any(|problem| problem.is_error()) {
        return;
    }
    if let Some(added) = add(text)
        && let Some(removed) = remove(&added, NEW)
        && !pipeline.integrations.is_empty()
    {
        assert_eq!(removed, text);
    }
    for name in pipeline.integrations.keys() {
        let _ = remove(text, name);
        if let Some(there) = rename(text, name, NEW)
            && let Some(back) = rename(&there, NEW, name)
        {
            assert_eq!(back.replace('"', ""), text.replace('"', ""));
        }
    }
});
