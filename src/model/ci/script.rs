//! The scripts of the CI section: `build`, or the keys that were there before it.

use super::{Script, defaults, integrations};
use crate::diagnostic::Diagnostic;
use crate::model::image::Runtime;
use crate::model::job::read_sections;
use crate::model::task::Task;
use crate::model::{flatten_texts, warn_of_unknown_keys};
use crate::source::Span;
use crate::yaml::{Map, Node};

#[rustfmt::skip]
const BUILD_KEYS: &[&str] = &[
    "pre_ci", "pre_ci_boot", "ci", "post_ci", "on_start", "on_success", "on_failure", "on_cancel", "always", "cache",
    "cache_dir_list", "push", "advancedReporting",
];

const BOOT_KEYS: &[&str] = &["image_name", "image_tag", "pull", "options", "env"];

/// What came before `build`, as other services have it to this day.
const OLD_PHASES: &[&str] = &["before_install", "install", "before_script", "script"];

/// Reads the scripts.
pub(super) fn read(written: &Map, diagnostics: &mut Vec<Diagnostic>) -> Script {
    let mut script = Script::default();
    let language = written.get("language").map(|entry| (entry.key, entry.node.text().unwrap_or_default()));
    let (place, defaults) =
        language.map_or((None, &[][..]), |(key, name)| (Some(key), defaults::commands(name)));
    if let Some(build) = written.get("build") {
        match build.node.map() {
            // What other services have to this day stands in for `ci`.
            Some(map) if has_old_phases(written) => read_build(map, &[], &mut script, diagnostics),
            Some(map) => read_build(map, defaults, &mut script, diagnostics),
            None if build.node.text() == Some("") => {}
            None => diagnostics.push(
                Diagnostic::warning(format!("`build` must be a map, and this is {}", build.node.what()))
                    .at(build.node.place)
                    .hint("its scripts stand under `ci:` and the like"),
            ),
        }
    }
    if script.tasks.is_empty() {
        read_old(written, &mut script, diagnostics);
    }
    if script.tasks.is_empty() {
        add(&mut script, "ci", defaults.iter().map(|line| (*line).to_owned()).collect(), place);
    }
    if let Some(entry) = written.get("integrations") {
        integrations::read(&entry.node, &mut script, diagnostics);
    }
    script
}

/// Whether there are scripts of the first form of the section.
fn has_old_phases(written: &Map) -> bool {
    OLD_PHASES.iter().any(|key| written.get(*key).is_some_and(|entry| entry.node.text() != Some("")))
}

/// Reads `build`; `defaults` is what runs where it has no `ci`.
fn read_build(map: &Map, defaults: &[&str], script: &mut Script, diagnostics: &mut Vec<Diagnostic>) {
    warn_of_unknown_keys(map, BUILD_KEYS, "`build`", diagnostics);
    let mut phase = |key: &str, entries: &mut Vec<String>| {
        let entry = map.get(key)?;
        flatten_texts(&entry.node, &format!("`{key}`"), entries, diagnostics);
        Some(entry.key)
    };
    let (mut pre_ci, mut ci) = (Vec::new(), Vec::new());
    let pre_ci_at = phase("pre_ci", &mut pre_ci);
    let ci_at = phase("ci", &mut ci);
    let is_blank = ci.is_empty();
    let before = ci.len();
    let post_ci_at = phase("post_ci", &mut ci);
    let with_post_ci = ci.len();
    // What is built is pushed last, once all else has succeeded.
    let push_at = phase("push", &mut ci);
    let with_more = pre_ci.len() + ci.len() > 0;
    let defaults = if is_blank && with_more { defaults } else { &[] };
    ci.splice(0..0, defaults.iter().map(|line| (*line).to_owned()));
    let (before, with_post_ci) = (before + defaults.len(), with_post_ci + defaults.len());
    let phases = [("ci", before > 0), ("post_ci", with_post_ci > before), ("push", ci.len() > with_post_ci)];
    let names: Vec<_> =
        phases.iter().filter(|(_, has_entries)| *has_entries).map(|(name, _)| *name).collect();
    // It ran on the host: nothing it exports reached what came after it. The rest shared the container.
    add(script, "pre_ci", pre_ci, pre_ci_at);
    add(script, &names.join(", "), ci, ci_at.or(post_ci_at).or(push_at));
    if let Some(boot) = map.get("pre_ci_boot") {
        read_boot(&boot.node, script, diagnostics);
    }
    script.sections = read_sections(map, diagnostics);
}

/// `pre_ci_boot`: the image that the rest ran in, and variables for it.
fn read_boot(node: &Node, script: &mut Script, diagnostics: &mut Vec<Diagnostic>) {
    if let Some(map) = node.map() {
        warn_of_unknown_keys(map, BOOT_KEYS, "`pre_ci_boot`", diagnostics);
    }
    if let (Some(options), None) = (node.get("options"), node.get("image_name")) {
        diagnostics.push(
            Diagnostic::warning("`options` of `pre_ci_boot` have no effect: it names no image")
                .rule("left-out")
                .at(options.place)
                .hint("write `image_name: name` beside them: the image of the service is gone"),
        );
    }
    let Some(task) = script.tasks.iter_mut().find(|task| task.name.as_deref() != Some("pre_ci")) else {
        return;
    };
    task.image = Runtime::read_options(node, ["image_name", "image_tag"]).image();
    if let Some(variables) = node.get("env") {
        task.read_variables(variables, diagnostics);
    }
}

fn read_old(written: &Map, script: &mut Script, diagnostics: &mut Vec<Diagnostic>) {
    let mut read = |key: &str, entries: &mut Vec<String>| {
        let entry = written.get(key)?;
        flatten_texts(&entry.node, &format!("`{key}`"), entries, diagnostics);
        Some(entry.key)
    };
    let (mut entries, mut place) = (Vec::new(), None);
    for key in OLD_PHASES {
        let at = read(key, &mut entries);
        place = place.or(at);
    }
    let sections = &mut script.sections;
    for (key, section) in [
        ("after_success", &mut sections.on_success),
        ("after_failure", &mut sections.on_failure),
        ("after_script", &mut sections.always),
    ] {
        read(key, section);
    }
    add(script, "ci", entries, place);
}

fn add(script: &mut Script, name: &str, entries: Vec<String>, place: Option<Span>) {
    if let Some(place) = place
        && !entries.is_empty()
    {
        script.tasks.push(Task {
            name: Some(name.to_owned()),
            entries,
            has_script: true,
            variables: Vec::new(),
            image: None,
            default_image: false,
            runtime: Runtime::default(),
            place,
        });
    }
}
