//! Ten lines as people have them, from a clone to a dry run that shows everything, by one `init`.

use crate::support::shipctl;

/// A line: its files, and the jobs that a plan of it has.
struct Line {
    files: &'static [(&'static str, &'static str)],
    jobs: &'static [&'static str],
}

const LINES: &[Line] = &[
    // A script with the AWS CLI.
    Line {
        files: &[(
            "shippable.yml",
            "resources:
  - {name: aws_cli, type: cliConfig, integration: ops_aws, pointer: {region: us-east-1}}
  - {name: app_repo, type: gitRepo, integration: my_github, pointer: {sourceName: acme/app, branch: master}}
jobs:
  - name: provision_network
    type: runSh
    steps:
      - IN: aws_cli
        scopes: [ecr]
      - TASK:
          - script: aws ec2 describe-vpcs
      - OUT: network_state
",
        )],
        jobs: &["provision_network"],
    },
    // A CI section that pushes an image, and a job behind it.
    Line {
        files: &[(
            "shippable.yml",
            "language: node_js
node_js: [8.11]
env:
  global: [IMAGE=acme/web]
build:
  ci:
    - npm test
  post_ci:
    - docker build -t $IMAGE:$BRANCH.$BUILD_NUMBER .
integrations:
  hub:
    - integrationName: acme_hub
      type: dockerRegistryLogin
  notifications:
    - integrationName: acme_slack
      type: slack
      recipients: ['#builds']
jobs:
  - name: note
    type: runSh
    steps:
      - IN: web_params
      - TASK:
          - script: echo \"$LEVEL\"
",
        )],
        jobs: &["note"],
    },
    // A deployment to ECS in the files of the documentation.
    Line {
        files: &[
            (
                "shippable.resources.yml",
                "resources:
  - {name: web_image, type: image, integration: acme_ecr, pointer: {sourceName: 12345.dkr.ecr.us-east-1.amazonaws.com/web}, seed: {versionName: latest}}
  - {name: web_options, type: dockerOptions, version: {memory: 128, portMappings: ['80:5000']}}
  - {name: prod_cluster, type: cluster, integration: acme_ecs, pointer: {sourceName: prod, region: us-east-1}}
",
            ),
            (
                "shippable.jobs.yml",
                "jobs:
  - {name: web_manifest, type: manifest, steps: [{IN: web_image}, {IN: web_options}]}
  - {name: web_deploy, type: deploy, method: upgrade, steps: [{IN: web_manifest}, {IN: prod_cluster}]}
",
            ),
        ],
        jobs: &["web_manifest", "web_deploy"],
    },
    // A release, with its seed elsewhere.
    Line {
        files: &[(
            "shippable.yml",
            "resources:
  - {name: api_image, type: image, integration: hub, pointer: {sourceName: acme/api}, seed: {versionName: v1}}
jobs:
  - {name: api_manifest, type: manifest, steps: [{IN: api_image}, {IN: api_params}]}
  - {name: api_release, type: release, bump: minor, steps: [{IN: api_manifest}, {IN: api_semver}]}
",
        )],
        jobs: &["api_manifest", "api_release"],
    },
    // Kubernetes, its Service made by a job.
    Line {
        files: &[(
            "shippable.yml",
            "resources:
  - {name: kube, type: cluster, integration: kube_config}
  - {name: front, type: loadBalancer, integration: kube_config, pointer: {sourceName: front}}
jobs:
  - {name: expose, type: provision, steps: [{IN: front}]}
  - {name: app_deploy, type: deploy, steps: [{IN: app_manifest}, {IN: kube}]}
",
        )],
        jobs: &["expose", "app_deploy"],
    },
    // The words of the first years.
    Line {
        files: &[
            (
                "shippable.resources.yml",
                "resources:
  - {name: box, type: image, integration: dockerhub, source: {name: acme/box, tag: latest}}
  - {name: box_params, type: params, source: {params: {LEVEL: debug}}}
  - {name: box_cluster, type: ecsCluster, integration: ecs, source: {name: box, region: us-west-2}}
",
            ),
            (
                "shippable.jobs.yml",
                "jobs:
  - {name: box_man, type: manifest, steps: [{GET: box}, {GET: box_params}]}
  - {name: box_deploy, type: ecsDeploy, steps: [{GET: box_man}, {GET: box_cluster}]}
",
            ),
        ],
        jobs: &["box_man", "box_deploy"],
    },
    // Nothing is declared at all.
    Line {
        files: &[(
            "shippable.jobs.yml",
            "jobs:
  - name: infra
    type: runCLI
    integrations: [team_keys]
    steps:
      - IN: infra_repo
      - IN: aws_creds
      - IN: infra_params
      - TASK:
          - script: terraform apply -var key=$AWS_CREDS_INTEGRATION_ACCESSKEY
      - OUT: infra_tf_state
      - NOTIFY: slack_notif
",
        )],
        jobs: &["infra"],
    },
    // Scripts that ask for fields tell the kind.
    Line {
        files: &[(
            "shippable.yml",
            "resources:
  - {name: secrets, type: integration, integration: app_secrets}
  - {name: login, type: integration, integration: bastion}
jobs:
  - name: migrate
    type: runSh
    steps:
      - {IN: secrets}
      - {IN: login}
      - TASK:
          name: migrate
          script:
            - export URL=$(shipctl get_integration_resource_field secrets DB_URL)
            - ssh -i $LOGIN_KEYPATH db migrate
    on_failure:
      script:
        - echo \"$LOGIN_INTEGRATION_PRIVATEKEY\" > /dev/null
",
        )],
        jobs: &["migrate"],
    },
    // Time, triggers and a job that needs nothing.
    Line {
        files: &[
            ("shippable.triggers.yml", "triggers:\n  - {name: now, type: trigger, version: {counter: 1}}\n"),
            (
                "shippable.yml",
                "resources:
  - {name: nightly, type: time, seed: {interval: '0 2 * * *'}}
jobs:
  - {name: sync, type: rSync, steps: [{IN: sync_repo}]}
  - {name: clean, type: runSh, steps: [{IN: nightly}, {IN: now}, {TASK: [{script: 'echo clean'}]}]}
",
            ),
        ],
        jobs: &["sync", "clean"],
    },
    // Files in folders, and templates.
    Line {
        files: &[
            ("shippable.templates.yml", "sections:\n  say: &say\n    script:\n      - echo \"$STAGE\"\n"),
            (
                "stages/shippable.yml",
                "resources:
  - {name: stage_params, type: params, version: {params: {STAGE: beta}}}
jobs:
  - {name: beta, type: runSh, steps: [{IN: stage_params}, {IN: beta_keys}, {TASK: [{script: 'echo $STAGE'}]}]}
",
            ),
            ("shippable.yml", "jobs:\n  - {name: prod, type: runSh, steps: [{IN: beta}, {TASK: [{script: 'echo prod'}]}]}\n"),
        ],
        jobs: &["beta", "prod"],
    },
];

#[test]
fn one_init_leads_from_a_clone_to_a_dry_run_that_shows_everything() {
    assert_eq!(LINES.len(), 10);
    for line in LINES {
        let mut call = shipctl("init").arg("--yes").starts();
        for (path, text) in line.files {
            call = call.file(path, text);
        }
        let (mut again, mut dry) = (call.also("init --yes"), call.also("run --all --dry-run --color never"));
        let _done = call.stdout("wrote shippable.integrations.yml: ").run();

        let again = again.output().unwrap();
        let said = String::from_utf8_lossy(&again.stdout) + String::from_utf8_lossy(&again.stderr);
        assert!(said.starts_with("nothing is missing: "), "{:?}\n{said}", line.jobs);

        let output = dry.output().unwrap();
        let (plan, said) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        for job in line.jobs {
            assert!(plan.contains(&format!("\njob {job} (")), "{job}\n{plan}\n{said}");
        }
        assert!(plan.contains("what it makes\n") || plan.contains("\n     $ "), "{plan}");
        // What is left to do is to set variables, and to say where repositories of others are.
        let is_expected = |line: &&str| {
            !line.starts_with("error: ") || line.ends_with(" is not set") || line.contains(": git ")
        };
        assert_eq!(said.lines().find(|line| !is_expected(line)), None, "{:?}\n{said}", line.jobs);
        let expected = if said.contains("error: ") { 125 } else { 0 };
        assert_eq!(output.status.code(), Some(expected), "{:?}\n{said}", line.jobs);
    }
}
