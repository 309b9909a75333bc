//! `kill -9` of shipctl, its workers, its shells and what these start, at random moments of `run`, `exec` and `run --all`.
//!
//! After each, the next command, of whatever sort, removes what was left: no secret is in a file, no process lives on. And
//! whatever was killed, what it was a part of ends, and no version is lost.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

#[path = "../shared/dice.rs"]
mod dice;
#[path = "../shared/homes.rs"]
mod homes;
#[path = "../shared/marker.rs"]
mod marker;
mod place;

use std::time::Duration;

use dice::Dice;
use place::Place;

/// How often something is killed in each test: ten times, unless `SHIPCTL_TEST_KILLS` says otherwise.
fn kills() -> usize {
    std::env::var("SHIPCTL_TEST_KILLS").map_or(10, |text| text.parse().unwrap())
}

/// What comes after a command that was killed.
const NEXT: &[&str] = &["run tidy", "exec tidy -- true", "run tidy neat", "run --upstream tidy"];

/// Kills something of `command` again and again.
fn kill_again_and_again(command: &str) {
    let seed = std::env::var("SHIPCTL_TEST_SEED").map_or(0x5eed, |text| text.parse().unwrap());
    let (place, mut dice) = (Place::new(), Dice(seed));
    let whole = place.duration(command).as_micros();
    for number in 0..kills() {
        let after = Duration::from_micros(dice.roll(usize::try_from(whole).unwrap() + 5000) as u64);
        let versions = place.versions();
        let killed = place.kill(command, number, after, &mut dice);
        let next = NEXT[dice.roll(NEXT.len())];
        let what = format!(
            "{number}: {} {} µs after the start of `{command}`, then `{next}`",
            killed.what,
            after.as_micros()
        );
        assert!(killed.status.is_some(), "{what}: it did not end; its processes were {:#?}", killed.left);
        place.succeeds(next, &what);
        assert_eq!(place.secrets(), [] as [std::path::PathBuf; 0], "{what}: files with secrets");
        // The command of `exec` is on its own, as it would be without shipctl; so is what it started.
        if command.starts_with("exec") {
            place.end(number);
        } else {
            assert_eq!(place.living(number), [] as [String; 0], "{what}: processes");
        }
        let more = place.versions() - versions;
        let success = killed.status == Some(0) && !command.starts_with("exec");
        assert!(more <= 1 && (more == 1 || !success), "{what}: {more} versions, status {:?}", killed.status);
    }
}

#[test]
#[ignore = "tests/kill-nine.sh runs it"]
fn a_run_that_is_killed() {
    kill_again_and_again("run ship");
}

#[test]
#[ignore = "tests/kill-nine.sh runs it"]
fn a_command_that_is_killed() {
    kill_again_and_again("exec ship -- bash work.sh");
}

#[test]
#[ignore = "tests/kill-nine.sh runs it"]
fn a_line_that_is_killed() {
    kill_again_and_again("run --all -j 2");
}
