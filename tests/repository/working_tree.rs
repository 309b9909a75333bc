//! Uncommitted changes: left out with a warning, or taken with `--working-tree`.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};

use crate::support::Place;

#[test]
fn a_warning_names_what_is_left_out() {
    let place = Place::with_app();
    place.line("line", "", "cat $REPO_STATE/a");
    let run = || place.run("line", &["run", "j", "--repo", "repo=../app"]);
    place.write("app/shippable.integrations.yml", "integrations: []\n");
    assert_eq!(run().stderr, "", "nothing in a clone needs the credentials of a line");
    for name in ["a", "b", "c", "d", "e"] {
        place.write(&format!("app/{name}"), "changed\n");
    }
    place.write("app/.git/info/exclude", "e\n");
    let done = run();
    assert!(done.stdout.contains("two\n"), "{}", done.stdout);
    assert!(
        done.stderr.contains("uncommitted changes are not in the clone: a, b, c, and 1 more"),
        "{}",
        done.stderr
    );
    assert!(done.stderr.contains("--working-tree"), "{}", done.stderr);
    let dry = place.run("line", &["run", "j", "--dry-run", "--repo", "repo=../app"]);
    assert_eq!(dry.stderr, done.stderr);
}

#[test]
fn the_index_of_the_source_is_not_written() {
    let place = Place::with_app();
    place.line("line", "", "true");
    // As if git had not looked at the file for long: `git status` would note that it has.
    let index = || fs::read(place.path("app/.git/index")).unwrap();
    fs::File::open(place.path("app/a")).unwrap().set_modified(std::time::UNIX_EPOCH).unwrap();
    let before = index();
    place.good("line", &["run", "j", "--repo", "repo=../app"]);
    place.good("line", &["run", "j", "--dry-run", "--repo", "repo=../app"]);
    assert_eq!(index(), before);
}

#[test]
fn every_kind_of_change_is_copied() {
    let place = Place::with_app();
    for file in
        ["gone", "mode", "file-to-directory", "directory-to-file/x", "to-link", "spaced name", "sub/staged"]
    {
        place.write(&format!("app/{file}"), file);
    }
    symlink("..", place.path("app/link-to-directory")).unwrap();
    place.write("app/.gitignore", "ignored\n");
    place.git("app", &["add", "--all"]);
    place.git("app", &["commit", "--quiet", "-m", "files"]);
    let head = place.head("app");

    let at = |path: &str| place.path("app").join(path);
    fs::write(at("a"), "changed").unwrap();
    fs::remove_file(at("gone")).unwrap();
    fs::set_permissions(at("mode"), fs::Permissions::from_mode(0o755)).unwrap();
    fs::remove_file(at("file-to-directory")).unwrap();
    fs::create_dir(at("file-to-directory")).unwrap();
    fs::write(at("file-to-directory/new"), "new").unwrap();
    fs::remove_dir_all(at("directory-to-file")).unwrap();
    fs::write(at("directory-to-file"), "file").unwrap();
    fs::remove_file(at("to-link")).unwrap();
    symlink("a", at("to-link")).unwrap();
    fs::remove_file(at("link-to-directory")).unwrap();
    fs::create_dir(at("link-to-directory")).unwrap();
    fs::write(at("link-to-directory/inside"), "inside").unwrap();
    fs::write(at("ignored"), "ignored").unwrap();
    fs::write(at("spaced name"), "changed too").unwrap();
    fs::write(at("new\u{e9} \"file\"\n"), "odd").unwrap();
    fs::write(at("sub/staged"), "staged").unwrap();
    place.git("app", &["add", "sub/staged"]);
    fs::write(at("sub/staged"), "and changed again").unwrap();

    place.line("line", "branch: no-such-branch", "true");
    let workspace = place.path("workspace");
    let line =
        ["--repo", "repo=../app", "--working-tree", "--keep", "--workspace", workspace.to_str().unwrap()];
    let done = place.run("line", &[&["run", "j"], &line[..]].concat());
    assert_eq!(done.status, Some(0), "{}", done.stderr);
    assert_eq!(place.head("workspace/IN/repo/gitRepo"), head);
    let status = |directory: &str| {
        // What was staged is not staged in the clone, and that is all the difference.
        place.git(directory, &["add", "--all"]);
        (place.git(directory, &["write-tree"]), place.git(directory, &["branch", "--show-current"]))
    };
    assert_eq!(status("workspace/IN/repo/gitRepo"), status("app"));
    assert!(!workspace.join("IN/repo/gitRepo/ignored").exists());
    assert!(!place.path("inside").exists() && !workspace.join("IN/repo/inside").exists());
}

#[test]
fn a_repository_in_the_working_tree_is_left_out_with_a_warning() {
    let place = Place::with_app();
    place.repository("app/nested");
    place.commit("app/nested", "n", "n", "n");
    place.line("line", "", "ls -A $REPO_STATE");
    let done = place.run("line", &["run", "j", "--repo", "repo=../app", "--working-tree"]);
    assert_eq!(done.status, Some(0), "{}", done.stderr);
    assert!(done.stderr.contains("the change of nested/ is not in the clone"), "{}", done.stderr);
}

#[test]
fn the_branch_that_is_checked_out_is_taken_with_it() {
    let place = Place::with_app();
    place.git("app", &["checkout", "--quiet", "-b", "feature"]);
    place.line("app", "branch: master", "true");
    assert_eq!(place.env("app", &["--working-tree"])["REPO_BRANCH"], "feature");
    let stdout = place.good("app", &["run", "j", "--dry-run", "--working-tree"]);
    assert!(
        stdout.contains(", branch feature at ") && stdout.contains(", with its uncommitted changes"),
        "{stdout}"
    );
}

#[test]
fn a_server_has_no_working_tree() {
    let place = Place::new();
    place.line("line", "", "true");
    let done = place.run("line", &["run", "j", "--dry-run", "--working-tree"]);
    assert_eq!(done.status, Some(0), "{}", done.stderr);
    assert!(done.stderr.contains("--working-tree has no effect"), "{}", done.stderr);
}

#[test]
fn a_dry_run_starts_no_filter_of_a_repository() {
    let place = Place::with_app();
    place.line("line", "", "true");
    place.write("app/.gitattributes", "* filter=own\n");
    let ran = place.path("ran");
    let program = format!("touch {}; cat", ran.display());
    for (key, value) in [("clean", program.as_str()), ("process", program.as_str()), ("required", "true")] {
        place.git("app", &["config", &format!("filter.own.{key}"), value]);
    }
    place.write("app/a", "other\n");
    let done = place.run("line", &["run", "j", "--dry-run", "--repo", "repo=../app"]);
    assert!(done.stderr.contains("uncommitted changes are not in the clone: "), "{}", done.stderr);
    assert!(!ran.exists());
}
