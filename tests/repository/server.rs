//! Repositories that are on a server alone. The server is a directory that git takes for it, or a socket of our own.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;

use crate::support::Place;

/// A place where GitHub has `org/app`, and a line that is in no repository.
fn with_server(script: &str) -> Place {
    let place = Place::with_app();
    place.git("app", &["branch", "old", "HEAD~1"]);
    place.git("app", &["tag", "-a", "-m", "v1", "v1", "old"]);
    place.serve("app");
    place.line("line", "", script);
    place
}

#[test]
fn its_facts_are_asked_for() {
    let place = with_server("true");
    let env = place.env("line", &[]);
    assert_eq!(env["REPO_BRANCH"], "master");
    assert_eq!(env["REPO_COMMIT"], place.head("app"));
    assert_eq!(env["REPO_COMMIT_MESSAGE"], "two");
    assert_eq!(env["REPO_COMMITTER"], "Ann \"A\" O'Neil");
    assert_eq!(env["REPO_IS_GIT_TAG"], "false");
    let before =
        place.good("line", &["get_resource_version_key", "--job", "j", "repo", "shaData.beforeCommitSha"]);
    assert_eq!(before.trim_end(), place.git("app", &["rev-parse", "HEAD~1"]));

    place.line("line", "branch: old", "true");
    let env = place.env("line", &[]);
    assert_eq!(env["REPO_BRANCH"], "old");
    assert_eq!(env["REPO_COMMIT_MESSAGE"], "one");
    assert_eq!(env["REPO_GIT_TAG_NAME"], "v1");
    assert!(place.is_clean());

    place.line("line", "branch: odl", "true");
    let done = place.run("line", &["env", "j", "--reveal"]);
    assert!(done.stderr.contains("there is no branch `odl`; it has master, old"), "{}", done.stderr);
    assert!(done.stderr.contains("did you mean `old`?"), "{}", done.stderr);
}

#[test]
fn it_is_cloned() {
    let place =
        with_server("cd $REPO_STATE; git log --format=%s; git branch --show-current; cat .git/config");
    let stdout = place.good("line", &["run", "j"]);
    assert!(stdout.contains("two\none\nmaster\n"), "{stdout}");
    assert!(stdout.contains("url = https://github.com/org/app.git"), "{stdout}");
    assert!(!stdout.contains("extraHeader") && !stdout.contains("***"), "{stdout}");
}

#[test]
fn a_commit_or_a_tag_may_be_picked() {
    let place = with_server("cd $REPO_STATE; git log -1 --format=subject=%s; cat .git/HEAD");
    let line = fs::read_to_string(place.path("line/shippable.yml")).unwrap();
    let old = place.git("app", &["rev-parse", "old"]);
    for version in [old.as_str(), "v1"] {
        let steps = format!("- IN: repo\n        versionName: {version}\n");
        place.write("line/shippable.yml", line.replace("- IN: repo\n", &steps));
        let stdout = place.good("line", &["run", "j"]);
        assert!(stdout.contains("subject=one\n"), "{stdout}");
    }
    place.write("line/shippable.yml", line.replace("- IN: repo\n", "- IN: repo\n        versionName: abc\n"));
    let done = place.run("line", &["run", "j"]);
    assert!(done.stderr.contains("`abc` is no tag of it"), "{}", done.stderr);
}

#[test]
fn a_lookup_asks_only_if_the_answer_needs_it() {
    let mut place = with_server("true");
    let log = place.record_git();
    let asked = || fs::read_to_string(&log).unwrap().contains("ls-remote");
    let ask = |words: &[&str]| place.good("line", words).trim_end().to_owned();
    assert_eq!(ask(&["get_integration_resource_field", "--job", "j", "repo", "token"]), "s3cr3t-t0k3n");
    assert_eq!(ask(&["get_resource_pointer_key", "--job", "j", "repo", "sourceName"]), "org/app");
    assert!(!asked());
    assert_eq!(ask(&["get_resource_version_name", "--job", "j", "repo"]), place.head("app"));
    assert!(asked());
}

#[test]
fn a_server_that_cannot_be_reached_is_named_in_gits_words() {
    let place = with_server("true");
    fs::remove_dir_all(place.path("github")).unwrap();
    let done = place.run("line", &["run", "j"]);
    assert_eq!(done.status, Some(125));
    for part in ["repository `repo` (https://github.com/org/app.git)", "git ls-remote: ", "--repo repo=PATH"]
    {
        assert!(done.stderr.contains(part), "{}", done.stderr);
    }
}

#[test]
fn credentials_reach_the_server_and_nobody_else() {
    let mut place = Place::new();
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = server.local_addr().unwrap();
    place.line("line", "", "true");
    let line = fs::read_to_string(place.path("line/shippable.yml")).unwrap();
    place.write(
        "line/shippable.yml",
        line.replace("https://api.github.com", &format!("http://{address}/api/v3")),
    );
    // Of two headers, the server would refuse both; and that of a repository that is here is not meant for it.
    let own =
        |header: &str| format!("[http \"http://{address}/\"]\n extraHeader = Authorization: {header}\n");
    place.configure(&own("global"));
    place.repository("line");
    place.write("line/.git/config", own("local"));
    let log = place.record_git();
    let asked = std::thread::spawn(move || {
        let mut requests = Vec::new();
        // What is not let in is asked for a second time at most, without a prompt.
        for stream in server.incoming() {
            let mut stream = stream.unwrap();
            let head: Vec<_> = BufReader::new(&stream)
                .lines()
                .map(Result::unwrap)
                .take_while(|line| !line.is_empty())
                .collect();
            if head[0].starts_with("QUIT") {
                return requests;
            }
            stream
                .write_all(b"HTTP/1.1 401 Go away s3cr3t-t0k3n\r\nWWW-Authenticate: Basic realm=x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
                .unwrap();
            requests.push(head.join("\n"));
        }
        requests
    });
    let done = place.run("line", &["run", "j"]);
    std::net::TcpStream::connect(address).unwrap().write_all(b"QUIT\r\n\r\n").unwrap();
    let requests = asked.join().unwrap();
    assert!(requests[0].starts_with("GET /org/app.git/info/refs?service=git-upload-pack "), "{requests:?}");
    // x-access-token:s3cr3t-t0k3n
    let header = "Authorization: Basic eC1hY2Nlc3MtdG9rZW46czNjcjN0LXQwazNu";
    assert!(requests[0].contains(header), "{requests:?}");
    assert_eq!(requests[0].matches("Authorization").count(), 1, "{requests:?}");
    assert_eq!(done.status, Some(125));
    assert!(done.stderr.contains("git ls-remote: fatal: "), "{}", done.stderr);
    let arguments = fs::read_to_string(log).unwrap();
    assert!(arguments.contains("ls-remote"), "{arguments}");
    for secret in ["s3cr3t-t0k3n", "eC1hY2Nlc3MtdG9rZW46"] {
        for text in [&done.stderr, &done.stdout, &arguments] {
            assert!(!text.contains(secret), "{text}");
        }
    }
}

#[test]
fn a_ci_section_may_want_a_part_of_the_history() {
    let place = Place::with_app();
    place.git("app", &["branch", "old", "HEAD~1"]);
    for number in 0..3 {
        place.commit("app", "more", &number.to_string(), "more");
    }
    place.serve("app");
    for (depth, count, warns) in [
        ("git: {depth: 2}", "2", false),
        ("depth: 3", "3", false),
        ("git: {depth: all}", "5", true),
        ("language: none", "5", false),
    ] {
        let ci = "[echo @$(git rev-list --count HEAD), echo @$(git branch -r | wc -l)]";
        let line = format!(
            "{depth}\nbuild: {{ci: {ci}}}\nresources: [{{name: r, type: ciRepo, integration: gh, pointer: {{sourceName: org/app}}}}]\njobs: [{{name: j, type: runCI, steps: [{{IN: r}}]}}]\nintegrations: [{{name: gh, type: github, fields: {{token: s3cr3t-t0k3n, url: https://api.github.com}}}}]\n"
        );
        place.write("line/shippable.yml", line);
        let done = place.run("line", &["run", "j"]);
        assert_eq!(done.status, Some(0), "{}", done.stderr);
        let said: Vec<_> = done.stdout.lines().filter_map(|line| line.strip_prefix('@')).collect();
        assert_eq!(said, [count, "3"], "{depth}: {}", done.stdout);
        assert_eq!(
            done.stderr.contains("warning: `depth` is a number of commits, from 1"),
            warns,
            "{}",
            done.stderr
        );
    }
}
