//! Jobs without scripts: what manifests and releases make of what goes in.

use serde_json::{Value, json};

use crate::line::{Line, text};

const RESOURCES: &str = "
resources:
  - {name: web, type: image, versionTemplate: {sourceName: shop/web, versionName: master.12}}
  - {name: worker, type: image, pointer: {sourceName: shop/worker}, seed: {versionName: '0.50'}}
  - {name: page, type: file, versionTemplate: {sourceName: 'https://example.com/page.tgz', versionName: none}}
  - {name: small, type: dockerOptions, version: {memory: 256, labels: {a: 1}}}
  - {name: large, type: dockerOptions, versionTemplate: {memory: 1024, cpuShares: 10}}
  - {name: common, type: params, version: {params: {LEVEL: info, PATH: /app}}}
  - {name: loud, type: params, version: {params: {LEVEL: debug}}}
  - {name: two, type: replicas, version: {count: 2}}
  - {name: three, type: replicas, versionTemplate: {count: 3}}
  - {name: seed, type: version, seed: {versionName: v1.0.0}}
  - {name: blank, type: version}
";

/// A line with these jobs.
fn line(jobs: &str) -> Line {
    Line::new(&format!("{RESOURCES}jobs:\n{jobs}"))
}

/// What the last version of a job holds.
fn shown(line: &Line, job: &str) -> Value {
    serde_json::from_str(&line.does(&format!("state show {job} --format json"))).unwrap()
}

#[test]
fn a_repository_only_starts_a_job_without_scripts() {
    let line = Line::new(
        "
integrations:
  - {name: gh, type: github, fields: {token: {env: NOT_SET_ANYWHERE}, url: 'https://api.github.com'}}
resources:
  - {name: web, type: image, pointer: {sourceName: shop/web}, seed: {versionName: '1'}}
  - {name: repo, type: gitRepo, integration: gh, pointer: {sourceName: org/app}}
jobs:
  - {name: shop, type: manifest, steps: [{IN: repo}, {IN: web}]}
",
    );
    let plan = line.does("run shop --dry-run");
    assert!(plan.contains("IN repo (gitRepo)") && plan.contains("image web: shop/web:1"), "{plan}");
    line.does("run shop");
}

#[test]
fn the_first_syntax_of_resources_is_understood() {
    let line = Line::new(
        "
resources:
  - {name: web, type: image, source: {name: shop/web, tag: master.7, isPull: false}}
  - {name: opts, type: dockerOptions, source: {memory: 64, cpu-shares: 256}}
  - {name: settings, type: params, source: {params: {LEVEL: info}}}
  - {name: two, type: replicas, source: {count: 2}}
  - {name: seed, type: version, source: {base: 1.2.0}}
jobs:
  - {name: shop, type: manifest, steps: [{IN: web}, {IN: opts}, {IN: settings}, {IN: two}]}
  - {name: next, type: release, bump: minor, steps: [{IN: shop}, {IN: seed}]}
  - {name: see, type: runSh, steps: [{IN: web}, {IN: settings}, {TASK: {script: 'echo $WEB_SOURCENAME:$WEB_VERSIONNAME $LEVEL; shipctl get_resource_pointer_key web name'}}]}
",
    );
    assert_eq!(line.does("check"), "1 file: 3 jobs and 5 resources, no problems\n");
    let plan = line.does("run --all --dry-run");
    for said in [
        "image web: shop/web:master.7 (version 1)",
        "params: LEVEL=info",
        "dockerOptions: memory=64 cpuShares=256",
        "replicas: 2",
        "1.3.0",
    ] {
        assert!(plan.contains(said), "{said}\n{plan}");
    }
    let said = line.does("run see");
    assert!(said.contains("shop/web:master.7 info\nshop/web\n"), "{said}");
}

#[test]
fn old_names_of_the_parts_of_resources_are_understood() {
    let line = Line::new(
        "
resources:
  - {name: web, type: image, pointer: {sourceName: shop/web}, initialVersion: {versionName: latest}}
  - {name: settings, type: params, pointer: {params: {LEVEL: info}}}
jobs:
  - {name: shop, type: manifest, steps: [{IN: web}, {IN: settings}]}
  - {name: see, type: runSh, steps: [{IN: web}, {IN: settings}, {TASK: {script: 'echo $WEB_SEED_VERSIONNAME $WEB_VERSIONNAME $LEVEL'}}]}
",
    );
    assert_eq!(line.does("check"), "1 file: 2 jobs and 2 resources, no problems\n");
    let plan = line.does("run shop --dry-run");
    assert!(plan.contains("image web: shop/web:latest (version 1)\n    params: LEVEL=info\n"), "{plan}");
    let said = line.does("run see");
    assert!(said.contains("\nlatest latest info\n"), "{said}");
}

#[test]
fn what_no_job_can_be_run_of_is_said() {
    let line = Line::new(
        "
jobs:
  - {name: repo_runCI, type: runCI, steps: [{IN: repo}]}
  - {name: cloud, type: dclDeploy}
  - {name: other, type: mystery}
",
    );
    let reasons = "error: the line has no job that shipctl runs
  - repo_runCI: the line has no CI section with a script for it
  - cloud: Docker Cloud no longer exists
  - other: shipctl does not run jobs of type mystery
";
    assert_eq!(line.fails("run --all", 125), reasons);
    assert_eq!(line.fails("export github", 125), reasons);
}

#[test]
fn the_oldest_deployments_to_google_are_deployments_to_kubernetes() {
    let line = Line::new(
        "
integrations:
  - {name: google, type: gcloudKey, fields: {JSON_key: '{}'}}
resources:
  - {name: web, type: image, source: {name: shop/web, tag: 1}}
  - {name: there, type: gkeCluster, integration: google, source: {name: prod, region: us-east1-d}}
jobs:
  - {name: shop, type: manifest, steps: [{GET: web}]}
  - {name: ship, type: gkeDeploy, options: {deployMethod: upgrade}, steps: [{GET: shop}, {GET: there}]}
",
    );
    let plan = line.does("run --all --dry-run");
    assert!(plan.contains("to cluster prod of Kubernetes · upgrade, serial"), "{plan}");
}

const MANIFEST: &str = "
  - name: shop
    type: manifest
    steps:
      - IN: web
      - IN: worker
        versionName: '0.50'
      - GET: small
      - IN: large
        applyTo: [web]
      - IN: common
      - IN: loud
        applyTo: [worker]
      - IN: two
      - IN: three
      - TASK: managed
";

#[test]
fn a_manifest_lists_images_with_what_applies_to_each() {
    let line = line(MANIFEST);
    let plan = line.does("run shop --dry-run");
    for said in [
        "job shop (manifest)",
        "IN web (image)",
        "image web: shop/web:master.12 (version 1)",
        "params: LEVEL=info PATH=/app",
        "dockerOptions: memory=1024 labels={\"a\":1} cpuShares=10",
        "image worker: shop/worker:0.50 (version 1)",
        "params: LEVEL=debug PATH=/app",
        "dockerOptions: memory=256 labels={\"a\":1}",
        "replicas: 3",
    ] {
        assert!(plan.contains(said), "no {said:?} in {plan}");
    }
    line.does("run shop");
    let version = shown(&line, "shop");
    assert_eq!((&version["versionNumber"], &version["versionName"]), (&json!(1), &json!(null)));
    assert_eq!(
        version["propertyBag"],
        json!({"manifests": [{
            "name": "shop",
            "images": [
                {
                    "name": "web", "sourceName": "shop/web", "versionName": "master.12", "versionNumber": 1,
                    "params": {"LEVEL": "info", "PATH": "/app"},
                    "dockerOptions": {"memory": 1024, "labels": {"a": 1}, "cpuShares": 10},
                },
                {
                    "name": "worker", "sourceName": "shop/worker", "versionName": "0.50", "versionNumber": 1,
                    "params": {"LEVEL": "debug", "PATH": "/app"},
                    "dockerOptions": {"memory": 256, "labels": {"a": 1}},
                },
            ],
            "replicas": {"count": 3},
        }]})
    );
}

#[test]
fn a_manifest_has_images_or_files() {
    let line = line(
        "  - {name: pages, type: manifest, steps: [IN: page, IN: loud]}
  - {name: both, type: manifest, steps: [IN: web, IN: page]}
  - {name: nothing, type: manifest, steps: [IN: loud]}
",
    );
    assert!(line.does("run pages").contains("file page: https://example.com/page.tgz:none (version 1)\n"));
    let error = line.fails("run both", 125);
    assert!(
        error.starts_with("error: manifest `both` has images and files\n  --> shippable.yml:16:"),
        "{error}"
    );
    let error = line.fails("run nothing", 125);
    assert!(error.starts_with("error: manifest `nothing` has no image and no file\n"), "{error}");
    let history: Value = serde_json::from_str(&line.does("history --format json")).unwrap();
    assert_eq!(history.as_array().unwrap().len(), 1, "{history}");
    let checked = text(&line.try_to("check").stdout);
    assert!(checked.contains("manifest `both` has images and files, and cannot be made"), "{checked}");
}

const RELEASE: &str = "
  - {name: shop, type: manifest, steps: [IN: web]}
  - {name: candidate, type: release, bump: rc, steps: [IN: seed, IN: shop]}
  - name: public
    type: release
    steps:
      - IN: candidate
      - TASK: managed
        bump: final
  - {name: look, type: runSh, steps: [IN: candidate, IN: public, TASK: ['echo \"$CANDIDATE_VERSIONNAME $CANDIDATE_VERSIONNUMBER $PUBLIC_VERSIONNAME $(shipctl get_resource_version_name public)\"; shipctl get_json_value IN/public/version.json version.propertyBag.manifests[0].name']]}
";

#[test]
fn a_release_counts_on_from_its_seed_and_holds_manifests() {
    let line = line(RELEASE);
    let plan = line.does("run public --dry-run --upstream");
    assert!(plan.contains("version v1.0.0: final of v1.0.0-rc, release `candidate`"), "{plan}");
    line.does("run --all");
    let log = line.does("run candidate");
    assert!(log.contains("version v1.0.0-rc.1: rc of v1.0.0-rc, its last version\n"), "{log}");
    let log = line.does("run look");
    assert!(log.contains("\nv1.0.0-rc.1 2 v1.0.0 v1.0.0\n"), "{log}");
    assert!(log.contains("\nshop\n"), "{log}");
    assert_eq!(
        shown(&line, "public")["propertyBag"]["manifests"][0]["images"][0]["versionName"],
        "master.12"
    );

    // A greater seed is where it starts from again; a smaller one is not.
    line.write("shippable.yml", &format!("{}jobs:\n{RELEASE}", RESOURCES.replace("v1.0.0", "v2.0.0")));
    assert!(line.does("run candidate").contains("version v2.0.0-rc: rc of v2.0.0, version `seed`\n"));
    line.write("shippable.yml", &format!("{}jobs:\n{RELEASE}", RESOURCES.replace("v1.0.0", "v0.1.0")));
    assert!(line.does("run candidate").contains("version v2.0.0-rc.1: rc of v2.0.0-rc, its last version\n"));
}

#[test]
fn a_release_needs_a_version_to_begin_with() {
    let line = line(
        "  - {name: shop, type: manifest, steps: [IN: web]}
  - {name: baseless, type: release, steps: [IN: shop]}
  - {name: ship, type: deploy, steps: [IN: baseless]}
  - {name: second, type: release, bump: final, steps: [IN: ship]}
  - {name: wrong, type: release, bump: medium, steps: [IN: shop, IN: seed]}
  - {name: unnamed, type: release, steps: [IN: shop, IN: blank]}
  - {name: odd, type: release, steps: [IN: shop, {IN: page}, {IN: seed, versionName: v1.0.0}]}
",
    );
    line.does("run shop");
    let error = line.fails("run baseless", 125);
    assert!(error.starts_with("error: release `baseless` has no version to begin with\n"), "{error}");
    // The version of a deployment is that of the release that it deployed.
    let error = line.fails("run second", 125);
    assert!(error.ends_with("  hint: run `ship` first, or add `--upstream`\n"), "{error}");
    let error = line.fails("run wrong", 125);
    assert!(error.starts_with("error: release `wrong` cannot bump `medium`\n"), "{error}");
    let error = line.fails("run unnamed", 125);
    assert!(error.starts_with("error: version `blank` has no `versionName` to begin with\n"), "{error}");
    assert!(line.does("run odd").contains("version v1.1.0: minor of v1.0.0"));
    let checked = text(&line.try_to("check").stdout);
    assert!(checked.contains("release `baseless` has no version to begin with"), "{checked}");
    assert!(!checked.contains("`odd`"), "{checked}");
}

#[test]
fn what_has_not_run_yet_is_said() {
    let line = line(RELEASE);
    let ran = line.try_to("run candidate");
    assert_eq!(ran.status.code(), Some(0));
    let said = text(&ran.stderr);
    assert!(said.starts_with("warning: job `shop` goes in and has no version yet\n"), "{said}");
    assert!(said.contains("hint: run it first, or run `candidate` with --upstream\n"), "{said}");
    assert!(text(&ran.stdout).contains("manifest shop: not made yet\n"));
    for wish in ["run look --require-in", "run look --require-in --dry-run"] {
        let error = line.fails(wish, 125);
        assert!(error.starts_with("error: job `public` goes in and has no version yet\n"), "{error}");
    }
    let ran = line.try_to("run look -e PUBLIC_VERSIONNAME=v9 -e CANDIDATE_VERSIONNAME=no");
    assert!(text(&ran.stdout).contains("\nv1.0.0-rc 1 v9 v9\n"), "{}", text(&ran.stdout));
    line.does("run look --upstream --require-in");
}

#[test]
fn names_need_no_variables_and_no_credentials() {
    let line = line(
        "  - {name: '1', type: manifest, steps: [IN: bound]}
  - {name: man-1, type: manifest, steps: [IN: web]}
  - {name: man1, type: manifest, steps: [IN: worker]}
  - {name: rel, type: release, steps: [IN: seed, IN: man-1, IN: man1, IN: '1']}
triggers:
  - {name: bound, type: image, integration: nowhere, pointer: {sourceName: shop/bound}}
",
    );
    let log = line.does("run --all -j 1");
    assert!(log.contains("manifest man-1 (version 1)") && log.contains("manifest man1 (version 1)"), "{log}");
    assert!(log.contains("image bound: shop/bound (version 1)"), "{log}");
}

#[test]
fn the_service_s_own_job_has_nothing_to_do_and_dead_services_are_named() {
    let line = line(
        "  - {name: sync, type: rSync}
  - {name: old, type: dclDeploy, steps: [IN: web]}
",
    );
    assert!(line.does("run sync").contains("nothing to do"));
    let error = line.fails("run old", 125);
    assert!(
        error.starts_with(
            "error: job `old` is of type `dclDeploy`, which cannot be run: Docker Cloud no longer exists\n"
        ),
        "{error}"
    );
}

#[test]
fn names_to_apply_to_are_checked() {
    let line = line(
        "  - {name: shop, type: manifest, steps: [IN: web, {IN: loud, applyTo: [wbe]}]}
  - {name: ship, type: deploy, steps: [IN: shop, {IN: loud, applyTo: [{manifest: shop, image: web}]}]}
",
    );
    let checked = text(&line.try_to("check").stdout);
    assert!(
        checked.contains("warning: `loud` is to apply to `wbe`, which is not in job `shop`\n"),
        "{checked}"
    );
    assert!(checked.contains("hint: did you mean `web`?"), "{checked}");
    assert!(checked.contains("job `ship` deploys to no cluster"), "{checked}");
    assert!(checked.ends_with("1 file: 0 errors, 2 warnings\n"), "{checked}");
    let line = self::line("  - {name: shop, type: manifest, steps: [IN: web, {IN: loud, applyTo: []}]}\n");
    let warning = "warning: `loud` applies to nothing\n";
    let checked = text(&line.try_to("check").stdout);
    assert!(checked.contains(warning), "{checked}");
    assert!(checked.ends_with("1 file: 0 errors, 1 warning\n"), "{checked}");
    assert!(text(&line.try_to("run shop").stderr).contains(warning));
}

#[test]
fn scripts_of_jobs_without_a_shell_are_told_of() {
    let line = line(
        "  - {name: shop, type: manifest, steps: [IN: web, TASK: [{script: touch it}]], on_success: [script: touch it]}
  - {name: next, type: manifest, steps: [IN: web, TASK: managed], on_success: []}
",
    );
    for (args, is_quiet) in
        [("check", false), ("run shop", false), ("run shop -n", false), ("run next", true)]
    {
        let ran = line.try_to(args);
        let said = text(&ran.stdout) + &text(&ran.stderr);
        for place in ["a TASK", "`on_success`"] {
            let warning = format!("warning: the script in {place} of job `shop` does not run\n");
            assert_eq!(said.matches(&warning).count(), usize::from(!is_quiet), "{args}: {said}");
        }
    }
}

#[test]
fn what_a_manifest_says_oddly_is_told_or_works() {
    let line = Line::new(
        "
resources:
  - {name: web, type: image, pointer: {sourceName: shop/web}, seed: {versionName: 'sha256:0123'}}
  - {name: few, type: replicas, version: {count: many}}
  - {name: shared, type: dockerOptions, version: {volumes: [/alone, 'logs:/l'], taskDefinition: {volumes: [{name: v, host: {sourcePath: /x}}]}}}
  - {name: api, type: image, pointer: {sourceName: shop/api}, seed: {versionName: 1}}
  - {name: there, type: cluster, integration: place, pointer: {sourceName: shop, region: eu-west-1}}
integrations:
  - {name: place, type: amazonKeys, fields: {accessKey: AKIA, secretKey: made-up-key}}
jobs:
  - {name: site, type: manifest, steps: [IN: web, IN: web, IN: api, IN: few, IN: shared]}
  - {name: ship, type: deploy, workflow: sequential, steps: [IN: site, IN: there]}
",
    );
    let made = line.try_to("run site");
    let (log, said) = (text(&made.stdout), text(&made.stderr));
    assert_eq!(log.matches("image web: shop/web@sha256:0123 (version 1)\n").count(), 1, "{log}");
    assert!(said.starts_with("warning: the count of replicas `few` is no number: `many`\n"), "{said}");
    let planned = line.try_to("run ship --dry-run");
    let (plan, said) = (text(&planned.stdout), text(&planned.stderr));
    assert!(said.starts_with("warning: job `ship` has no workflow `sequential`"), "{said}");
    assert_eq!(plan.matches("\"sourcePath\": \"/x\"").count(), 1, "{plan}");
    assert_eq!(plan.matches("nothing for `volumes: /alone`: it has no effect\n").count(), 1, "{plan}");
}

/// A line that deploys to a cluster with this integration; `more` is more of the job, `steps` more of its steps.
fn deployment(kind: &str, fields: &str, more: &str, steps: &str) -> Line {
    let integrations = format!("integrations:\n  - {{name: place, type: {kind}, fields: {{{fields}}}}}\n");
    let cluster =
        "  - {name: there, type: cluster, integration: place, pointer: {sourceName: shop, region: eu-west-1}}
  - {name: typed, type: dockerOptions, version: {cmd: [sleep, 10], entryPoint: run, user: 1000, hostName: 7, privileged: 'true', dnsServers: [1.1], labels: {n: 1}, capAdd: NET_ADMIN, links: ['web.site:site', a]}}
  - {name: half, type: replicas, version: {count: 2, minReplicas: 1, autoScalingPolicies: [{PolicyName: p}]}}
  - {name: daemon, type: dockerOptions, version: {memory: '64', service: {schedulingStrategy: DAEMON}}}
  - {name: front, type: loadBalancer, pointer: {sourceName: front-elb, method: classic, role: for-ecs}}
";
    Line::new(&format!(
        "{integrations}{RESOURCES}{cluster}jobs:
  - {{name: web.site, type: manifest, steps: [IN: web]}}
  - name: ship
    type: deploy
{more}    steps:
      - IN: there
{steps}      - TASK: managed
        deployMethod: blue-green
"
    ))
}

const KEYS: &str = "accessKey: AKIA, secretKey: made-up-key";

#[test]
fn a_dry_run_of_a_deployment_shows_what_would_be_sent() {
    let steps = "      - {IN: web.site, deployName: shop}
      - IN: loud
      - {IN: daemon, applyTo: [web]}
      - {IN: front, applyTo: [{manifest: web.site, image: web, port: 80}]}
";
    let line = deployment("amazonKeys", KEYS, "    maxWaitTime: 30\n    stabilityDuration: 5\n", steps);
    let ran = line.try_to("run ship --dry-run");
    assert_eq!(ran.status.code(), Some(0), "{}", text(&ran.stderr));
    let plan = text(&ran.stdout);
    let plain: String = plan.split_whitespace().collect();
    for said in [
        "toclustershopofAmazonECSineu-west-1·blueGreen,serial·upto30sforeachservice,stablefor5s",
        "\"family\":\"shop\"",
        "\"memory\":64,",
        "\"environment\":[{\"name\":\"LEVEL\",\"value\":\"debug\"}]",
        "service:{\"cluster\":\"shop\",\"loadBalancers\":[{\"loadBalancerName\":\"front-elb\",\"containerName\":\"web\",\"containerPort\":80}],\"role\":\"for-ecs\",\"schedulingStrategy\":\"DAEMON\"}",
        "3.createserviceshop-1",
    ] {
        assert!(plain.contains(said), "no {said} in {plan}");
    }
    assert!(!plan.contains("made-up-key"), "{plan}");
    let line = deployment("amazonKeys", KEYS, "", "      - IN: web.site\n");
    assert!(text(&line.try_to("run ship -n").stdout).contains("create service ship-web-site-1\n"));
}

#[test]
fn options_are_sent_in_the_types_that_the_api_takes() {
    let steps = "      - IN: web.site\n      - IN: typed\n      - IN: half\n";
    for (kind, fields, expected) in [
        (
            "amazonKeys",
            KEYS,
            &[
                "\"command\":[\"sleep\",\"10\"]",
                "\"entryPoint\":[\"run\"]",
                "\"user\":\"1000\"",
                "\"hostname\":\"7\"",
                "\"privileged\":true",
                "\"dnsServers\":[\"1.1\"]",
                "\"dockerLabels\":{\"n\":\"1\"}",
                "\"links\":[\"web-site:site\",\"a\"]",
            ][..],
        ),
        (
            "kubernetesConfig",
            "kubeConfigContent: made-up",
            &[
                "\"args\":[\"sleep\",\"10\"]",
                "\"command\":[\"run\"]",
                "\"runAsUser\":1000",
                "\"privileged\":true",
                "\"add\":[\"NET_ADMIN\"]",
            ][..],
        ),
    ] {
        let line = deployment(kind, fields, "    method: upgrade\n    stabilityDuration: 5\n", steps);
        let ran = line.try_to("run ship --dry-run");
        let (plan, stderr) = (text(&ran.stdout), text(&ran.stderr));
        let plain: String = plan.split_whitespace().collect();
        for said in expected {
            assert!(plain.contains(said), "no {said} in {plan}{stderr}");
        }
        assert!(!plan.contains("stable for 5 s"), "only blueGreen has to stay stable: {plan}");
        let warning =
            "warning: manifest `web.site` does not follow its load: its replicas have no `maxReplicas`\n";
        assert!(stderr.contains(warning), "{stderr}");
    }
}

#[test]
fn what_cannot_be_deployed_is_refused() {
    let step = "      - IN: web.site\n";
    for (kind, fields, more, steps, error) in [
        (
            "ddcKey",
            "username: a, password: made-up-key, url: u",
            "",
            step,
            "job `ship` cannot deploy to `there`: Docker Datacenter no longer exists",
        ),
        (
            "nodeCluster",
            "nodes: [a]",
            "",
            step,
            "job `ship` cannot deploy to `there`: files are not deployed to node clusters yet",
        ),
        ("amazonKeys", KEYS, "    method: canary\n", step, "job `ship` cannot deploy by `canary`"),
        (
            "amazonKeys",
            KEYS,
            "    maxWaitTime: 3601\n",
            step,
            "`maxWaitTime` of job `ship` is a number of seconds up to 3600",
        ),
        ("amazonKeys", KEYS, "", "", "job `ship` has nothing to deploy"),
        (
            "amazonKeys",
            KEYS,
            "",
            "      - IN: web.site\n      - IN: front\n",
            "load balancer `front` is for no container",
        ),
    ] {
        let said = deployment(kind, fields, more, steps).fails("run ship --dry-run", 125);
        assert!(said.contains(&format!("error: {error}\n")), "no {error} in {said}");
    }
    // A manifest that was never made is an error of the run, and no call is made.
    let said = deployment("amazonKeys", KEYS, "", step).fails("run ship", 125);
    assert!(said.contains("error: job `ship` has nothing to deploy\n"), "{said}");
    assert!(said.contains("hint: run `web.site` first, or add `--upstream`\n"), "{said}");
}
