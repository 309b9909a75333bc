//! Who takes a role that no integration is named for: whoever runs shipctl, by the rules of the AWS CLI.

use std::os::unix::fs::PermissionsExt as _;

use crate::answers::{Answers, session};
use crate::place::{ACCESS_KEY, Place, SECRET_KEY};

const SHOW: &str = "echo \"until $ROLE_INTEGRATION_EXPIRATION, account $ROLE_INTEGRATION_AWSACCOUNTID\"";

/// Runs a job with a role; the access key that signed the only call, and its body.
fn signer(place: impl FnOnce(Place) -> Place, arguments: &[&str]) -> (String, String) {
    let aws = Answers::new(vec![session()]);
    let log = place(Place::new(&aws.address)).role("", SHOW).good(&[&["run", "j"], arguments].concat());
    assert!(log.contains("\nuntil 2099-01-01T00:00:00Z, account 210987654321\n"), "{log}");
    let asked = aws.asked();
    let key = asked[0].split("Credential=").nth(1).unwrap().split('/').next().unwrap();
    (key.to_owned(), asked.last().unwrap().split("\r\n\r\n").nth(1).unwrap().to_owned())
}

#[test]
fn keys_come_from_the_environment_a_profile_or_a_command() {
    assert_eq!(signer(Place::with_keys, &[]).0, ACCESS_KEY);

    let profile = |place: Place| {
        place.write(
            "home/.aws/credentials",
            "[work]\naws_access_key_id = AKIAWORK\naws_secret_access_key = x\n",
        );
        place.with("AWS_PROFILE", "work")
    };
    assert_eq!(signer(profile, &[]).0, "AKIAWORK");

    let elsewhere = |place: Place| {
        place.write("keys", "[default]\naws_access_key_id = AKIAELSE\naws_secret_access_key = x\n");
        let path = place.path("keys").display().to_string();
        place.with("AWS_SHARED_CREDENTIALS_FILE", &path)
    };
    assert_eq!(signer(elsewhere, &[]).0, "AKIAELSE");

    let process = |place: Place| {
        place
            .write("home/.aws/config", "[profile vault]\ncredential_process = print-keys --for 'this job'\n");
        place.with("AWS_PROFILE", "vault").program(
            "print-keys",
            r#"[ "$2" = 'this job' ] && echo '{"Version": 1, "AccessKeyId": "AKIAVAULT", "SecretAccessKey": "x"}'"#,
        )
    };
    assert_eq!(signer(process, &[]).0, "AKIAVAULT");

    let single_sign_on = |place: Place| {
        place.write("home/.aws/config", "[profile corp]\nsso_session = corp\n");
        place.with("AWS_PROFILE", "corp").program(
            "aws",
            r#"[ "$*" = 'configure export-credentials --format process --profile corp' ] && echo '{"Version": 1, "AccessKeyId": "ASIASSO", "SecretAccessKey": "x", "SessionToken": "y"}'"#,
        )
    };
    assert_eq!(signer(single_sign_on, &[]).0, "ASIASSO");
}

/// What was asked with a web identity: the head and the body of the first call of STS.
fn web_identity(aws: &Answers, place: Place) -> (String, String) {
    let log = place.role("", SHOW).good(&["run", "j"]);
    assert!(log.contains("\nuntil 2099-01-01T00:00:00Z, account 210987654321\n"), "{log}");
    let asked = aws.asked();
    let last = asked.last().unwrap();
    assert!(last.contains("Credential=ASIASESSION/") && last.contains("Action=AssumeRole&"), "{last}");
    let call = asked.iter().find(|call| call.contains("WithWebIdentity")).unwrap();
    let (head, body) = call.split_once("\r\n\r\n").unwrap();
    assert!(!head.to_ascii_lowercase().contains("authorization:"), "{head}");
    (asked[0].clone(), body.to_owned())
}

#[test]
fn a_web_identity_is_a_token_of_a_file_or_of_another_ci() {
    let body = |token: &str| {
        format!(
            "Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleArn=arn%3Aaws%3Aiam%3A%3A1%3Arole%2Fci&RoleSessionName=shipctl&WebIdentityToken={token}"
        )
    };
    let place = |aws: &Answers| Place::new(&aws.address).with("AWS_ROLE_ARN", "arn:aws:iam::1:role/ci");

    let aws = Answers::new(vec![session()]);
    let of_file = place(&aws).with("AWS_WEB_IDENTITY_TOKEN_FILE", "token");
    of_file.write("token", "of-a-file\n");
    assert_eq!(web_identity(&aws, of_file).1, body("of-a-file"));

    let aws = Answers::new(vec![session()]);
    let of_profile = Place::new(&aws.address).with("AWS_PROFILE", "web");
    let config = "[profile web]\nrole_arn = arn:aws:iam::1:role/ci\nweb_identity_token_file = token\n";
    of_profile.write("home/.aws/config", config);
    of_profile.write("token", "of-a-profile");
    assert_eq!(web_identity(&aws, of_profile).1, body("of-a-profile"));

    let aws = Answers::new(vec![(200, String::new(), "{\"value\": \"of-github\"}".to_owned()), session()]);
    let of_github = place(&aws)
        .with("ACTIONS_ID_TOKEN_REQUEST_URL", &format!("{}/token?api-version=2", aws.address))
        .with("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "own-token");
    let (first, asked) = web_identity(&aws, of_github);
    assert!(first.starts_with("GET /token?api-version=2&audience=sts.amazonaws.com HTTP/1.1\r\n"), "{first}");
    assert!(first.contains("authorization: bearer own-token\r\n"), "{first}");
    assert_eq!(asked, body("of-github"));

    let aws = Answers::new(vec![session()]);
    let of_buildkite = place(&aws).with("BUILDKITE", "true").program(
        "buildkite-agent",
        "[ \"$*\" = 'oidc request-token --audience sts.amazonaws.com' ] && echo of-buildkite",
    );
    assert_eq!(web_identity(&aws, of_buildkite).1, body("of-buildkite"));
}

#[test]
fn github_without_a_token_for_the_job_says_what_the_workflow_lacks() {
    let aws = Answers::new(vec![(403, String::new(), "secret words".to_owned())]);
    let place = Place::new(&aws.address)
        .with("AWS_ROLE_ARN", "arn:aws:iam::1:role/ci")
        .with("ACTIONS_ID_TOKEN_REQUEST_URL", &format!("{}/token?a=b", aws.address))
        .with("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "own-token")
        .role("", SHOW);
    let error = place.bad(&["run", "j"]);
    assert!(error.contains("status 403; the job needs `permissions: {id-token: write}`"), "{error}");
    assert!(!error.contains("own-token") && !error.contains("secret words"), "{error}");
}

/// A place of a user with a key, and with keys of AWS that ask for a second factor.
fn with_second_factor(address: &str) -> Place {
    let place = Place::new(address);
    place.write(
        "home/.aws/credentials",
        &format!(
            "[default]\naws_access_key_id = {ACCESS_KEY}\naws_secret_access_key = {SECRET_KEY}\nmfa_serial = arn:aws:iam::2:mfa/me\n"
        ),
    );
    let place = place.role("", SHOW);
    place.good(&["key", "new"]);
    place
}

/// The sessions that are kept, each as its mode and its text.
fn kept(place: &Place) -> Vec<(u32, String)> {
    let files = std::fs::read_dir(place.path("home/.cache/shipctl/sessions")).into_iter().flatten().flatten();
    files
        .map(|file| {
            let mode = file.metadata().unwrap().permissions().mode() & 0o777;
            (mode, std::fs::read_to_string(file.path()).unwrap())
        })
        .collect()
}

#[test]
fn sessions_are_kept_for_the_next_run() {
    let aws = Answers::new(vec![session()]);
    let place = with_second_factor(&aws.address);
    assert_eq!(place.good(&["session", "list"]), "");
    let first = place.good(&["run", "j", "--mfa-code", "123456"]);
    assert_eq!(aws.asked().len(), 2);
    let again = place.good(&["run", "j"]);
    assert!(
        first.contains("\nuntil 2099-01-01T00:00:00Z,") && again.contains("\nuntil 2099-01-01T00:00:00Z,")
    );
    assert_eq!(aws.asked().len(), 2);

    let files = kept(&place);
    assert_eq!(files.len(), 2);
    for (mode, text) in files {
        assert_eq!(mode, 0o600);
        assert!(text.starts_with("-----BEGIN AGE ENCRYPTED FILE-----"), "{text}");
    }
    let listed = place.good(&["session", "list"]);
    let listed: Vec<Vec<_>> = listed.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(listed[0], ["SESSION", "EXPIRES"]);
    let mut sessions = listed[1..].to_vec();
    sessions.sort_unstable();
    let until = "2099-01-01T00:00:00Z";
    assert_eq!(
        sessions,
        [["arn:aws:iam::210987654321:role/deploy", until], ["arn:aws:iam::2:mfa/me", until]]
    );

    assert_eq!(place.run(&["session", "clear"]).stderr, "shipctl: 2 sessions forgotten\n");
    assert!(kept(&place).is_empty());
    assert!(place.bad(&["run", "j"]).contains("a code of the MFA device is needed"));
}

#[test]
fn no_session_is_kept_for_keys_in_variables_or_against_ones_will() {
    let aws = Answers::new(vec![session()]);
    let place = with_second_factor(&aws.address).with("SHIPCTL_NO_SESSIONS", "1");
    place.good(&["run", "j", "--mfa-code", "123456"]);
    assert!(kept(&place).is_empty());
    let key = std::fs::read_to_string(place.path("home/.config/shipctl/key.txt")).unwrap();
    let place = place.with("SHIPCTL_NO_SESSIONS", "").with("SHIPCTL_KEY", &key);
    place.good(&["run", "j", "--mfa-code", "123456"]);
    assert!(kept(&place).is_empty());
    // One that another key opens, or none, is got again.
    let place = place.with("SHIPCTL_KEY", "");
    place.good(&["run", "j", "--mfa-code", "123456"]);
    assert_eq!(kept(&place).len(), 2);
    std::fs::remove_file(place.path("home/.config/shipctl/key.txt")).unwrap();
    place.good(&["key", "new"]);
    assert!(place.bad(&["run", "j"]).contains("a code of the MFA device is needed"));
    assert_eq!(place.good(&["session", "list"]), "");
    assert_eq!(kept(&place).len(), 2);
}

#[test]
fn a_second_factor_is_shown_once() {
    let aws = Answers::new(vec![session()]);
    let place = Place::new(&aws.address);
    place.write(
        "home/.aws/credentials",
        &format!(
            "[default]\naws_access_key_id = {ACCESS_KEY}\naws_secret_access_key = {SECRET_KEY}\nmfa_serial = arn:aws:iam::2:mfa/me\n"
        ),
    );
    let place = place.role("", SHOW);
    let error = place.bad(&["run", "j"]);
    assert!(error.contains("a code of the MFA device is needed (device arn:aws:iam::2:mfa/me)"), "{error}");
    assert!(error.contains("--mfa-code"), "{error}");
    place.good(&["run", "j", "--mfa-code", "123456"]);
    let asked = aws.asked();
    assert!(asked[0].ends_with("Action=GetSessionToken&Version=2011-06-15&SerialNumber=arn%3Aaws%3Aiam%3A%3A2%3Amfa%2Fme&TokenCode=123456"), "{asked:?}");
    assert!(asked[1].contains("Action=AssumeRole"), "{asked:?}");
    assert!(asked[1].contains("Credential=ASIASESSION/"), "{asked:?}");
    assert_eq!(asked.len(), 2);
}

#[test]
fn no_credentials_are_an_error_that_says_where_they_may_be() {
    let place = Place::new("http://127.0.0.1:1").with("PATH", "/usr/bin:/bin").role("", "true");
    let error = place.with("AWS_PROFILE", "nowhere").bad(&["run", "j"]);
    assert!(error.contains("integration `role`: no AWS credentials found to assume role arn:aws:iam::210987654321:role/deploy: there is no AWS profile `nowhere`"), "{error}");
    assert!(error.contains("hint: name a `sourceIntegration`, or set AWS_PROFILE"), "{error}");
}

#[test]
fn without_any_credentials_scripts_take_the_role_themselves() {
    let place = Place::new("http://127.0.0.1:1")
        .program("aws", "echo usage; echo 'Unable to locate credentials' >&2; exit 1");
    let place =
        place.role("", "echo \"$ROLE_INTEGRATION_ASSUMEROLEARN ${ROLE_INTEGRATION_ACCESSKEY-no keys}\"");
    let done = place.run(&["run", "j"]);
    assert_eq!(done.status, Some(0), "{}", done.stderr);
    assert!(done.stdout.contains("\narn:aws:iam::210987654321:role/deploy no keys\n"), "{}", done.stdout);
    assert!(
        done.stderr.starts_with("warning: integration `role`: no AWS credentials found to assume role"),
        "{}",
        done.stderr
    );
    assert!(
        done.stderr
            .contains("none from the AWS CLI: aws failed (exit status: 1): Unable to locate credentials\n"),
        "{}",
        done.stderr
    );
}

#[test]
fn an_old_aws_cli_is_named_as_the_reason() {
    let usage = "echo 'usage: aws [options] <command> <subcommand> [<subcommand> ...] [parameters]\n\n  aws help\naws: error: argument subcommand: Invalid choice, valid choices are:\n\nset | add-model' >&2; exit 252";
    let place = Place::new("http://127.0.0.1:1").program("aws", usage).role("", "true");
    place.write("home/.aws/config", "[profile corp]\nsso_session = corp\n");
    let error = place.with("AWS_PROFILE", "corp").bad(&["run", "j"]);
    assert!(error.contains("the AWS CLI here is too old to be asked for others"), "{error}");
    assert!(!error.contains("add-model") && !error.contains("usage"), "{error}");
}

#[test]
fn a_profile_with_a_role_alone_says_what_it_lacks() {
    let place = Place::new("http://127.0.0.1:1").role("", "true");
    place.write("home/.aws/config", "[profile mixed]\nrole_arn = arn:aws:iam::111122223333:role/x\n");
    let error = place.with("AWS_PROFILE", "mixed").bad(&["run", "j"]);
    let expected = "AWS profile `mixed` has a role_arn, and neither source_profile nor credential_source";
    assert!(error.contains(expected), "{error}");
}
