//! What earlier versions wrote opens in this one: state, exported versions, logs, key files, encrypted values, kept sessions,
//! and the files that people write.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use crate::line::text;
use crate::support::{Call, shipctl};
use crate::terminal::Terminal;

const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/upgrade");

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &to);
        } else {
            fs::write(to, fs::read(entry.path()).unwrap()).unwrap();
        }
    }
}

/// A call in a copy of a fixture, with its key file, and its state where the program looks for it.
fn copy_of(name: &str) -> Call {
    let call =
        shipctl("list").env("SHIPCTL_KEY_FILE", "{WORK}/key.txt").env("UPGRADE_TOKEN", "upgrade-secret");
    copy(&Path::new(FIXTURES).join(name), &call.path(""));
    if call.path("key.txt").exists() {
        fs::set_permissions(call.path("key.txt"), Permissions::from_mode(0o600)).unwrap();
    }
    if call.path("state").exists() {
        fs::rename(call.path("state"), call.path(".shipctl")).unwrap();
    }
    call
}

/// What a command that succeeds prints.
fn stdout(call: &Call, args: &str) -> String {
    let output = call.also(args).output().unwrap();
    assert!(output.status.success(), "{args}: {}", text(&output.stderr));
    text(&output.stdout)
}

const NUMBERS: &str = "exec build -- sh -c cat<$JOB_PATH/IN/files/state/numbers";

/// The versions of two runs of `build` are there.
fn opens(call: &Call) {
    assert!(stdout(call, "state show build").contains("COUNT: 2\n"));
    assert_eq!(stdout(call, "exec build -- printenv KEYS_INTEGRATION_TOKEN"), "upgrade-secret\n");
    assert_eq!(stdout(call, NUMBERS), "2\n");
}

#[test]
fn the_state_of_every_earlier_version_goes_on() {
    for name in ["state-2", "state-3", "state-4", "shared-1"] {
        let mut call = copy_of(name);
        if name == "shared-1" {
            call = call.env("SHIPCTL_STATE", "{WORK}/shared");
        }
        let history = stdout(&call, "history");
        for run in ["build #1", "build #2", "ship #1"] {
            assert!(history.contains(run), "{name}: {history}");
        }
        opens(&call);
        stdout(&call, "run --all");
        assert!(stdout(&call, "state show build").contains("COUNT: 3\n"), "{name}");
        assert_eq!(stdout(&call, NUMBERS), "3\n", "{name}");
    }
}

#[test]
fn every_fixture_is_tried() {
    let mut names: Vec<_> = fs::read_dir(FIXTURES)
        .unwrap()
        .map(Result::unwrap)
        .filter(|entry| entry.file_type().unwrap().is_dir())
        .map(|entry| entry.file_name().into_string().unwrap())
        .collect();
    names.sort();
    let tried = [
        "fields-1",
        "key-passphrase",
        "log-1",
        "options-1",
        "session-1",
        "shared-1",
        "state-2",
        "state-3",
        "state-4",
    ];
    assert_eq!(names, tried);
}

#[test]
fn a_run_that_waited_beside_the_database_is_taken_in() {
    let call = copy_of("state-3");
    assert!(stdout(&call, "history alone").contains("alone #2"));
    assert!(stdout(&call, "state show alone").contains("SAID: hello\n"));
    assert_eq!(stdout(&call, "audit --format json").matches(r#""command":"run""#).count(), 5);
}

#[test]
fn what_an_earlier_version_exported_is_imported() {
    let call = copy_of("shared-1");
    stdout(&call, "state import exported/build exported/files exported/ship");
    opens(&call);
    stdout(&call, "run --all");
    assert!(stdout(&call, "state show build").starts_with("build #3\n"));
}

#[test]
fn key_files_and_encrypted_values_of_earlier_versions_can_be_rotated() {
    for (name, recipient) in [
        // Two keys: the value is encrypted to the older one.
        ("state-3", "age13v5rxj44qfz8y5g80s5uxg9ert82cen65z7tpufeprt4exeu8swsmmwkef"),
        ("state-4", "age19tsrlxs5heftpja9wcze5ptnucxzmhjhe8ew99kcwm723fjuuvus74pnxu"),
    ] {
        let call = copy_of(name);
        assert_eq!(stdout(&call, "key show").trim_end(), recipient);
        let encrypted = || fs::read(call.path("shippable.integrations.yml")).ok();
        let before = encrypted();
        stdout(&call, "key rotate --new-key");
        assert_ne!(stdout(&call, "key show").trim_end(), recipient);
        assert!(before.is_none() || encrypted() != before);
        assert_eq!(stdout(&call, "exec build -- printenv KEYS_INTEGRATION_TOKEN"), "upgrade-secret\n");
    }
}

#[test]
fn a_key_file_with_a_passphrase_opens() {
    let call = copy_of("key-passphrase");
    let opens = call.also("exec build -- printenv KEYS_INTEGRATION_TOKEN");
    // `setsid --ctty` makes it the terminal that /dev/tty stands for.
    let mut command = Command::new("setsid");
    command.args(["--ctty", "--wait"]).arg(opens.get_program()).args(opens.get_args());
    command.current_dir(call.path("")).env_clear();
    command.envs(opens.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let mut terminal = Terminal::start(&mut command);
    terminal.wait_for("key.txt (not shown): ");
    terminal.types("upgrade passphrase\r");
    terminal.wait_for("upgrade-secret");
    assert!(terminal.end().1.success());
}

/// A call in the fixture of a session, which was got from this address. Nothing answers there.
fn with_session() -> Call {
    copy_of("session-1")
        .env("XDG_CACHE_HOME", "{WORK}/cache")
        .env("UPGRADE_ACCESS_KEY", "AKIAUPGRADE")
        .env("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
        .env("AWS_EC2_METADATA_DISABLED", "true")
}

#[test]
fn a_session_that_was_kept_is_used() {
    let call = with_session();
    assert!(stdout(&call, "session list").contains("arn:aws:iam::210987654321:role/upgrade"));
    assert_eq!(stdout(&call, "exec build -- printenv ROLE_INTEGRATION_ACCESSKEY"), "ASIAUPGRADE\n");
}

#[test]
fn a_session_that_cannot_be_read_is_asked_for_again() {
    let call = with_session();
    let sessions = call.path("cache/shipctl/sessions");
    let path = fs::read_dir(&sessions).unwrap().next().unwrap().unwrap().path();
    fs::write(&path, "of another form").unwrap();
    assert_eq!(stdout(&call, "session list"), "");
    let output = call.also("exec build -- printenv ROLE_INTEGRATION_ACCESSKEY").output().unwrap();
    let error = text(&output.stderr);
    assert!(error.contains("sts:AssumeRole: no answer (http://127.0.0.1:9"), "{error}");
    assert!(!error.contains("of another form") && !error.contains("sessions"), "{error}");
}

#[test]
fn every_source_of_a_field_is_still_read() {
    let call = copy_of("fields-1").env("AWS_SHARED_CREDENTIALS_FILE", "{WORK}/aws-credentials");
    let said = stdout(&call, "env build --reveal --format dotenv");
    for line in [
        "PLAIN=010",
        "VARIABLE=upgrade-secret",
        "FILE='from a file'",
        "PROGRAM='from a program'",
        "SHELL_LINE='from a shell'",
        "ENCRYPTED=encrypted",
        "SHOWN=upgrade-secret",
        "PROFILE_INTEGRATION_SECRETKEY=profile-secret",
        "HUB_INTEGRATION_EMAIL=ann@example.com",
    ] {
        assert!(said.lines().any(|found| found == line), "{line}: {said}");
    }
    // What tools keep is named, and no tool is started.
    let plan = stdout(&call, "run tools --dry-run --verbose");
    for tool in [
        "op op://team/app/key",
        "vault secret/data/app#password",
        "aws_secret prod/db#user",
        "aws_parameter /prod/db",
        "gcp_secret prod-db",
        "azure_secret vault/prod-db",
        "bitwarden prod-db",
        "bitwarden_secret 1f0e2d3c",
        "pass web/shop",
        "sops secrets.yml#db.password",
        "keyring https://example.com/ann",
    ] {
        assert!(plan.contains(&format!("from {tool}, which a dry run does not start")), "{tool}: {plan}");
    }
}

#[test]
fn the_options_of_files_still_count() {
    let call = copy_of("options-1").env("XDG_CONFIG_HOME", "{WORK}/config");
    let plan = stdout(&call, "run build --dry-run");
    for shown in ["time limit: 300 s", "option: -j 2 (", "OWN=mine", "WHO=line", "MORE=a b"] {
        assert!(plan.contains(shown), "{shown}: {plan}");
    }
    assert!(stdout(&call, "list jobs").starts_with("[\n"));
}

#[test]
fn the_logs_and_the_audit_log_go_on() {
    let call = copy_of("log-1");
    assert!(stdout(&call, "logs build 1").contains("build 1 with ***\n"));
    assert!(stdout(&call, "logs build 2").contains("build failed with status 1"));
    assert!(!call.also("run build").output().unwrap().status.success());
    assert!(stdout(&call, "logs build").contains("build 3 with ***\n"));
    let audit = stdout(&call, "audit --format json");
    let outcomes = |outcome: &str| audit.matches(&format!(r#""outcome":"{outcome}""#)).count();
    assert_eq!((outcomes("success"), outcomes("failed")), (1, 2), "{audit}");
}

#[test]
fn the_version_says_what_was_built() {
    let output = shipctl("--version").output();
    let said = text(&output.stdout);
    let lines: Vec<_> = said.lines().collect();
    assert_eq!(lines[0], concat!("shipctl ", env!("CARGO_PKG_VERSION")));
    assert!(lines[1].starts_with("target: ") && lines[2].starts_with("build: "), "{said}");
    assert!(lines[3].starts_with("features: "), "{said}");
    shipctl("-V").stdout(concat!("shipctl ", env!("CARGO_PKG_VERSION"), "\n")).run();
}
