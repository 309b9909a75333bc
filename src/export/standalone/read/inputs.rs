//! What goes into a job, and what is made of it before its scripts run.

use super::Reader;
use crate::environment;
use crate::export::standalone::prepare::path;
use crate::export::standalone::stand_ins;
use crate::export::standalone::text::{Piece, Text};
use crate::export::standalone::{Clone, Input, Job};
use crate::model::Resource;
use crate::order::Wait;
use crate::repository;
use crate::resolve::{Dependency, Operation, Plan, Target};
use crate::versions;

impl Reader<'_> {
    pub(super) fn dependency(
        &mut self,
        plan: &Plan,
        dependency: &Dependency,
        jobs: &[Job],
        before: &[Wait],
        job: &mut Job,
    ) {
        let name = &dependency.name.text;
        let word = dependency.operation.word();
        let kind = dependency.target.kind();
        job.directories.push(format!("{word}/{name}/{kind}"));
        let Operation::In(input) = dependency.operation else { return };
        if input.pin.is_some() {
            self.gap(
                &plan.job.name.text,
                format!("IN {name} takes a version of its own: here it is the last one"),
                input.name.place,
            );
        }
        for (part, file) in dependency
            .integration
            .map(|integration| environment::key_files(integration.kind.name, name))
            .unwrap_or_default()
        {
            self.key_file(dependency, part, &file, job);
        }
        let is_managed = plan.job.managed().is_some();
        if kind == "cliConfig" || is_managed && plan.job.uses_integration_of(kind) {
            self.tool(plan, dependency, job);
        }
        match dependency.target {
            // Nothing of it is used.
            Target::Resource(_) if is_managed && repository::is_repository(kind) => {}
            Target::Resource(resource) if repository::is_repository(kind) => {
                self.repository(plan, dependency, resource, job);
            }
            target => {
                let resource = target.resource();
                let from = match resource {
                    Some(_) => self.makers(name, before, jobs),
                    None => jobs.iter().position(|job| job.name == *name).into_iter().collect(),
                };
                if resource.is_none() && from.is_empty() {
                    self.gap(
                        &plan.job.name.text,
                        format!("the state of job {name} is not there, as that was not turned"),
                        input.name.place,
                    );
                }
                job.inputs.push(Input {
                    name: name.clone(),
                    env: dependency.env.clone(),
                    kind: kind.to_owned(),
                    from,
                    known: resource.map(known).unwrap_or_default(),
                    is_job: resource.is_none(),
                    is_params: kind == "params",
                });
            }
        }
    }

    /// The jobs that put a resource OUT before a job runs.
    pub(super) fn makers(&self, resource: &str, before: &[Wait], jobs: &[Job]) -> Vec<usize> {
        let mut open: Vec<usize> = before.iter().map(|wait| wait.member).collect();
        let mut all = vec![false; jobs.len()];
        while let Some(member) = open.pop() {
            if !std::mem::replace(&mut all[member], true) {
                open.extend(jobs[member].needs.iter().map(|need| need.job));
            }
        }
        let makers = self.made.get(resource).map_or(&[][..], Vec::as_slice);
        makers.iter().copied().filter(|maker| all[*maker]).collect()
    }

    /// The file that an SSH or PEM key is kept in.
    fn key_file(&mut self, dependency: &Dependency, part: &str, file: &str, job: &mut Job) {
        if part == "PRIVATE_KEY_PATH" {
            return;
        }
        let fields = ["PRIVATEKEY", "KEY", "PUBLICKEY"];
        let wanted = if part == "PUBLIC_KEY_PATH" { &fields[2..] } else { &fields[..2] };
        let run = &job.runs[0];
        let variable = |field: &&str| run.variables.get(&format!("{}_INTEGRATION_{field}", dependency.env));
        let Some(text) = wanted.iter().find_map(variable) else { return };
        let path = format!("\"$root\"/{}", path(&format!("IN/{}/{file}", dependency.name.text)));
        job.more.push(format!("(umask 077; printf '%s\\n' {} >{path})", text.word("", "")));
    }

    /// What a `cliConfig` configures, as far as variables can.
    fn tool(&mut self, plan: &Plan, dependency: &Dependency, job: &mut Job) {
        let name = &dependency.name.text;
        let place = dependency.name.place;
        let Some(integration) = dependency.integration else {
            let what = format!(
                "cliConfig {name}: its integration is declared nowhere, and what it configures is not known"
            );
            return self.gap(&plan.job.name.text, what, place);
        };
        let prefix = format!("{}_INTEGRATION_", dependency.env);
        let of = |job: &Job, field: &str| {
            job.runs[0].variables.get(&format!("{prefix}{field}")).map(|text| text.word("", ""))
        };
        match integration.kind.name {
            "amazonKeys" => {
                let region =
                    job.runs[0].variables.get(&format!("{}_POINTER_REGION", dependency.env)).cloned();
                for run in &mut job.runs {
                    for (variable, field) in [
                        ("AWS_ACCESS_KEY_ID", "ACCESSKEY"),
                        ("AWS_SECRET_ACCESS_KEY", "SECRETKEY"),
                        ("AWS_SESSION_TOKEN", "SESSIONTOKEN"),
                    ] {
                        if let Some(text) = run.variables.get(&format!("{prefix}{field}")).cloned() {
                            run.variables.insert(variable.to_owned(), text);
                        }
                    }
                    if let Some(region) = &region {
                        run.variables.insert("AWS_DEFAULT_REGION".to_owned(), region.clone());
                    }
                }
            }
            "dockerRegistryLogin" | "quayLogin" => {
                let url = of(job, "URL").unwrap_or_default();
                if let (Some(user), Some(password)) = (of(job, "USERNAME"), of(job, "PASSWORD")) {
                    job.more.push(format!(
                        "printf %s {password} | docker login -u {user} --password-stdin {url}"
                    ));
                }
            }
            "gcloudKey" => {
                if let Some(key) = of(job, "JSON_KEY") {
                    job.more.push(format!("(umask 077; printf %s {key} >\"$root\"/secrets/gcloud.json)"));
                    job.more.push(
                        "gcloud auth activate-service-account --key-file \"$root\"/secrets/gcloud.json"
                            .to_owned(),
                    );
                    if plan.job.managed().is_some() {
                        self.gke_cluster(plan, dependency, job);
                    }
                }
            }
            "kubernetesConfig" => {
                if let Some(config) = of(job, "KUBECONFIGCONTENT") {
                    job.more
                        .push(format!("(umask 077; printf '%s\\n' {config} >\"$root\"/secrets/kubeconfig)"));
                    for run in &mut job.runs {
                        let path = Text(vec![Piece::Root, Piece::Plain("/secrets/kubeconfig".to_owned())]);
                        run.variables.insert("KUBECONFIG".to_owned(), path);
                    }
                }
            }
            kind => {
                let what = format!("cliConfig {name} of kind {kind} is not configured");
                self.gap(&plan.job.name.text, what, place);
            }
        }
        if let Operation::In(input) = dependency.operation
            && !input.scopes.is_empty()
        {
            let what = format!("cliConfig {name}: the scopes {} are not configured", input.scopes.join(", "));
            self.gap(&plan.job.name.text, what, place);
        }
    }

    /// The cluster of Google that a deployment goes to.
    fn gke_cluster(&mut self, plan: &Plan, dependency: &Dependency, job: &mut Job) {
        let text = |part: &str| job.runs[0].variables.get(&format!("{}_{part}", dependency.env));
        let (region, cluster) =
            (text("POINTER_REGION"), text("POINTER_CLUSTERNAME").or_else(|| text("SOURCENAME")));
        let (Some(region), Some(cluster)) = (region, cluster) else {
            let what = format!("{} has no region or no name", dependency.name.text);
            return self.gap(&plan.job.name.text, what, dependency.name.place);
        };
        let (region, cluster) = (region.word("", ""), cluster.word("", ""));
        job.more.push(
            "project=$(sed -n 's/.*\"project_id\": *\"\\([^\"]*\\)\".*/\\1/p' \"$root\"/secrets/gcloud.json)"
                .to_owned(),
        );
        let file = Text(vec![Piece::Root, Piece::Plain("/secrets/kubeconfig".to_owned())]);
        job.more.push(format!(
            "KUBECONFIG={} gcloud container clusters get-credentials {cluster} --location {region} --project \"$project\" --quiet",
            file.word("", "")
        ));
        for run in &mut job.runs {
            run.variables.insert("KUBECONFIG".to_owned(), file.clone());
        }
    }

    fn repository(&mut self, plan: &Plan, dependency: &Dependency, resource: &Resource, job: &mut Job) {
        let name = &dependency.name.text;
        let text =
            |key: &str| resource.pointer().and_then(|pointer| pointer.get(key)?.text()).map(str::to_owned);
        let is_built = environment::built(plan).is_some_and(|built| built.name.text == *name);
        let source = text("sourceName").filter(|source| !source.is_empty());
        let Some(source) = source.filter(|_| !is_built || resource.kind.text != "ciRepo") else {
            // A repository that a runCI job builds is the one that its pipeline is kept in.
            job.own_repository = Some(name.clone());
            return self.facts_of(dependency, "", job);
        };
        let declared = dependency.integration;
        let kind = declared.map_or("github", |integration| integration.kind.name);
        let url = job.runs[0].variables.get(&format!("{}_INTEGRATION_URL", dependency.env));
        let url = match url.map(|url| url.0.as_slice()) {
            Some([Piece::Plain(url)]) => url.clone(),
            _ => String::new(),
        };
        let server = match kind {
            "gitlab" if url.is_empty() || url.contains("gitlab.com") => "https://gitlab.com".to_owned(),
            "bitbucket" => "https://bitbucket.org".to_owned(),
            "github" => "https://github.com".to_owned(),
            _ => url.split('/').take(3).collect::<Vec<_>>().join("/"),
        };
        if declared.is_none() {
            let what = match &resource.integration {
                Some(integration) => format!(
                    "integration {} is declared nowhere: repository {name} is taken to be on GitHub",
                    integration.text
                ),
                None => format!("repository {name} has no integration: it is taken to be on GitHub"),
            };
            self.gap(&plan.job.name.text, what, dependency.name.place);
        }
        let token = match (
            job.runs[0].variables.get(&format!("{}_INTEGRATION_TOKEN", dependency.env)),
            &resource.integration,
        ) {
            (Some(text), _) => text.settings().next().unwrap_or_default().to_owned(),
            (None, Some(integration)) => {
                let token = stand_ins::name_of(integration, "token");
                let purpose = format!("integration {}, field token", integration.text);
                self.settings.entry(token.clone()).or_insert(purpose);
                token
            }
            (None, None) => String::new(),
        };
        job.clones.push(Clone {
            resource: name.clone(),
            url: format!("{server}/{source}.git"),
            branch: text("branch").filter(|branch| !branch.is_empty() && !branch.contains('$')),
            user: match kind {
                "gitlab" => "oauth2",
                "bitbucket" => "x-token-auth",
                _ => "x-access-token",
            },
            token,
        });
        self.facts_of(dependency, &source, job);
    }

    /// What the variables of a repository are, as far as git knows.
    fn facts_of(&mut self, dependency: &Dependency, source: &str, job: &mut Job) {
        let git = |what: &str| {
            let clone = format!("IN/{}/{}", dependency.name.text, repository::CLONE);
            Text(vec![Piece::Shell(format!("$(git -C $root/{} {what})", path(&clone)))])
        };
        let plain = |text: &str| Text(vec![Piece::Plain(text.to_owned())]);
        let facts = [
            ("COMMIT", git("rev-parse HEAD")),
            ("COMMITTER", git("log -1 --format=%cn")),
            ("COMMIT_MESSAGE", git("log -1 --format=%s")),
            ("BRANCH", git("rev-parse --abbrev-ref HEAD")),
            ("REPO_FULL_NAME", plain(source)),
            ("IS_PULL_REQUEST", plain("false")),
            ("PULL_REQUEST", plain("false")),
            ("IS_GIT_TAG", plain("false")),
            ("IS_RELEASE", plain("false")),
        ];
        let is_built = job.own_repository.as_ref() == Some(&dependency.name.text);
        let mut facts = facts;
        if is_built {
            // A CI checks out a commit, and knows what it is the last one of.
            facts[3].1 = Text(vec![Piece::Shell("${CI_COMMIT_REF_NAME:-${GITHUB_REF_NAME-}}".to_owned())]);
        }
        for run in &mut job.runs {
            for (part, text) in &facts {
                if is_built && run.variables.contains_key(*part) {
                    run.variables.insert((*part).to_owned(), text.clone());
                }
                run.variables.insert(format!("{}_{part}", dependency.env), text.clone());
            }
            run.variables.insert(format!("{}_VERSIONNAME", dependency.env), facts[0].1.clone());
        }
    }
}

/// What the YAML says of the version of a resource: the scalars of its property bag.
fn known(resource: &Resource) -> Vec<(String, String)> {
    let bag = versions::bag_of(Some(resource), None);
    let text = |value: &serde_json::Value| match value {
        serde_json::Value::String(text) => Some(text.clone()),
        serde_json::Value::Number(_) | serde_json::Value::Bool(_) => Some(value.to_string()),
        _ => None,
    };
    bag.iter()
        .filter_map(|(key, value)| Some((key.clone(), text(value)?)))
        .filter(|(_, value)| !value.contains('\n'))
        .collect()
}
