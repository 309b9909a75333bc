//! Least privilege: the policy that the keys of a job need.

use std::process::Command;

use serde_json::Value;

use crate::answers::{Answers, error, session};
use crate::moto::Moto;
use crate::place::{Place, programs};

fn place(endpoint: &str) -> Place {
    Place::new(endpoint).fixture("least-privilege")
}

fn policy(place: &Place, arguments: &[&str]) -> Value {
    let done = place.run(&[&["policy", "ship"], arguments].concat());
    assert_eq!(done.status, Some(0), "{}", done.stderr);
    serde_json::from_str(&done.stdout).unwrap()
}

fn statement<'p>(policy: &'p Value, sid: &str) -> &'p Value {
    policy["Statement"].as_array().unwrap().iter().find(|statement| statement["Sid"] == sid).unwrap()
}

#[test]
fn a_role_needs_what_resources_and_scopes_say() {
    let place = place("http://127.0.0.1:1");
    let policy = policy(&place, &["--integration", "deployer"]);
    assert_eq!(
        statement(&policy, "EcsServices"),
        &serde_json::json!({
            "Sid": "EcsServices",
            "Effect": "Allow",
            "Action": ["ecs:CreateService", "ecs:DeleteService", "ecs:DescribeServices", "ecs:UpdateService"],
            "Resource": ["arn:aws:ecs:eu-west-1:210987654321:service/shop/*"],
        })
    );
    assert_eq!(
        statement(&policy, "EcrPull")["Resource"][0],
        "arn:aws:ecr:eu-west-1:210987654321:repository/shop/web"
    );
    assert_eq!(statement(&policy, "RolesOfEcs")["Action"][0], "iam:PassRole");
    assert_eq!(statement(&policy, "ScalingAsItIs")["Resource"][0], "*");
    assert_eq!(statement(&policy, "EcrLogin")["Action"][0], "ecr:GetAuthorizationToken");

    let said = place.run(&["policy", "ship", "--integration", "deployer"]).stderr;
    assert!(said.starts_with("warning: what scripts do with `registry` is not in the policy\n"), "{said}");
    let several = place.bad(&["policy", "ship"]);
    assert!(
        several.contains("several AWS integrations; add one with --integration: deployer, ci_user"),
        "{several}"
    );
}

#[test]
#[ignore = "needs tests/aws/setup.sh"]
fn policies_are_valid() {
    let moto = Moto::start();
    let place = place(&moto.address);
    for integration in ["deployer", "ci_user"] {
        let text = policy(&place, &["--integration", integration]).to_string();
        let lint = Command::new(programs().join("parliament")).args(["--string", &text]).output().unwrap();
        let said = String::from_utf8_lossy(&lint.stdout);
        assert!(
            lint.status.success() && said.trim().is_empty(),
            "{said}{}",
            String::from_utf8_lossy(&lint.stderr)
        );
        // The emulation refuses documents that are no policy.
        moto.user(integration, &text);
    }
    let trust = policy(&place, &["--integration", "deployer", "--trust", "--reveal"]);
    assert_eq!(
        trust["Statement"][0],
        serde_json::json!({
            "Sid": "TakeRole",
            "Effect": "Allow",
            "Principal": {"AWS": "arn:aws:sts::123456789012:user/moto"},
            "Action": "sts:AssumeRole",
            "Condition": {"StringEquals": {"sts:ExternalId": "agreed-on"}},
        })
    );
    moto.role("deploy", &trust.to_string());
}

#[test]
fn a_trust_policy_hides_the_external_id() {
    let arn = "arn:aws:iam::123456789012:root";
    let done = place("http://127.0.0.1:1").run(&[
        "policy",
        "ship",
        "--integration",
        "deployer",
        "--trust",
        "--principal",
        arn,
    ]);
    assert!(done.stdout.contains("\"sts:ExternalId\": \"***\""), "{}", done.stdout);
    assert!(done.stdout.contains(&format!("\"AWS\": \"{arn}\"")), "{}", done.stdout);
    assert_eq!(done.stderr, "note: the external id is a secret; --reveal shows it\n");
}

fn simulated(decision: &str) -> (u16, String, String) {
    let body = format!(
        "<SimulatePrincipalPolicyResponse><SimulatePrincipalPolicyResult><EvaluationResults><member><EvalActionName>x</EvalActionName><EvalDecision>{decision}</EvalDecision></member></EvaluationResults></SimulatePrincipalPolicyResult></SimulatePrincipalPolicyResponse>"
    );
    (200, String::new(), body)
}

fn identity() -> (u16, String, String) {
    let body = "<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>arn:aws:sts::210987654321:assumed-role/deploy/shipctl</Arn><Account>210987654321</Account></GetCallerIdentityResult></GetCallerIdentityResponse>";
    (200, String::new(), body.to_owned())
}

#[test]
fn aws_is_asked_whether_it_is_allowed() {
    let aws = Answers::new(vec![
        session(),
        identity(),
        simulated("allowed"),
        simulated("implicitDeny"),
        simulated("allowed"),
    ]);
    let done = place(&aws.address).run(&["policy", "ship", "--integration", "deployer", "--check"]);
    assert_eq!(done.status, Some(1), "{}", done.stderr);
    assert!(done.stdout.starts_with("deployer is arn:aws:sts::210987654321:assumed-role/deploy/shipctl\n  ✓ ecr:GetAuthorizationToken\n  ✗ ecr:BatchCheckLayerAvailability on arn:aws:ecr:"), "{}", done.stdout);
    let asked = aws.asked();
    assert!(asked[2].contains("PolicySourceArn=arn%3Aaws%3Aiam%3A%3A210987654321%3Arole%2Fdeploy&ActionNames.member.1=ecr%3AGetAuthorizationToken&ResourceArns.member.1=%2A"), "{asked:?}");

    let denied = error(403, "AccessDenied", "not authorized to perform: iam:SimulatePrincipalPolicy");
    let aws = Answers::new(vec![session(), identity(), denied]);
    let done = place(&aws.address).run(&["policy", "ship", "--integration", "deployer", "--check"]);
    assert_eq!(done.status, Some(0));
    assert!(done.stderr.contains("warning: these keys may not ask what they may do"), "{}", done.stderr);
}
