//! Deployments to Kubernetes, with a stand-in for kubectl that keeps what it is called with. `tests/kubernetes/check.sh` has it check
//! what is applied against the published schemas.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use serde_json::{Value, json};

use crate::line::text;
use crate::support::{Call, shipctl};

const KUBECTL: &str = r#"#!/bin/sh
echo "$*" >> "$WORK/calls"
cat "$KUBECONFIG" > "$WORK/kubeconfig"
for argument; do
    case $argument in
    --filename=*)
        cat "${argument#*=}" > "$WORK/applied"
        stat -c %a "${argument#*=}" > "$WORK/mode"
        if [ -n "$VALIDATE" ]; then "$VALIDATE" --strict --quiet "$WORK/applied" >&2 || exit 1; fi
        ;;
    esac
done
case "$*" in
*"get deployment/"*) cat "$WORK/there" 2>/dev/null || true ;;
*"rollout status"*) if [ -e "$WORK/bad" ]; then echo 'error: timed out waiting for the condition' >&2; exit 1; fi ;;
esac
"#;

fn line(tag: &str, method: &str) -> String {
    format!(
        "integrations:
  - {{name: kube, type: kubernetesConfig, fields: {{kubeConfigContent: 'made-up kubeconfig'}}}}
resources:
  - {{name: Web_Image, type: image, versionTemplate: {{sourceName: shop/web, versionName: '{tag}'}}}}
  - name: options
    type: dockerOptions
    version:
      portMappings: ['80:8080/tcp']
      cpuShares: 512
      cmd: [serve]
      labels: {{tier: front}}
      capAdd: [SYS_TIME]
      volumes: ['/var/log:/logs:ro']
      readinessProbe: {{httpGet: {{path: /, port: 8080}}}}
      links: ['a:b']
      pod: {{imagePullSecrets: [registry]}}
      deployment: {{minReadySeconds: 5}}
  - {{name: common, type: params, version: {{params: {{LEVEL: info}}}}}}
  - {{name: two, type: replicas, version: {{count: 2}}}}
  - {{name: there, type: cluster, integration: kube, pointer: {{namespace: shop}}}}
jobs:
  - {{name: site, type: manifest, steps: [IN: Web_Image, IN: options, IN: common]}}
  - {{name: ship, type: deploy, {method}steps: [IN: site, IN: there, IN: two]}}
"
    )
}

/// A place with the line and the stand-in.
fn place(method: &str) -> Call {
    let call = shipctl("run")
        .file("shippable.yml", line("1", method))
        .file("bin/kubectl", KUBECTL)
        .file("tmp/", "")
        .env("TMPDIR", "{WORK}/tmp")
        .env("PATH", "{WORK}/bin:/usr/bin:/bin")
        .env("WORK", "{WORK}")
        .env("VALIDATE", std::env::var("SHIPCTL_TEST_VALIDATE").unwrap_or_default());
    fs::set_permissions(call.path("bin/kubectl"), fs::Permissions::from_mode(0o755)).unwrap();
    call
}

/// What a call of shipctl prints, and its status.
fn run(place: &Call, args: &str) -> (Option<i32>, String) {
    let output = place.also(args).output().unwrap();
    (output.status.code(), text(&output.stdout) + &text(&output.stderr))
}

/// What kubectl was called with since the last time.
fn calls(place: &Call) -> Vec<String> {
    let calls = fs::read_to_string(place.path("calls")).unwrap_or_default();
    let _ = fs::remove_file(place.path("calls"));
    let short = |call: &str| {
        call.split(' ').filter(|word| !word.starts_with("--filename=")).collect::<Vec<_>>().join(" ")
    };
    calls.lines().map(short).collect()
}

#[test]
fn a_green_deployment_takes_the_place_of_the_blue_one() {
    let place = place("");
    let (status, plan) = run(&place, "run ship --upstream --dry-run");
    assert_eq!(status, Some(0), "{plan}");
    assert!(plan.contains("  1. apply Deployment ship-site-1\n"), "{plan}");
    assert!(plan.contains("`links` has no effect in Kubernetes"), "{plan}");
    assert!(calls(&place).is_empty());
    let (status, log) = run(&place, "run ship --upstream");
    assert_eq!(status, Some(0), "{log}");
    assert_eq!(
        calls(&place),
        ["--namespace=shop apply", "--namespace=shop rollout status deployment/ship-site-1 --timeout=600s"]
    );
    assert_eq!(fs::read_to_string(place.path("kubeconfig")).unwrap(), "made-up kubeconfig");
    assert_eq!(fs::read_to_string(place.path("mode")).unwrap(), "600\n");
    let applied: Value = serde_json::from_slice(&fs::read(place.path("applied")).unwrap()).unwrap();
    let own = json!({
        "shippable.manifestName": "site",
        "shippable.jobName": "ship",
        "shippable.deploymentName": "ship-site-1",
    });
    let mut labels = own.clone();
    labels["tier"] = json!("front");
    assert_eq!(
        applied,
        json!({
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": "ship-site-1", "labels": own, "namespace": "shop"},
            "spec": {
                "replicas": 2,
                "selector": {"matchLabels": own},
                "template": {
                    "metadata": {"labels": labels},
                    "spec": {
                        "imagePullSecrets": [{"name": "registry"}],
                        "containers": [{
                            "name": "web-image",
                            "image": "shop/web:1",
                            "env": [{"name": "LEVEL", "value": "info"}],
                            "ports": [{"containerPort": 8080, "protocol": "TCP"}],
                            "args": ["serve"],
                            "volumeMounts": [{"name": "var-log", "mountPath": "/logs", "readOnly": true}],
                            "readinessProbe": {"httpGet": {"path": "/", "port": 8080}},
                            "resources": {"limits": {"memory": "400Mi"}, "requests": {"cpu": "500m"}},
                            "securityContext": {"capabilities": {"add": ["SYS_TIME"]}},
                        }],
                        "volumes": [{"name": "var-log", "hostPath": {"path": "/var/log"}}],
                    },
                },
                "minReadySeconds": 5,
            },
        })
    );
    let left =
        std::process::Command::new("find").arg(place.path("tmp")).args(["-type", "f"]).output().unwrap();
    assert_eq!(text(&left.stdout), "", "nothing secret is left");

    fs::write(place.path("there"), "deployment.apps/ship-site-1\n").unwrap();
    let (_, log) = run(&place, "run ship");
    assert!(log.contains("nothing has changed since it was deployed\n"), "{log}");
    assert_eq!(
        calls(&place),
        ["--namespace=shop get deployment/ship-site-1 --ignore-not-found --output=name"]
    );

    fs::write(place.path("shippable.yml"), line("2", "")).unwrap();
    let (status, log) = run(&place, "run ship --upstream");
    assert_eq!(status, Some(0), "{log}");
    let last = calls(&place).pop().unwrap();
    assert_eq!(
        last,
        "--namespace=shop delete deployment/ship-site-1 deployment/ship-site-2 --ignore-not-found --timeout=600s"
    );
}

#[test]
fn what_is_not_rolled_out_is_taken_back() {
    let place = place("");
    fs::write(place.path("bad"), "").unwrap();
    let (status, log) = run(&place, "run ship --upstream --log-format text -j 1");
    assert_eq!(status, Some(1), "{log}");
    assert!(log.contains("error: timed out waiting for the condition\n"), "{log}");
    assert_eq!(
        calls(&place)[2..],
        [
            "--namespace=shop delete deployment/ship-site-1 --ignore-not-found --timeout=60s",
            "--namespace=shop get deployments,pods --selector=shippable.manifestName=site,shippable.jobName=ship",
        ]
    );
}

#[test]
fn upgrade_and_replace_keep_the_name() {
    for (method, first) in [("upgrade", "apply"), ("replace", "delete")] {
        let place = place(&format!("method: {method}, "));
        run(&place, "run ship --upstream");
        let calls = calls(&place);
        assert!(calls[0].starts_with(&format!("--namespace=shop {first}")), "{calls:?}");
        assert_eq!(
            calls.last().unwrap(),
            "--namespace=shop rollout status deployment/ship-site --timeout=600s",
            "{method}"
        );
    }
}

#[test]
fn services_are_provisioned() {
    let place = place("");
    let yaml = "integrations:
  - {name: kube, type: kubernetesConfig, fields: {kubeConfigContent: 'made-up kubeconfig'}}
resources:
  - name: front
    type: loadBalancer
    integration: kube
    pointer: {sourceName: frontend, method: LoadBalancer, namespace: shop, clusterName: any}
    version:
      ports: [{name: http, protocol: TCP, port: 80}]
      selector: {shippable.manifestName: site, shippable.jobName: ship}
  - {name: elb, type: loadBalancer, pointer: {sourceName: elb, method: classic}}
jobs:
  - {name: expose, type: provision, steps: [IN: front]}
  - {name: wrong, type: provision, steps: [IN: elb]}
";
    fs::write(place.path("shippable.yml"), yaml).unwrap();
    let (status, plan) = run(&place, "run expose --dry-run");
    assert_eq!(status, Some(0), "{plan}");
    assert!(plan.contains("\"type\": \"LoadBalancer\""), "{plan}");
    let (status, log) = run(&place, "run expose");
    assert_eq!((status, calls(&place)), (Some(0), vec!["apply".to_owned()]), "{log}");
    let applied: Value = serde_json::from_slice(&fs::read(place.path("applied")).unwrap()).unwrap();
    assert_eq!(
        applied,
        json!({
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": "frontend", "namespace": "shop"},
            "spec": {
                "type": "LoadBalancer",
                "ports": [{"name": "http", "protocol": "TCP", "port": 80}],
                "selector": {"shippable.manifestName": "site", "shippable.jobName": "ship"},
            },
        })
    );
    let (status, said) = run(&place, "run wrong");
    assert_eq!(status, Some(125));
    assert!(said.starts_with("error: load balancer `elb` has no integration of Kubernetes\n"), "{said}");
}

/// A stand-in for gcloud and az, which make a kubeconfig.
const CLOUD: &str = r#"#!/bin/sh
echo "${0##*/} $*" | sed "s|$TMPDIR/[^ ]*/secrets|SECRETS|g" >> "$WORK/calls"
if [ -e "$WORK/bad" ]; then echo 'no such cluster' >&2; exit 1; fi
case ${0##*/} in
gcloud) echo "by $(cat "$CLOUDSDK_AUTH_CREDENTIAL_FILE_OVERRIDE")" > "$KUBECONFIG" ;;
az) case $* in *get-credentials*) echo "by az" > "$KUBECONFIG" ;; *) cat "${AZURE_CONFIG_DIR%/*}/azure-password" > "$WORK/password" ;; esac ;;
esac
"#;

#[test]
fn keys_of_google_and_azure_open_clusters() {
    let google = "{name: kube, type: gcloudKey, fields: {JSON_key: '{\"project_id\": \"p\"}'}}";
    let azure = "{name: kube, type: azureKeys, fields: {appId: app, password: hunter22, tenant: t}}";
    for (integration, pointer, made, kubeconfig) in [
        (
            google,
            "sourceName: shop, region: europe-west1-b, namespace: shop",
            vec!["gcloud container clusters get-credentials shop --zone europe-west1-b --quiet"],
            "by {\"project_id\": \"p\"}\n",
        ),
        (
            azure,
            "sourceName: shop, groupName: group, namespace: shop",
            vec![
                "az login --service-principal --username app --password @SECRETS/azure-password --tenant t --output none",
                "az aks get-credentials --name shop --resource-group group --file SECRETS/kubeconfig --overwrite-existing",
            ],
            "by az\n",
        ),
    ] {
        let place = place("");
        for tool in ["gcloud", "az"] {
            fs::write(place.path(&format!("bin/{tool}")), CLOUD).unwrap();
            fs::set_permissions(place.path(&format!("bin/{tool}")), fs::Permissions::from_mode(0o755))
                .unwrap();
        }
        let kube = "{name: kube, type: kubernetesConfig, fields: {kubeConfigContent: 'made-up kubeconfig'}}";
        let yaml = line("1", "")
            .replace(kube, integration)
            .replace("pointer: {namespace: shop}", &format!("versionTemplate: {{{pointer}}}"));
        fs::write(place.path("shippable.yml"), &yaml).unwrap();
        let (status, plan) = run(&place, "run ship --upstream --dry-run");
        assert_eq!(status, Some(0), "{plan}");
        let first = made[0].split(" --password").next().unwrap();
        assert!(plan.contains(&format!("first: {first}")) && !plan.contains("hunter22"), "{plan}");
        assert!(calls(&place).is_empty());
        let (status, log) = run(&place, "run ship --upstream");
        assert_eq!(status, Some(0), "{log}");
        let kubectl = [
            "--namespace=shop apply",
            "--namespace=shop rollout status deployment/ship-site-1 --timeout=600s",
        ];
        assert_eq!(calls(&place), [made, kubectl.to_vec()].concat(), "{log}");
        assert_eq!(fs::read_to_string(place.path("kubeconfig")).unwrap(), kubeconfig);
        // What the tool says is wrong is the error, and kubectl is not called.
        fs::write(place.path("bad"), "").unwrap();
        let (status, log) = run(&place, "run ship");
        assert_eq!(status, Some(125), "{log}");
        assert!(log.contains("error: cluster `there`: ") && log.contains("no such cluster"), "{log}");
        assert!(calls(&place).iter().all(|call| !call.contains("apply")));
        // A cluster needs all of its address.
        fs::write(place.path("shippable.yml"), yaml.replace("sourceName: shop, ", "")).unwrap();
        let (status, said) = run(&place, "run ship --dry-run");
        assert_eq!(status, Some(125), "{said}");
        assert!(said.contains("error: cluster `there`: it has no sourceName\n"), "{said}");
    }
}
