//! A whole line as people have written it for the original: from images over manifests and a release to two clusters.

use serde_json::json;

use crate::moto::Moto;
use crate::place::{ACCESS_KEY, Place, SECRET_KEY};

fn line(place: &Place, blog: &str) {
    place.write(
        "shippable.integrations.yml",
        &format!(
            "integrations:\n  - {{name: ecs, type: amazonKeys, fields: {{accessKey: {ACCESS_KEY}, secretKey: '{SECRET_KEY}'}}}}\n"
        ),
    );
    place.write(
        "shippable.resources.yml",
        &format!(
            "resources:
  - name: wpblog-img
    type: image
    integration: dh
    pointer:
      sourceName: shop/blog
    seed:
      versionName: \"{blog}\"
  - name: wpdb-img
    type: image
    pointer:
      sourceName: mysql
    seed:
      versionName: 5.7
  - name: wpblog-img-opts
    type: dockerOptions
    version:
      memory: 128
      portMappings:
        - 80:80/tcp
      links:
        - db:mysql
  - name: wpdb-img-opts
    type: dockerOptions
    version:
      memory: 256
      alias: db
  - name: wpblog-test-ecs
    type: cluster
    integration: ecs
    pointer:
      sourceName: test
      region: us-east-1
  - name: wpblog-prod-ecs
    type: cluster
    integration: ecs
    pointer:
      sourceName: prod
      region: us-east-1
  - name: wpblog-prod-replicas
    type: replicas
    version:
      count: 2
  - name: wpblog-ver
    type: version
    seed:
      versionName: 0.0.0
  - name: wpblog-trigger
    type: trigger
    version:
      counter: 1
"
        ),
    );
    place.write(
        "shippable.jobs.yml",
        "jobs:
  - name: wpblog-man
    type: manifest
    steps:
      - IN: wpblog-img
      - IN: wpblog-img-opts
      - TASK: managed
  - name: wpdb-man
    type: manifest
    steps:
      - IN: wpdb-img
      - IN: wpdb-img-opts
      - TASK: managed
  - name: wpblog-deploy-test
    type: deploy
    steps:
      - IN: wpblog-man
      - IN: wpdb-man
      - IN: wpblog-test-ecs
      - TASK: managed
        deployMethod: upgrade
  - name: wpblog-rel
    type: release
    steps:
      - IN: wpblog-ver
        switch: off
      - IN: wpblog-deploy-test
      - IN: wpblog-trigger
        switch: off
      - TASK: managed
        bump: minor
  - name: wpblog-deploy-prod
    type: deploy
    steps:
      - IN: wpblog-rel
      - IN: wpblog-prod-ecs
      - IN: wpblog-prod-replicas
      - TASK: managed
  - name: wpblog-smoke
    type: runSh
    steps:
      - IN: wpblog-deploy-prod
      - IN: wpblog-rel
      - TASK:
        - script: echo \"smoke of $WPBLOGREL_VERSIONNAME\"
",
    );
}

#[test]
#[ignore = "needs tests/aws/setup.sh"]
fn a_line_of_two_stages_runs_whole_and_again() {
    let moto = Moto::start();
    for cluster in ["test", "prod"] {
        moto.ecs_in("us-east-1", "CreateCluster", &json!({"clusterName": cluster}));
    }
    let place = Place::new(&moto.address);
    line(&place, "1");
    let plan = place.good(&["run", "--all", "--dry-run"]);
    assert!(
        plan.contains("wpblog-rel") && plan.contains("create service wpblog-deploy-prod-wpdb-man-1\n"),
        "{plan}"
    );
    let log = place.good(&["run", "--all"]);
    assert!(log.contains("smoke of 0.1.0\n"), "{log}");
    let services = |cluster: &str| moto.services("us-east-1", cluster);
    assert_eq!(
        services("test"),
        [
            "wpblog-deploy-test-wpblog-man 1 wpblog-deploy-test-wpblog-man:1",
            "wpblog-deploy-test-wpdb-man 1 wpblog-deploy-test-wpdb-man:1"
        ]
    );
    assert_eq!(
        services("prod"),
        [
            "wpblog-deploy-prod-wpblog-man-1 2 wpblog-deploy-prod-wpblog-man:1",
            "wpblog-deploy-prod-wpdb-man-1 2 wpblog-deploy-prod-wpdb-man:1"
        ]
    );
    // A new image of one of them goes through both stages; the other stays as it is.
    line(&place, "2");
    let log = place.good(&["run", "--all"]);
    assert!(log.contains("smoke of 0.2.0\n"), "{log}");
    assert!(log.contains("wpdb-man: nothing has changed since it was deployed\n"), "{log}");
    assert_eq!(
        services("test"),
        [
            "wpblog-deploy-test-wpblog-man 1 wpblog-deploy-test-wpblog-man:2",
            "wpblog-deploy-test-wpdb-man 1 wpblog-deploy-test-wpdb-man:1"
        ]
    );
    assert_eq!(
        services("prod"),
        [
            "wpblog-deploy-prod-wpblog-man-2 2 wpblog-deploy-prod-wpblog-man:2",
            "wpblog-deploy-prod-wpdb-man-1 2 wpblog-deploy-prod-wpdb-man:1"
        ]
    );
}
