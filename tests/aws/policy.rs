//! Least privilege: the policy that the keys of a job need.

use std::process::Command;

use serde_json::Value;

use crate::answers::{Answers, error, session};
use crate::moto::Moto;
use crate::place::{ACCESS_KEY, Place, SECRET_KEY, programs};

fn place(endpoint: &str) -> Place {
    Place::new(endpoint).fixture("least-privilege")
}

fn policy(place: &Place, arguments: &[&str]) -> Value {
    policy_of(place, "ship", arguments)
}

fn policy_of(place: &Place, job: &str, arguments: &[&str]) -> Value {
    let done = place.run(&[&["policy", job], arguments].concat());
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

/// The actions of a policy, by the names of its statements, and what they are allowed on.
fn told(policy: &Value) -> Vec<String> {
    let joined = |list: &Value| {
        list.as_array().unwrap().iter().map(|it| it.as_str().unwrap()).collect::<Vec<_>>().join(" ")
    };
    let statements = policy["Statement"].as_array().unwrap().iter();
    let told = |it: &Value| {
        format!("{}: {} on {}", it["Sid"].as_str().unwrap(), joined(&it["Action"]), joined(&it["Resource"]))
    };
    statements.map(told).collect()
}

#[test]
fn a_deployment_needs_what_it_calls() {
    let place = place("http://127.0.0.1:1");
    let policy = policy_of(&place, "rollout", &["--integration", "deployer"]);
    assert_eq!(
        told(&policy),
        [
            "EcsNewTaskDefinitions: ecs:RegisterTaskDefinition on arn:aws:ecs:eu-west-1:210987654321:task-definition/*",
            "EcsServices: ecs:CreateService ecs:DeleteService ecs:DescribeServices ecs:UpdateService on arn:aws:ecs:eu-west-1:210987654321:service/shop/*",
            "RolesOfServices: iam:PassRole on arn:aws:iam::210987654321:role/ecs-front",
            "RolesOfTasks: iam:PassRole on arn:aws:iam::210987654321:role/web-task",
        ]
    );
    assert_eq!(
        statement(&policy, "RolesOfTasks")["Condition"],
        serde_json::json!({"StringEquals": {"iam:PassedToService": "ecs-tasks.amazonaws.com"}})
    );
    let said = place.run(&["policy", "rollout", "--integration", "deployer"]).stderr;
    assert_eq!(said, "", "all of it is known");
}

/// A line with one pair of keys, of jobs that Shippable ran itself.
fn managed(jobs: &str) -> Place {
    let place = Place::new("http://127.0.0.1:1");
    place.write(
        "shippable.yml",
        &format!(
            "integrations:
  - {{name: keys, type: amazonKeys, fields: {{accessKey: {ACCESS_KEY}, secretKey: {SECRET_KEY}}}}}
resources:
  - {{name: 1, type: image, integration: keys, pointer: {{sourceName: 123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn/web}}}}
  - {{name: api, type: image, integration: keys, pointer: {{sourceName: 123456789012.dkr.ecr.us-east-1.amazonaws.com/api:2}}}}
  - {{name: tools, type: cliConfig, integration: keys}}
  - {{name: prod, type: cluster, integration: keys, pointer: {{sourceName: prod, region: us-east-1}}}}
  - {{name: balancer, type: loadBalancer, integration: keys, pointer: {{sourceName: front}}}}
  - name: count
    type: replicas
    versionTemplate:
      {{count: 2, minReplicas: 1, maxReplicas: 4, autoScalingRole: scaler, autoScalingPolicies: [{{}}], metricAlarms: [{{}}]}}
  - {{name: plain, type: replicas, version: {{count: 2}}}}
jobs:
{jobs}"
        ),
    );
    place
}

const SCALED: &str =
    "  - {name: images, type: manifest, steps: [{IN: 1}, {IN: api}, {IN: tools}, {IN: count}]}
  - {name: tagged, type: release, steps: [{IN: images}]}
  - {name: first, type: deploy, steps: [{IN: tagged}, {IN: elsewhere}]}
  - {name: second, type: deploy, steps: [{IN: first}, {IN: prod}, {IN: balancer}, {IN: plain}]}
";

#[test]
fn manifests_are_looked_for_behind_releases_and_deployments() {
    let place = managed(SCALED);
    let done = place.run(&["policy", "second"]);
    let told = told(&serde_json::from_str(&done.stdout).unwrap()).join("\n");
    for line in [
        "Scaling: application-autoscaling:RegisterScalableTarget application-autoscaling:PutScalingPolicy on arn:aws:application-autoscaling:us-east-1:*:scalable-target/*",
        "Alarms: cloudwatch:PutMetricAlarm on arn:aws:cloudwatch:us-east-1:*:alarm:*",
        "RolesOfScaling: iam:PassRole on arn:aws:iam::*:role/scaler",
        "RolesOfServices: iam:PassRole on arn:aws:iam::*:role/*",
        "Roles: iam:ListRoles on *",
    ] {
        assert!(told.contains(line), "{line} is not in: {told}");
    }
    // What is declared in another repository is no reason to say nothing.
    for warning in [
        "warning: `elsewhere` is declared nowhere\n",
        "warning: nothing is in the policy for `tools`\n",
        "hint: jobs of type `deploy` call nothing of AWS for it\n",
    ] {
        assert!(done.stderr.contains(warning), "{}", done.stderr);
    }
    let plain = managed("  - {name: j, type: deploy, steps: [{IN: prod}, {IN: plain}]}\n");
    assert!(!policy_of(&plain, "j", &[]).to_string().contains("autoscaling"));
}

#[test]
fn jobs_that_call_nothing_of_aws_are_not_refused() {
    let place = managed(
        "  - {name: lb, type: provision, steps: [{IN: balancer}]}
  - {name: line_rSync, type: rSync, steps: []}
  - {name: web, type: manifest, steps: [{IN: 1}]}
  - {name: old, type: ecsDeploy, steps: [{GET: web}, {GET: old_cluster}]}
",
    );
    let line = std::fs::read_to_string(place.path("shippable.yml")).unwrap();
    let cluster = "  - {name: old_cluster, type: ecsCluster, integration: keys, source: {name: test, region: us-west-2}}\njobs:\n";
    place.write("shippable.yml", &line.replace("jobs:\n", cluster));
    let said = place.bad(&["policy", "lb"]);
    assert!(said.ends_with("error: nothing in job `lb` says what `keys` must be allowed; as far as is known, jobs of type `provision` call nothing of AWS with such resources\n"), "{said}");
    assert_eq!(place.bad(&["policy", "line_rSync"]), "error: job `line_rSync` has no integration of AWS\n");
    let said = place.bad(&["policy", "web"]);
    assert!(said.contains("nothing in job `web` says what `keys` must be allowed"), "{said}");
    let old = told(&policy_of(&place, "old", &[])).join("\n");
    assert!(old.contains("arn:aws:ecs:us-west-2:*:service/test/*"), "{old}");
}

#[test]
#[ignore = "needs tests/aws/setup.sh"]
fn policies_are_valid() {
    let moto = Moto::start();
    let place = place(&moto.address);
    let of_ship = |integration| policy(&place, &["--integration", integration]).to_string();
    for (user, text) in [
        ("deployer", of_ship("deployer")),
        ("ci_user", of_ship("ci_user")),
        ("rollout", policy_of(&place, "rollout", &["--integration", "deployer"]).to_string()),
        ("second", policy_of(&managed(SCALED), "second", &[]).to_string()),
    ] {
        let lint = Command::new(programs().join("parliament")).args(["--string", &text]).output().unwrap();
        let said = String::from_utf8_lossy(&lint.stdout);
        assert!(
            lint.status.success() && said.trim().is_empty(),
            "{said}{}",
            String::from_utf8_lossy(&lint.stderr)
        );
        // The emulation refuses documents that are no policy.
        moto.user(user, &text);
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
