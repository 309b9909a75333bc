//! Lines: versions, files and repositories are as if all ran here.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::homes::Homes;
use crate::support::PROGRAM;
use crate::{here, shell};

/// Four jobs: the first makes what two side by side take, and the last takes what those make.
pub const DIAMOND: &str = include_str!("../../fixtures/diamond/shippable.yml");

/// A line in a directory of its own.
pub struct Line {
    directory: TempDir,
    homes: Homes,
    variables: Vec<(String, String)>,
}

impl Line {
    pub fn new(text: &str) -> Line {
        let directory = TempDir::with_prefix("shipctl-line-").unwrap();
        fs::write(directory.path().join("shippable.yml"), text).unwrap();
        Line { directory, homes: Homes::new(), variables: Vec::new() }
    }

    /// The same with variables for all that is called.
    pub fn with(self, variables: &[(&str, &str)]) -> Line {
        let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Line { variables: variables.collect(), ..self }
    }

    pub fn path(&self) -> &Path {
        self.directory.path()
    }

    /// `shipctl`, with a command line changed by `change`.
    pub fn call(&self, words: &[&str], change: impl FnOnce(&mut Command)) -> Output {
        let mut command = Command::new(PROGRAM);
        command.args(words);
        self.give(&mut command);
        change(&mut command);
        command.output().unwrap()
    }

    /// Has a command run here, as all that is called does.
    pub fn give(&self, command: &mut Command) {
        command.current_dir(self.path()).stdin(Stdio::null());
        command.env("DEPLOY_TOKEN", "tops3cret-token");
        self.homes.give(command);
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
    }

    /// The same, which must succeed; what it prints.
    #[track_caller]
    pub fn run(&self, words: &[&str]) -> String {
        let output = self.call(words, |_| {});
        let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "{words:?}: {}\n{out}{err}", output.status);
        out.into_owned()
    }

    /// All versions of the diamond, and the files of the last ones; without times.
    pub fn versions(&self, options: &[&str]) -> Vec<Value> {
        let mut all = Vec::new();
        for name in ["start", "left", "right", "join", "release"] {
            let listed = self.run(&[&["state", "versions", name, "--format", "json"], options].concat());
            let mut versions: Vec<Value> = serde_json::from_str(&listed).unwrap();
            for version in &mut versions {
                version.as_object_mut().unwrap().remove("made");
            }
            let exported = self.path().join("exported");
            self.run(&[&["state", "export", name, "exported"], options].concat());
            all.push(json!({"versions": versions, "files": files(&exported.join("files"))}));
            fs::remove_dir_all(exported).unwrap();
        }
        all
    }
}

/// The texts of the files below a directory.
fn files(directory: &Path) -> BTreeMap<String, Value> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(directory).into_iter().flatten() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        let path = entry.path();
        let is_directory = path.is_dir();
        found.insert(
            name,
            if is_directory { json!(files(&path)) } else { json!(fs::read_to_string(path).unwrap()) },
        );
    }
    found
}

#[test]
fn a_line_makes_the_same_versions_there_as_here() {
    let (local, remote) = (Line::new(DIAMOND), Line::new(DIAMOND));
    for _ in 0..2 {
        local.run(&["run", "--all"]);
        remote.run(&["run", "--all", "--on", &here(), "-j2"]);
    }
    let versions = local.versions(&[]);
    assert_eq!(versions[3]["files"]["all.txt"], "left of start 2\nright, started\n");
    assert_eq!(versions[4]["versions"].as_array().unwrap().len(), 5);
    assert_eq!(versions, remote.versions(&[]));
}

#[test]
fn so_many_jobs_run_there_at_a_time() {
    let job = |name: &str| {
        format!(
            "  - {{name: {name}, type: runSh, steps: [{{TASK: {{script: ['echo begin >> $LOG; sleep 0.2; echo end >> $LOG']}}}}]}}\n"
        )
    };
    let line = Line::new(&format!("jobs:\n{}{}{}", job("a"), job("b"), job("c")));
    let log = line.path().join("log");
    let on = here();
    let output = line.call(&["run", "--all", "-j1", "--on", &on], |command| {
        command.env("LOG", &log);
    });
    assert!(output.status.success());
    assert_eq!(fs::read_to_string(&log).unwrap(), "begin\nend\n".repeat(3));
}

#[test]
fn a_failure_keeps_what_follows_from_running() {
    let line = Line::new(
        "jobs:\n  - {name: a, type: runSh, steps: [{TASK: {script: ['exit 7']}}]}\n  - {name: b, type: runSh, steps: [{IN: a}, {TASK: {script: ['echo b']}}]}\n",
    );
    let output = line.call(&["run", "--all", "--on", &here()], |_| {});
    assert_eq!(output.status.code(), Some(7));
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("b │ - not run: a failed"), "{text}");
}

#[test]
fn the_log_and_the_history_stay_here() {
    let line = Line::new(DIAMOND);
    line.run(&["run", "start", "--on", &here()]);
    assert!(line.run(&["logs", "start"]).contains("started with ***"));
    assert!(line.run(&["history"]).contains("start #1  success"));
    assert!(fs::read_to_string(line.path().join(".shipctl/audit.jsonl")).unwrap().contains("\"start\""));
}

#[test]
fn a_repository_goes_along() {
    let line = Line::new(
        "resources:\n  - {name: code, type: gitRepo, versionTemplate: {sourceName: me/code, branch: main}}\njobs:\n  - {name: build, type: runSh, steps: [{IN: code}, {TASK: {script: ['cd $CODE_STATE', 'cat file', 'git log --format=%s', 'git remote get-url origin', 'ls -l tool link']}}]}\n",
    );
    let origin = line.path().join("origin");
    fs::create_dir(&origin).unwrap();
    git(&origin, &["init", "-q", "-b", "main"]);
    fs::write(origin.join("file"), "in the repository\n").unwrap();
    fs::write(origin.join("tool"), "").unwrap();
    std::os::unix::fs::symlink("file", origin.join("link")).unwrap();
    git(&origin, &["add", "-A"]);
    git(&origin, &["commit", "-qm", "the first one"]);
    let repo = format!("code={}", origin.display());
    let text = line.run(&["run", "build", "--repo", &repo, "--on", &here()]);
    for expected in ["in the repository\n", "the first one\n", "link -> file"] {
        assert!(text.contains(expected), "{text}");
    }
}

#[test]
fn a_matrix_runs_there() {
    let line = Line::new(
        "language: none\nenv:\n  - PART=one\n  - PART=two\nbuild:\n  ci:\n    - ls file\n    - mkdir -p shippable/testresults\n    - echo \"<testsuite><testcase name='$PART'/></testsuite>\" > shippable/testresults/part.xml\n",
    );
    fs::write(line.path().join("file"), "").unwrap();
    git(line.path(), &["init", "-q"]);
    git(line.path(), &["add", "-A"]);
    git(line.path(), &["commit", "-qm", "all"]);
    let text = line.run(&["run", "--all", "--on", &here()]);
    assert_eq!(text.matches("1 test, none failed").count(), 2, "{text}");
    let logs = fs::read_dir(line.path().join(".shipctl/logs")).unwrap().next().unwrap().unwrap().path();
    for (entry, part) in [("1", "one"), ("2", "two")] {
        let kept =
            fs::read_to_string(logs.join("1.results").join(entry).join("testresults/part.xml")).unwrap();
        assert!(kept.contains(&format!("name='{part}'")), "{kept}");
    }
}

#[test]
fn large_files_go_there_and_come_back() {
    let line = Line::new(
        "jobs:\n  - {name: a, type: runSh, steps: [{TASK: {script: ['head -c 40000000 /dev/urandom > $JOB_STATE/large']}}]}\n  - {name: b, type: runSh, steps: [{IN: a}, {TASK: {script: ['cp IN/a/runSh/large $JOB_STATE/same']}}]}\n",
    );
    line.run(&["run", "--all", "--on", &here()]);
    let exported = |name: &str, file: &str| {
        line.run(&["state", "export", name, name]);
        fs::read(line.path().join(name).join("files").join(file)).unwrap()
    };
    let (large, same) = (exported("a", "large"), exported("b", "same"));
    assert_eq!(large.len(), 40_000_000);
    assert!(large == same);
}

/// Runs git in a directory.
fn git(directory: &Path, words: &[&str]) {
    let user = ["-c", "user.name=Me", "-c", "user.email=me@example.com"];
    let ran = Command::new("git").arg("-C").arg(directory).args(user).args(words).output().unwrap();
    assert!(ran.status.success(), "{words:?}: {}", String::from_utf8_lossy(&ran.stderr));
}

#[test]
fn an_integration_of_another_job_stays_here() {
    let line = Line::new(
        "integrations:\n  - {name: mine, type: keyValuePair, fields: {envs: {MINE: 'for this one'}}}\n  - {name: other, type: keyValuePair, fields: {envs: {OTHER: 'n0t-for-this'}}}\njobs:\n  - {name: a, type: runSh, integrations: [mine], steps: [{TASK: {script: ['echo $MINE | wc -c']}}]}\n  - {name: b, type: runSh, integrations: [other], steps: [{TASK: {script: ['true']}}]}\n",
    );
    let kept = line.path().join("stdin");
    let on = shell("tee $KEPT | \"$@\"");
    let output = line.call(&["run", "a", "--on", &on], |command| {
        command.env("KEPT", &kept);
    });
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let sent = String::from_utf8_lossy(&fs::read(&kept).unwrap()).into_owned();
    assert!(sent.contains("for this one") && !sent.contains("n0t-for-this"));
}

#[test]
fn what_came_with_a_line_does_not_say_where_it_runs() {
    let line = Line::new(DIAMOND);
    fs::write(line.path().join(".shipctlrc"), "run --on 'sh -c \"touch taken\"'\n").unwrap();
    let output = line.call(&["run", "start"], |_| {});
    assert!(output.status.success());
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(stderr.contains("--on is left out"), "{stderr}");
    assert!(!line.path().join("taken").exists());
}
