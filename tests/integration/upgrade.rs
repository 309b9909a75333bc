//! What earlier versions wrote opens in this one: state, exported versions, key files, encrypted values.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use crate::line::text;
use crate::support::{Call, shipctl};

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
    assert_eq!(names, ["shared-1", "state-2", "state-3", "state-4"]);
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
fn the_version_says_what_was_built() {
    let output = shipctl("--version").output();
    let said = text(&output.stdout);
    let lines: Vec<_> = said.lines().collect();
    assert_eq!(lines[0], concat!("shipctl ", env!("CARGO_PKG_VERSION")));
    assert!(lines[1].starts_with("target: ") && lines[2].starts_with("build: "), "{said}");
    assert!(lines[3].starts_with("features: "), "{said}");
    shipctl("-V").stdout(concat!("shipctl ", env!("CARGO_PKG_VERSION"), "\n")).run();
}
