//! Keys that come from a profile of the AWS CLI, by its name in the line.

use crate::answers::{Answers, session};
use crate::place::Place;

const CREDENTIALS: &str =
    "[work]\naws_access_key_id = AKIAWORK\naws_secret_access_key = work-secret\nregion = eu-west-1\n";

fn line(place: Place, profile: &str) -> Place {
    place.write("home/.aws/credentials", CREDENTIALS);
    place.line(
        &format!("  - {{name: keys, type: amazonKeys, fields: {{accessKey: {{aws_profile: {profile}}}}}}}"),
        "  []",
        "",
        "true",
    )
}

/// The keys that a job gets, as `exec` shows them.
fn keys(place: &Place) -> String {
    let show = "echo \"$KEYS_INTEGRATION_ACCESSKEY $KEYS_INTEGRATION_SECRETKEY ${KEYS_INTEGRATION_SESSIONTOKEN-none}\"";
    place.good(&["exec", "--integration", "keys", "--", "sh", "-c", show]).trim_end().to_owned()
}

#[test]
fn the_keys_are_those_of_the_profile_whatever_the_environment_has() {
    let place = line(Place::new("http://127.0.0.1:1"), "work").with_keys().with("AWS_PROFILE", "other");
    assert_eq!(keys(&place), "AKIAWORK work-secret none");
    let process = line(Place::new("http://127.0.0.1:1"), "vault").program(
        "print-keys",
        r#"echo '{"Version": 1, "AccessKeyId": "ASIAVAULT", "SecretAccessKey": "x", "SessionToken": "t"}'"#,
    );
    process.write("home/.aws/config", "[profile vault]\ncredential_process = print-keys\n");
    assert_eq!(keys(&process), "ASIAVAULT x t");
    let single_sign_on = line(Place::new("http://127.0.0.1:1"), "corp").program(
        "aws",
        r#"[ "$*" = 'configure export-credentials --format process --profile corp' ] && echo '{"Version": 1, "AccessKeyId": "ASIASSO", "SecretAccessKey": "y", "SessionToken": "u"}'"#,
    );
    single_sign_on.write("home/.aws/config", "[profile corp]\nsso_session = corp\n");
    assert_eq!(keys(&single_sign_on), "ASIASSO y u");
}

#[test]
fn a_role_of_the_profile_is_taken_by_the_keys_that_it_names() {
    let aws = Answers::new(vec![session()]);
    let place = line(Place::new(&aws.address), "deploy");
    place.write(
        "home/.aws/config",
        "[profile deploy]\nrole_arn = arn:aws:iam::210987654321:role/deploy\nsource_profile = work\n",
    );
    let log = keys(&place);
    assert!(log.starts_with("ASIA"), "{log}");
    let asked = aws.asked();
    assert!(asked.len() == 1 && asked[0].contains("Credential=AKIAWORK/"), "{asked:?}");
}

#[test]
fn a_dry_run_reads_no_profile_and_what_cannot_be_had_is_said() {
    let place = line(Place::new("http://127.0.0.1:1"), "nowhere");
    let plan = place.good(&["run", "j", "--dry-run", "-e", "X=1"]);
    assert!(!plan.contains("nowhere"), "only what the job needs is looked at: {plan}");
    let needs = "integrations: [{name: keys, type: amazonKeys, fields: {accessKey: {aws_profile: nowhere}}}]\njobs: [{name: j, type: runSh, integrations: [keys], steps: [{TASK: [echo]}]}]\n";
    place.write("shippable.yml", needs);
    let plan = place.good(&["run", "j", "--dry-run"]);
    assert!(
        plan.contains("    secretKey: from AWS profile nowhere, which a dry run does not read\n"),
        "{plan}"
    );
    let error = place.bad(&["run", "j"]);
    let expected = "error: integration `keys`, field `accessKey`: there is no AWS profile `nowhere`\n  --> shippable.yml:1:";
    assert!(error.starts_with(expected), "{error}");
    place.write(
        "shippable.yml",
        &needs.replace("type: amazonKeys, fields: {accessKey", "type: slackKey, fields: {webhookUrl"),
    );
    let error = place.bad(&["run", "j"]);
    let expected =
        "field `webhookUrl` of integration `keys` cannot come from a profile of AWS: keys alone do";
    assert!(error.contains(expected), "{error}");
}
