//! The README is true: what it shows on the console is what comes out.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use regex::Regex;

use crate::homes::Homes;

const README: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md"));

/// The fenced blocks of a language.
fn blocks<'t>(text: &'t str, language: &str) -> Vec<&'t str> {
    let fence = format!("```{language}\n");
    text.split(&fence).skip(1).filter_map(|rest| rest.split("```\n").next()).collect()
}

/// The README and all pages that it leads to, with their directories.
fn pages() -> Vec<(PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let docs = fs::read_dir(root.join("docs")).unwrap().map(|entry| entry.unwrap().path());
    let mut pages: Vec<_> = docs.filter(|path| path.extension().is_some_and(|end| end == "md")).collect();
    pages.sort();
    pages.push(root.join("README.md"));
    let page = |path: PathBuf| (path.parent().unwrap().to_owned(), fs::read_to_string(path).unwrap());
    pages.into_iter().map(page).collect()
}

/// Replaces what differs from run to run: durations, the user's number, and where temporary files are.
fn steady(text: &str, temporary: &Path) -> String {
    let text = text.replace(temporary.to_str().unwrap(), "/tmp");
    let text =
        Regex::new(r"<?[0-9]+(\.[0-9]+)? (ms|s)(?-u:\b)").unwrap().replace_all(&text, "T").into_owned();
    Regex::new(r"/tmp/shipctl-[0-9]+").unwrap().replace_all(&text, "/tmp/shipctl-0").into_owned()
}

/// Whether lines are as expected; a line `…` stands for any number of lines.
fn fits(expected: &[&str], found: &[&str]) -> bool {
    match (expected.split_first(), found.split_first()) {
        (None, None) => true,
        (Some((&"…", rest)), _) => (0..=found.len()).any(|skipped| fits(rest, &found[skipped..])),
        (Some((expected, rest)), Some((found, others))) => expected == found && fits(rest, others),
        _ => false,
    }
}

/// A directory with `shipctl` alone, for PATH.
fn path() -> String {
    let program = Path::new(env!("CARGO_BIN_EXE_shipctl"));
    format!("{}:{}", program.parent().unwrap().display(), std::env::var("PATH").unwrap())
}

#[test]
fn the_console_shows_what_the_readme_shows() {
    let pages = pages();
    let blocks: Vec<_> = pages.iter().flat_map(|(_, page)| blocks(page, "console")).collect();
    assert!(blocks.len() >= 20);
    for block in blocks {
        let commands: Vec<&str> = block.lines().filter_map(|line| line.strip_prefix("$ ")).collect();
        let expected: Vec<&str> = block.lines().filter(|line| !line.starts_with("$ ")).collect();
        for locale in ["C", "C.UTF-8"] {
            holds(&commands, &expected, locale);
        }
    }
}

/// Runs the commands of a block, and compares.
#[track_caller]
fn holds(commands: &[&str], expected: &[&str], locale: &str) {
    let homes = Homes::new();
    let mut command = Command::new("bash");
    command.arg("-c").arg(format!("exec 2>&1\n{}", commands.join("\n")));
    command.current_dir(env!("CARGO_MANIFEST_DIR")).env("PATH", path()).env_remove("APP_TOKEN");
    command.env_remove("LANGUAGE").env("LC_ALL", locale);
    homes.give(&mut command);
    let output = command.output().unwrap();
    let found = steady(&String::from_utf8(output.stdout).unwrap(), &homes.temporary());
    let expected = steady(&expected.join("\n"), &homes.temporary());
    let (expected, found): (Vec<_>, Vec<_>) = (expected.lines().collect(), found.lines().collect());
    assert!(fits(&expected, &found), "{locale}: {commands:?} gave\n{}", found.join("\n"));
}

#[test]
fn the_first_two_commands_are_those_of_a_newcomer() {
    let commands: Vec<_> = blocks(README, "sh").into_iter().take(2).map(str::trim).collect();
    assert_eq!(commands, ["cargo run -- run deploy -C fixtures/aws-keys", "cargo test"]);
    let (homes, mut command) = (Homes::new(), Command::new(env!("CARGO_BIN_EXE_shipctl")));
    command.args(["run", "deploy", "-C", "fixtures/aws-keys"]).current_dir(env!("CARGO_MANIFEST_DIR"));
    homes.give(&mut command);
    assert!(command.output().unwrap().status.success());
}

#[test]
fn completions_and_manual_pages_are_as_the_reference_says() {
    for (arguments, beginning) in [
        (&["completions", "bash"][..], "\n_clap_complete_shipctl() {"),
        (&["man"][..], ".ie \\n(.g .ds Aq"),
        (&["man", "integration", "add"][..], ".ie \\n(.g .ds Aq"),
    ] {
        let output = Command::new(env!("CARGO_BIN_EXE_shipctl")).args(arguments).output().unwrap();
        assert!(output.status.success());
        assert!(String::from_utf8(output.stdout).unwrap().starts_with(beginning), "{arguments:?}");
    }
}

#[test]
fn every_command_has_a_manual_page() {
    let directory = tempfile::tempdir().unwrap();
    let ran = |args: &[&str]| Command::new(env!("CARGO_BIN_EXE_shipctl")).args(args).output().unwrap();
    assert!(ran(&["man", "--output-dir", directory.path().to_str().unwrap()]).status.success());
    for (page, parts) in [
        ("shipctl.1", &["shipctl\\-run(1)", ".SH \"EXIT STATUS\"", "SHIPCTL_KEY_FILE", "shipctl init"][..]),
        ("shipctl-run.1", &["\\-\\-upstream", "shipctl run \\-\\-failed"]),
        ("shipctl-integration-add.1", &["shipctl integration add my_aws"]),
    ] {
        let page = fs::read_to_string(directory.path().join(page)).unwrap();
        for part in parts {
            assert!(page.contains(part), "no {part} in {page}");
        }
    }
    assert!(!fs::exists(directory.path().join("shipctl-remote-job.1")).unwrap());
    let output = ran(&["man", "integration", "nothing"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(
        String::from_utf8_lossy(&output.stderr).contains("there is no command `shipctl integration nothing`")
    );
}

#[test]
fn the_files_that_the_readme_links_to_are_there() {
    let links = Regex::new(r"\]\(([^)#:]*)(?:#([^)]+))?\)").unwrap();
    for (directory, page) in pages() {
        for link in links.captures_iter(&page) {
            let path = directory.join(&link[1]);
            assert!(fs::exists(&path).unwrap(), "{}", &link[0]);
            if let Some(anchor) = link.get(2) {
                let there = if link[1].is_empty() { page.clone() } else { fs::read_to_string(path).unwrap() };
                let headings = there.lines().filter(|line| line.starts_with('#'));
                let mut anchors = headings.map(|line| {
                    let text = line.trim_start_matches('#').trim().to_lowercase();
                    text.replace(|c: char| !c.is_ascii_alphanumeric() && c != ' ' && c != '-', "")
                        .replace(' ', "-")
                });
                assert!(anchors.any(|found| found == anchor.as_str()), "{}", &link[0]);
            }
        }
    }
}

#[test]
fn the_readme_is_short_and_leads_to_every_page() {
    assert!(README.lines().count() <= 220);
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for entry in fs::read_dir(root.join("docs")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(README.contains(&format!("(docs/{name})")), "{name}");
    }
}

#[test]
fn the_yaml_is_that_of_the_fixture() {
    let fixture =
        fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/aws-keys/shippable.yml")).unwrap();
    let code: Vec<_> = fixture.lines().filter(|line| !line.starts_with('#')).collect();
    assert_eq!(blocks(README, "yaml")[0].trim(), code.join("\n").trim());
}
