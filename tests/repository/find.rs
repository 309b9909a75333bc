//! Which repository a resource stands for.

use std::fs;

use crate::support::Place;

#[test]
fn the_one_that_is_given_comes_first() {
    let place = Place::with_app();
    place.line("app", "", "true");
    place.repository("mine");
    let commit = place.commit("mine", "m", "", "mine");
    assert_eq!(place.env("app", &["--repo", "repo=../mine"])["REPO_COMMIT"], commit);
    let done = place.run("app", &["run", "j", "--dry-run", "--repo", "repo=../mine"]);
    let expected = format!("clone of {}, branch master at {}", place.path("mine").display(), &commit[..10]);
    assert!(done.stdout.contains(&expected), "{}", done.stdout);
}

#[test]
fn the_one_that_holds_the_yaml_comes_second() {
    for url in ["https://github.com/org/app", "ssh://git@ghe.example.com/Org/App.git", "/srv/git/org/app.git"]
    {
        let place = Place::with_app();
        place.git("app", &["remote", "set-url", "origin", url]);
        place.line("app/deploy/line", "", "true");
        assert_eq!(place.env("app/deploy/line", &[])["REPO_COMMIT"], place.head("app"), "{url}");
    }
}

#[test]
fn a_repository_of_another_name_is_not_taken() {
    let place = Place::with_app();
    place.git("app", &["remote", "set-url", "origin", "git@github.com:my-org/app.git"]);
    place.line("app", "", "true");
    let stdout = place.good("app", &["run", "j", "--dry-run"]);
    assert!(stdout.contains("clone of https://github.com/org/app.git"), "{stdout}");
    // A fork of it has another remote that is the one.
    place.git("app", &["remote", "add", "upstream", "https://t0k3n@github.com/org/app.git"]);
    let stdout = place.good("app", &["run", "j", "--dry-run"]);
    assert!(stdout.contains(&format!("clone of {}", place.path("app").display())), "{stdout}");
}

#[test]
fn a_dry_run_asks_no_server_and_changes_nothing() {
    let mut place = Place::new();
    place.line("line", "branch: master", "true");
    let log = place.record_git();
    let stdout = place.good("line", &["run", "j", "--dry-run", "--verbose"]);
    assert!(stdout.contains("clone of https://github.com/org/app.git, branch master"), "{stdout}");
    assert!(stdout.contains("REPO_COMMIT=(git asks the server when the job runs)"), "{stdout}");
    assert!(stdout.contains("REPO_BRANCH=master"), "{stdout}");
    let log = fs::read_to_string(log).unwrap();
    assert!(!log.contains("ls-remote") && !log.contains("fetch"), "{log}");
    assert!(place.is_clean());
}

#[test]
fn a_dry_run_needs_no_git() {
    let mut place = Place::new();
    place.line("line", "", "true");
    place.set("PATH", "/nowhere");
    let stdout = place.good("line", &["run", "j", "--dry-run"]);
    assert!(stdout.contains("clone of https://github.com/org/app.git"), "{stdout}");
}

#[test]
fn what_cannot_be_found_says_how_to_give_it() {
    let place = Place::new();
    place.line_of("gitRepo", "line", "sourceName: org/app", "true");
    let line = fs::read_to_string(place.path("line/shippable.yml")).unwrap();
    let fails = |arguments: &[&str], message: &str, hint: &str| {
        let done = place.run("line", &[&["run", "j", "--dry-run"], arguments].concat());
        assert_eq!(done.status, Some(125), "{}", done.stderr);
        assert!(done.stderr.contains(message) && done.stderr.contains(hint), "{}", done.stderr);
    };
    place.write("line/shippable.yml", line.replace("integration: gh, ", ""));
    fails(&[], "`org/app` cannot be found", "--repo repo=PATH");
    place.write("line/shippable.yml", line.replace("https://api.github.com", "ext::sh"));
    fails(&[], "is no URL that begins with https://", "--repo repo=PATH");
    place.write("line/shippable.yml", line.replace("sourceName: org/app", ""));
    fails(&[], "its pointer has no `sourceName`", "--repo repo=PATH");
    place.write("line/shippable.yml", line);
    fails(&["--repo", "rep=."], "`rep` is no resource that stands for a repository", "did you mean `repo`?");
    fails(&["--repo", "repo=."], "is in no git repository", "shippable.yml");
    fails(&["--repo", "repo=./none"], "none", "shippable.yml");
    let done = place.run("line", &["run", "j", "--repo", "repo"]);
    assert_eq!(done.status, Some(2));
}

#[test]
fn the_first_syntax_of_pointers_is_understood() {
    let place = Place::with_app();
    place.line("app", "", "true");
    let line = fs::read_to_string(place.path("app/shippable.yml")).unwrap();
    place.write(
        "app/shippable.yml",
        line.replace("pointer: {sourceName: org/app, }", "source: {name: org/app, branch: master}"),
    );
    assert_eq!(place.env("app", &[])["REPO_COMMIT"], place.head("app"));
}

#[test]
fn one_that_is_given_needs_no_credentials_of_its_provider() {
    let place = Place::new();
    place.line("line", "", "true");
    place.repository("mine");
    place.commit("mine", "m", "", "mine");
    for integrations in [
        "",
        "integrations: [{name: hub, type: github, fields: {url: 'https://api.github.com', token: {env: NO_TOKEN}}}]\n",
    ] {
        place.write(
            "line/shippable.yml",
            format!("{integrations}resources: [{{name: repo, type: gitRepo, integration: hub, pointer: {{sourceName: org/app}}}}]\njobs: [{{name: j, type: runSh, steps: [{{IN: repo}}, {{TASK: [ls \"$REPO_STATE\"]}}]}}]\n"),
        );
        let log = place.good("line", &["run", "j", "--repo", "repo=../mine"]);
        assert!(log.contains("\nm\n"), "{log}");
        assert_eq!(place.run("line", &["run", "j"]).status, Some(125));
    }
}
