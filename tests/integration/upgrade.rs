//! What earlier versions wrote opens in this one: state, key files, encrypted values.

use std::fs;
use std::path::Path;

use crate::line::text;
use crate::support::shipctl;

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

#[test]
fn the_state_of_every_earlier_version_goes_on() {
    let fixtures = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/upgrade"));
    let mut tried = 0;
    for entry in fs::read_dir(fixtures).unwrap().map(Result::unwrap) {
        if !entry.file_type().unwrap().is_dir() {
            continue;
        }
        let key = fs::read_to_string(entry.path().join("key.txt")).unwrap();
        let line = fs::read_to_string(entry.path().join("shippable.yml")).unwrap();
        let call =
            shipctl("list").env("SHIPCTL_KEY", key.lines().last().unwrap()).file("shippable.yml", line);
        copy(&entry.path().join("state"), &call.path(".shipctl"));
        let good = |args: &str| {
            let output = call.also(args).output().unwrap();
            assert!(output.status.success(), "{args}: {}", text(&output.stderr));
            text(&output.stdout)
        };
        let history = good("history");
        for run in ["build #1", "build #2", "ship #1"] {
            assert!(history.contains(run), "{history}");
        }
        assert!(good("state show build").contains("COUNT: 2\n"));
        assert_eq!(good("exec build -- printenv KEYS_INTEGRATION_TOKEN"), "upgrade-secret\n");
        assert_eq!(good("exec build -- sh -c cat<$JOB_PATH/IN/files/state/numbers"), "2\n");
        good("run --all");
        assert!(good("state show build").contains("COUNT: 3\n"));
        assert_eq!(good("exec build -- sh -c cat<$JOB_PATH/IN/files/state/numbers"), "3\n");
        tried += 1;
    }
    assert!(tried >= 1);
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
