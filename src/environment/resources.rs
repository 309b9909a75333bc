//! Step 4: the variables of what goes in and what comes out.

use std::rc::Rc;

use super::{Build, Builder, dependency_directory, is_secure, param_text, stable_id, substitute};
use crate::contract::{self, path, suffix};
use crate::credentials::{Credentials, Value};
use crate::diagnostic::Diagnostic;
use crate::resolve::{Dependency, Target};
use crate::yaml::{Node, Value as Yaml};

impl Builder {
    pub(super) fn dependency(&mut self, dependency: &Dependency, credentials: &Credentials, build: &Build) {
        let name = &dependency.name.text;
        let word = dependency.operation.word();
        let directory = dependency_directory(&build.root, word, name);
        let kind = dependency.target.kind();
        let shown = directory.display().to_string();
        let origin: Rc<str> = format!("{word} {name}").into();
        let version_name = self.version_name(dependency);
        let number = match dependency.target {
            Target::Resource(_) => "1",
            Target::Job(_) => "",
        };
        for (part, value) in [
            (suffix::PATH, shown.clone()),
            (suffix::STATE, format!("{shown}/{kind}")),
            (suffix::META, shown),
            (suffix::NAME, name.clone()),
            (suffix::TYPE, kind.to_owned()),
            (suffix::OPERATION, word.to_owned()),
            (suffix::ID, stable_id("resource", name)),
            (suffix::VERSIONNAME, version_name),
            (suffix::VERSIONNUMBER, number.to_owned()),
            (suffix::VERSIONID, stable_id("version", &format!("{name}/{number}"))),
        ] {
            self.environment.plain(format!("{}_{part}", dependency.env), value, &origin);
        }
        if let Some(resource) = dependency.target.resource() {
            self.pointer(dependency, resource.pointer(), suffix::POINTER, &origin);
            self.pointer(dependency, resource.seed(), suffix::SEED, &origin);
            if let Some(name) =
                resource.node.get("versionTemplate").and_then(|template| template.get("versionName"))
            {
                let variable = format!("{}_{}_VERSIONNAME", dependency.env, suffix::SEED);
                self.flatten(dependency, &variable, name, &origin);
            }
            if word == path::IN && kind == "params" {
                self.params_of(dependency, resource.params());
            }
        }
        if let Some(credential) = dependency.integration.and_then(|bound| credentials.get(&bound.name.text)) {
            self.integration(&dependency.env, credential, &directory, dependency.name.place);
        }
    }

    /// The name of the version that is taken, placeholders replaced.
    fn version_name(&mut self, dependency: &Dependency) -> String {
        let name =
            dependency.target.resource().and_then(|resource| resource.version_name()).unwrap_or_default();
        self.replace(dependency, name)
    }

    /// `<N>_POINTER_…` or `<N>_SEED_…`, and `<N>_SOURCENAME`.
    fn pointer(&mut self, dependency: &Dependency, node: Option<&Node>, part: &str, origin: &Rc<str>) {
        let Some(map) = node.and_then(Node::map) else { return };
        for (key, entry) in map {
            // A template holds params too; they have variables of their own.
            if key == "params" && dependency.target.kind() == "params" {
                continue;
            }
            let variable = format!("{}_{part}_{}", dependency.env, contract::key_name(key));
            self.flatten(dependency, &variable, &entry.node, origin);
            if part == suffix::POINTER && key == "sourceName" {
                let variable = format!("{}_{}", dependency.env, suffix::SOURCENAME);
                self.flatten(dependency, &variable, &entry.node, origin);
            }
        }
    }

    /// A scalar as one variable, objects and lists as one for each of their scalars.
    fn flatten(&mut self, dependency: &Dependency, variable: &str, node: &Node, origin: &Rc<str>) {
        match &node.value {
            Yaml::Null | Yaml::Scalar(_) => {
                let value = self.replace(dependency, node.text().unwrap_or_default());
                self.environment.plain(variable, value, origin);
            }
            Yaml::List(nodes) => {
                for (i, node) in nodes.iter().enumerate() {
                    self.flatten(dependency, &format!("{variable}_{i}"), node, origin);
                }
            }
            Yaml::Map(map) => {
                for (key, entry) in map {
                    let variable = format!("{variable}_{}", contract::key_name(key));
                    self.flatten(dependency, &variable, &entry.node, origin);
                }
            }
        }
    }

    fn params_of(&mut self, dependency: &Dependency, params: Option<&Node>) {
        let Some(map) = params.and_then(Node::map) else { return };
        let origin: Rc<str> = format!("params {}", dependency.name.text).into();
        for (key, entry) in map.iter().filter(|(key, entry)| !is_secure(key, &entry.node)) {
            let variable = format!("{}_{}_{}", dependency.env, suffix::PARAMS, contract::key_name(key));
            self.environment.set(variable, Value::Plain(param_text(&entry.node)), &origin);
        }
    }

    /// Placeholders replaced from the environment built so far.
    fn replace(&mut self, dependency: &Dependency, text: &str) -> String {
        let (environment, warnings) = (&self.environment, &mut self.warnings);
        substitute(
            text,
            |name| environment.get(name),
            |name| {
                let resource = &dependency.name.text;
                let place = dependency.target.resource().map_or(dependency.name.place, |r| r.name.place);
                warnings.push(
                    Diagnostic::warning(format!(
                        "`{resource}` refers to ${name}, which is not set: it becomes empty"
                    ))
                    .at(place)
                    .hint("set it in a params resource that goes IN before, or with -e"),
                );
            },
        )
    }
}
