//! What goes into a job without scripts, as far as it heeds it.

use serde_json::{Map, Value as Json};

use super::ManagedJob;
use super::entry::{Manifest, Part};
use super::values::text;
use crate::contract::suffix;
use crate::diagnostic::Diagnostic;
use crate::environment::substitute;
use crate::model::{Name, Resource, job};
use crate::resolve::{Dependency, Operation};
use crate::source::Span;
use crate::versions::{self, bag_of, still_written};
use crate::yaml::Node;

/// A resource that goes in.
pub struct Input<'a> {
    /// What the job takes.
    pub dependency: &'a Dependency<'a>,
    /// The step that says so.
    step: &'a job::Input,
    /// The resource.
    pub resource: &'a Resource,
    /// The names that `applyTo` lists; `None` if it applies to all.
    pub apply_to: Option<Vec<Name>>,
}

impl<'a> Input<'a> {
    /// Where the step names it.
    pub fn place(&self) -> Span {
        self.dependency.name.place
    }

    /// Its type, as written.
    pub fn kind(&self) -> &'a str {
        &self.resource.kind.text
    }

    /// Whether it applies to something of these names.
    pub fn applies_to(&self, names: &[&str]) -> bool {
        let listed = |list: &Vec<Name>| list.iter().any(|name| names.contains(&name.text.as_str()));
        self.apply_to.as_ref().is_none_or(listed)
    }

    /// A warning for each name that `applyTo` lists and no input has, or that it lists none.
    pub fn misnamed(&self, known: &[&str]) -> Vec<Diagnostic> {
        let listed = self.apply_to.iter().flatten();
        let misnamed = listed.filter(|name| !known.contains(&name.text.as_str()));
        let misnamed = misnamed.map(|name| {
            Diagnostic::warning(format!(
                "`{}` is to apply to `{}`, which is not in this job",
                self.dependency.name.text, name.text
            ))
            .at(name.place)
            .did_you_mean(&name.text, known.iter().copied())
        });
        misnamed.chain(self.step.applies_to_nothing()).collect()
    }

    /// A warning if the count of replicas, which its version holds, is no number.
    fn uncountable(&self, version: &[(String, Json)]) -> Option<Diagnostic> {
        let (_, count) = version.iter().find(|(key, _)| key == "count")?;
        let count = text(count);
        let message =
            format!("the count of replicas `{}` is no number: `{count}`", self.dependency.name.text);
        count
            .trim()
            .parse::<u64>()
            .is_err()
            .then(|| Diagnostic::warning(message).at(self.place()).hint("one runs; write `count: 1`"))
    }
}

impl ManagedJob<'_> {
    /// The resources that go in, in step order.
    pub fn resources(&self) -> impl Iterator<Item = Input<'_>> {
        self.plan.dependencies.iter().filter_map(|dependency| {
            let (Operation::In(input), Some(resource)) = (dependency.operation, dependency.target.resource())
            else {
                return None;
            };
            Some(Input { dependency, step: input, resource, apply_to: input.apply_to() })
        })
    }

    /// The variable of something that goes in.
    pub fn variable(&self, dependency: &Dependency, part: &str) -> &str {
        self.environment.get(&format!("{}_{part}", dependency.env)).unwrap_or_default()
    }

    /// The property bag of a resource that goes in, placeholders replaced.
    pub fn bag(&self, input: &Input) -> Map<String, Json> {
        let stored = self.versions.of(input.dependency);
        let written = input.resource.version().and_then(Node::map);
        let bag = bag_of(Some(input.resource), stored);
        bag.into_iter()
            .map(|(key, value)| {
                let as_written = stored.is_none() || still_written(written, &key, &value).is_some();
                let value = if as_written { self.substituted(value) } else { value };
                (key, value)
            })
            .collect()
    }

    /// The pointer of a resource that goes in, placeholders replaced.
    pub(super) fn pointer(&self, input: &Input) -> Map<String, Json> {
        match input.resource.pointer().map(Node::to_json) {
            Some(Json::Object(map)) => {
                map.into_iter().map(|(key, value)| (key, self.substituted(value))).collect()
            }
            _ => Map::new(),
        }
    }

    fn substituted(&self, value: Json) -> Json {
        match value {
            Json::String(text) if text.contains('$') => {
                Json::String(substitute(&text, |name| self.environment.get(name), |_| {}))
            }
            Json::Array(items) => items.into_iter().map(|item| self.substituted(item)).collect(),
            Json::Object(map) => map.into_iter().map(|(key, value)| (key, self.substituted(value))).collect(),
            other => other,
        }
    }

    /// An image or a file that goes in.
    pub(super) fn part(&self, input: &Input) -> Part {
        let number = self.variable(input.dependency, suffix::VERSIONNUMBER);
        Part {
            name: input.dependency.name.text.clone(),
            source_name: self.variable(input.dependency, suffix::SOURCENAME).to_owned(),
            version_name: self.variable(input.dependency, suffix::VERSIONNAME).to_owned(),
            version_number: number.parse().unwrap_or(1),
            ..Part::default()
        }
    }

    /// The params of a resource that goes in, as a manifest holds them: what is encrypted stays so.
    fn params(&self, input: &Input) -> Vec<(String, Json)> {
        let mut params = Vec::new();
        for param in versions::params(input.resource, self.versions.of(input.dependency)) {
            let Some(secure) = &param.secure else {
                params.push((param.key.to_owned(), Json::from(param.text.as_ref())));
                continue;
            };
            // What cannot be opened was reported when the environment was made.
            let opened = self.opened.get(&input.dependency.name.text, param.key).unwrap_or_default();
            for (key, _) in opened {
                let value = match param.is_bag() {
                    true => serde_json::json!({"secure": secure, "key": key}),
                    false => serde_json::json!({ "secure": secure }),
                };
                params.push((key.clone(), value));
            }
        }
        params
    }

    /// Applies the params, dockerOptions and replicas that go in to manifests, in step order: later ones win, key by key.
    pub(super) fn apply(&self, manifests: &mut [Manifest], warnings: &mut Vec<Diagnostic>) {
        for input in self.resources() {
            let settings: Vec<_> = match input.kind() {
                "params" => self.params(&input),
                "dockerOptions" | "replicas" => self.bag(&input).into_iter().collect(),
                _ => continue,
            };
            let mut known: Vec<&str> = Vec::new();
            for manifest in manifests.iter() {
                known.push(&manifest.name);
                known.extend(manifest.parts().iter().map(|part| part.name.as_str()));
            }
            warnings.extend(input.misnamed(&known));
            if input.kind() == "replicas" {
                warnings.extend(input.uncountable(&settings));
            }
            for manifest in manifests.iter_mut() {
                let name = manifest.name.clone();
                if input.kind() == "replicas" {
                    if input.applies_to(&[&name]) {
                        manifest.replicas = settings.iter().cloned().collect();
                    }
                    continue;
                }
                for part in manifest.parts_mut() {
                    if input.applies_to(&[&name, &part.name]) {
                        let target = match input.kind() {
                            "params" => &mut part.params,
                            _ => &mut part.docker_options,
                        };
                        target.extend(settings.iter().cloned());
                    }
                }
            }
        }
    }
}
