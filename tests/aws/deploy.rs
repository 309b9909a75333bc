//! Deployments to Amazon ECS, on an emulation whose services start and stop tasks.

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Value, json};

use crate::moto::Moto;
use crate::place::{ACCESS_KEY, Place, SECRET_KEY};

/// A line from an image to a cluster. `deploy` is more of the job that deploys, `steps` more of its steps.
fn line(place: &Place, tag: &str, deploy: &str, steps: &str) {
    keyed(place, (ACCESS_KEY, SECRET_KEY), tag, deploy, steps);
}

fn keyed(place: &Place, (access, secret): (&str, &str), tag: &str, deploy: &str, steps: &str) {
    place.write(
        "shippable.yml",
        &format!(
            "integrations:
  - {{name: aws, type: amazonKeys, fields: {{accessKey: {access}, secretKey: '{secret}'}}}}
resources:
  - {{name: web, type: image, versionTemplate: {{sourceName: shop/web, versionName: '{tag}'}}}}
  - {{name: api, type: image, versionTemplate: {{sourceName: shop/api, versionName: '1'}}}}
  - name: options
    type: dockerOptions
    version:
      portMappings: ['80:8080']
      volumes: ['/var/log/shop:/logs:ro']
      logConfig: {{type: awslogs, options: {{awslogs-group: shop}}}}
      ulimits: [{{name: nofile, soft: 50, hard: 100}}]
      capAdd: [SYS_TIME]
      taskDefinition: {{networkMode: bridge}}
      service: {{deploymentConfiguration: {{maximumPercent: 150}}}}
  - {{name: common, type: params, version: {{params: {{LEVEL: info}}}}}}
  - {{name: two, type: replicas, version: {{count: 2}}}}
  - name: scaled
    type: replicas
    version:
      count: 2
      minReplicas: 1
      maxReplicas: 4
      autoScalingPolicies:
        - PolicyName: grow
          PolicyType: StepScaling
          StepScalingPolicyConfiguration: {{AdjustmentType: ChangeInCapacity, StepAdjustments: [{{MetricIntervalLowerBound: 0, ScalingAdjustment: 1}}]}}
      metricAlarms:
        - AlarmName: busy
          AlarmActions: [grow]
          MetricName: CPUUtilization
          Namespace: AWS/ECS
          Statistic: Average
          Period: 60
          EvaluationPeriods: 1
          Threshold: 75
          ComparisonOperator: GreaterThanThreshold
  - {{name: front, type: loadBalancer, pointer: {{sourceName: 'arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/front/0123456789abcdef', method: application}}}}
  - {{name: elb, type: loadBalancer, pointer: {{sourceName: front-elb, method: classic}}}}
  - {{name: everywhere, type: dockerOptions, version: {{memoryReservation: 64, repositoryCredentials: {{credentialsParameter: 'arn:aws:secretsmanager:eu-west-1:123456789012:secret:hub'}}, service: {{schedulingStrategy: DAEMON}}}}}}
  - {{name: shop, type: cluster, integration: aws, pointer: {{sourceName: shop, region: eu-west-1}}}}
  - {{name: seed, type: version, seed: {{versionName: 1.0.0}}}}
jobs:
  - {{name: site, type: manifest, steps: [IN: web, IN: options, IN: common]}}
  - {{name: back, type: manifest, steps: [IN: api]}}
  - {{name: both, type: release, steps: [IN: seed, IN: site, IN: back]}}
  - name: ship
    type: deploy
{deploy}
    steps:
      - IN: both
      - IN: shop
{steps}
"
        ),
    );
}

/// A server with the cluster, and a place.
fn start() -> (Moto, Place) {
    let moto = Moto::start();
    moto.ecs("CreateCluster", &json!({"clusterName": "shop"}));
    let place = Place::new(&moto.address);
    (moto, place)
}

/// The services that are there, with how many run and with which task definition.
fn services(moto: &Moto) -> Vec<String> {
    moto.services("eu-west-1", "shop")
}

#[test]
#[ignore = "needs tests/aws/setup.sh"]
fn a_second_deployment_changes_only_what_has_changed() {
    let (moto, place) = start();
    moto.scheduler("late");
    line(&place, "1", "", "      - {IN: two, applyTo: [site]}");
    let plan = place.good(&["run", "ship", "--upstream", "--dry-run"]);
    assert!(plan.contains("3. create service ship-site-1\n"), "{plan}");
    assert!(
        plan.contains("dockerOptions: Amazon ECS has nothing for `capAdd`: it has no effect\n"),
        "{plan}"
    );
    assert_eq!(services(&moto), [""; 0], "a dry run calls nothing");
    let log = place.good(&["run", "ship", "--upstream", "-j", "1"]);
    assert!(log.contains("site: service ship-site-1: 0 of 2 running, 2 pending\n"), "{log}");
    assert!(log.contains("✓ site: service ship-site-1\n"), "{log}");
    assert_eq!(services(&moto), ["ship-back-1 1 ship-back:1", "ship-site-1 2 ship-site:1"]);
    let task =
        moto.ecs("DescribeTaskDefinition", &json!({"taskDefinition": "ship-site"}))["taskDefinition"].clone();
    let container = &task["containerDefinitions"][0];
    for (key, value) in [
        ("name", json!("web")),
        ("image", json!("shop/web:1")),
        ("memory", json!(400)),
        ("environment", json!([{"name": "LEVEL", "value": "info"}])),
        ("portMappings", json!([{"containerPort": 8080, "hostPort": 80, "protocol": "tcp"}])),
        (
            "mountPoints",
            json!([{"sourceVolume": "var-log-shop", "containerPath": "/logs", "readOnly": true}]),
        ),
        ("logConfiguration", json!({"logDriver": "awslogs", "options": {"awslogs-group": "shop"}})),
        ("ulimits", json!([{"name": "nofile", "softLimit": 50, "hardLimit": 100}])),
    ] {
        assert_eq!(container[key], value, "{key}");
    }
    assert_eq!(task["networkMode"], "bridge");
    assert_eq!(task["volumes"], json!([{"name": "var-log-shop", "host": {"sourcePath": "/var/log/shop"}}]));

    line(&place, "2", "", "      - {IN: two, applyTo: [site]}");
    let log = place.good(&["run", "ship", "--upstream", "-j", "1"]);
    assert!(log.contains("back: nothing has changed since it was deployed\n"), "{log}");
    assert_eq!(services(&moto), ["ship-back-1 1 ship-back:1", "ship-site-2 2 ship-site:2"]);
    let version: Value =
        serde_json::from_str(&place.good(&["state", "show", "ship", "--format", "json"])).unwrap();
    assert_eq!(version["versionName"], "1.2.0");
    assert_eq!(version["propertyBag"]["manifests"][0]["images"][0]["versionName"], "2");

    // Only the number of replicas is another: no new task definition.
    line(&place, "2", "", "");
    let plan = place.good(&["run", "ship", "--dry-run"]);
    assert!(plan.contains("manifest site (version 2): the number of replicas is another\n"), "{plan}");
    place.good(&["run", "ship"]);
    assert_eq!(services(&moto), ["ship-back-1 1 ship-back:1", "ship-site-2 1 ship-site:2"]);
    // Somebody has deleted it: it is deployed anew.
    moto.ecs("DeleteService", &json!({"cluster": "shop", "service": "ship-site-2", "force": true}));
    let log = place.good(&["run", "ship"]);
    assert!(log.contains("service ship-site-2 is gone: it is deployed anew\n"), "{log}");
    assert_eq!(services(&moto), ["ship-back-1 1 ship-back:1", "ship-site-4 1 ship-site:3"]);
}

#[test]
#[ignore = "needs tests/aws/setup.sh"]
fn a_service_that_never_becomes_stable_makes_way_for_the_old_one() {
    let (moto, place) = start();
    line(&place, "1", "", "");
    place.good(&["run", "ship", "--upstream"]);
    moto.scheduler("never");
    line(&place, "2", "    maxWaitTime: 1", "");
    place.good(&["run", "site"]);
    place.good(&["run", "both"]);
    let failed = place.run(&["run", "ship"]);
    assert_eq!(failed.status, Some(1), "{}", failed.stdout);
    for said in [
        "site: event: (service ship-site-2) was unable to place a task because no container instance met all of its requirements.\n",
        "site: ✗ service ship-site-2 did not become stable: 0 of 1 running, 1 pending; it had 1 s to become stable\n",
        "site: service ship-site-2 deleted: it never became stable\n",
        "site: stands now: service ship-site-1: 1 of 1 running, of ship-site:1\n",
        "- back: not begun\n",
    ] {
        assert!(failed.stdout.contains(said), "no {said} in {}", failed.stdout);
    }
    assert_eq!(services(&moto), ["ship-back-1 1 ship-back:1", "ship-site-1 1 ship-site:1"]);
    moto.scheduler("follow");
    place.good(&["run", "ship"]);
    assert_eq!(services(&moto), ["ship-back-1 1 ship-back:1", "ship-site-3 1 ship-site:3"]);
}

#[test]
#[ignore = "needs tests/aws/setup.sh"]
fn a_service_that_starts_and_stops_is_not_stable() {
    let (moto, place) = start();
    line(&place, "1", "", "");
    place.good(&["run", "ship", "--upstream"]);
    moto.scheduler("flap");
    line(&place, "2", "    stabilityDuration: 2\n    maxWaitTime: 3", "");
    place.good(&["run", "site"]);
    place.good(&["run", "both"]);
    let failed = place.run(&["run", "ship"]);
    assert_eq!(failed.status, Some(1), "{}", failed.stdout);
    for said in [
        "site: service ship-site-2: 1 of 1 running\n",
        "site: service ship-site-2: 0 of 1 running, 1 pending\n",
        "site: ✗ service ship-site-2 did not become stable: ",
        "site: service ship-site-2 deleted: it never became stable\n",
    ] {
        assert!(failed.stdout.contains(said), "no {said} in {}", failed.stdout);
    }
    assert_eq!(services(&moto), ["ship-back-1 1 ship-back:1", "ship-site-1 1 ship-site:1"]);
}

#[test]
#[ignore = "needs tests/aws/setup.sh"]
fn a_daemon_has_no_number_and_a_classic_balancer_the_role_of_the_account() {
    let (moto, place) = start();
    moto.role(
        "for-ecs",
        r#"{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": "ecs.amazonaws.com"}, "Action": "sts:AssumeRole"}]}"#,
    );
    let steps = "      - IN: elb
        applyTo: [{manifest: site, image: web, port: 8080}]
      - {IN: two, applyTo: [site]}
      - {IN: everywhere, applyTo: [site]}";
    line(&place, "1", "", steps);
    let log = place.good(&["run", "ship", "--upstream"]);
    assert!(log.contains("✓ site: service ship-site-1\n"), "{log}");
    let asked = moto.asked();
    let body = |part: &str| -> Value {
        serde_json::from_str(&asked.iter().find(|(_, body)| body.contains(part)).unwrap().1).unwrap()
    };
    let create = body("\"serviceName\":\"ship-site-1\"");
    assert_eq!(
        create["loadBalancers"],
        json!([{"loadBalancerName": "front-elb", "containerName": "web", "containerPort": 8080}])
    );
    assert_eq!((&create["schedulingStrategy"], &create["desiredCount"]), (&json!("DAEMON"), &Value::Null));
    assert_eq!(create["role"], "for-ecs");
    let container = &body("\"family\":\"ship-site\"")["containerDefinitions"][0];
    assert_eq!(
        container["repositoryCredentials"],
        json!({"credentialsParameter": "arn:aws:secretsmanager:eu-west-1:123456789012:secret:hub"})
    );
    assert_eq!((&container["memoryReservation"], &container["memory"]), (&json!(64), &Value::Null));
}

#[test]
#[ignore = "needs tests/aws/setup.sh"]
fn a_daemon_is_stable_once_it_is_known_where_it_runs() {
    let steps = "      - {IN: everywhere, applyTo: [site]}";
    for (how, said) in [
        ("follow", "service ship-site-1: 1 of 1 running\nship │ service ship-site-1 is stable\n"),
        (
            "empty",
            "warning: service ship-site-1 runs nowhere: cluster shop has no instance for it; one starts on each that joins\n",
        ),
        // ECS does not say whether it has looked.
        (
            "never",
            "warning: service ship-site-1 runs nowhere: cluster shop has no instance for it; one starts on each that joins\n",
        ),
    ] {
        let (moto, place) = start();
        moto.scheduler(how);
        line(&place, "1", "    maxWaitTime: 1", steps);
        let yaml = std::fs::read_to_string(place.path("shippable.yml")).unwrap();
        place.write("shippable.yml", &yaml.replace("IN: site, IN: back]", "IN: site]"));
        let log = place.good(&["run", "ship", "--upstream"]);
        assert!(log.contains(said), "no {said} in {log}");
        assert!(log.contains("✓ site: service ship-site-1\n"), "{log}");
    }
}

#[test]
#[ignore = "needs tests/aws/setup.sh"]
fn upgrade_and_replace_keep_the_service() {
    for method in ["upgrade", "replace"] {
        let (moto, place) = start();
        let deploy = format!("    method: {method}\n    workflow: parallel");
        line(&place, "1", &deploy, "");
        place.good(&["run", "ship", "--upstream"]);
        line(&place, "2", &deploy, "");
        let log = place.good(&["run", "ship", "--upstream"]);
        assert_eq!(log.contains("service ship-site: 0 are to run\n"), method == "replace", "{log}");
        assert_eq!(services(&moto), ["ship-back 1 ship-back:1", "ship-site 1 ship-site:2"]);
        let yaml = std::fs::read_to_string(place.path("shippable.yml")).unwrap();
        place.write("shippable.yml", &yaml.replace("IN: site, IN: back]", "IN: site]"));
        place.good(&["run", "both"]);
        let said = place.run(&["run", "ship"]).stderr;
        assert!(
            said.starts_with("warning: service ship-back of manifest `back` stays in cluster shop"),
            "{said}"
        );
    }
}

/// Starts a second deployment that waits for its service, which never runs; with the lines of its log that come next.
fn start_waiting(moto: &Moto, place: &Place) -> (Child, impl Iterator<Item = String> + use<>) {
    line(place, "1", "", "");
    place.good(&["run", "ship", "--upstream"]);
    moto.scheduler("never");
    line(place, "2", "", "");
    place.good(&["run", "site"]);
    place.good(&["run", "both"]);
    let mut child = place.command(&["run", "ship"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    assert!(lines.by_ref().any(|line| line == "site: service ship-site-2: 0 of 1 running, 1 pending"));
    (child, lines)
}

#[test]
#[ignore = "needs tests/aws/setup.sh"]
fn a_deployment_that_is_stopped_says_what_stands_and_the_next_goes_on() {
    let (moto, place) = start();
    let (mut child, lines) = start_waiting(&moto, &place);
    kill(Pid::from_raw(i32::try_from(child.id()).unwrap()), Signal::SIGINT).unwrap();
    let rest: Vec<_> = lines.collect();
    assert_eq!(child.wait().unwrap().code(), Some(130), "{rest:?}");
    for said in [
        "site: stands now: service ship-site-2: 0 of 1 running, 1 pending, of ship-site:2",
        "site: stands now: service ship-site-1: 1 of 1 running, of ship-site:1",
        "✗ site: stopped; the next run goes on from here",
        "- back: not begun",
    ] {
        assert!(rest.iter().any(|line| line == said), "no {said} in {rest:?}");
    }
    moto.scheduler("follow");
    let log = place.good(&["run", "ship"]);
    for gone in ["ship-site-1", "ship-site-2"] {
        assert!(log.contains(&format!("site: service {gone} deleted\n")), "{log}");
    }
    assert_eq!(services(&moto), ["ship-back-1 1 ship-back:1", "ship-site-3 1 ship-site:3"]);
    // The time limit ends it likewise.
    moto.scheduler("never");
    line(&place, "3", "", "");
    place.good(&["run", "site"]);
    place.good(&["run", "both"]);
    let late = place.run(&["run", "ship", "--timeout", "1s"]);
    assert_eq!(late.status, Some(124), "{}", late.stdout);
    assert!(late.stdout.contains("site: stands now: service ship-site-3: 1 of 1 running"), "{}", late.stdout);
}

#[test]
#[ignore = "needs tests/aws/setup.sh"]
fn the_next_run_goes_on_from_where_one_was_killed() {
    let (moto, place) = start();
    let (mut child, _lines) = start_waiting(&moto, &place);
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(
        services(&moto),
        ["ship-back-1 1 ship-back:1", "ship-site-1 1 ship-site:1", "ship-site-2 1 ship-site:2"]
    );
    moto.scheduler("follow");
    let log = place.good(&["run", "ship"]);
    for said in [
        "site: service ship-site-2: 1 of 1 running\n",
        "site: service ship-site-1 deleted\n",
        "site: service ship-site-2 deleted\n",
        "back: nothing has changed since it was deployed\n",
    ] {
        assert!(log.contains(said), "no {said} in {log}");
    }
    assert_eq!(services(&moto), ["ship-back-1 1 ship-back:1", "ship-site-3 1 ship-site:3"]);
}

#[test]
#[ignore = "needs tests/aws/setup.sh"]
fn a_load_balancer_and_scaling_are_set_up() {
    let (moto, place) = start();
    let steps = "      - IN: front
        applyTo: [{manifest: site, image: web, port: 8080}]
      - {IN: scaled, applyTo: [site]}";
    line(&place, "1", "", steps);
    let log = place.good(&["run", "ship", "--upstream"]);
    assert!(log.contains("ECS takes its own\n"), "{log}");
    assert!(log.contains("follows its load, with 1 policies and 1 alarms\n"), "{log}");
    let asked = moto.asked();
    let create = asked.iter().find(|(_, body)| body.contains("\"serviceName\":\"ship-site-1\"")).unwrap();
    let create: Value = serde_json::from_str(&create.1).unwrap();
    assert_eq!(
        create["loadBalancers"],
        json!([{
            "targetGroupArn": "arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/front/0123456789abcdef",
            "containerName": "web",
            "containerPort": 8080,
        }])
    );
    let alarm = &asked.iter().find(|(service, _)| service == "monitoring").unwrap().1;
    assert!(alarm.contains("AlarmActions.member.1=arn%3Aaws%3Aautoscaling%3Aeu-west-1"), "{alarm}");
    let target = &asked.iter().find(|(_, body)| body.contains("MaxCapacity")).unwrap().1;
    assert!(target.contains("\"ResourceId\":\"service/shop/ship-site-1\""), "{target}");
}

#[test]
#[ignore = "needs tests/aws/setup.sh"]
fn a_deployment_needs_all_of_its_policy_and_no_more() {
    let (moto, place) = start();
    line(&place, "1", "", "");
    place.good(&["run", "ship", "--upstream"]);
    let policy: Value = serde_json::from_str(&place.good(&["policy", "ship"])).unwrap();
    let actions: BTreeSet<String> = policy["Statement"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|statement| statement["Action"].as_array().unwrap())
        .map(|action| action.as_str().unwrap().to_owned())
        .collect();
    let users: Vec<_> = [None]
        .into_iter()
        .chain(actions.iter().map(Some))
        .enumerate()
        .map(|(number, missing)| {
            let mut policy = policy.clone();
            for statement in policy["Statement"].as_array_mut().unwrap() {
                // The emulation asks for actions alone.
                statement["Resource"] = json!("*");
                statement["Action"]
                    .as_array_mut()
                    .unwrap()
                    .retain(|action| Some(action.as_str().unwrap()) != missing.map(String::as_str));
            }
            policy["Statement"]
                .as_array_mut()
                .unwrap()
                .retain(|it| !it["Action"].as_array().unwrap().is_empty());
            (missing, moto.user(&format!("user-{number}"), &policy.to_string()))
        })
        .collect();
    moto.check_permissions();
    for (number, (missing, (access, secret))) in users.iter().enumerate() {
        keyed(&place, (access, secret), &format!("{}", number + 2), "", "");
        place.good(&["run", "site"]);
        place.good(&["run", "both"]);
        let done = place.run(&["run", "ship"]);
        match missing {
            None => assert_eq!(done.status, Some(0), "{}", done.stdout),
            Some(action) => {
                assert_eq!(done.status, Some(1), "{action}: {}", done.stdout);
                let said = format!("the policy of these keys has to allow {action}\n");
                assert!(done.stdout.contains(&said), "no {said} in {}", done.stdout);
            }
        }
    }
}

/// Writes the line, whose cluster is opened by a role.
fn with_role(place: &Place, role: &str) {
    line(place, "1", "", "");
    let yaml = std::fs::read_to_string(place.path("shippable.yml")).unwrap();
    let yaml = yaml.replace("integration: aws", "integration: role").replace(
        "resources:\n",
        &format!("  - {{name: role, type: amazonIamRole, fields: {{assumeRoleARN: 'arn:aws:iam::123456789012:role/{role}', externalId: agreed-on, sourceIntegration: aws}}}}\nresources:\n"),
    );
    place.write("shippable.yml", &yaml);
}

#[test]
#[ignore = "needs tests/aws/setup.sh"]
fn a_deployment_may_last_longer_than_the_session_of_its_role() {
    let (moto, place) = start();
    moto.role("brief", "{\"Version\": \"2012-10-17\", \"Statement\": []}");
    with_role(&place, "brief");
    moto.scheduler("never");
    let mut child = place.command(&["run", "ship", "--upstream"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    assert!(lines.by_ref().any(|line| line.ends_with("service ship-site-1: 0 of 1 running, 1 pending")));
    let signers = || moto.signers("ecs");
    let first = signers().last().unwrap().clone();
    let until = Instant::now() + Duration::from_secs(30);
    while signers().last() == Some(&first) && Instant::now() < until {
        std::thread::sleep(Duration::from_millis(50));
    }
    assert_ne!(signers().last(), Some(&first));
    moto.scheduler("follow");
    let rest: Vec<_> = lines.collect();
    assert_eq!(child.wait().unwrap().code(), Some(0), "{rest:?}");
    assert_eq!(services(&moto), ["ship-back-1 1 ship-back:1", "ship-site-1 1 ship-site:1"]);
}

#[test]
#[ignore = "needs tests/aws/setup.sh"]
fn a_role_deploys_too() {
    let (moto, place) = start();
    moto.role("deploy", "{\"Version\": \"2012-10-17\", \"Statement\": []}");
    with_role(&place, "deploy");
    let log = place.good(&["run", "ship", "--upstream"]);
    assert!(!log.contains("agreed-on"), "{log}");
    assert_eq!(services(&moto), ["ship-back-1 1 ship-back:1", "ship-site-1 1 ship-site:1"]);
    let asked = moto.asked();
    assert!(asked.iter().any(|(service, body)| service == "sts" && body.contains("ExternalId=agreed-on")));
    let policy: Value =
        serde_json::from_str(&place.good(&["policy", "ship", "--integration", "role"])).unwrap();
    assert!(policy.to_string().contains("ecs:CreateService"), "{policy}");
}
