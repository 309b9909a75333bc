//! A role in another account: shipctl takes it before the script starts.

use crate::moto::Moto;
use crate::place::{Place, ROLE};

const CALL: &str = "export AWS_ACCESS_KEY_ID=$ROLE_INTEGRATION_ACCESSKEY AWS_SECRET_ACCESS_KEY=$ROLE_INTEGRATION_SECRETKEY AWS_SESSION_TOKEN=$ROLE_INTEGRATION_SESSIONTOKEN
aws sts get-caller-identity --query Arn --output text --region us-east-1";

#[test]
#[ignore = "needs tests/aws/setup.sh"]
fn a_script_has_the_keys_of_its_session() {
    let moto = Moto::start();
    let place = Place::new(&moto.address).with_keys().with("EXTERNAL_ID", "agreed+on=it").fixture("aws-role");
    let log = place.good(&["run", "report"]);
    assert!(log.contains("\narn:aws:sts::210987654321:assumed-role/deploy/night\n"), "{log}");
    assert!(log.contains("\ngood until 2"), "{log}");
    // The emulation takes any external id, and none.
    assert_eq!(
        moto.asked()[0],
        (
            "sts".to_owned(),
            "Action=AssumeRole&Version=2011-06-15&RoleArn=arn%3Aaws%3Aiam%3A%3A210987654321%3Arole%2Fdeploy&RoleSessionName=night&ExternalId=agreed%2Bon%3Dit&DurationSeconds=900".to_owned()
        )
    );
}

#[test]
#[ignore = "needs tests/aws/setup.sh"]
fn what_it_is_signed_with_counts() {
    let moto = Moto::start();
    let policy = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole","Resource":"*"}]}"#;
    let (access_key, secret_key) = moto.user("ci", policy);
    let (guest, guests_secret) = moto.user("guest", &policy.replace("AssumeRole", "GetFederationToken"));
    moto.check_permissions();
    let place = |access_key: &str, secret_key: &str| {
        Place::new(&moto.address)
            .with("AWS_ACCESS_KEY_ID", access_key)
            .with("AWS_SECRET_ACCESS_KEY", secret_key)
            .role("", "echo taken")
    };
    assert!(place(&access_key, &secret_key).good(&["run", "j"]).contains("\ntaken\n"));

    let wrong = place(&access_key, "not-the-secret").bad(&["run", "j"]);
    assert!(wrong.contains("sts:AssumeRole: the keys are not valid (SignatureDoesNotMatch:"), "{wrong}");
    let denied = place(&guest, &guests_secret).bad(&["run", "j"]);
    assert!(denied.contains("sts:AssumeRole: access denied (AccessDenied: User: arn:aws:iam::123456789012:user/guest is not authorized"), "{denied}");
    let unknown = place("AKIANOBODY", &secret_key).bad(&["run", "j"]);
    assert!(unknown.contains("sts:AssumeRole: the keys are not valid (InvalidClientTokenId:"), "{unknown}");
    assert!(unknown.contains("hint: check that the access key is active"), "{unknown}");
}

#[test]
#[ignore = "needs tests/aws/setup.sh"]
fn a_role_takes_a_role() {
    let moto = Moto::start();
    let place = Place::new(&moto.address).role("      sourceIntegration: hub", CALL);
    let line = std::fs::read_to_string(place.path("shippable.yml")).unwrap();
    let hub = "integrations:\n  - name: hub\n    type: amazonIamRole\n    fields: {assumeRoleARN: 'arn:aws:iam::111111111111:role/hub', sourceIntegration: base}";
    place.write("shippable.yml", &line.replacen("integrations:", hub, 1));
    let log = place.good(&["run", "j"]);
    assert!(log.contains("\narn:aws:sts::210987654321:assumed-role/deploy/shipctl\n"), "{log}");
    let asked = moto.asked();
    assert!(asked[0].1.contains("role%2Fhub"), "{asked:?}");
    assert!(asked[1].1.contains("role%2Fdeploy"), "{asked:?}");

    let dry = place.good(&["run", "j", "--dry-run"]);
    assert!(dry.contains("ROLE_INTEGRATION_SECRETKEY=***  (integration role, field secretKey, from sts:AssumeRole, which is called when the job runs)"), "{dry}");
    let env = place.good(&["env", "j", "--format", "dotenv"]);
    assert!(env.contains("ROLE_INTEGRATION_AWSACCOUNTID=210987654321\n"), "{env}");
    assert_eq!(moto.asked().len(), 3, "neither a dry run nor masked variables need AWS");
}

#[test]
#[ignore = "needs tests/aws/setup.sh"]
fn a_lookup_asks_for_what_it_needs() {
    let moto = Moto::start();
    let place = Place::new(&moto.address).with_keys().role("", "true");
    let field = |name: &str| place.good(&["get_integration_field", "--job", "j", "role", name]);
    assert_eq!(field("assumeRoleARN").trim_end(), ROLE);
    assert!(moto.asked().is_empty());
    assert!(field("sessionToken").starts_with("FQoGZXIvYXdzE"));
    assert_eq!(moto.asked().len(), 1);
}

#[test]
fn who_takes_a_role_is_in_use() {
    let place = Place::new("http://127.0.0.1:1").role("      sourceIntegration: base", "true");
    assert_eq!(place.good(&["integration", "used-by", "base"]), "integration role  shippable.yml:9:26\n");
    let refused = place.run(&["integration", "remove", "base"]);
    assert!(refused.stderr.contains("base is in use"), "{}", refused.stderr);
    place.good(&["integration", "rename", "base", "ci-user"]);
    let line = std::fs::read_to_string(place.path("shippable.yml")).unwrap();
    assert!(
        line.contains("  - name: ci-user\n") && line.contains("      sourceIntegration: ci-user\n"),
        "{line}"
    );
}
