//! runCI jobs: the CI section of `shippable.yml`, in the shapes that people write it in.

use std::path::Path;
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

/// A repository called `acme/app` with a line in it, where runs leave their log.
struct Repository(TempDir);

impl Repository {
    /// A repository with two commits.
    fn new(line: &str) -> Repository {
        let repository = Repository::without_git(line);
        repository.git("init -q -b main");
        repository.git("remote add origin git@github.com:acme/app.git");
        repository.git("add shippable.yml");
        repository.git("commit -q -m one");
        repository.git("commit -q --allow-empty -m two");
        repository
    }

    fn without_git(line: &str) -> Repository {
        let repository = Repository(TempDir::with_prefix("shipctl-test-").unwrap());
        std::fs::write(repository.path().join("shippable.yml"), line).unwrap();
        std::fs::create_dir(repository.path().join("tmp")).unwrap();
        repository
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn command(&self, program: &str, arguments: &str) -> Command {
        let mut command = Command::new(program);
        command.args(arguments.split_whitespace()).current_dir(self.path()).env_clear();
        for (name, value) in [
            ("PATH", std::env::var("PATH").unwrap().as_str()),
            ("HOME", self.path().to_str().unwrap()),
            ("TMPDIR", self.path().join("tmp").to_str().unwrap()),
            ("SHIPCTL_SHM", self.path().join("tmp").to_str().unwrap()),
            ("GIT_CEILING_DIRECTORIES", self.path().parent().unwrap().to_str().unwrap()),
            ("GIT_CONFIG_NOSYSTEM", "1"),
            ("GIT_AUTHOR_NAME", "Ann"),
            ("GIT_AUTHOR_EMAIL", "ann@example.com"),
            ("GIT_COMMITTER_NAME", "Carl"),
            ("GIT_COMMITTER_EMAIL", "carl@example.com"),
        ] {
            command.env(name, value);
        }
        command.stdin(Stdio::null());
        command
    }

    fn git(&self, arguments: &str) -> String {
        let output = self.command("git", arguments).output().unwrap();
        assert!(output.status.success(), "git {arguments}: {}", text(&output.stderr));
        text(&output.stdout).trim_end().to_owned()
    }

    /// A call of the program; a run writes what matters to `$LOG`.
    fn shipctl(&self, arguments: &str) -> Output {
        let mut command = self.command(env!("CARGO_BIN_EXE_shipctl"), arguments);
        if arguments.starts_with("run") {
            command.arg("-e").arg(format!("LOG={}", self.path().join("log").display()));
        }
        command.output().unwrap()
    }

    /// Runs a job: its status, what it wrote to `$LOG`, and stderr.
    fn run(&self, arguments: &str) -> (Option<i32>, String, String) {
        let output = self.shipctl(&format!("run {arguments}"));
        let log = std::fs::read_to_string(self.path().join("log")).unwrap_or_default();
        (output.status.code(), log, text(&output.stderr))
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A CI section with a job `app_runCI`.
fn line(section: &str) -> String {
    format!("{section}\njobs: [{{name: app_runCI, type: runCI}}]\n")
}

/// The same, whose script writes this text to the log.
fn writes(section: &str, text: &str) -> String {
    line(&format!("{section}\nbuild: {{ci: ['echo \"{text}\" >> $LOG']}}"))
}

/// What a section's runs write, line by line.
fn written(section: &str, text: &str) -> Vec<String> {
    let repository = Repository::new(&writes(section, text));
    let (status, log, stderr) = repository.run("app_runCI");
    assert_eq!(status, Some(0), "{stderr}");
    log.lines().map(str::to_owned).collect()
}

#[test]
fn ci_and_what_follows_share_a_shell_that_pre_ci_has_not() {
    let repository = Repository::new(&line(
        "build:\n  pre_ci: export LOST=1\n  ci:\n    - mkdir sub && cd sub\n    - export SEEN=yes\n  post_ci:\n    - echo \"post ${LOST-none} $SEEN ${PWD##*/}\" >> $LOG\n  on_success:\n    - echo \"success $SEEN\" >> $LOG\n  on_failure: [echo failure >> $LOG]\n  always: [echo always >> $LOG]",
    ));
    let (status, log, stderr) = repository.run("app_runCI");
    assert_eq!((status, log.as_str()), (Some(0), "post none yes sub\nsuccess yes\nalways\n"), "{stderr}");
}

#[test]
fn post_ci_does_not_run_after_a_failure() {
    let repository = Repository::new(&line(
        "build:\n  ci: [exit 3]\n  post_ci: [echo post >> $LOG]\n  on_success: [echo success >> $LOG]\n  on_failure: [echo failure >> $LOG]",
    ));
    let (status, log, _) = repository.run("app_runCI");
    assert_eq!((status, log.as_str()), (Some(3), "failure\n"));
}

#[test]
fn push_comes_last_and_only_after_success() {
    let section = |ci: &str| {
        format!(
            "build:\n  push: ['echo push $X >> $LOG']\n  ci: [X=1, {ci}]\n  post_ci: [echo post >> $LOG]\n  on_success: [echo success >> $LOG]"
        )
    };
    let (status, log, stderr) = Repository::new(&line(&section("true"))).run("app_runCI");
    assert_eq!((status, log.as_str()), (Some(0), "post\npush 1\nsuccess\n"), "{stderr}");
    let (status, log, _) = Repository::new(&line(&section("false"))).run("app_runCI");
    assert_eq!((status, log.as_str()), (Some(1), ""));
    let (status, log, _) = Repository::new(&line("build: {push: [echo push >> $LOG]}")).run("app_runCI");
    assert_eq!((status, log.as_str()), (Some(0), "push\n"));
}

#[test]
fn the_image_of_a_build_gets_a_word() {
    let (status, _, stderr) = Repository::new(&writes("build_image: acme/ci:1", "x")).run("app_runCI");
    assert_eq!(status, Some(0));
    assert!(
        stderr.contains(
            "warning: `build_image` has no effect: the scripts run on this machine\n  --> shippable.yml:1:1\n"
        ),
        "{stderr}"
    );
}

#[test]
fn a_build_starts_in_its_clone_and_knows_the_commit() {
    let repository = Repository::new(&writes(
        "language: go",
        "$CI $CONTINUOUS_INTEGRATION $SHIPPABLE|$BRANCH|$COMMIT|$COMMIT_RANGE|$COMMITTER, $LAST_AUTHOR|$COMMIT_MESSAGE|$ORG_NAME $REPO_NAME $REPO_FULL_NAME|$PULL_REQUEST|$LANGUAGE|$JOB_NUMBER $BUILD_NUMBER|$COMPARE_URL",
    ));
    let (commit, before) = (repository.git("rev-parse HEAD"), repository.git("rev-parse HEAD~1"));
    let (status, log, stderr) = repository.run("app_runCI");
    assert_eq!((status, stderr.as_str()), (Some(0), ""));
    assert_eq!(
        log,
        format!(
            "true true true|main|{commit}|{before}...{commit}|Carl, Ann|two|acme app acme/app|false|go|1 1|https://github.com/acme/app/compare/{before}...{commit}\n"
        )
    );
    let repository = Repository::new(&line(
        "build: {ci: ['[ \"$PWD\" = \"$SHIPPABLE_BUILD_DIR\" ]', 'ls >> $LOG', 'git diff --name-only $SHIPPABLE_COMMIT_RANGE']}",
    ));
    let (status, log, stderr) = repository.run("app_runCI");
    assert_eq!((status, log.as_str(), stderr.as_str()), (Some(0), "shippable.yml\n", ""));
}

#[test]
fn a_declared_ci_repo_is_the_one_that_is_built() {
    let repository = Repository::new(
        "build: {ci: ['ls >> $LOG', 'echo $REPO_FULL_NAME >> $LOG']}\nresources: [{name: r, type: ciRepo, pointer: {sourceName: acme/other}}]\njobs: [{name: j, type: runCI, steps: [IN: r]}]\n",
    );
    let other = Repository::new("other: true\n");
    other.git("mv shippable.yml other.txt");
    other.git("commit -q -m moved");
    let (status, log, stderr) = repository.run(&format!("j --repo r={}", other.path().display()));
    assert_eq!((status, log.as_str()), (Some(0), "other.txt\nacme/other\n"), "{stderr}");
}

#[test]
fn without_a_repository_it_starts_in_its_workspace() {
    let repository =
        Repository::without_git(&writes("", "${PWD##*/} $REPO_NAME|$PULL_REQUEST $SHIPPABLE_REPO_DIR"));
    let (status, log, stderr) = repository.run("app_runCI");
    let root = repository.path().join("tmp");
    let (name, directory) = log.split_once(" |false ").unwrap_or_default();
    assert_eq!((status, name), (Some(0), "app_runCI"), "{stderr}");
    assert!(directory.starts_with(root.to_str().unwrap()), "{log}");
    assert!(stderr.starts_with("warning: job `app_runCI` builds no repository: "), "{stderr}");
    assert!(stderr.contains("--repo app_ciRepo=PATH"), "{stderr}");
}

#[test]
fn env_is_a_text_a_list_a_map_or_parts() {
    for (env, expected) in [
        ("env: A=1 B=2", vec!["1 2"]),
        ("env: [A=1 B=2, {A: 3, B: 4}]", vec!["1 2", "3 4"]),
        ("env: {A: 1, B: 2}", vec!["1 2"]),
        ("env: {global: [A=1, {B: 2}]}", vec!["1 2"]),
        ("env: {global: {A: 1}, matrix: [B=2, B=3]}", vec!["1 2", "1 3"]),
        ("env: {global: A=1 B=2, matrix: [B=3]}", vec!["1 3"]),
        ("env: {global: }", vec![" "]),
        ("env: {global: [[A=1], B=2]}", vec!["1 2"]),
        ("env: {matrix: B=2}", vec![" 2"]),
    ] {
        assert_eq!(written(env, "$A $B"), expected, "{env}");
    }
}

#[test]
fn values_of_env_are_read_as_a_shell_reads_them() {
    let env = r#"env: {global: ['A="x y" B=''$HOME z''', 'C=$REPO_NAME/${A}', D: $C-d]}"#;
    assert_eq!(written(env, "$A|$B|$C|$D"), ["x y|$HOME z|app/x y|app/x y-d"]);
}

#[test]
fn env_is_what_bash_makes_of_it() {
    let home = Repository::new(&writes("env: {global: ['A=~ B=~/x:~/y:$A C=\"~/z\" D=a~']}", "$A $B $C $D"));
    let (status, log, stderr) = home.run("app_runCI");
    let at = home.path().display();
    assert_eq!((status, log), (Some(0), format!("{at} {at}/x:{at}/y:{at} ~/z a~\n")), "{stderr}");
    let commands = "env:\n  global:\n    - X=1 TAG=\"$(sed 's/a/-/g' <<< $BRANCH).$X\"\n    - BRANCH=\"$(echo $BRANCH)\" Y=$TAG";
    assert_eq!(written(commands, "$BRANCH $TAG $Y"), ["main m-in.1 m-in.1"]);
    assert_eq!(written("env: A=`echo x`", "$A"), ["x"]);
    let (status, log, stderr) = Repository::new(&writes("env: [A=$(echo 1), A=2]", "$A")).run("app_runCI");
    assert_eq!((status, log.as_str()), (Some(125), ""));
    assert!(stderr.starts_with("error: a command in a row of `env`, of which each is a run of its own, is not run\n  --> shippable.yml:1:7\n"), "{stderr}");
    let (status, log, stderr) = Repository::new(&writes("env:\n  - A=it's B=2", "$A")).run("app_runCI");
    assert_eq!((status, log.as_str()), (Some(125), ""));
    assert!(
        stderr.starts_with(
            "error: a quote in `env` is not closed, as bash reads it\n  --> shippable.yml:2:5\n"
        ),
        "{stderr}"
    );
    let check = Repository::new(&writes("python:\n  -2.7\n  -3.4", "x")).shipctl("check");
    assert!(
        text(&check.stdout).starts_with("warning: `python` is one text, and no list\n"),
        "{}",
        text(&check.stdout)
    );
}

#[test]
fn what_is_given_on_the_command_line_wins() {
    let repository = Repository::new(&writes("env: [A=1]", "$A"));
    assert_eq!(repository.run("app_runCI -e A=mine").1, "mine\n");
}

#[test]
fn versions_and_variables_make_a_matrix() {
    assert_eq!(
        written(
            "python: [2.7, 3.10]\nenv: [A=1, A=2]",
            "$SHIPPABLE_PYTHON_VERSION $A $JOB_NUMBER/$SHIPPABLE_JOB_COUNT $BUILD_NUMBER"
        ),
        ["2.7 1 1/4 1", "2.7 2 2/4 1", "3.10 1 3/4 1", "3.10 2 4/4 1"]
    );
    assert_eq!(written("node_js: 8.10\njdk:\n", "$SHIPPABLE_NODE_VERSION"), ["8.10"]);
}

#[test]
fn the_matrix_can_be_altered() {
    let axes = "rvm: [1.9, 2.0]\nenv: [A=1, A=2]";
    let text = "$SHIPPABLE_RUBY $A";
    assert_eq!(
        written(&format!("{axes}\nmatrix: {{exclude: [{{rvm: 1.9, env: A=2}}]}}"), text),
        ["1.9 1", "2.0 1", "2.0 2"]
    );
    assert_eq!(
        written(
            &format!(
                "{axes}\nmatrix: {{exclude: [{{rvm: 1.9}}, {{A: 2}}], include: [{{rvm: 3.0, env: A=3}}]}}"
            ),
            text
        ),
        ["2.0 1", "3.0 3"]
    );
    assert_eq!(
        written("matrix: {include: [{rvm: 2.1, env: A=1}, {rvm: 2.2, env: A=2, nodePool: x}]}", text),
        ["2.1 1", "2.2 2"]
    );
    assert_eq!(
        written("rvm: 2.3\nenv: [A=1]\nmatrix: {include: [{rvm: 2.4}, {env: A=2}]}", text),
        ["2.3 1", "2.4 1", "2.3 2"]
    );
}

#[test]
fn all_entries_run_and_the_first_that_may_not_fail_decides() {
    let matrix = |rules: &str| {
        line(&format!("env: [N=5, N=0, N=6]\n{rules}\nbuild: {{ci: ['echo $N >> $LOG', 'exit $N']}}"))
    };
    for (rules, expected) in [
        ("", 5),
        ("matrix: {allow_failures: [env: N=5]}", 6),
        ("matrix: {allow_failures: [{env: N=5}, {env: N=6}]}", 0),
    ] {
        let (status, log, _) = Repository::new(&matrix(rules)).run("app_runCI");
        assert_eq!((status, log.as_str()), (Some(expected), "5\n0\n6\n"), "{rules}");
    }
    let repository = Repository::new(&matrix(""));
    assert_eq!(repository.run("app_runCI --matrix 2"), (Some(0), "0\n".to_owned(), String::new()));
    let (status, _, stderr) = repository.run("app_runCI --matrix 4");
    assert_eq!(
        (status, stderr.as_str()),
        (
            Some(125),
            "error: --matrix 4: the matrix of job `app_runCI` has 3 entries\n  1. N=5\n  2. N=0\n  3. N=6\n"
        )
    );
}

#[test]
fn a_matrix_is_one_build_and_leaves_what_its_last_entry_left() {
    let repository = Repository::new(&line(
        "env: [N=1, N=2]\nbuild: {ci: ['echo $BUILD_NUMBER.$JOB_NUMBER >> $LOG', 'echo N=$N >> $JOB_STATE/$JOB_NAME.env']}",
    ));
    repository.run("app_runCI");
    let (_, log, _) = repository.run("app_runCI");
    assert_eq!(log, "1.1\n1.2\n2.1\n2.2\n");
    let shown = text(&repository.shipctl("state show app_runCI --format json").stdout);
    assert!(shown.contains("\"N\": \"2\""), "{shown}");
    assert_eq!(std::fs::read_dir(repository.path().join("tmp")).unwrap().count(), 1, "only the home is left");
}

#[test]
fn dry_runs_and_environments_tell_of_the_entries() {
    let repository = Repository::new(&writes(
        "go: [1.7, 1.8]\nintegrations: {notifications: [integrationName: chat]}",
        "",
    ));
    let output = repository.shipctl("run app_runCI --dry-run");
    let plan = text(&output.stdout);
    for part in [
        "\nmatrix · one run for each\n  1. go 1.7\n  2. go 1.8\n",
        "\n  SHIPPABLE_GO_VERSION=1.7  (the matrix of the CI section)\n",
        "\nenvironment of 2. go 1.8 · what differs\n",
        "\n  SHIPPABLE_GO_VERSION=1.8  (the matrix of the CI section)\n",
        "\n  chat\n",
    ] {
        assert!(plan.contains(part), "{part}: {plan}");
    }
    assert!(!repository.path().join("log").exists());
    let output = repository.shipctl("env app_runCI --matrix 2 --format dotenv");
    assert!(text(&output.stdout).contains("\nSHIPPABLE_GO_VERSION=1.8\n"));
    let output = repository.shipctl("exec app_runCI --matrix 2 -- printenv SHIPPABLE_GO_VERSION");
    assert_eq!(text(&output.stdout), "1.8\n");
}

#[test]
fn a_matrix_tells_of_itself_to_people_and_to_programs() {
    let repository = Repository::new(&line("env: [N=0, N=1]\nbuild: {ci: ['exit $N']}"));
    let log = text(&repository.shipctl("run app_runCI").stdout);
    assert!(log.starts_with("▸▸ 1. N=0\n▸ ci\n"), "{log}");
    assert!(log.ends_with("\n\n✓ 1. N=0 · succeeded\n✗ 2. N=1 · failed with status 1\n"), "{log}");
    let log = text(&repository.shipctl("run app_runCI --log-format json").stdout);
    let events: Vec<serde_json::Value> =
        log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let jobs = events.iter().filter(|event| event["event"] == "job-start");
    assert_eq!(
        jobs.map(|event| event["job"].as_str().unwrap()).collect::<Vec<_>>(),
        ["app_runCI.1", "app_runCI.2"]
    );
    let last = events.last().unwrap();
    assert_eq!((&last["event"], &last["entries"][1]["status"]), (&"matrix-end".into(), &1.into()));
}

#[test]
fn a_job_behind_a_matrix_waits_for_all_of_it() {
    let jobs = "jobs:\n- {name: app_runCI, type: runCI}\n- {name: next, type: runSh, steps: [{IN: app_runCI}, {TASK: ['echo next >> $LOG']}]}\n";
    for (last, status, expected) in [("N=0", 0, "0\n0\nnext\n"), ("N=4", 4, "0\n4\n")] {
        let section = format!("env: [N=0, {last}]\nbuild: {{ci: ['echo $N >> $LOG', 'exit $N']}}\n{jobs}");
        let (code, log, stderr) = Repository::new(&section).run("app_runCI next");
        assert_eq!((code, log.as_str()), (Some(status), expected), "{stderr}");
    }
}

#[test]
fn integrations_of_the_section_are_there() {
    let section = "integrations: {hub: [{integrationName: reg, type: docker}], key: [integrationName: reg], notifications: [{integrationName: nobody}]}\nbuild: {ci: ['echo $REG_INTEGRATION_USERNAME $CI >> $LOG', 'echo $REG_INTEGRATION_PASSWORD']}\njobs: [{name: app_runCI, type: runCI}]\n";
    let repository = Repository::new(section);
    let (status, _, stderr) = repository.run("app_runCI");
    assert_eq!(status, Some(125));
    assert!(
        stderr.starts_with(
            "error: job `app_runCI` needs the integration `reg`, which is declared nowhere\n  --> shippable.yml:1:40\n"
        ),
        "{stderr}"
    );
    let checked = text(&repository.shipctl("check").stdout);
    assert!(checked.contains("warning: no integrations are declared; jobs need: reg\n"), "{checked}");
    let declared = "integrations: [{name: reg, type: dockerRegistryLogin, fields: {url: u, username: ann, password: pa55w0rd, email: e}}]\n";
    std::fs::write(repository.path().join("keys.yml"), declared).unwrap();
    let output = repository.shipctl("run app_runCI -i keys.yml");
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert_eq!(std::fs::read_to_string(repository.path().join("log")).unwrap(), "ann true\n");
    assert!(!text(&output.stdout).contains("pa55w0rd"));
    let logged_in = section
        .replace("'echo $REG_INTEGRATION_USERNAME $CI >> $LOG'", "'cat $DOCKER_CONFIG/config.json > $LOG'");
    let repository = Repository::new(&logged_in);
    std::fs::write(repository.path().join("keys.yml"), declared).unwrap();
    let (status, log, stderr) = repository.run("app_runCI -i keys.yml");
    assert_eq!(status, Some(0), "{stderr}");
    assert!(log.contains("\"auths\"") && log.contains("YW5uOnBhNTV3MHJk"), "{log}");
}

#[test]
fn a_section_without_ci_runs_what_its_language_has() {
    let python = "#!/bin/sh\necho pip \"$@\" >> $LOG\n";
    let run = |section: &str, files: &[&str]| {
        let repository = Repository::new(section);
        for file in files {
            std::fs::write(repository.path().join(file), "").unwrap();
            repository.git(&format!("add {file}"));
        }
        repository.git("commit -q --allow-empty -m files");
        let bin = repository.path().join("bin");
        std::fs::create_dir(&bin).unwrap();
        for program in ["pip", "npm", "yarn", "mvn", "ant"] {
            let path = bin.join(program);
            std::fs::write(&path, python.replace("pip", program)).unwrap();
            std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        }
        let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());
        let mut command = repository.command(env!("CARGO_BIN_EXE_shipctl"), "run app_runCI -e");
        command.arg(format!("LOG={}", repository.path().join("log").display()));
        let output = command.env("PATH", path).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{section}: {}", text(&output.stderr));
        std::fs::read_to_string(repository.path().join("log")).unwrap_or_default()
    };
    let job = "jobs: [{name: app_runCI, type: runCI}]\n";
    let requirements = run(&format!("language: python\n{job}"), &["requirements.txt"]);
    assert!(requirements.starts_with("pip install -r /") && requirements.ends_with("/requirements.txt\n"));
    assert_eq!(run(&format!("language: python\n{job}"), &[]), "");
    assert_eq!(run(&format!("language: node_js\n{job}"), &[]), "npm install\nnpm test\n");
    assert_eq!(
        run(&format!("language: node_js\nbuild: {{cache: true}}\n{job}"), &["yarn.lock"]),
        "yarn install\nnpm test\n"
    );
    let more = "build: {pre_ci: ['echo a >> $LOG'], post_ci: ['echo b >> $LOG']}\n";
    assert_eq!(
        run(&format!("language: java\n{more}{job}"), &["pom.xml"]),
        "a\nmvn install -DskipTests=true\nb\n"
    );
    assert_eq!(run(&format!("language: java\nbuild: {{ci: pwd}}\n{job}"), &[]), "");
    assert_eq!(run(&format!("language: java\nscript: 'true'\n{job}"), &[]), "");
}

#[test]
fn versions_come_from_version_managers_and_others_are_told() {
    let section = "language: python\npython: [3.11, 2.7]\nbuild: {ci: ['python --version >> $LOG']}\njobs: [{name: app_runCI, type: runCI}]\n";
    let repository = Repository::new(section);
    for (directory, version) in [
        ("home/.pyenv/versions/3.11.4", "3.11.4"),
        ("home/.pyenv/versions/3.11.10", "3.11.10"),
        ("bin/..", "3.4.1"),
    ] {
        let bin = repository.path().join(directory).join("bin");
        std::fs::create_dir_all(&bin).unwrap();
        let path = bin.join("python");
        std::fs::write(&path, format!("#!/bin/sh\necho Python {version}\n")).unwrap();
        std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    }
    std::fs::write(repository.path().join(".git/info/exclude"), "bin\nhome\ntmp\nlog\n").unwrap();
    let path = format!("{}:{}", repository.path().join("bin").display(), std::env::var("PATH").unwrap());
    let call = |args: &str| {
        let mut command = repository.command(env!("CARGO_BIN_EXE_shipctl"), args);
        command.env("PATH", &path).env("HOME", repository.path().join("home"));
        command.arg("-e").arg(format!("LOG={}", repository.path().join("log").display())).output().unwrap()
    };
    let output = call("run app_runCI");
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert_eq!(
        std::fs::read_to_string(repository.path().join("log")).unwrap(),
        "Python 3.11.10\nPython 3.4.1\n"
    );
    assert_eq!(
        text(&output.stderr),
        "warning: the CI section asks for python 2.7, and `python` here is 3.4.1\n  hint: install that version with pyenv\n"
    );
    let plan = call("env app_runCI --format dotenv");
    assert!(text(&plan.stdout).contains("\nPYENV_VERSION=3.11.10\n"), "{}", text(&plan.stdout));
}

#[test]
fn keys_of_before_build_still_count() {
    let repository = Repository::new(&line(
        "before_install: echo a >> $LOG\ninstall: [echo b >> $LOG]\nbefore_script: [X=c]\nscript:\n  - echo $X >> $LOG\nafter_success: echo d >> $LOG\nafter_failure: echo no >> $LOG\nafter_script: echo e >> $LOG",
    ));
    assert_eq!(repository.run("app_runCI").1, "a\nb\nc\nd\ne\n");
}

#[test]
fn shippable_retry_is_there() {
    let repository = Repository::new(&line("build: {ci: [shippable_retry echo tried]}"));
    let output = repository.shipctl("run app_runCI");
    assert!(
        output.status.success() && text(&output.stdout).contains("\ntried\n"),
        "{}",
        text(&output.stdout)
    );
}

#[test]
fn the_commands_of_the_original_are_there_for_what_is_no_bash() {
    let ci = "[which shippable_retry shippable_replace shippable_decrypt | grep -c /scripts/, echo tried | xargs shippable_retry echo, sh -c 'shippable_retry echo again']";
    let repository = Repository::new(&line(&format!("build: {{ci: {ci}}}")));
    let output = repository.shipctl("run app_runCI");
    let said = text(&output.stdout);
    let lines: Vec<_> = said.lines().filter(|line| matches!(*line, "3" | "tried" | "again")).collect();
    assert_eq!(lines, ["3", "tried", "again"], "{said}{}", text(&output.stderr));
}

#[test]
fn a_command_has_shippable_retry_too() {
    let repository = Repository::new(&line("build: {ci: [true]}"));
    let mut exec = repository.command(env!("CARGO_BIN_EXE_shipctl"), "exec app_runCI -- bash -c");
    assert_eq!(text(&exec.arg("shippable_retry echo tried").output().unwrap().stdout), "tried\n");
}

#[test]
fn workspaces_that_are_kept_are_one_for_each_entry() {
    let repository = Repository::new(&writes("env: [A=1, A=2]", "$JOB_PATH"));
    let paths = |arguments: &str| {
        let (status, log, stderr) = repository.run(arguments);
        assert_eq!(status, Some(0), "{stderr}");
        std::fs::remove_file(repository.path().join("log")).unwrap();
        let name = |path: &str| path.rsplit('/').next().unwrap().to_owned();
        log.lines()
            .map(|path| (name(path), std::fs::read_to_string(Path::new(path).join("message.json"))))
            .map(|(name, message)| (name, message.is_ok_and(|message| message.contains("\"name\""))))
            .collect::<Vec<_>>()
    };
    let named = |name: &str, kept| (name.to_owned(), kept);
    assert_eq!(paths("app_runCI"), [named("app_runCI", false), named("app_runCI", false)]);
    assert_eq!(paths("app_runCI --keep"), [named("app_runCI.1", true), named("app_runCI.2", true)]);
}

#[test]
fn a_repository_that_nobody_declares_can_be_given() {
    let repository = Repository::without_git(&line("build: {ci: ['echo $REPO_FULL_NAME $(ls) >> $LOG']}"));
    let given = Repository::new("build: {}\n");
    let arguments = format!("app_runCI --repo app_ciRepo={}", given.path().display());
    let (status, log, stderr) = repository.run(&arguments);
    assert_eq!((status, log.as_str(), stderr.as_str()), (Some(0), "acme/app shippable.yml\n", ""));
}

#[test]
fn a_section_without_a_job_has_one() {
    let repository = Repository::new("build: {ci: [echo $JOB_NAME >> $LOG]}\n");
    let name = format!("{}_runCI", repository.path().file_name().unwrap().to_str().unwrap());
    assert!(text(&repository.shipctl("list jobs").stdout).contains(&name));
    assert_eq!(repository.run(&name).1, format!("{name}\n"));
    let taken = "jobs: [{name: next, type: runSh, steps: [{IN: app_runCI}, {TASK: [true]}]}]\n";
    let repository = Repository::new(&format!("build: {{ci: [echo $JOB_NAME >> $LOG]}}\n{taken}"));
    assert_eq!(repository.run("app_runCI").1, "app_runCI\n");
    assert_eq!(text(&repository.shipctl("check").stdout), "1 file: 2 jobs and 0 resources, no problems\n");
}

#[test]
fn what_cannot_be_done_is_said() {
    let section = "services: [redis, mysql]\nenv:\n  globl: [A=1]\n  global: [secure: abc, nothing]\nbuild:\n  cii: x\n  ci: [echo ran >> $LOG]";
    let repository = Repository::new(&line(section));
    let (status, log, stderr) = repository.run("app_runCI --containers never");
    assert_eq!((status, log.as_str()), (Some(0), "ran\n"));
    for part in [
        "warning: services of the CI section are not started here: redis, mysql\n  --> shippable.yml:1:12\n",
        "warning: unknown key `globl` of `env`\n  --> shippable.yml:3:3\n",
        "did you mean `global`?",
        "warning: encrypted variables of the CI section cannot be opened: they are not set\n  --> shippable.yml:4:20\n",
        "warning: `nothing` of `env` sets no variable\n",
        "warning: unknown key `cii` of `build`\n  --> shippable.yml:6:3\n",
        "did you mean `ci`?",
    ] {
        assert!(stderr.contains(part), "{part}: {stderr}");
    }
    let (status, _, stderr) = Repository::new(&line("language: none")).run("app_runCI");
    assert_eq!(status, Some(125));
    assert!(
        stderr.starts_with(
            "error: job `app_runCI` runs the CI section of shippable.yml, which has no script\n"
        ),
        "{stderr}"
    );
    let large: Vec<_> = (0..30).map(|version| version.to_string()).collect();
    let axis = format!("[{}]", large.join(", "));
    let (status, _, stderr) =
        Repository::new(&writes(&format!("go: {axis}\njdk: {axis}"), "")).run("app_runCI");
    assert_eq!(status, Some(125));
    assert!(
        stderr.starts_with("error: the matrix has more than 500 entries\n  --> shippable.yml:1:1\n"),
        "{stderr}"
    );
}

#[test]
fn what_the_original_made_for_a_repository_needs_no_declaration() {
    let line = "resources: [{name: code, type: syncRepo}]\njobs:\n- name: next\n  type: runSh\n  steps:\n  - IN: code\n  - IN: app_ciRepo\n  - IN: app_runCI\n  - IN: code_rSync\n  - TASK: ['echo $CODE_COMMIT_MESSAGE $APP_CIREPO_COMMIT_MESSAGE $APP_RUNCI_VERSIONNUMBER >> $LOG']\n";
    let repository = Repository::new(line);
    assert_eq!(text(&repository.shipctl("check").stderr), "");
    let (status, log, stderr) = repository.run("next");
    assert_eq!((status, log.as_str()), (Some(0), "two two\n"), "{stderr}");
    let warning = "warning: job `app_runCI` goes in and has no version yet\n  --> shippable.yml:8:9\n";
    assert!(stderr.starts_with(warning), "{stderr}");
    assert!(stderr.contains("hint: its values are empty"), "{stderr}");
    assert_eq!(repository.run("next --require-in").0, Some(125));
    assert_eq!(repository.run("next -e APP_RUNCI_VERSIONNUMBER=7").1, "two two\ntwo two 7\n");
}

#[test]
fn a_container_without_an_image_gets_a_warning() {
    let task = |runtime: &str| {
        format!(
            "jobs: [{{name: j, type: runSh, steps: [{{TASK: {{runtime: {runtime}, script: 'echo ran >> $LOG'}}}}]}}]"
        )
    };
    let (status, log, stderr) = Repository::new(&task("{container: true}")).run("j");
    assert_eq!((status, log.as_str()), (Some(0), "ran\n"), "{stderr}");
    let warning = "warning: a TASK of job `j` asks for a container and names no image: the original's own image is gone\n  --> shippable.yml:1:40\n";
    assert!(stderr.starts_with(warning), "{stderr}");
    let options = line("build: {pre_ci_boot: {options: '-v /a:/a'}, ci: [echo ran >> $LOG]}");
    let (status, log, stderr) = Repository::new(&options).run("app_runCI");
    assert_eq!((status, log.as_str()), (Some(0), "ran\n"), "{stderr}");
    assert!(
        stderr.starts_with("warning: `options` of `pre_ci_boot` have no effect: it names no image\n"),
        "{stderr}"
    );
    for silent in ["{container: false}", "{options: {env: [A: b]}}"] {
        assert_eq!(Repository::new(&task(silent)).run("j").2, "", "{silent}");
    }
}

/// The name of the job stands nowhere but in a comment that `init` writes beside values.
#[test]
fn a_message_names_the_job_of_a_ci_section_whatever_the_integrations_say() {
    let repository = Repository::new(
        "build: {pre_ci_boot: {image_name: none/none}, ci: [touch /build/state/x; echo ran >> $LOG]}\n",
    );
    let name = format!("{}_runCI", repository.path().file_name().unwrap().to_str().unwrap());
    std::fs::write(
        repository.path().join("shippable.integrations.yml"),
        format!("integrations:\n  # used by job {name}\n  - {{name: kv, type: keyValuePair, fields: {{envs: {{A: a}}}}}}\n"),
    )
    .unwrap();
    let (_, _, said) = repository.run(&format!("{name} --containers never"));
    assert!(said.contains(&format!("warning: a TASK of job `{name}` names the image none/none")), "{said}");
    // The path of the original stands in the CI section, not where the job does.
    if !Path::new("/build").exists() {
        let warning = " names a path below /build, which is not there\n  --> shippable.yml:1:58\n";
        assert!(said.contains(warning), "{said}");
    }
}

#[test]
fn test_results_are_summed_up_and_kept() {
    let section = "integrations: {generic: [integrationName: pair]}\nbuild:\n  ci:\n    - mkdir -p shippable/testresults shippable/codecoverage\n    - echo \"<testsuite><testcase name='good' time='1.5'/><testcase classname='suite' name='$TOKEN'><failure message='no'>line &lt;3&gt;</failure></testcase></testsuite>\" > shippable/testresults/a.xml\n    - echo \"<coverage lines-covered='7' lines-valid='8'/>\" > shippable/codecoverage/c.xml\n    - echo none > shippable/testresults/b.txt\njobs: [{name: app_runCI, type: runCI}]\n";
    let repository = Repository::new(section);
    let pair = "integrations: [{name: pair, type: keyValuePair, fields: {envs: {TOKEN: hunter22}}}]\n";
    std::fs::write(repository.path().join(".git/info/exclude"), "pair.yml\ntmp\n").unwrap();
    std::fs::write(repository.path().join("pair.yml"), pair).unwrap();
    let output = repository.shipctl("run app_runCI -i pair.yml");
    let (log, said) = (text(&output.stdout), text(&output.stderr));
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert!(log.contains("\n2 tests, 1 failed: suite.***\n87.5 % of 8 lines covered\n"), "{log}");
    assert!(said.contains("warning: shippable/testresults/b.txt is left out of the summary: "), "{said}");
    let kept = repository.path().join(".shipctl/logs/app_runCI/1.results/1/testresults/a.xml");
    let kept_text = std::fs::read_to_string(&kept).unwrap();
    assert!(kept_text.contains("name='***'") && !kept_text.contains("hunter22"), "{kept_text}");
    assert!(text(&repository.shipctl("logs app_runCI").stdout).contains("2 tests, 1 failed"));
    for (jobs, name) in [("app_runCI", "app_runCI"), ("--all", "jobs")] {
        let options = "-i pair.yml --report tmp/report.xml --log-format json";
        let log = text(&repository.shipctl(&format!("run {jobs} {options}")).stdout);
        assert!(log.contains("\"event\":\"tests\",\"tests\":2,\"failed\":[\"suite.***\"]"), "{log}");
        let report = std::fs::read_to_string(repository.path().join("tmp/report.xml")).unwrap();
        for part in [
            format!("<testsuite name=\"{name}\" tests="),
            "<testsuite name=\"app_runCI: tests\" tests=\"2\" failures=\"1\" errors=\"0\" skipped=\"0\""
                .into(),
            "<testcase classname=\"app_runCI: tests\" name=\"good\" time=\"1.5".into(),
            "<testcase classname=\"suite\" name=\"***\" time=\"0".into(),
            "<failure message=\"no\">line &lt;3&gt;</failure>".into(),
        ] {
            assert!(report.contains(&part), "{part}: {report}");
        }
    }
    assert!(repository.shipctl("state prune --keep 1").status.success());
    assert!(!kept.exists() && repository.path().join(".shipctl/logs/app_runCI/3.results").exists());
}

#[test]
fn what_is_cached_is_there_in_the_next_run() {
    let run = |list: &str, script: &str| {
        let section = format!(
            "build:\n  cache: true\n{list}  ci: ['{script}']\njobs: [{{name: app_runCI, type: runCI}}]\n"
        );
        let repository = Repository::new(&section);
        let logs = [(); 2].map(|()| {
            let (status, log, stderr) = repository.run("app_runCI");
            assert_eq!(status, Some(0), "{stderr}");
            log
        });
        repository.git("commit -q --allow-empty -m again[reset_cache]");
        let (_, log, _) = repository.run("app_runCI");
        (logs[1].clone(), log)
    };
    let count = "mkdir -p deps/in; echo x >> deps/in/n; echo $(wc -l < deps/in/n) >> $LOG";
    for list in ["  cache_dir_list: [$SHIPPABLE_BUILD_DIR/deps, /nowhere]\n", ""] {
        assert_eq!(run(list, count), ("1\n2\n".to_owned(), "1\n2\n1\n".to_owned()), "{list}");
    }
}

#[test]
fn paths_of_the_original_get_a_word() {
    let line = "jobs:\n- name: j\n  type: runSh\n  steps:\n  - TASK:\n    - script: ls /build/IN/app || echo ran >> $LOG\n";
    let (status, log, stderr) = Repository::new(line).run("j");
    assert_eq!((status, log.as_str()), (Some(0), "ran\n"), "{stderr}");
    let said = "warning: a script of job `j` names a path below /build, which is not there\n  --> shippable.yml:6:18\n";
    assert!(
        stderr.starts_with(said) && stderr.contains("hint: the workspace is elsewhere: write $APP_PATH, or have it there with `--workspace /build`\n"),
        "{stderr}"
    );
}

#[test]
fn what_the_original_would_not_have_built_runs_with_a_word() {
    for (section, message, said) in [
        (
            "branches: {only: [master, 'release/*']}",
            "two",
            "`only` of `branches` does not have branch `main`\n  --> shippable.yml:1:19\n",
        ),
        (
            "branches: {except: [dev, 'ma*']}",
            "two",
            "`except` of `branches` has branch `main`\n  --> shippable.yml:1:27\n",
        ),
        (
            "language: none",
            "later [skip ci]",
            "the message of the commit has [skip ci]\n  --> shippable.yml:3:15\n",
        ),
    ] {
        let repository = Repository::new(&writes(section, "ran"));
        std::fs::write(repository.path().join("message"), message).unwrap();
        repository.git("commit -q --allow-empty -F message");
        let (status, log, stderr) = repository.run("app_runCI");
        assert_eq!((status, log.as_str()), (Some(0), "ran\n"), "{stderr}");
        let said = format!("warning: the original would not have built this commit: {said}");
        assert!(stderr.starts_with(&said), "{stderr}");
    }
    let repository = Repository::new(&writes("branches: {only: ['m*'], except: [other]}", "ran"));
    let (status, log, stderr) = repository.run("app_runCI");
    assert_eq!((status, log.as_str(), stderr.as_str()), (Some(0), "ran\n", ""));
}
