//! `cliConfig`: the tool of an integration is configured for the job alone.

use std::os::unix::fs::PermissionsExt as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use crate::answers::{Answers, session};
use crate::moto::Moto;
use crate::place::{ACCESS_KEY, Place, ROLE, SECRET_KEY};

/// A line of one `cliConfig`, which leaves what it finds in `$OUT`.
fn one(kind: &str, fields: &str, pointer: &str, scopes: &str) -> Place {
    let place = Place::new("http://127.0.0.1:1");
    let out = place.path("found").display().to_string();
    place.with("OUT", &out).with("PASSWORD", "pa$$ word").line(
        &format!("  - name: i\n    type: {kind}\n    fields: {fields}"),
        &format!("  - {{name: tool, type: cliConfig, integration: i, pointer: {pointer}}}"),
        &format!("      - IN: tool\n        scopes: {scopes}"),
        "cp -a secrets \"$OUT\"; env > \"$OUT/env\"",
    )
}

fn found(place: &Place, file: &str) -> String {
    std::fs::read_to_string(place.path(&format!("found/{file}"))).unwrap()
}

fn variable(place: &Place, name: &str) -> Option<String> {
    found(place, "env").lines().find_map(|line| Some(line.strip_prefix(name)?.strip_prefix('=')?.to_owned()))
}

#[test]
#[ignore = "needs tests/aws/setup.sh"]
fn the_aws_cli_and_docker_are_configured() {
    let moto = Moto::start();
    let place = Place::new(&moto.address)
        .with_keys()
        .with("AWS_SESSION_TOKEN", "of somebody else")
        .with("AWS_PROFILE", "of-somebody-else")
        .with("HUB_PASSWORD", "hub-password")
        .fixture("cli-config");
    let log = place.good(&["run", "publish"]);
    for line in [
        "arn:aws:sts::123456789012:user/moto",
        "in us-east-2, and not in eu-west-1",
        "\"123456789012.dkr.ecr.us-east-2.amazonaws.com\"",
        "\"https://index.docker.io/v1/\"",
    ] {
        assert!(log.contains(&format!("\n{line}\n")), "{line} is not in: {log}");
    }
    assert!(log.contains("\narn:aws:sts::210987654321:assumed-role/deploy/shipctl\n"), "{log}");
    let asked = moto.asked();
    let taken: Vec<_> = asked.iter().filter(|(_, body)| body.contains("Action=AssumeRole")).collect();
    assert_eq!(taken.len(), 1, "{taken:?}");
    assert!(taken[0].1.contains("ExternalId=agreed-on"), "{taken:?}");
    assert!(
        std::fs::read_dir(place.path("home")).unwrap().next().is_none(),
        "the home directory is untouched"
    );
}

#[test]
fn its_files_are_private_and_gone_in_the_end() {
    let aws = Answers::new(vec![session()]);
    let place =
        Place::new(&aws.address).with_keys().with("HUB_PASSWORD", "hub-password").fixture("cli-config");
    let line = std::fs::read_to_string(place.path("shippable.yml")).unwrap();
    let (line, _) = line
        .replace("          - ecr\n", "          - s3\n")
        .split_once("          script:")
        .map(|(a, b)| (a.to_owned(), b.to_owned()))
        .unwrap();
    let script = "          script:\n            - stat -c '%a %n' secrets/aws/* secrets/docker/* secrets\n            - cat secrets/aws/* secrets/docker/*; printenv JOB_PATH; printenv AWS_ACCESS_KEY_ID || echo none\n";
    place.write("shippable.yml", &(line + script));
    let done = place.run(&["run", "publish"]);
    let log = done.stdout;
    assert!(done.stderr.contains("cliConfig `own` has no scope `s3`"), "{}", done.stderr);
    for file in ["aws/config", "aws/credentials", "docker/config.json"] {
        assert!(log.contains(&format!("\n600 secrets/{file}\n")), "{log}");
    }
    assert!(log.contains("\n700 secrets\n"), "{log}");
    let keys = "aws_access_key_id = ***\naws_secret_access_key = ***\n";
    assert!(log.contains(&format!("[own]\n{keys}[default]\n{keys}")), "{log}");
    assert!(log.contains("[profile customer]\nregion = eu-west-1\ncredential_process = "), "{log}");
    assert!(log.contains("[profile own]\nregion = us-east-2\n[default]\nregion = us-east-2\n"), "{log}");
    assert!(log.contains("\"externalId\": \"***\""), "{log}");
    assert!(!log.contains(&STANDARD.encode("release:hub-password")), "{log}");
    assert!(log.contains("\nnone\n"), "the caller's keys are not inherited: {log}");
    let root = log.lines().find(|line| line.ends_with("/publish")).unwrap();
    for directory in ["aws", "docker"] {
        let left = std::fs::read_dir(std::path::Path::new(root).join("secrets").join(directory));
        assert_eq!(left.map_or(0, Iterator::count), 0, "{directory}");
    }
}

#[test]
fn the_session_of_a_role_is_renewed() {
    let (status, headers, body) = session();
    let ended = (status, headers, body.replace("2099", "2026").replace("ASIASESSION", "ASIAENDED"));
    let aws = Answers::new(vec![ended, session()]);
    let ask =
        "sh -c \"$(sed -n 's/^credential_process = //p' \"$AWS_CONFIG_FILE\" | head -1)\" | grep -v Secret";
    let place = Place::new(&aws.address).line(
        &format!(
            "  - {{name: k, type: amazonKeys, fields: {{accessKey: {ACCESS_KEY}, secretKey: {SECRET_KEY}}}}}\n  - {{name: r, type: amazonIamRole, fields: {{assumeRoleARN: {ROLE}, sourceIntegration: k, externalId: agreed}}}}"
        ),
        "  - {name: tool, type: cliConfig, integration: r}",
        "      - IN: tool",
        ask,
    );
    let log = place.good(&["run", "j"]);
    assert!(
        log.contains("\"Version\": 1,") && log.contains("\"Expiration\": \"2099-01-01T00:00:00Z\""),
        "{log}"
    );
    let asked = aws.asked();
    assert_eq!(asked.len(), 2);
    assert!(asked[1].contains(&format!("Credential={ACCESS_KEY}/")), "{asked:?}");
    assert!(asked[1].contains("ExternalId=agreed"), "{asked:?}");
}

#[test]
fn docker_is_logged_in_to_registries() {
    let login = "{url: 'https://registry.example.com:5000/v2', username: ann, password: {env: PASSWORD}, email: a@example.com}";
    let auth = STANDARD.encode("ann:pa$$ word");
    for (kind, fields, host) in [
        ("dockerRegistryLogin", login, "registry.example.com:5000"),
        ("quayLogin", "{username: ann, password: {env: PASSWORD}, email: a@example.com}", "quay.io"),
    ] {
        let place = one(kind, fields, "{}", "[]");
        place.good(&["run", "j"]);
        let config: Value = serde_json::from_str(&found(&place, "docker/config.json")).unwrap();
        assert_eq!(config["auths"][host]["auth"], auth.as_str());
        assert!(variable(&place, "DOCKER_CONFIG").unwrap().ends_with("/secrets/docker"));
        let file = std::fs::metadata(place.path("found/docker/config.json")).unwrap();
        assert_eq!(file.permissions().mode() & 0o777, 0o600);
    }
}

#[test]
fn a_cluster_is_what_its_integration_holds() {
    let place = one("kubernetesConfig", "{kubeConfigContent: {env: PASSWORD}}", "{}", "[]");
    place.good(&["run", "j"]);
    assert_eq!(found(&place, "kube/config-0"), "pa$$ word");
    assert!(variable(&place, "KUBECONFIG").unwrap().ends_with("/secrets/kube/config-0"));
}

#[test]
fn artifactory_is_the_default_server() {
    let fields = "{url: 'https://x.jfrog.io/artifactory', username: ann, password: {env: PASSWORD}}";
    let place = one("artifactoryKey", fields, "{}", "[]");
    place.good(&["run", "j"]);
    let config: Value = serde_json::from_str(&found(&place, "jfrog/jfrog-cli.conf.v6")).unwrap();
    assert_eq!(
        config["servers"][0],
        serde_json::json!({"serverId": "tool", "artifactoryUrl": "https://x.jfrog.io/artifactory/", "user": "ann", "password": "pa$$ word", "isDefault": true})
    );
}

#[test]
fn gcloud_has_a_key_and_what_needs_it_says_so() {
    let key = r#"{"project_id": "shop", "private_key": "pa$$ word"}"#;
    let place = |scopes: &str| {
        one("gcloudKey", "{JSON_key: {env: KEY}}", "{region: europe-west1-b, clusterName: blue}", scopes)
            .with("KEY", key)
    };
    let configured = place("[gcr]");
    configured.good(&["run", "j"]);
    assert_eq!(found(&configured, "gcloud/key.json"), key);
    assert!(variable(&configured, "GOOGLE_APPLICATION_CREDENTIALS").unwrap().ends_with("/gcloud/key.json"));
    assert_eq!(variable(&configured, "CLOUDSDK_CORE_PROJECT").unwrap(), "shop");
    assert_eq!(variable(&configured, "CLOUDSDK_COMPUTE_ZONE").unwrap(), "europe-west1-b");
    let config: Value = serde_json::from_str(&found(&configured, "docker/config.json")).unwrap();
    for host in ["gcr.io", "eu.gcr.io", "europe-west1-docker.pkg.dev"] {
        assert_eq!(config["auths"][host]["auth"], STANDARD.encode(format!("_json_key:{key}")).as_str());
    }

    let missing = place("[gke]").with("PATH", "/nowhere").bad(&["run", "j"]);
    assert!(missing.contains("error: scope gke of cliConfig `tool`: gcloud cannot be run"), "{missing}");
    let place = place("[gke]").program("gcloud", "echo \"$*\" > \"$KUBECONFIG\"");
    std::fs::create_dir_all(place.path("tmp")).unwrap();
    place.good(&["run", "j"]);
    assert_eq!(
        found(&place, "kubeconfig"),
        "container clusters get-credentials blue --zone europe-west1-b --quiet\n"
    );
}

#[test]
fn az_logs_itself_in() {
    let fields = "{appId: app, password: {env: PASSWORD}, tenant: t}";
    let place = || one("azureKeys", fields, "{clusterName: blue, groupName: shop}", "[aks]");
    let done = place().with("PATH", "/nowhere").run(&["run", "j"]);
    assert!(done.stderr.contains("error: cliConfig `tool`: az cannot be run"), "{}", done.stderr);
    let script = "echo \"$*${SHIPCTL_KEY+ and a key}\" >> \"$AZURE_CONFIG_DIR-calls\"";
    let place = place().program("az", script).with("SHIPCTL_KEY", "/nowhere");
    place.good(&["run", "j"]);
    let calls = found(&place, "azure-calls");
    assert!(calls.starts_with("login --service-principal --username app --password @"), "{calls}");
    assert!(calls.contains("\naks get-credentials --name blue --resource-group shop --file "), "{calls}");
    assert!(!calls.contains("pa$$") && !calls.contains("and a key"), "{calls}");
    assert_eq!(variable(&place, "AZURE_CLIENT_SECRET").unwrap(), "pa$$ word");
}

#[test]
fn a_registry_that_cannot_be_had_is_an_error() {
    let aws = Answers::new(vec![(
        400,
        String::new(),
        r#"{"__type":"AccessDeniedException","Message":"no"}"#.to_owned(),
    )]);
    let place = Place::new(&aws.address).line(
        &format!("  - name: i\n    type: amazonKeys\n    fields: {{accessKey: {ACCESS_KEY}, secretKey: {SECRET_KEY}}}"),
        "  - {name: tool, type: cliConfig, integration: i, pointer: {region: $REGION}}\n  - {name: p, type: params, version: {params: {REGION: eu-north-1}}}",
        "      - IN: p\n      - {IN: tool, scopes: [ecr]}",
        "true",
    );
    let error = place.bad(&["run", "j"]);
    assert!(error.contains("error: integration `i`: cannot log in to its registry in eu-north-1: ecr:GetAuthorizationToken: access denied (AccessDeniedException: no)"), "{error}");
    assert!(
        error.contains("hint: the policy of these keys has to allow ecr:GetAuthorizationToken"),
        "{error}"
    );
    place.good(&["run", "j", "--dry-run"]);
    assert_eq!(aws.asked().len(), 1, "a dry run asks for nothing");
}
