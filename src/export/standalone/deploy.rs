//! Deployments and Services as calls of `aws` and `kubectl`.

use serde_json::{Value as Json, json};

use super::prepare::path;
use super::stand_ins::Settings;
use super::text::{self, Piece, Text};
use crate::managed::deploy::{Deployment, Method, Platform, Service};
use crate::managed::{Part, Setting, ecs, kubernetes};
use crate::resolve::Plan;

/// A deployment, turned.
pub(super) struct Turned {
    pub(super) lines: Vec<String>,
    /// What is different.
    pub(super) gaps: Vec<String>,
}

/// A text as one word of a shell.
pub(super) fn word(text: &str, settings: &Settings) -> String {
    Text::read(text, settings).word("", "")
}

/// An image that has the programs which a job calls.
pub(super) fn image(plan: &Plan) -> &'static str {
    let mut kinds = plan.all_integrations().map(|integration| integration.kind.name);
    match kinds.find(|kind| ["gcloudKey", "kubernetesConfig"].contains(kind)) {
        Some("gcloudKey") => "google/cloud-sdk:stable",
        Some(_) => "alpine/k8s:1.31.2",
        None => "amazon/aws-cli:latest",
    }
}

/// The calls of a deployment.
pub(super) fn deployment(plan: &Plan, deployment: &Deployment, settings: &Settings) -> Turned {
    let mut turned = Turned { lines: Vec::new(), gaps: Vec::new() };
    turned.gaps.push("it deploys in each pipeline, also what has not changed".to_owned());
    if deployment.parallel && deployment.services.len() > 1 {
        turned.gaps.push("its services are deployed one after another".to_owned());
    }
    for service in &deployment.services {
        match deployment.cluster.platform {
            Platform::Ecs => of_ecs(deployment, service, settings, &mut turned),
            Platform::Kubernetes => {
                of_kubernetes(&plan.job.name.text, deployment, service, settings, &mut turned);
            }
        }
    }
    turned
}

/// The call for Services.
pub(super) fn services(services: &[(String, Json)], settings: &Settings) -> Vec<String> {
    let mut lines = Vec::new();
    for (_, service) in services {
        lines.extend(file("service.json", service, settings));
        lines.push("kubectl apply --filename=secrets/service.json".to_owned());
    }
    lines
}

/// The value of a variable of a container. What is encrypted was left out, and said.
fn value(_: &Part, _: &str, setting: Setting) -> String {
    match setting {
        Setting::Plain(text) => text.to_owned(),
        Setting::Secure(..) => String::new(),
    }
}

fn of_ecs(deployment: &Deployment, service: &Service, settings: &Settings, turned: &mut Turned) {
    let request = ecs::ServiceRequest::of(service, &deployment.cluster, &mut value);
    if ecs::scaling(service).is_some() {
        turned.gaps.push(format!("service {} does not follow its load", service.base));
    }
    if request.lacks_role() {
        turned
            .gaps
            .push(format!("no role is looked for that ECS takes for the load balancer of {}", service.base));
    }
    let is_daemon = request.desired().is_none();
    let is_new = deployment.method == Method::BlueGreen;
    let lines = &mut turned.lines;
    let number = if is_new { "-$BUILD_NUMBER" } else { "" };
    lines.push(format!(
        "cluster={} service={}{number}",
        word(&deployment.cluster.name, settings),
        path(&service.base)
    ));
    lines.push("status() { aws ecs describe-services --cluster \"$cluster\" --services \"$service\" --query 'services[0].status' --output text; }".to_owned());
    let wait = wait(deployment.max_wait.as_secs());
    if deployment.method == Method::Replace && !is_daemon {
        lines.push("if [ \"$(status)\" = ACTIVE ]; then".to_owned());
        lines.push("    aws ecs update-service --cluster \"$cluster\" --service \"$service\" --desired-count 0 >/dev/null".to_owned());
        lines.push(format!("    {wait}"));
        lines.push("fi".to_owned());
    }
    lines.extend(file("task.json", &request.task_definition, settings));
    lines.extend(file("service.json", &json!(request.service), settings));
    lines.extend(file("update.json", &json!(request.update), settings));
    lines.push("task=$(aws ecs register-task-definition --cli-input-json file://secrets/task.json --query taskDefinition.taskDefinitionArn --output text)".to_owned());
    lines.push("if [ \"$(status)\" = ACTIVE ]; then".to_owned());
    lines.push("    aws ecs update-service --cli-input-json file://secrets/update.json --service \"$service\" --task-definition \"$task\" >/dev/null".to_owned());
    lines.push("else".to_owned());
    lines.push("    aws ecs create-service --cli-input-json file://secrets/service.json --service-name \"$service\" --task-definition \"$task\" >/dev/null".to_owned());
    lines.push("fi".to_owned());
    if !is_new {
        lines.push(wait);
        return;
    }
    let delete = "aws ecs delete-service --cluster \"$cluster\" --force >/dev/null --service";
    let mut stable = wait.clone();
    if !deployment.stability.is_zero() {
        stable += &format!(" && sleep {} && {wait}", deployment.stability.as_secs());
    }
    lines.push(format!("{stable} || {{ {delete} \"$service\"; exit 1; }}"));
    lines.push("for old in $(aws ecs list-services --cluster \"$cluster\" --query 'serviceArns[]' --output text); do".to_owned());
    lines.push("    old=${old##*/}".to_owned());
    lines.push(format!(
        "    if [[ $old =~ ^{}-[0-9]+$ && $old != \"$service\" ]]; then {delete} \"$old\"; fi",
        service.base
    ));
    lines.push("done".to_owned());
}

/// Waits until a service is stable: `aws` does for ten minutes.
fn wait(seconds: u64) -> String {
    const USUAL: u64 = 600;
    let wait = "aws ecs wait services-stable --cluster \"$cluster\" --services \"$service\"";
    match seconds {
        USUAL => wait.to_owned(),
        0..USUAL => format!("timeout {seconds} {wait}"),
        _ => {
            format!(
                "timeout {seconds} sh -c 'until {}; do :; done'",
                wait.replace("\"$cluster\"", "\"$0\"").replace("\"$service\"", "\"$1\"")
            ) + " \"$cluster\" \"$service\""
        }
    }
}

fn of_kubernetes(
    job: &str,
    deployment: &Deployment,
    service: &Service,
    settings: &Settings,
    turned: &mut Turned,
) {
    let is_new = deployment.method == Method::BlueGreen;
    let (mut object, _) = kubernetes::object(job, deployment, service, 0, &mut value);
    let namespace = deployment.cluster.namespace.as_ref();
    let kubectl = format!(
        "kubectl{}",
        namespace.map_or_else(String::new, |name| format!(" --namespace={}", word(name, settings)))
    );
    let seconds = deployment.max_wait.as_secs();
    if is_new {
        let name = json!(format!("{}-{}", service.base, text::shell(text::NUMBER)));
        object["metadata"]["name"] = name.clone();
        object["metadata"]["labels"][kubernetes::NAME] = name.clone();
        object["spec"]["selector"]["matchLabels"][kubernetes::NAME] = name.clone();
        object["spec"]["template"]["metadata"]["labels"][kubernetes::NAME] = name;
    }
    let lines = &mut turned.lines;
    let number = if is_new { "-$BUILD_NUMBER" } else { "" };
    lines.push(format!("name={}{number}", path(&service.base)));
    if deployment.method == Method::Replace {
        lines.push(format!("{kubectl} delete deployment/\"$name\" --ignore-not-found --timeout={seconds}s"));
    }
    lines.extend(file("deployment.json", &object, settings));
    lines.push(format!("{kubectl} apply --filename=secrets/deployment.json"));
    let rollout = format!("{kubectl} rollout status deployment/\"$name\" --timeout={seconds}s");
    if !is_new {
        lines.push(rollout);
        return;
    }
    lines.push(format!("{rollout} || {{ {kubectl} delete deployment/\"$name\"; exit 1; }}"));
    lines.push(format!(
        "for old in $({kubectl} get deployments --selector={} --output=name); do",
        kubernetes::selector(job, service)
    ));
    lines.push(format!(
        "    if [ \"${{old##*/}}\" != \"$name\" ]; then {kubectl} delete \"$old\" --timeout={seconds}s; fi"
    ));
    lines.push("done".to_owned());
}

/// Has a file hold an object; what is known where the pipeline runs is put in there.
fn file(name: &str, object: &Json, settings: &Settings) -> Vec<String> {
    let text = Text::read(&format!("{object:#}"), settings);
    let is_plain = text.0.iter().all(|piece| matches!(piece, Piece::Plain(_)));
    let quote = if is_plain { "'" } else { "" };
    let body: String = text
        .0
        .iter()
        .map(|piece| match piece {
            Piece::Plain(text) if is_plain => text.clone(),
            Piece::Plain(text) => text.replace('\\', "\\\\").replace('$', "\\$").replace('`', "\\`"),
            Piece::Shell(expression) => expression.clone(),
            Piece::Setting(name) => text::braced(name),
            Piece::Root | Piece::Number | Piece::User => String::new(),
        })
        .collect();
    let mut lines = vec![format!("cat >secrets/{name} <<{quote}END_OF_FILE{quote}")];
    lines.extend(body.lines().map(str::to_owned));
    lines.push("END_OF_FILE".to_owned());
    lines
}
