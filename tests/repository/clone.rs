//! The clone in the workspace.

use std::fs;

use crate::support::Place;

/// What tells one clone from another.
const TELL: &str = "cd $REPO_STATE; echo commit=$(git rev-parse HEAD) branch=$(git branch --show-current) \
                    origin=$(git config remote.origin.url) status=[$(git status --porcelain)] a=$(cat a)";

fn expected(place: &Place, repository: &str, branch: &str, a: &str) -> String {
    let commit = place.head(repository);
    format!("commit={commit} branch={branch} origin=git@github.com:Org/app.git status=[] a={a}\n")
}

#[test]
fn it_is_the_commit_on_a_branch_with_the_providers_origin() {
    let place = Place::with_app();
    place.line("app", "branch: master", TELL);
    let stdout = place.good("app", &["run", "j"]);
    assert!(stdout.contains(&expected(&place, "app", "master", "two")), "{stdout}");
    let upstream =
        place.good("app", &["exec", "j", "--", "sh", "-c", "git -C $REPO_STATE status -sb | head -1"]);
    assert_eq!(upstream, "## master...origin/master\n");
    assert!(place.is_clean());
}

#[test]
fn another_branch_than_the_one_checked_out() {
    let place = Place::with_app();
    place.line("app", "branch: old", TELL);
    place.git("app", &["branch", "old", "HEAD~1"]);
    let done = place.run("app", &["run", "j"]);
    assert!(done.stdout.contains("branch=old") && done.stdout.contains("a=one"), "{}", done.stdout);
    assert!(done.stderr.contains("the clone is of branch `old`, without branch `master`"), "{}", done.stderr);
}

#[test]
fn what_only_a_remote_branch_has_or_no_branch_at_all() {
    let place = Place::with_app();
    place.line("line", "branch: far", TELL);
    place.git("app", &["checkout", "--quiet", "--detach"]);
    place.commit("app", "a", "far\n", "far");
    place.git("app", &["update-ref", "refs/remotes/origin/far", "HEAD"]);
    place.git("app", &["checkout", "--quiet", "master"]);
    let stdout = place.good("line", &["run", "j", "--repo", "repo=../app"]);
    assert!(stdout.contains("branch=far") && stdout.contains("a=far"), "{stdout}");

    place.git("app", &["checkout", "--quiet", "--detach", "HEAD~1"]);
    place.line("line", "", TELL);
    let stdout = place.good("line", &["run", "j", "--repo", "repo=../app"]);
    assert!(stdout.contains(&expected(&place, "app", "", "one")), "{stdout}");
}

#[test]
fn sources_of_every_kind() {
    let place = Place::with_app();
    place.line("line", "", TELL);
    let app = place.path("app");
    let app = app.to_str().unwrap();
    place.git("app", &["worktree", "add", "--quiet", "-b", "tree", "../worktree"]);
    place.git("", &["clone", "--quiet", "--bare", app, "bare"]);
    place.git("", &["clone", "--quiet", "--depth=1", &format!("file://{app}"), "shallow"]);
    place.git("", &["clone", "--quiet", "--shared", app, "shared"]);
    place.git("app", &["config", "uploadpack.allowFilter", "true"]);
    place.git("", &["clone", "--quiet", "--filter=blob:none", &format!("file://{app}"), "partial"]);
    for source in ["bare", "shallow", "shared", "partial"] {
        place.git(source, &["remote", "set-url", "origin", "git@github.com:Org/app.git"]);
    }
    for (source, branch) in [
        ("worktree", "tree"),
        ("bare", "master"),
        ("shallow", "master"),
        ("shared", "master"),
        ("partial", "master"),
    ] {
        let stdout = place.good("line", &["run", "j", "--repo", &format!("repo=../{source}")]);
        assert!(stdout.contains(&expected(&place, source, branch, "two")), "{source}: {stdout}");
    }
    assert_eq!(place.env("line", &["--repo", "repo=../shallow"])["REPO_COMMIT"], place.head("app"));
}

#[test]
fn a_workspace_on_another_file_system() {
    let memory = std::path::Path::new("/dev/shm");
    if !memory.is_dir() {
        return;
    }
    let place = Place::with_app();
    place.line("app", "branch: master", TELL);
    let workspace = tempfile::TempDir::with_prefix_in("shipctl-test-", memory).unwrap();
    let stdout = place.good("app", &["run", "j", "--workspace", workspace.path().to_str().unwrap()]);
    assert!(stdout.contains(&expected(&place, "app", "master", "two")), "{stdout}");
    assert!(fs::read_dir(workspace.path()).unwrap().next().is_none());
}

#[test]
fn what_the_job_does_to_its_clone_does_not_touch_the_source() {
    let place = Place::with_app();
    place.line(
        "app",
        "branch: master",
        "cd $REPO_STATE; git commit -q --amend -m x; git tag t; git gc -q --prune=now; echo 3 >a",
    );
    let before = (place.head("app"), place.git("app", &["for-each-ref"]));
    place.good("app", &["run", "j"]);
    assert_eq!((place.head("app"), place.git("app", &["for-each-ref"])), before);
    place.git("app", &["fsck", "--no-progress"]);
}

#[test]
fn other_types_have_it_too() {
    for kind in ["ciRepo", "syncRepo"] {
        let place = Place::with_app();
        place.line_of(
            kind,
            "app",
            "sourceName: org/app, branch: master",
            &format!("{TELL}; ls -d $REPO_PATH/*Repo"),
        );
        let stdout = place.good("app", &["run", "j"]);
        assert!(stdout.contains(&expected(&place, "app", "master", "two")), "{stdout}");
        assert!(
            stdout.contains("/IN/repo/gitRepo\n") && stdout.contains(&format!("/IN/repo/{kind}\n")),
            "{stdout}"
        );
        // The next run finds what this one left.
        place.good("app", &["run", "j"]);
        assert!(place.is_clean());
    }
}

#[test]
fn submodules_come_from_where_git_keeps_them() {
    let place = Place::with_app();
    place.configure("[protocol \"file\"]\n allow = user\n");
    for name in ["inner", "outer"] {
        place.repository(name);
        place.commit(name, "s", &format!("{name}\n"), name);
    }
    let add = |to: &str, url: &str, path: &str| {
        let allow = "protocol.file.allow=always";
        place.git(
            to,
            &["-c", allow, "submodule", "--quiet", "add", "--name", &format!("{path} x"), url, path],
        );
        place.git(to, &["commit", "--quiet", "-m", "submodule"]);
    };
    add("outer", place.path("inner").to_str().unwrap(), "in");
    add("app", place.path("outer").to_str().unwrap(), "out");
    place.git(
        "app",
        &["-c", "protocol.file.allow=always", "submodule", "--quiet", "update", "--init", "--recursive"],
    );
    place.git(
        "app",
        &["config", "--file", ".gitmodules", "submodule.out x.url", "https://nowhere.invalid/outer.git"],
    );
    place.git("app", &["config", "--file", ".gitmodules", "submodule.gone.path", "gone"]);
    place.git("app", &["commit", "--quiet", "--all", "-m", "elsewhere"]);
    for name in ["inner", "outer"] {
        fs::remove_dir_all(place.path(name)).unwrap();
    }
    place.line(
        "line",
        "",
        "cd $REPO_STATE; cat out/s out/in/s; git -C out config remote.origin.url; git status --porcelain",
    );
    let done = place.run("line", &["run", "j", "--repo", "repo=../app"]);
    assert_eq!(done.status, Some(0), "{}", done.stderr);
    assert!(done.stdout.contains("outer\ninner\nhttps://nowhere.invalid/outer.git\n  ✓"), "{}", done.stdout);
    assert_eq!(done.stderr, "");
}

#[test]
fn a_submodule_that_cannot_be_had_is_a_warning() {
    let place = Place::with_app();
    place.repository("sub");
    place.commit("sub", "s", "s", "s");
    place.git("app", &["submodule", "--quiet", "add", place.path("sub").to_str().unwrap(), "sub"]);
    place.git("app", &["commit", "--quiet", "-m", "submodule"]);
    place.git("", &["clone", "--quiet", "app", "bare"]);
    fs::remove_dir_all(place.path("sub")).unwrap();
    place.line("line", "", "true");
    let done = place.run("line", &["run", "j", "--repo", "repo=../bare"]);
    assert_eq!(done.status, Some(0), "{}", done.stderr);
    assert!(done.stderr.contains("warning: repository `repo`"), "{}", done.stderr);
    assert!(done.stderr.contains("the submodule sub is missing: git submodule: "), "{}", done.stderr);
}

#[test]
fn the_users_configuration_is_respected() {
    let place = Place::with_app();
    place.configure("[clone]\n defaultRemoteName = up\n rejectShallow = true\n[core]\n hooksPath = hooks\n[checkout]\n guess = false\n");
    place.configure("[filter \"f\"]\n smudge = sed s/two/smudged/\n clean = cat\n");
    place.commit("app", ".gitattributes", "a filter=f\n", "filter");
    place.line("app", "branch: master", TELL);
    let stdout = place.good("app", &["run", "j"]);
    assert!(stdout.contains("origin=git@github.com:Org/app.git") && stdout.contains("a=smudged"), "{stdout}");
}

#[test]
fn a_broken_source_is_an_error_in_gits_words_and_leaves_nothing() {
    let place = Place::with_app();
    place.line("app", "branch: master", "true");
    let tree = place.git("app", &["rev-parse", "HEAD^{tree}"]);
    let object = format!("app/.git/objects/{}/{}", &tree[..2], &tree[2..]);
    fs::remove_file(place.path(&object)).unwrap();
    let done = place.run("app", &["run", "j"]);
    assert_eq!(done.status, Some(125));
    assert!(done.stderr.contains("error: repository `repo` ("), "{}", done.stderr);
    assert!(done.stderr.contains("git checkout: fatal: "), "{}", done.stderr);
    assert!(place.is_clean());
}

#[test]
fn a_repository_that_goes_in_twice_is_cloned_once() {
    let place = Place::with_app();
    place.line("app", "branch: master", TELL);
    let line = fs::read_to_string(place.path("app/shippable.yml")).unwrap();
    place.write("app/shippable.yml", line.replace("- IN: repo\n", "- IN: repo\n      - IN: repo\n"));
    let stdout = place.good("app", &["run", "j"]);
    assert!(stdout.contains(&expected(&place, "app", "master", "two")), "{stdout}");
}

#[test]
fn pushes_go_where_they_would_have_gone() {
    let place = Place::with_app();
    place.git("app", &["remote", "set-url", "origin", "https://ann:pw@github.com/org/app"]);
    place.git("app", &["remote", "set-url", "--push", "origin", "ssh://git:pw@example.com/org/app"]);
    place.line("app", "", "git -C $REPO_STATE remote -v; cat $REPO_STATE/.git/config");
    let stdout = place.good("app", &["run", "j"]);
    assert!(stdout.contains("origin\thttps://github.com/org/app (fetch)"), "{stdout}");
    assert!(stdout.contains("origin\tssh://git@example.com/org/app (push)"), "{stdout}");
    assert!(!stdout.contains("pw"), "{stdout}");
}

#[test]
fn a_run_that_is_told_to_end_ends_git() {
    use std::io::Read as _;
    let mut place = Place::with_app();
    place.line("app", "branch: master", "true");
    let fifo = place.path("fifo");
    nix::unistd::mkfifo(&fifo, nix::sys::stat::Mode::S_IRWXU).unwrap();
    // It holds the pipe open while it lives.
    place.wrap_git(&format!(
        "case \"$*\" in *clone*) exec 9>'{}'; echo >&9; exec sleep 1000;; esac",
        fifo.display()
    ));
    let child = place.shipctl("app", &["run", "j"]).stderr(std::process::Stdio::piped()).spawn().unwrap();
    let mut pipe = fs::File::open(&fifo).unwrap();
    pipe.read_exact(&mut [0]).unwrap();
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(child.id() as i32), nix::sys::signal::Signal::SIGTERM)
        .unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(143));
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(stderr.contains("told to end while the repository `repo` was being cloned"), "{stderr}");
    assert_eq!(pipe.read(&mut [0]).unwrap(), 0);
    assert!(place.is_clean());
}
