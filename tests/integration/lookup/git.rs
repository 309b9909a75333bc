//! `get_git_changes`, on a real repository.

use std::process::Command;

use crate::support::{Call, shipctl};

const USAGE: &str = "Usage: shipctl get_git_changes [--path | --resource] [--commit-range=RANGE] [--depth=N] [--directories-only]\n";

/// A call in a directory that holds a repository of three commits in `IN/mono/gitRepo`.
fn with_repository() -> Call {
    let call = shipctl("get_git_changes").file("IN/mono/gitRepo/", "");
    let script = "git init -q -b master . && git config user.email t@e.st && git config user.name t \
        && mkdir -p api/src web && echo 1 | tee api/src/a.c api/b.c web/i.html README > /dev/null && git add -A \
        && git commit -qm c0 && echo 2 | tee api/src/a.c api/b.c README > /dev/null && git commit -qam c1 \
        && echo 3 | tee web/i.html 'web/caf\u{e9} x' > /dev/null && git add -A && git commit -qm c2";
    let repository = call.path("IN/mono/gitRepo");
    let status = Command::new("bash")
        .args(["-c", script])
        .current_dir(&repository)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_SYSTEM", "/dev/null")
        .status()
        .unwrap();
    assert!(status.success());
    call.env("HOME", "{WORK}")
}

#[test]
fn changed_files_are_listed_from_the_top_of_the_repository() {
    with_repository()
        .args("--path=IN/mono/gitRepo --commit-range=HEAD~2..HEAD")
        .stdout("README\napi/b.c\napi/src/a.c\nweb/café x\nweb/i.html\n")
        .run();
    with_repository()
        .args("--path IN/mono/gitRepo")
        .env("SHIPPABLE_COMMIT_RANGE", "HEAD~1...HEAD")
        .stdout("web/café x\nweb/i.html\n")
        .run();
    with_repository().args("--path=IN/mono/gitRepo --commit-range=HEAD..HEAD").run();
}

#[test]
fn paths_can_be_cut_and_files_left_out() {
    let call =
        |args: &str| with_repository().args("--path=IN/mono/gitRepo --commit-range=HEAD~2..HEAD").args(args);
    call("--depth=1").stdout("README\napi\nweb\n").run();
    call("--depth=2").stdout("b.c\nsrc\ncafé x\ni.html\n").run();
    call("--depth=3").stdout("a.c\n").run();
    call("--depth=0").stdout("README\napi/b.c\napi/src/a.c\nweb/café x\nweb/i.html\n").run();
    call("--directories-only").stdout("api/src/\napi/\nweb/\n").run();
    call("--directories-only --depth=1").stdout("api\nweb\n").run();
}

#[test]
fn a_resource_knows_its_range() {
    let call = || {
        let call = with_repository().args("--resource=mono").in_job();
        let call = call.env("MONO_META", "{WORK}/IN/mono").env("MONO_STATE", "{WORK}/IN/mono/gitRepo");
        call.file(
            "IN/mono/version.json",
            r#"{"version": {"propertyBag": {"shaData": {"commitSha": "HEAD", "beforeCommitSha": "HEAD~1"}}}}"#,
        )
    };
    call().env("MONO_IS_PULL_REQUEST", "false").stdout("web/café x\nweb/i.html\n").run();
    let pull_request = call().env("MONO_IS_PULL_REQUEST", "true").env("MONO_BASE_BRANCH", "base");
    let fetched = Command::new("git")
        .args(["update-ref", "refs/remotes/origin/base", "HEAD~2"])
        .current_dir(pull_request.path("IN/mono/gitRepo"))
        .status();
    assert!(fetched.unwrap().success());
    pull_request.args("--depth 1").stdout("README\napi\nweb\n").run();
}

#[test]
fn what_is_missing_is_said() {
    shipctl("get_git_changes").fails(USAGE);
    shipctl("get_git_changes").args("--commit-range=HEAD~1..HEAD").fails(USAGE);
    shipctl("get_git_changes").args("--bogus=1").fails(USAGE);
    shipctl("get_git_changes").args("--path=no").fails("shipctl: git repository not found at path: no\n");
    with_repository()
        .args("--path=IN/mono/gitRepo")
        .fails("shipctl: Unknown commit range. use --commit-range.\n");
    with_repository()
        .args("--path=IN/mono/gitRepo --commit-range=--output=x")
        .fails("shipctl: `--output=x` is not a commit range\n")
        .no_file("IN/mono/gitRepo/x");
    shipctl("get_git_changes").args("--path=. --depth=x").fails("shipctl: `x` is not a depth\n");
    let output = with_repository().args("--path=IN/mono/gitRepo --commit-range=nope..HEAD").output();
    let error = String::from_utf8(output.stderr).unwrap();
    assert_eq!((output.status.code(), &*output.stdout), (Some(99), &b""[..]));
    assert!(error.starts_with("shipctl: git diff nope..HEAD failed in IN/mono/gitRepo: fatal: "), "{error}");
}
