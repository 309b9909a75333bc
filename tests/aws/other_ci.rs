//! Inside another CI, whose settings are all there is.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::answers::Answers;
use crate::moto::Moto;
use crate::place::{ACCESS_KEY, Place, ROLE, SECRET_KEY};

#[test]
#[ignore = "needs tests/aws/setup.sh"]
fn three_settings_are_enough_to_push() {
    let moto = Moto::start();
    let registry = Answers::new(vec![(201, String::new(), String::new())]);
    let place = Place::new(&moto.address)
        .with("AWS_IAM_USER_ACCESS_KEY_ID", ACCESS_KEY)
        .with("AWS_IAM_USER_SECRET_ACCESS_KEY", SECRET_KEY)
        .with("AWS_IAM_ROLE_ARN", ROLE)
        .with("REGISTRY_URL", &registry.address)
        .with("GITHUB_ACTIONS", "true")
        .fixture("other-ci");
    let log = place.good(&["run", "push"]);
    let pushes = "pushes to 210987654321.dkr.ecr.us-east-1.amazonaws.com as arn:aws:sts::210987654321:assumed-role/deploy/shipctl";
    assert!(log.contains(pushes), "{log}");
    let pushed = registry.asked();
    let login = STANDARD.encode("AWS:210987654321-auth-token");
    assert!(pushed[0].starts_with("PUT /v2/web/manifests/1.0 "), "{pushed:?}");
    assert!(pushed[0].contains(&format!("Authorization: Basic {login}\r\n")), "{pushed:?}");
    for secret in [login.as_str(), "210987654321-auth-token"] {
        assert!(!log.contains(secret), "{log}");
    }
    let services: Vec<_> = moto.asked().into_iter().map(|(service, _)| service).collect();
    assert_eq!(services, ["sts", "ecr", "sts"]);
}

#[test]
#[ignore = "needs tests/aws/setup.sh"]
fn one_secret_setting_is_enough_where_the_keys_are_encrypted() {
    let moto = Moto::start();
    let registry = Answers::new(vec![(201, String::new(), String::new())]);
    let place = Place::new(&moto.address).with("REGISTRY_URL", &registry.address).fixture("other-ci");
    let key = place.path("ci.key").display().to_string();
    let place = place.with("SHIPCTL_KEY_FILE", &key);
    place.good(&["key", "new"]);
    place.write("secret", SECRET_KEY);
    let mut encrypt = place.command(&["encrypt", "--one-line"]);
    let encrypted = encrypt.stdin(std::fs::File::open(place.path("secret")).unwrap()).output().unwrap();
    let encrypted = String::from_utf8(encrypted.stdout).unwrap();
    let line = std::fs::read_to_string(place.path("shippable.yml")).unwrap();
    let line = line
        .replace("{env: AWS_IAM_USER_ACCESS_KEY_ID}", ACCESS_KEY)
        .replace("{env: AWS_IAM_USER_SECRET_ACCESS_KEY}", &format!("{{{}}}", encrypted.trim()))
        .replace("{env: AWS_IAM_ROLE_ARN}", ROLE);
    place.write("shippable.yml", &line);
    let secret = std::fs::read_to_string(key).unwrap();
    let place = place.with("SHIPCTL_KEY_FILE", "").with("SHIPCTL_KEY", &secret);
    let log = place.good(&["run", "push"]);
    assert!(log.contains("assumed-role/deploy/shipctl"), "{log}");
    assert_eq!(registry.asked().len(), 1);
}

/// What a run prints in a CI that sets this variable, with times left out.
fn folded(variable: &str) -> String {
    let place = Place::new("http://127.0.0.1:1").with(variable, "true").line("  []", "  []", "", "echo one");
    let log = place.good(&["run", "j"]);
    let log = regex::Regex::new(r":[0-9]{10,}:").unwrap().replace_all(&log, ":TIME:");
    regex::Regex::new(r" · .*").unwrap().replace_all(&log, "").into_owned()
}

#[test]
fn the_log_folds_as_the_ci_has_it() {
    let log = folded("GITHUB_ACTIONS");
    assert!(log.starts_with("::group::▸ Task 0\n  $ echo one\none\n"), "{log}");
    assert!(log.contains("\n::endgroup::\n✓ Task 0\n"), "{log}");
    let log = folded("GITLAB_CI");
    assert!(log.starts_with("\x1b[0Ksection_start:TIME:step_1\r\x1b[0K▸ Task 0\n"), "{log:?}");
    assert!(log.contains("\n\x1b[0Ksection_end:TIME:step_1\r\x1b[0K\n"), "{log:?}");
    assert!(folded("CI").starts_with("▸ Task 0\n"));
}
