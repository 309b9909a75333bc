//! `shipctl doctor`: integration by integration, whether it works and what to do if not.

use serde_json::Value;

use crate::answers::{Answers, error};
use crate::moto::Moto;
use crate::place::Place;

#[test]
#[ignore = "needs tests/aws/setup.sh"]
fn it_tells_whom_each_integration_is() {
    let moto = Moto::start();
    let place = Place::new(&moto.address).with_keys().with("EXTERNAL_ID", "agreed-on").fixture("aws-role");
    let done = place.run(&["doctor"]);
    assert_eq!(done.status, Some(0), "{}{}", done.stdout, done.stderr);
    let (told, until) = done.stdout.rsplit_once(", until ").unwrap();
    assert_eq!(
        told,
        "ci_user (AWS Keys)
  ✓ accessKey: from $AWS_ACCESS_KEY_ID
  ✓ secretKey: from $AWS_SECRET_ACCESS_KEY
  ✓ is arn:aws:sts::123456789012:user/moto of account 123456789012

customer (AWS IAM)
  ✓ assumeRoleARN: from the YAML
  ✓ externalId: from $EXTERNAL_ID
  ✓ roleSessionName: from the YAML
  ✓ durationSeconds: from the YAML
  ✓ sourceIntegration: from the YAML
  ✓ is arn:aws:sts::210987654321:assumed-role/deploy/night of account 210987654321"
    );
    assert!(until.starts_with('2'), "{until}");

    let json: Value = serde_json::from_str(&place.good(&["doctor", "report", "--format", "json"])).unwrap();
    assert_eq!(json[0]["name"], "customer");
    assert_eq!(json[0]["account"], "210987654321");
    assert_eq!(json[1]["arn"], "arn:aws:sts::123456789012:user/moto");
    assert_eq!(json[1]["problems"], serde_json::json!([]));
}

#[test]
fn what_does_not_work_comes_with_a_fix() {
    let denied = error(403, "AccessDenied", "User: arn:aws:iam::1:user/ci is not authorized");
    let aws = Answers::new(vec![denied]);
    let place = Place::new(&aws.address).with_keys().role("", "true");
    let line = std::fs::read_to_string(place.path("shippable.yml")).unwrap();
    let chat = "integrations:\n  - {name: chat, type: slackKey, fields: {webhookUrl: {env: CHAT_URL}}}\n";
    place
        .write("shippable.yml", &line.replacen("integrations:\n", chat, 1).replace("[role]", "[role, chat]"));
    let done = place.run(&["doctor", "j"]);
    assert_eq!(done.status, Some(1));
    assert_eq!(
        done.stdout,
        "role (AWS IAM)
  ✓ assumeRoleARN: from the YAML
  ✗ cannot assume the role arn:aws:iam::210987654321:role/deploy: sts:AssumeRole: access denied (AccessDenied: User: arn:aws:iam::1:user/ci is not authorized)  (shippable.yml:6:11)
    fix: the trust policy of the role has to name the caller, and the external id if it asks for one; the caller's own policy has to allow sts:AssumeRole on the role

chat (Slack)
  ✗ field `webhookUrl`: $CHAT_URL is not set  (shippable.yml:2:61)
    fix: set it before you start shipctl
"
    );
}
