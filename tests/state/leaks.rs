//! Secrets that are about to be stored.

use shipctl::secret::Secret;
use shipctl::state::{Change, Files, Leak, LeakPlace, RunSecret, leaks};

use crate::support::{line, put, tree, write};

/// What leaks of `changes`, with the secrets as (value, looked for inside, too).
fn found(secrets: &[(&str, bool)], change: &Change) -> Vec<Leak> {
    let values: Vec<_> = secrets.iter().map(|(value, _)| Secret::new((*value).to_owned())).collect();
    let origins: Vec<_> = (0..secrets.len()).map(|n| format!("secret {n}")).collect();
    let secrets: Vec<_> = secrets
        .iter()
        .zip(values.iter().zip(&origins))
        .map(|((_, inside), (value, origin))| RunSecret { value, origin, inside: *inside })
        .collect();
    leaks(&secrets, std::slice::from_ref(change)).unwrap()
}

fn in_value(secret: (&str, bool), value: &str) -> bool {
    let change = put("res", &format!("key={value}\n"));
    !found(&[secret], &change).is_empty()
}

#[test]
fn a_key_is_named_and_the_secret_by_its_origin() {
    let change = put("res", "other=x\nToken=hunter2\n");
    let leaks = found(&[("unrelated", true), ("hunter2", false)], &change);
    assert_eq!(leaks.len(), 1);
    assert_eq!(leaks[0].to_string(), "the key `Token` of res holds a secret of this run: secret 1");
    assert_eq!(leaks[0].place, LeakPlace::Key("Token".to_owned()));
    let named = found(&[("hunter2", false)], &put("res", "versionName=hunter2\n"));
    assert_eq!(named[0].place, LeakPlace::Key("versionName".to_owned()));
}

#[test]
fn whole_values_and_long_secrets_inside() {
    assert!(in_value(("abc", false), "abc"));
    assert!(in_value(("abc\n", false), "  abc "));
    assert!(!in_value(("ab", true), "ab"));
    assert!(!in_value(("abc", true), "abcd"));
    assert!(!in_value(("us-east-1", false), "arn:us-east-1:x"));
    assert!(in_value(("s3cr3t-key", true), "user:s3cr3t-key@host"));
    assert!(in_value(("quo\"te\\key", true), r#"{"k":"quo\"te\\key!"}"#));
    assert!(!in_value(("s3cr3t-key", true), "user:s3cr3t"));
    // `printf 'user:s3cr3t-key' | base64`, and with one and with two bytes more in front.
    for encoded in ["dXNlcjpzM2NyM3Qta2V5", "eHVzZXI6czNjcjN0LWtleQ==", "eHl1c2VyOnMzY3IzdC1rZXkh"] {
        assert!(in_value(("s3cr3t-key", true), encoded), "{encoded}");
        assert!(!in_value(("s3cr3t-key", false), encoded), "{encoded}");
    }
}

#[test]
fn params_are_looked_into() {
    let entries = shipctl::state::Entries::parse(b"KEY=hunter2\n", "p", "params").unwrap();
    assert_eq!(found(&[("hunter2", false)], &Change::merge("p", entries)).len(), 1);
}

#[test]
fn files_are_read_to_their_end() {
    let line = line();
    write(
        &line.path().join("deep/tfstate"),
        format!("{}s3cr3t-key{}", "x".repeat((1 << 20) - 4), "y".repeat(99)),
        0o600,
    );
    write(&line.path().join("exact"), "abc\n", 0o600);
    write(&line.path().join("innocent"), "abcd s3cr3t", 0o600);
    let change = Change { files: Files::Taken(tree(line.path())), ..put("res", "") };
    let leaks = found(&[("s3cr3t-key", true), ("abc", true)], &change);
    let shown: Vec<_> = leaks.iter().map(ToString::to_string).collect();
    assert_eq!(
        shown,
        [
            "the state file deep/tfstate of res holds a secret of this run: secret 0",
            "the state file exact of res holds a secret of this run: secret 1",
        ]
    );
}
