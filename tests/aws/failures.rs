//! What AWS refuses, or cannot do: an error that names the integration, the call and what to do.

use crate::answers::{Answers, error, session};
use crate::place::Place;

fn place(aws: &Answers) -> Place {
    Place::new(&aws.address).with_keys().role("      externalId: agreed-on", "echo taken")
}

/// What is said when the only answer is an error.
fn said(status: u16, code: &str, message: &str) -> (String, usize) {
    let aws = Answers::new(vec![error(status, code, message)]);
    let text = place(&aws).bad(&["run", "j"]);
    assert!(text.starts_with("error: integration `role`: cannot assume the role arn:aws:iam::210987654321:role/deploy: sts:AssumeRole: "), "{text}");
    assert!(text.contains("shippable.yml:5:11"), "{text}");
    assert!(!text.contains("agreed-on"), "{text}");
    (text, aws.asked().len())
}

#[test]
fn each_kind_says_what_to_do() {
    for (code, message, what, hint) in [
        (
            "InvalidClientTokenId",
            "The security token included in the request is invalid.",
            "the keys are not valid",
            "check that the access key is active",
        ),
        (
            "ExpiredToken",
            "The security token included in the request is expired",
            "the session of the keys is over",
            "get keys of a new session",
        ),
        (
            "AccessDenied",
            "User: arn:aws:iam::1:user/ci is not authorized to perform: sts:AssumeRole",
            "access denied",
            "and the external id if it asks for one",
        ),
    ] {
        let (text, asked) = said(403, code, message);
        assert!(text.contains(&format!("{what} ({code}: {message})")), "{text}");
        assert!(text.contains(hint), "{text}");
        assert_eq!(asked, 1, "asking again would not help");
    }
}

#[test]
fn an_answer_that_repeats_keys_is_not_repeated() {
    let (text, _) = said(403, "SignatureDoesNotMatch", &format!("not {}", crate::place::SECRET_KEY));
    assert!(text.contains("not ***"), "{text}");
}

#[test]
fn throttling_is_waited_out() {
    let busy = || error(400, "Throttling", "Rate exceeded");
    let aws = Answers::new(vec![busy(), error(503, "", ""), session()]);
    assert!(place(&aws).good(&["run", "j"]).contains("\ntaken\n"));
    assert_eq!(aws.asked().len(), 3);

    let (text, asked) = said(400, "Throttling", "Rate exceeded");
    assert!(text.contains("too many requests (Throttling: Rate exceeded)"), "{text}");
    assert_eq!(asked, 4);
}

#[test]
fn the_clock_of_aws_is_taken_over() {
    let skewed = || {
        let (status, _, body) =
            error(403, "SignatureDoesNotMatch", "Signature expired: 20200101T000000Z is now earlier than");
        (status, "Date: Tue, 01 Jan 2030 12:00:00 GMT\r\n".to_owned(), body)
    };
    let aws = Answers::new(vec![skewed(), session()]);
    assert!(place(&aws).good(&["run", "j"]).contains("\ntaken\n"));
    assert!(aws.asked()[1].contains("x-amz-date: 20300101T1200"), "{:?}", aws.asked());

    let aws = Answers::new(vec![skewed()]);
    let text = place(&aws).bad(&["run", "j"]);
    assert!(
        text.contains("the clock of this machine is wrong (SignatureDoesNotMatch: Signature expired"),
        "{text}"
    );
    assert!(text.contains("hint: set the clock"), "{text}");
    assert_eq!(aws.asked().len(), 2);
}

#[test]
fn nobody_answers() {
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let text =
        Place::new(&format!("http://user:pass@{closed}")).with_keys().role("", "true").bad(&["run", "j"]);
    assert!(text.contains(&format!("sts:AssumeRole: no answer (http://{closed}: ")), "{text}");
    assert!(text.contains("hint: check the network, the region, AWS_ENDPOINT_URL"), "{text}");
}

#[test]
fn a_proxy_is_asked_unless_the_host_needs_none() {
    let proxy = Answers::new(vec![(403, String::new(), String::new())]);
    let text = Place::new("http://sts.example.com")
        .with_keys()
        .with("HTTP_PROXY", &proxy.address)
        .role("", "true")
        .bad(&["run", "j"]);
    assert!(text.contains("sts:AssumeRole: "), "{text}");
    assert!(proxy.asked()[0].contains("sts.example.com"), "{:?}", proxy.asked());

    let aws = Answers::new(vec![session()]);
    let place =
        place(&aws).with("HTTP_PROXY", "http://127.0.0.1:1").with("NO_PROXY", "other.example.com,127.0.0.1");
    place.good(&["run", "j"]);
}

#[test]
fn roles_that_take_each_other_are_shown() {
    let place = Place::new("http://127.0.0.1:1");
    place.write(
        "shippable.yml",
        "integrations:
  - {name: a, type: amazonIamRole, fields: {assumeRoleARN: 'arn:aws:iam::1:role/a', sourceIntegration: b}}
  - {name: b, type: amazonIamRole, fields: {assumeRoleARN: 'arn:aws:iam::1:role/b', sourceIntegration: a}}
jobs:
  - {name: j, type: runSh, integrations: [a, b], steps: [TASK: [echo]]}
",
    );
    let text = place.bad(&["run", "j"]);
    assert_eq!(text.matches("error: ").count(), 1, "{text}");
    assert!(text.contains("integrations get their credentials from each other: a → b → a"), "{text}");
    assert!(text.contains("shippable.yml:3:"), "{text}");
    assert_eq!(place.run(&["check"]).status, Some(1));
}

#[test]
fn what_cannot_be_a_role_is_said_before_aws_is_asked() {
    for (fields, message) in [
        ("      durationSeconds: 60", "integration `role`: a session cannot last `60` seconds"),
        (
            "      sourceIntegration: bse",
            "integration `role` needs the integration `bse`, which is declared nowhere",
        ),
        (
            "      sourceIntegration: {env: X}",
            "`sourceIntegration` of integration `role` must be the name of an integration, and this is a map",
        ),
    ] {
        let text = Place::new("http://127.0.0.1:1").with_keys().role(fields, "true").bad(&["run", "j"]);
        assert!(text.contains(message), "{text}");
    }
}

#[test]
fn certificates_to_trust_that_are_none_are_said() {
    for (file, why) in [
        ("missing.pem", "cannot read AWS_CA_BUNDLE=missing.pem: No such file or directory (os error 2)"),
        ("none.pem", "there is no certificate in AWS_CA_BUNDLE=none.pem"),
    ] {
        let place =
            Place::new("https://127.0.0.1:1").with_keys().with("AWS_CA_BUNDLE", file).role("", "true");
        place.write("none.pem", "");
        let text = place.bad(&["run", "j"]);
        assert!(text.contains(&format!("sts:AssumeRole: no answer (https://127.0.0.1:1: {why})")), "{text}");
    }
}
