//! State in a bucket, which machines share.

use std::collections::BTreeSet;
use std::fs;
use std::process::{Child, Stdio};

use serde_json::Value;

use crate::moto::Moto;
use crate::place::Place;

const STATE: &str = "s3://shop/line one";

/// How many versions processes make that are killed.
const VERSIONS: usize = 400;

/// A line of jobs that leave who made a version, and a file of it.
fn place(endpoint: &str) -> Place {
    let place = Place::new(endpoint).with_keys().with("AWS_REGION", "eu-west-1").with("SHIPCTL_STATE", STATE);
    let job = |n: usize| {
        format!(
            "- {{name: job{n}, type: runSh, steps: [{{TASK: ['echo $$-$RANDOM > $JOB_STATE/file; shipctl put_resource_state job{n} versionName $(cat $JOB_STATE/file)']}}]}}\n"
        )
    };
    let jobs: String = (0..20).map(job).collect();
    let see = "- {name: see, type: runSh, steps: [{IN: job0}, {TASK: ['echo $JOB0_VERSIONNAME = $(cat $JOB0_STATE/file)']}]}\n";
    place.write("shippable.yml", &format!("jobs:\n{jobs}{see}"));
    place
}

fn bucket(moto: &Moto) {
    let url = format!("{}/shop", moto.address);
    let location = "<CreateBucketConfiguration><LocationConstraint>eu-west-1</LocationConstraint></CreateBucketConfiguration>";
    ureq::put(url).header("Authorization", "AWS4-HMAC-SHA256 Credential=x/20260101/eu-west-1/s3/aws4_request, SignedHeaders=host, Signature=x").send(location).unwrap();
}

#[test]
#[ignore = "needs tests/aws/setup.sh"]
fn processes_that_are_killed_number_without_gaps() {
    let moto = Moto::start();
    bucket(&moto);
    let place = place(&moto.address);
    let mut next = 0;
    let mut spawn = || -> Child {
        next += 1;
        let job = format!("job{}", next % 20);
        let mut command = place.command(&["run", &job, "--workspace", &format!("w{next}"), "--no-audit"]);
        command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
    };
    let mut running: Vec<Child> = (0..8).map(|_| spawn()).collect();
    let mut done = 0;
    while done < VERSIONS {
        for (index, child) in running.iter_mut().enumerate() {
            // One in eight is killed, at whatever it is just doing.
            if index == 7 && done % 3 == 0 {
                child.kill().unwrap();
            }
            if let Some(status) = child.try_wait().unwrap() {
                done += usize::from(status.success());
                *child = spawn();
            }
        }
        std::thread::yield_now();
    }
    for child in &mut running {
        child.wait().unwrap();
    }
    let mut seen = BTreeSet::new();
    for job in 0..20 {
        let name = format!("job{job}");
        let listed = place.good(&["state", "versions", &name, "--format", "json"]);
        let stored: Value = serde_json::from_str(&listed).unwrap();
        let stored = stored.as_array().unwrap();
        for (index, version) in stored.iter().enumerate() {
            assert_eq!(version["versionNumber"], stored.len() - index, "{name}");
            let number = version["versionNumber"].to_string();
            let out = format!("out-{name}-{number}");
            place.good(&["state", "export", &name, &out, "--number", &number]);
            let file = fs::read_to_string(place.path(&out).join("files/file")).unwrap();
            assert_eq!(version["versionName"], file.trim_end());
            assert!(seen.insert(file));
        }
    }
    assert!(seen.len() >= VERSIONS);
}

#[test]
#[ignore = "needs tests/aws/setup.sh"]
fn many_files_are_sent_at_once_and_each_content_once() {
    let moto = Moto::start();
    bucket(&moto);
    let place = place(&moto.address);
    let make = "mkdir $JOB_STATE/d; for n in $(seq 200); do echo $((n % 50)) > $JOB_STATE/d/$n; done";
    let see = "[ $(cat $MANY_STATE/d/* | sort -n | uniq -c | wc -l) = 50 ] && [ $(ls $MANY_STATE/d | wc -l) = 200 ] && cat $MANY_STATE/d/7";
    place.write(
        "shippable.yml",
        &format!("jobs:\n- {{name: many, type: runSh, steps: [{{TASK: ['{make}']}}]}}\n- {{name: see, type: runSh, steps: [{{IN: many}}, {{TASK: ['{see}']}}]}}\n"),
    );
    place.good(&["run", "many"]);
    place.good(&["run", "see"]);
    let files = moto.stored("files/");
    assert_eq!(files, 50);
    // Nothing is sent again.
    place.good(&["run", "many"]);
    assert_eq!((moto.stored("files/"), moto.stored("versions/many/")), (50, 2));
}

#[test]
#[ignore = "needs tests/aws/setup.sh"]
fn a_bucket_is_state_like_any_other() {
    let moto = Moto::start();
    let place = place(&moto.address);
    let missing = place.run(&["run", "job0"]);
    assert_eq!(missing.status, Some(125));
    assert!(
        missing.stderr.contains("NoSuchBucket: there is no bucket `shop`")
            || missing.stderr.contains("NoSuchBucket"),
        "{}",
        missing.stderr
    );
    bucket(&moto);
    place.good(&["run", "job0"]);
    let log = place.good(&["run", "see", "--require-in"]);
    let said = log
        .lines()
        .find(|line| line.contains(" = ") && !line.contains('$'))
        .unwrap()
        .split(" = ")
        .collect::<Vec<_>>();
    assert_eq!(said[0], said[1], "{log}");
    let history: Value = serde_json::from_str(&place.good(&["history", "--format", "json"])).unwrap();
    let jobs: Vec<_> =
        history.as_array().unwrap().iter().map(|build| build["job"].as_str().unwrap()).collect();
    assert_eq!(jobs, ["see", "job0"]);
    assert!(place.good(&["state", "show", "job0"]).starts_with("job0 #1 · "));
    place.good(&["run", "job0"]);
    assert_eq!(
        place.good(&["state", "prune", "--keep", "1"]),
        "dropped: versions 1, runs 1, bytes of files 0\n"
    );
    assert!(place.good(&["state", "show", "job0"]).starts_with("job0 #2 · "));
    assert!(!place.path(".shipctl/state.db").exists());
    for (service, body) in moto.asked() {
        assert!(!body.contains(crate::place::SECRET_KEY), "{service}");
    }
}

#[test]
#[ignore = "needs tests/aws/setup.sh"]
fn the_policy_of_the_state_is_all_that_it_needs() {
    let moto = Moto::start();
    bucket(&moto);
    let printed = place(&moto.address).good(&["policy"]);
    let policy: Value = serde_json::from_str(&printed).unwrap();
    let mut less = policy.clone();
    less["Statement"].as_array_mut().unwrap()[1]["Action"] = serde_json::json!(["s3:GetObject"]);
    let (all, less) = (moto.user("all", &policy.to_string()), moto.user("less", &less.to_string()));
    moto.check_permissions();
    let with = |keys: &(String, String)| {
        place(&moto.address).with("AWS_ACCESS_KEY_ID", &keys.0).with("AWS_SECRET_ACCESS_KEY", &keys.1)
    };
    with(&all).good(&["run", "job0"]);
    with(&all).good(&["run", "see", "--require-in"]);
    let refused = with(&less).run(&["run", "job0"]);
    assert_eq!(refused.status, Some(125));
    assert!(refused.stderr.contains("s3:PutObject: access denied"), "{}", refused.stderr);
    assert!(
        refused.stderr.contains("the policy of these keys has to allow s3:PutObject"),
        "{}",
        refused.stderr
    );
}
