//! The matrix: every version with every row of variables, but for what `matrix` takes out or puts in.

use super::axis::{AXES, Axis, find};
use super::settings::{Setting, is_rules, read_row};
use crate::diagnostic::Diagnostic;
use crate::model::warn_of_unknown_keys;
use crate::source::Span;
use crate::yaml::{Map, Node, Value};

/// One run of the matrix.
#[derive(Clone, Debug, Default)]
pub struct MatrixEntry {
    /// The versions to run with.
    pub versions: Vec<(&'static Axis, String)>,
    /// The variables of this run.
    pub settings: Vec<Setting>,
    /// Whether its failure is none of the job.
    pub may_fail: bool,
}

/// More than this is a mistake.
const MOST: usize = 500;

/// What an entry of a rule may say beside versions and variables.
const IGNORED: &[&str] = &["nodePool", "os", "dist", "language", "sudo", "runtime", "services"];

impl MatrixEntry {
    /// What it is called among the others: `python 2.7, DB=pg`; empty if nothing sets it apart.
    pub fn label(&self) -> String {
        let versions = self.versions.iter().map(|(axis, version)| format!("{} {version}", axis.key));
        let parts: Vec<_> = versions.chain(self.settings.iter().map(Setting::label)).collect();
        parts.join(", ")
    }

    /// Whether it is one of those that a rule is about: a rule that says nothing is about none.
    fn fits(&self, rule: &MatrixEntry) -> bool {
        let says_something = !rule.versions.is_empty() || !rule.settings.is_empty();
        says_something
            && rule.versions.iter().all(|version| self.versions.contains(version))
            && rule.settings.iter().all(|setting| self.settings.iter().any(|own| own.equals(setting)))
    }
}

/// All runs of the CI section, one at least; `rows` are the rows of variables of which each is to be a run.
pub(super) fn read(
    written: &Map,
    rows: &[Vec<Setting>],
    diagnostics: &mut Vec<Diagnostic>,
) -> Vec<MatrixEntry> {
    let mut axes = Vec::new();
    for axis in AXES {
        if let Some(entry) = written.get(axis.key) {
            let values = values(&entry.node);
            if entry.node.text().is_some_and(|text| text.starts_with('-')) {
                diagnostics.push(
                    Diagnostic::warning(format!("`{}` is one text, and no list", axis.key))
                        .at(entry.node.place)
                        .hint("an item of a list has a blank behind its dash: `- 2.7`"),
                );
            }
            if !values.is_empty() {
                axes.push((axis, values, entry.key));
            }
        }
    }
    let mut rules = Rules::read(written, diagnostics);
    let only_included = axes.is_empty() && rows.is_empty() && !rules.include.is_empty();
    let mut entries = if only_included { Vec::new() } else { product(&axes, rows, diagnostics) };
    entries.retain(|entry| !rules.exclude.iter().any(|rule| entry.fits(rule)));
    for entry in &mut rules.include {
        complete(entry, &axes, rows);
    }
    entries.append(&mut rules.include);
    for entry in &mut entries {
        entry.may_fail = rules.may_fail.iter().any(|rule| entry.fits(rule));
    }
    if entries.is_empty() {
        let place = written.get("matrix").or_else(|| written.values().next()).map(|entry| entry.key);
        let warning = Diagnostic::warning("nothing is left of the matrix: the job runs once");
        diagnostics.extend(place.map(|place| warning.at(place).hint("`exclude` takes out every entry")));
        entries.push(MatrixEntry::default());
    }
    entries
}

/// The texts of a scalar or a list of them.
fn values(node: &Node) -> Vec<String> {
    match &node.value {
        Value::Scalar(scalar) => vec![scalar.text.clone()],
        Value::List(items) => items.iter().flat_map(values).collect(),
        Value::Null | Value::Map(_) => Vec::new(),
    }
}

type Values = (&'static Axis, Vec<String>, Span);

fn product(axes: &[Values], rows: &[Vec<Setting>], diagnostics: &mut Vec<Diagnostic>) -> Vec<MatrixEntry> {
    let mut entries = vec![MatrixEntry::default()];
    let too_many = |count: usize, more: usize| count.checked_mul(more).is_none_or(|count| count > MOST);
    for (axis, versions, place) in axes {
        if too_many(entries.len(), versions.len()) {
            diagnostics.push(
                Diagnostic::error(format!("the matrix has more than {MOST} entries"))
                    .at(*place)
                    .hint("take some out"),
            );
            return entries;
        }
        entries = entries
            .iter()
            .flat_map(|entry| {
                versions.iter().map(|version| {
                    let mut entry = entry.clone();
                    entry.versions.push((axis, version.clone()));
                    entry
                })
            })
            .collect();
    }
    if rows.is_empty() {
        return entries;
    }
    if too_many(entries.len(), rows.len()) {
        diagnostics.push(Diagnostic::error(format!("the matrix has more than {MOST} entries")));
        return entries;
    }
    let with =
        |entry: &MatrixEntry, row: &Vec<Setting>| MatrixEntry { settings: row.clone(), ..entry.clone() };
    entries.iter().flat_map(|entry| rows.iter().map(move |row| with(entry, row))).collect()
}

/// An included entry has what it does not say from where there is no choice.
fn complete(entry: &mut MatrixEntry, axes: &[Values], rows: &[Vec<Setting>]) {
    for (axis, versions, _) in axes {
        if let [version] = versions.as_slice()
            && !entry.versions.iter().any(|(known, _)| known == axis)
        {
            entry.versions.push((axis, version.clone()));
        }
    }
    if let [row] = rows
        && entry.settings.is_empty()
    {
        entry.settings.clone_from(row);
    }
}

/// What `matrix` says of the product.
#[derive(Default)]
struct Rules {
    include: Vec<MatrixEntry>,
    exclude: Vec<MatrixEntry>,
    may_fail: Vec<MatrixEntry>,
}

impl Rules {
    fn read(written: &Map, diagnostics: &mut Vec<Diagnostic>) -> Rules {
        let mut rules = Rules::default();
        let of_env = written.get("env").and_then(|env| env.node.get("matrix")).filter(|node| is_rules(node));
        for node in written.get("matrix").map(|matrix| &matrix.node).into_iter().chain(of_env) {
            let Some(map) = node.map() else { continue };
            let known = ["include", "exclude", "allow_failures", "fast_finish"];
            warn_of_unknown_keys(map, &known, "`matrix`", diagnostics);
            for (key, rules) in [
                ("include", &mut rules.include),
                ("exclude", &mut rules.exclude),
                ("allow_failures", &mut rules.may_fail),
            ] {
                if let Some(entry) = map.get(key) {
                    read_rules(&entry.node, key, rules, diagnostics);
                }
            }
        }
        if let Some(entry) = written.get("allow_failures") {
            read_rules(&entry.node, "allow_failures", &mut rules.may_fail, diagnostics);
        }
        rules
    }
}

fn read_rules(node: &Node, of: &str, rules: &mut Vec<MatrixEntry>, diagnostics: &mut Vec<Diagnostic>) {
    let items = match &node.value {
        Value::List(items) => items.as_slice(),
        _ => std::slice::from_ref(node),
    };
    for item in items {
        let Some(map) = item.map() else { continue };
        let mut rule = MatrixEntry::default();
        for (key, entry) in map {
            let capitals = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
            match (find(key), key.as_str()) {
                (Some(axis), _) => rule.versions.extend(values(&entry.node).into_iter().map(|v| (axis, v))),
                (None, "env") => read_row(&entry.node, &mut rule.settings, diagnostics),
                // The original's manual has variables here without `env`.
                (None, name) if name.chars().all(capitals) => {
                    let one = Map::from_iter([(key.clone(), entry.clone())]);
                    let node = Node { place: entry.key, value: Value::Map(one) };
                    read_row(&node, &mut rule.settings, diagnostics);
                }
                (None, name) if IGNORED.contains(&name) => {}
                (None, name) => diagnostics.push(
                    Diagnostic::warning(format!("unknown key `{name}` of `{of}`"))
                        .rule("unknown-key")
                        .at(entry.key)
                        .hint("it has no effect")
                        .did_you_mean(name, AXES.iter().map(|axis| axis.key).chain(["env"])),
                ),
            }
        }
        rules.push(rule);
    }
}
