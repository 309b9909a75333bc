//! Where secrets are, and where they are not.

use std::fs;

use crate::support::Job;
use crate::{job, shell};

const SECRET: &str = "tops3cret-value";

/// Has the command write down what it was given.
const NOTE: &str = "tr \"\\0\" \"\\n\" </proc/$$/cmdline >$HERE/argv; env >$HERE/env; exec \"$@\"";

#[test]
fn the_command_is_given_none() {
    let ran = Job::new(&["[ \"$SECRET\" = tops3cret-value ] && echo @had; echo value $SECRET"])
        .secret(SECRET)
        .variable("EXPORTED", SECRET)
        .option("--on", &shell(NOTE))
        .run();
    ran.is(0, &["had"]).shows("value ***").never_shows(SECRET);
    let (argv, env) = ["argv", "env"].map(|name| fs::read_to_string(ran.path().join(name)).unwrap()).into();
    assert!(argv.ends_with("\nshipctl\nremote-job\n"), "{argv}");
    assert!(env.contains("HERE=") && !env.contains(SECRET) && !argv.contains(SECRET), "{env}");
}

#[test]
fn none_is_left_on_the_disk() {
    let ran = job(&["echo @ran"]).secret(SECRET).run();
    ran.is(0, &["ran"]);
    assert!(!ran.path().join("root").exists());
}

#[test]
fn what_scripts_find_out_is_masked_too() {
    let ran = job(&["printf found0ut | shipctl mask", "echo found0ut"]).run();
    ran.is(0, &[]).shows("***").never_shows("found0ut\n");
}

#[test]
fn a_secret_in_what_is_stored_is_refused() {
    for entry in ["shipctl post_resource_state job k $SECRET", "echo $SECRET > $JOB_STATE/file"] {
        let ran = job(&[entry]).secret(SECRET).run();
        ran.is(1, &[]).never_shows(SECRET).complains("integration vault, key SECRET");
    }
    let entry = "printf found0ut | shipctl mask; echo found0ut > $JOB_STATE/file";
    job(&[entry]).run().is(1, &[]).complains("a value given to `shipctl mask`");
}

#[test]
fn what_the_command_says_is_masked() {
    let on = shell("echo \"login tops3cret-value\" >&2; exec \"$@\"");
    Job::new(&["true"]).secret(SECRET).option("--on", &on).run().is(0, &[]).complains("login ***\n");
}
