//! Where AWS is asked, and whose certificates are trusted there: by variables, and by the profile that keys come from.

use crate::answers::{Answers, session};
use crate::place::{ACCESS_KEY, Place, ROLE, SECRET_KEY};

/// A place whose caller has keys in the profile `local`, and nothing in variables but its name.
fn with_profile(settings: &str, services: &str) -> Place {
    let place = Place::new("").with("AWS_PROFILE", "local");
    place.write(
        "home/.aws/credentials",
        &format!("[local]\naws_access_key_id = {ACCESS_KEY}\naws_secret_access_key = {SECRET_KEY}\n"),
    );
    place.write("home/.aws/config", &format!("[profile local]\n{settings}\n[services own]\n{services}\n"));
    place
}

#[test]
fn the_certificates_of_the_bundle_are_trusted() {
    let (aws, authority) = Answers::over_tls(vec![session()]);
    let place = Place::new(&aws.address).with_keys().with("AWS_CA_BUNDLE", "ca.pem").role("", "echo taken");
    place.write("ca.pem", &authority);
    assert!(place.good(&["run", "j"]).contains("\ntaken\n"));
    assert!(aws.asked()[0].contains("Action=AssumeRole"), "{:?}", aws.asked());
}

#[test]
fn certificates_that_nobody_has_signed_are_not() {
    let (aws, _) = Answers::over_tls(vec![session()]);
    let (_, other) = Answers::over_tls(vec![session()]);
    for bundle in ["", "other.pem"] {
        let place = Place::new(&aws.address).with_keys().with("AWS_CA_BUNDLE", bundle).role("", "true");
        place.write("other.pem", &other);
        let text = place.bad(&["run", "j"]);
        let why = format!(
            "sts:AssumeRole: no answer ({}: its certificate is not trusted: no authority that this machine trusts has signed it)",
            aws.address
        );
        assert!(text.contains(&why), "{text}");
        assert!(
            text.contains("name a PEM file with the certificate of its authority in AWS_CA_BUNDLE"),
            "{text}"
        );
    }
    assert_eq!(aws.asked(), ["", ""], "nothing was sent, and asking again would not help");
}

#[test]
fn a_profile_says_where_its_keys_are_good() {
    let aws = Answers::new(vec![session()]);
    let nowhere = "endpoint_url = http://127.0.0.1:1";
    let here = format!("endpoint_url = {}", aws.address);
    for (settings, services) in [
        (here.clone(), String::new()),
        (format!("{nowhere}\nservices = own"), format!("ecr =\n  {nowhere}\nsts =\n  # ours\n  {here}")),
    ] {
        let log = with_profile(&settings, &services).role("", "echo taken").good(&["run", "j"]);
        assert!(log.contains("\ntaken\n"), "{log}");
    }
    let by_variable = with_profile(nowhere, "").with("AWS_ENDPOINT_URL", &aws.address);
    by_variable.role("", "true").good(&["run", "j"]);
    assert_eq!(aws.asked().len(), 3);
}

#[test]
fn a_profile_says_nothing_of_the_keys_of_others() {
    let wrong = Answers::new(vec![session()]);
    let settings = format!("endpoint_url = {}", wrong.address);
    type Change = fn(Place) -> Place;
    let in_the_line: Change = |place| place.role("      sourceIntegration: base", "true");
    let in_variables: Change = |place| place.with_keys().role("", "true");
    let ignored: Change = |place| place.with("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true").role("", "true");
    for change in [in_the_line, in_variables, ignored] {
        let proxy = Answers::new(vec![(403, String::new(), String::new())]);
        change(with_profile(&settings, "").with("HTTPS_PROXY", &proxy.address)).bad(&["run", "j"]);
        assert!(
            proxy.asked()[0].starts_with("CONNECT sts.us-east-1.amazonaws.com:443 "),
            "{:?}",
            proxy.asked()
        );
    }
    assert!(wrong.asked().is_empty());
}

#[test]
fn a_role_is_taken_again_where_it_was_taken() {
    let (status, headers, body) = session();
    let ended = (status, headers, body.replace("2099", "2026").replace("ASIASESSION", "ASIAENDED"));
    let (aws, authority) = Answers::over_tls(vec![ended, session()]);
    let place = with_profile(&format!("ca_bundle = ca.pem\nendpoint_url = {}", aws.address), "").line(
        &format!("  - {{name: r, type: amazonIamRole, fields: {{assumeRoleARN: {ROLE}}}}}"),
        "  - {name: tool, type: cliConfig, integration: r}",
        "      - IN: tool",
        "sh -c \"$(sed -n 's/^credential_process = //p' \"$AWS_CONFIG_FILE\" | head -1)\" | grep Expiration",
    );
    place.write("ca.pem", &authority);
    let log = place.good(&["run", "j"]);
    assert!(log.contains("\"Expiration\": \"2099-01-01T00:00:00Z\""), "{log}");
    assert_eq!(aws.asked().len(), 2);
}
