//! What git says of a repository: variables, the version, and `shaData`.

use serde_json::json;

use crate::support::Place;

#[test]
fn the_variables_are_those_of_the_commit() {
    let place = Place::new();
    place.repository("app");
    let first = place.commit("app", "a", "1", "one");
    place.line("app", "branch: master", "true");
    let message = "fix: price `x` \\ \"q\"\n\nbody line\n\n$HOME";
    let second = place.commit("app", "a", "2", message);
    let env = place.env("app", &["--workspace", "/w"]);
    for (part, value) in [
        ("BRANCH", "master"),
        ("BASE_BRANCH", ""),
        ("HEAD_BRANCH", ""),
        ("PULL_REQUEST", "false"),
        ("COMMIT", &second),
        ("VERSIONNAME", &second),
        ("COMMITTER", "Ann \"A\" O'Neil"),
        ("COMMIT_MESSAGE", message),
        ("IS_GIT_TAG", "false"),
        ("GIT_TAG_NAME", ""),
        ("IS_RELEASE", "false"),
        ("RELEASE_NAME", ""),
        ("RELEASED_AT", ""),
        ("IS_PULL_REQUEST", "false"),
        ("IS_PULL_REQUEST_CLOSE", "false"),
        ("PULL_REQUEST_REPO_FULL_NAME", ""),
        ("SSH_URL", "git@github.com:org/app.git"),
        ("HTTPS_URL", "https://github.com/org/app.git"),
        ("IS_FORK", "false"),
        ("REPO_FULL_NAME", "org/app"),
        ("KEYPATH", "/w/secrets/repo_key.pem"),
    ] {
        assert_eq!(env[format!("REPO_{part}")], value, "{part}");
    }
    let key = |key: &str| place.good("app", &["get_resource_version_key", "--job", "j", "repo", key]);
    assert_eq!(key("shaData.beforeCommitSha"), format!("{first}\n"));
    assert_eq!(key("shaData.committer.displayName"), "Ann \"A\" O'Neil\n");
    assert_eq!(
        place.good("app", &["get_resource_version_name", "--job", "j", "repo"]),
        format!("{second}\n")
    );
}

#[test]
fn sha_data_is_as_the_original_wrote_it() {
    let place = Place::new();
    place.repository("app");
    place.line("app", "", "cat $REPO_META/version.json >\"$OUT\"");
    let commit = place.commit("app", "a", "1", "one");
    place.git("app", &["tag", "v0"]);
    place.git("app", &["tag", "-a", "-m", "later", "v1"]);
    let out = place.path("out");
    place.good("app", &["run", "j", "-e", &format!("OUT={}", out.display())]);
    let document: serde_json::Value = serde_json::from_slice(&std::fs::read(out).unwrap()).unwrap();
    assert_eq!(
        document["version"]["propertyBag"]["shaData"],
        json!({
            "branchName": "master",
            "baseCommitRef": "",
            "headCommitRef": "",
            "commitSha": commit,
            // The first commit has none before it.
            "beforeCommitSha": "",
            "committer": {"displayName": "Ann \"A\" O'Neil"},
            "commitMessage": "one",
            "isGitTag": true,
            "gitTagName": "v1",
            "isRelease": false,
            "releaseName": null,
            "releasedAt": null,
            "isPullRequest": false,
            "isPullRequestClose": false,
        })
    );
    assert_eq!(document["propertyBag"]["normalizedRepo"]["fullName"], "org/app");
    assert_eq!(document["version"]["versionName"], commit);
}

#[test]
fn what_is_checked_out_is_taken_where_no_branch_is_named() {
    let place = Place::with_app();
    place.line("app", "", "true");
    place.git("app", &["checkout", "--quiet", "-b", "feature/x"]);
    assert_eq!(place.env("app", &[])["REPO_BRANCH"], "feature/x");
    place.git("app", &["checkout", "--quiet", "--detach", "HEAD~1"]);
    let env = place.env("app", &[]);
    assert_eq!(env["REPO_BRANCH"], "");
    assert_eq!(env["REPO_COMMIT"], place.head("app"));
}

#[test]
fn a_branch_may_come_from_variables_and_from_the_remote() {
    let place = Place::with_app();
    place.line("app", "branch: $WHICH", "true");
    place.git("app", &["update-ref", "refs/remotes/origin/release", "HEAD~1"]);
    place.git("app", &["branch", "other", "HEAD~1"]);
    let old = place.git("app", &["rev-parse", "HEAD~1"]);
    assert_eq!(place.env("app", &["-e", "WHICH=master"])["REPO_COMMIT"], place.head("app"));
    assert_eq!(place.env("app", &["-e", "WHICH=other"])["REPO_COMMIT"], old);
    assert_eq!(place.env("app", &["-e", "WHICH=release"])["REPO_COMMIT"], old);
    let done = place.run("app", &["env", "j", "-e", "WHICH=mastre"]);
    assert_eq!(done.status, Some(125));
    assert!(
        done.stderr.contains("there is no branch `mastre`; it has master, other, release"),
        "{}",
        done.stderr
    );
    assert!(done.stderr.contains("did you mean `master`?"), "{}", done.stderr);
}

#[test]
fn a_job_may_pick_a_commit() {
    let place = Place::with_app();
    place.line("app", "branch: master", "true");
    let old = place.git("app", &["rev-parse", "HEAD~1"]);
    let line = std::fs::read_to_string(place.path("app/shippable.yml")).unwrap();
    let pick = |version: &str| {
        let steps = format!("- IN: repo\n        versionName: {version}\n");
        place.write("app/shippable.yml", line.replace("- IN: repo\n", &steps));
    };
    pick(&old[..10]);
    assert_eq!(place.env("app", &[])["REPO_COMMIT"], old);
    pick("--all");
    let done = place.run("app", &["env", "j"]);
    assert!(done.stderr.contains("`--all` is no commit"), "{}", done.stderr);
}

#[test]
fn a_hook_that_calls_shipctl_does_not_lead_git_astray() {
    let mut place = Place::with_app();
    place.line("app", "", "git -C $REPO_STATE rev-parse HEAD");
    place.repository("other");
    place.set("GIT_DIR", place.path("other/.git"));
    place.set("GIT_WORK_TREE", place.path("other"));
    place.set("GIT_INDEX_FILE", place.path("other/.git/index"));
    let done = place.run("app", &["env", "j", "--format", "json"]);
    assert_eq!(done.status, Some(0), "{}", done.stderr);
    assert!(done.stdout.contains("\"REPO_COMMIT_MESSAGE\": \"two\""), "{}", done.stdout);
}

#[test]
fn signatures_and_encodings_do_not_matter() {
    let place = Place::with_app();
    place.configure("[log]\n showSignature = true\n[i18n]\n commitEncoding = ISO-8859-1\n[core]\n fsmonitor = /bin/false\n");
    place.write("message", b"caf\xe9");
    place.write("app/a", "3");
    place.git("app", &["commit", "--quiet", "--all", "-F", place.path("message").to_str().unwrap()]);
    place.line("app", "", "true");
    assert_eq!(place.env("app", &[])["REPO_COMMIT_MESSAGE"], "café");
}

#[test]
fn a_repository_without_commits_is_an_error_that_says_so() {
    let place = Place::new();
    place.repository("app");
    place.line("app", "", "true");
    let done = place.run("app", &["run", "j", "--dry-run"]);
    assert_eq!(done.status, Some(125));
    assert!(done.stderr.contains("it has no commits yet\n"), "{}", done.stderr);
    assert!(done.stderr.contains("hint: make one: git add . && git commit\n"), "{}", done.stderr);
}
