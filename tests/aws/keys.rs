//! AWS keys: a script calls the AWS CLI with what shipctl exports.

use crate::moto::Moto;
use crate::place::Place;

const CALL: &str = "export AWS_DEFAULT_REGION=us-east-1 AWS_ACCESS_KEY_ID=$AWS_INTEGRATION_ACCESSKEY AWS_SECRET_ACCESS_KEY=$AWS_INTEGRATION_SECRETKEY\naws sts get-caller-identity --query Arn --output text\naws s3 mb s3://releases";

fn line(place: Place, access_key: &str, secret_key: &str) -> Place {
    place.with("ACCESS", access_key).with("SECRET", secret_key).line(
        "  - name: my_aws\n    type: AWS Keys\n    fields: {accessKey: {env: ACCESS}, secretKey: {env: SECRET}}",
        "  - {name: aws, type: integration, integration: my_aws}",
        "      - IN: aws",
        CALL,
    )
}

#[test]
#[ignore = "needs tests/aws/setup.sh"]
fn a_script_calls_aws_with_them() {
    let moto = Moto::start();
    let policy = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:CreateBucket","Resource":"*"}]}"#;
    let (access_key, secret_key) = moto.user("ci", policy);
    let (guest, guests_secret) = moto.user("guest", &policy.replace("CreateBucket", "ListBucket"));
    moto.check_permissions();
    let log = line(Place::new(&moto.address), &access_key, &secret_key).good(&["run", "j"]);
    assert!(log.contains("\narn:aws:iam::123456789012:user/ci\n"), "{log}");
    assert!(log.contains("\nmake_bucket: releases\n"), "{log}");
    assert!(!log.contains(&secret_key));

    let done = line(Place::new(&moto.address), &guest, &guests_secret).run(&["run", "j"]);
    assert!(done.stdout.contains("AccessDenied"), "{}", done.stdout);
    assert_ne!(done.status, Some(0));
}
