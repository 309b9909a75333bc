//! Step 4: the variables of what goes in and what comes out.

use std::rc::Rc;

use serde_json::Value as Json;

use super::builder::Builder;
use super::{RunContext, UNKNOWN, dependency_directory, stable_id, substitute};
use crate::contract::{self, path, suffix};
use crate::credentials::Credentials;
use crate::diagnostic::Diagnostic;
use crate::model::ci::RUN_CI;
use crate::model::resource::Resource;
use crate::repository::Repository;
use crate::resolve::{Dependency, Target};
use crate::versions;
use crate::yaml::{Node, Value as Yaml};

impl Builder {
    pub(super) fn dependency(
        &mut self,
        dependency: &Dependency,
        credentials: &Credentials,
        context: &RunContext,
    ) {
        let name = &dependency.name.text;
        let word = dependency.operation.word();
        let directory = dependency_directory(&context.root, word, name);
        let kind = dependency.target.kind();
        let shown = directory.display().to_string();
        let origin: Rc<str> = format!("{word} {name}").into();
        let repository = context.repository(dependency);
        let version_name = match repository {
            // The version of a repository is a commit.
            Some(repository) => repository.commit().to_owned(),
            None => self.version_name(dependency, context),
        };
        let number = match (context.versions.of(dependency), dependency.target) {
            (Some(version), _) => version.number.to_string(),
            // It has not run yet, or did so elsewhere.
            (None, target) if matches!(target, Target::Job(_)) || target.kind() == RUN_CI => String::new(),
            (None, _) => "1".to_owned(),
        };
        let version_id = stable_id("version", &format!("{name}/{number}"));
        for (part, value) in [
            (suffix::PATH, shown.clone()),
            (suffix::STATE, format!("{shown}/{kind}")),
            (suffix::META, shown),
            (suffix::NAME, name.clone()),
            (suffix::TYPE, kind.to_owned()),
            (suffix::OPERATION, word.to_owned()),
            (suffix::ID, stable_id("resource", name)),
            (suffix::VERSIONNAME, version_name),
            (suffix::VERSIONNUMBER, number),
            (suffix::VERSIONID, version_id),
        ] {
            let variable = format!("{}_{part}", dependency.env);
            // What was never made has no values; one that is given with -e is meant.
            let is_unmade = matches!(part, suffix::VERSIONNAME | suffix::VERSIONNUMBER) && value.is_empty();
            if !(is_unmade && context.given.iter().any(|given| given.name == variable)) {
                self.environment.plain(variable, value, &origin);
            }
        }
        if let Some(resource) = dependency.target.resource() {
            self.pointer(dependency, resource.pointer(), suffix::POINTER, &origin);
            self.pointer(dependency, resource.seed(), suffix::SEED, &origin);
            if let Some(name) = resource.template().and_then(|template| template.get("versionName")) {
                let variable = format!("{}_{}_VERSIONNAME", dependency.env, suffix::SEED);
                self.flatten(dependency, &variable, name, &origin);
            }
            if kind == "replicas" {
                self.count(dependency, resource, context);
            }
            if let Some(repository) = repository {
                self.repository(dependency, repository, context);
            }
            if word == path::IN && kind == "params" {
                self.params_of(dependency, resource, context);
            }
        }
        if let Some(credential) = dependency.integration.and_then(|bound| credentials.get(&bound.name.text)) {
            self.integration(&dependency.env, credential, &directory, dependency.name.place);
        }
    }

    /// What git says of a repository that goes in.
    fn repository(&mut self, dependency: &Dependency, repository: &Repository, context: &RunContext) {
        let name = &dependency.name.text;
        let origin: Rc<str> = format!("{} {name}, {}", path::IN, repository.origin()).into();
        for (part, value) in repository.variables() {
            self.environment.plain(format!("{}_{part}", dependency.env), value, &origin);
        }
        // Where the original had the key it cloned with. Here git gets in as it does for the user, and no file is there.
        let key = context.root.join(path::SECRETS).join(format!("{name}_key.pem"));
        let variable = format!("{}_{}", dependency.env, suffix::KEYPATH);
        self.environment.plain(variable, key.display().to_string(), &origin);
    }

    /// The name of the version that is taken. Placeholders are replaced in what is still as the YAML has it; what a job
    /// wrote is left alone.
    fn version_name(&mut self, dependency: &Dependency, context: &RunContext) -> String {
        let written = dependency.target.resource().and_then(|resource| resource.version_name());
        match context.versions.of(dependency).map(|version| version.version_name.as_deref()) {
            Some(stored) if stored != written => stored.unwrap_or_default().to_owned(),
            _ => self.replace(dependency, written.unwrap_or_default()),
        }
    }

    /// `<N>_VERSION_COUNT` of replicas, in whichever syntax they are written.
    fn count(&mut self, dependency: &Dependency, resource: &Resource, context: &RunContext) {
        let stored = context.versions.of(dependency);
        let text = match versions::bag_of(Some(resource), stored).remove("count") {
            Some(Json::String(text)) => self.replace(dependency, &text),
            Some(Json::Null) | None => return,
            Some(other) => other.to_string(),
        };
        let variable = format!("{}_{}_COUNT", dependency.env, suffix::VERSION);
        self.environment.plain(variable, text, &format!("replicas {}", dependency.name.text).into());
    }

    /// `<N>_POINTER_…` or `<N>_SEED_…`, and `<N>_SOURCENAME`.
    fn pointer(&mut self, dependency: &Dependency, node: Option<&Node>, part: &str, origin: &Rc<str>) {
        let Some(node) = node else { return };
        let Some(map) = node.map() else {
            // `seed: 1.0.0` is one variable.
            if part == suffix::SEED && node.text().is_some_and(|text| !text.is_empty()) {
                self.flatten(dependency, &format!("{}_{part}", dependency.env), node, origin);
            }
            return;
        };
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
                        "`{resource}` {UNKNOWN}{name}, which is not set: it becomes empty"
                    ))
                    .rule("unset-variable")
                    .at(place)
                    .hint("set it in a params resource that goes IN before, or with -e"),
                );
            },
        )
    }
}
