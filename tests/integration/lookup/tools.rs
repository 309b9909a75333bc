//! `bump_version`, `replace`, `retry`, `split_tests`, `jdk`.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::support::{Call, shipctl};

#[test]
fn a_version_is_bumped() {
    for (version, action, next) in [
        ("v1.0.0", "minor", "v1.1.0"),
        ("1.2.3", "major", "2.0.0"),
        ("1.9.9", "patch", "1.9.10"),
        ("99999999999999999999.0.0", "major", "100000000000000000000.0.0"),
        ("2019.08.01", "patch", "2019.08.2"),
        ("1.1.1", "rc", "1.1.1-rc"),
        ("1.1.1-rc", "rc", "1.1.1-rc.1"),
        ("1.1.1-rc.9", "rc", "1.1.1-rc.10"),
        ("v1.1.1-alpha.4", "beta", "v1.1.1-beta"),
        ("1.2.3-rc.4", "patch", "1.2.4"),
        ("v2.0.0-beta.9", "final", "v2.0.0"),
    ] {
        shipctl("bump_version").arg(version).arg(action).stdout(format!("{next}\n")).run();
    }
}

#[test]
fn a_version_that_is_none_is_not_bumped() {
    for version in ["1.2", "1.2.x", "1.2.3.4", "1.2.-3", "1.2.3-", "v", "１.2.3"] {
        shipctl("bump_version").arg(version).arg("patch").fails(&format!(
            "shipctl: Invalid semantics given in the argument. \
             `{version}` is not of the form 1.2.3, v1.2.3 or 1.2.3-rc.1\n"
        ));
    }
    shipctl("bump_version").args("1.2.3 banana").fails(
        "shipctl: Invalid action given in the argument. \
         `banana` is none of: major, minor, patch, rc, alpha, beta, final\n",
    );
}

#[test]
fn placeholders_are_replaced_as_envsubst_does() {
    shipctl("replace")
        .args("t")
        .env("NAME", "web")
        .env("_x1", "under")
        .env("SPECIAL", "a \"b\" $NAME `d` \\e & /f\n")
        .file("t", b"$NAME ${NAME}! $_x1-${_x1} $SPECIAL$ $$NAME $1 ${NAME:-x} ${NAME ${} $(NAME) \xff\r\n")
        .run()
        .file("t", b"web web! under-under a \"b\" $NAME `d` \\e & /f\n$ $web $1 ${NAME:-x} ${NAME ${} $(NAME) \xff\r\n");
}

#[test]
fn a_name_that_is_not_set_becomes_nothing_with_a_warning() {
    shipctl("replace")
        .args("t")
        .env("EMPTY", "")
        .file("t", "[$MISSING] [${MISSING}] [$EMPTY]")
        .stderr("shipctl: warning: t: $MISSING is not set\n")
        .run()
        .file("t", "[] [] []");
}

#[test]
fn all_files_are_replaced_in_or_none() {
    let call = |args| {
        shipctl("replace").args(args).env("N", "v").file("a", "$N").file("b", "${N}").file("dir/x", "$N")
    };
    call("a b").run().file("a", "v").file("b", "v");
    call("a b gone")
        .fails("shipctl: cannot read gone: No such file or directory (os error 2)\n")
        .file("a", "$N")
        .file("b", "${N}");
    call("a dir").fails("shipctl: dir is a directory: only files can be replaced in\n").file("a", "$N");
    shipctl("replace").run();
}

#[test]
fn replacing_keeps_permissions_and_links() {
    let call = shipctl("replace").args("link").env("N", "v").file("real", "$N");
    fs::set_permissions(call.path("real"), fs::Permissions::from_mode(0o751)).unwrap();
    std::os::unix::fs::symlink("real", call.path("link")).unwrap();
    let done = call.run().file("real", "v");
    assert!(fs::symlink_metadata(done.path("link")).unwrap().is_symlink());
    assert_eq!(fs::metadata(done.path("real")).unwrap().permissions().mode() & 0o777, 0o751);
    assert_eq!(fs::read_dir(done.path(".")).unwrap().count(), 2);
}

#[test]
fn a_command_that_fails_is_run_three_times() {
    shipctl("retry")
        .args("sh -c")
        .arg("echo run >> count; echo out; exit 7")
        .stdout("out\nout\nout\n")
        .stderr(
            "shipctl: retry: attempt 1 of 3 failed with status 7, trying again\n\
             shipctl: retry: attempt 2 of 3 failed with status 7, trying again\n\
             shipctl: retry: gave up after 3 of 3 attempts; 7 is the status of the last\n",
        )
        .status(7)
        .run()
        .file("count", "run\nrun\nrun\n");
}

#[test]
fn a_command_that_succeeds_is_not_run_again() {
    shipctl("retry").arg("echo").arg("a  b").arg("c").stdout("a  b c\n").run();
    shipctl("retry")
        .arg("--attempts=5")
        .arg("--delay")
        .arg("0.01")
        .args("sh -c")
        .arg("echo run >> count; test $(wc -l < count) -ge 3")
        .stderr(
            "shipctl: retry: attempt 1 of 5 failed with status 1, trying again\n\
             shipctl: retry: attempt 2 of 5 failed with status 1, trying again\n\
             shipctl: retry: attempt 3 of 5 succeeded\n",
        )
        .run()
        .file("count", "run\nrun\nrun\n");
}

#[test]
fn the_documented_form_is_one_line_for_the_shell() {
    shipctl("retry").arg("echo \"a  b\" | tr a-z A-Z").stdout("A  B\n").run();
}

#[test]
fn a_command_that_cannot_be_run_or_is_interrupted_has_the_status_of_a_shell() {
    shipctl("retry")
        .args("--attempts 1 no-such-command")
        .stderr(
            "shipctl: retry: cannot run no-such-command: No such file or directory (os error 2)\n\
             shipctl: retry: gave up after 1 of 1 attempts; 127 is the status of the last\n",
        )
        .status(127)
        .run();
    shipctl("retry")
        .args("sh -c")
        .arg("kill -TERM $$")
        .stderr("shipctl: retry: gave up after 1 of 3 attempts; 143 is the status of the last\n")
        .status(143)
        .run();
}

#[test]
fn retry_is_told_how_it_is_used() {
    let usage = "Usage: shipctl retry [--attempts N] [--delay SECONDS] COMMAND [ARGUMENT...]\n";
    shipctl("retry").fails(usage);
    shipctl("retry").args("--attempts 2").fails(usage);
    shipctl("retry").args("--bogus=1 true").fails(usage);
    shipctl("retry")
        .args("--attempts 0 true")
        .fails("shipctl: retry: `0` is not a number of attempts (--attempts)\n");
    shipctl("retry")
        .args("--delay -1 true")
        .fails("shipctl: retry: `-1` is not a number of seconds (--delay)\n");
}

fn report(suites: &[(&str, &str)]) -> String {
    let suite = |(path, time): &(&str, &str)| {
        format!("<testsuite filepath=\"{path}\" time=\"{time}\"><testcase/></testsuite>")
    };
    format!(
        "<?xml version=\"1.0\"?>\n<testsuites>{}</testsuites>\n",
        suites.iter().map(suite).collect::<String>()
    )
}

fn split(number: &str, count: &str) -> Call {
    shipctl("split_tests")
        .args("tests *_spec.js reports")
        .env("SHIPPABLE_JOB_NUMBER", number)
        .env("SHIPPABLE_JOB_COUNT", count)
        .file("tests/a_spec.js", "")
        .file("tests/b_spec.js", "")
        .file("tests/deep/c_spec.js", "")
        .file("tests/helper.js", "")
        .file("reports/1.xml", report(&[("/old/tests/a_spec.js", "9.5"), ("/old/tests/gone_spec.js", "1")]))
        .file(
            "reports/more/2.xml",
            report(&[("/old/tests/b_spec.js", "2.15e-05"), ("/old/tests/deep/c_spec.js", "3")]),
        )
}

#[test]
fn tests_are_dealt_out_by_the_time_they_took() {
    split("1", "1").stdout("/old/tests/b_spec.js\n/old/tests/deep/c_spec.js\n/old/tests/a_spec.js\n").run();
    split("1", "2").stdout("/old/tests/b_spec.js\n/old/tests/a_spec.js\n").run();
    split("2", "2").stdout("/old/tests/deep/c_spec.js\n").run();
    split("4", "4").run();
}

#[test]
fn tests_without_a_report_come_last() {
    split("1", "1")
        .file("tests/0_spec.js", "")
        .file("tests/deep/a_spec.js", "")
        .stdout(
            "/old/tests/b_spec.js\n/old/tests/deep/c_spec.js\n/old/tests/a_spec.js\n\
             tests/0_spec.js\ntests/deep/a_spec.js\n",
        )
        .run();
    shipctl("split_tests")
        .args("tests *.js none")
        .file("tests/b.js", "")
        .file("tests/a.js", "")
        .stdout("tests/a.js\ntests/b.js\n")
        .run();
}

#[test]
fn a_report_that_is_cut_off_does_not_stop_the_tests() {
    let output = shipctl("split_tests")
        .args("tests *.js reports")
        .file("tests/a.js", "")
        .file("reports/1.xml", "<testsuites><testsuite")
        .output();
    assert_eq!((output.status.code(), &*output.stdout), (Some(0), &b"tests/a.js\n"[..]));
    assert!(output.stderr.starts_with(b"shipctl: warning: split_tests: reports/1.xml is left out: "));
}

#[test]
fn a_share_that_makes_no_sense_is_an_error() {
    split("3", "2").fails("shipctl: $SHIPPABLE_JOB_NUMBER is 3, but $SHIPPABLE_JOB_COUNT is 2\n");
    split("0", "2").fails("shipctl: $SHIPPABLE_JOB_NUMBER is `0`, not a number from 1 on\n");
    shipctl("split_tests")
        .args("none *.js reports")
        .fails("shipctl: cannot read none: No such file or directory (os error 2)\n");
}

#[test]
fn a_jdk_is_found_where_a_variable_points() {
    let call = |version: &str| {
        shipctl("jdk")
            .args("set")
            .arg(version)
            .env("JAVA_HOME_8_X64", "{WORK}/it's 8")
            .file("it's 8/bin/javac", "")
            .file("it's 8/release", "JAVA_VERSION=\"1.8.0_302\"\n")
    };
    call("openjdk8")
        .stdout("export JAVA_HOME='{WORK}/it'\\''s 8'\nexport PATH=\"$JAVA_HOME/bin:$PATH\"\n")
        .run();
    let output = call("openjdk99").output();
    assert_eq!((output.status.code(), &*output.stdout), (Some(99), &b""[..]));
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(error.starts_with("shipctl: jdk: there is no openjdk99 on this machine; JDKs here: "), "{error}");
    assert!(error.contains("openjdk8"), "{error}");
    shipctl("jdk").fails("Usage: shipctl jdk set openjdk9\n");
    shipctl("jdk").args("get openjdk8").fails("Usage: shipctl jdk set openjdk9\n");
}

/// A job with one script.
fn job(command: &str, script: &str) -> Call {
    let line = format!(
        "resources:\n- {{name: settings, type: params, version: {{params: {{PORT: 8080}}}}}}\njobs:\n- name: j\n  type: runSh\n  steps:\n    - IN: settings\n    - TASK:\n        script:\n          - |\n{script}"
    );
    shipctl(command).arg("j").file("shippable.yml", line).env("TMPDIR", "{WORK}/tmp").file("tmp/", "")
}

#[test]
fn the_commands_of_the_original_are_there_in_every_script() {
    let script = concat!(
        "            echo '{\"port\":\"$PORT\"}' > task.json\n",
        "            shippable_replace task.json; bash -c 'shippable_retry cat task.json'\n",
        "            type -t shippable_decrypt shippable_jdk\n",
    );
    let output = job("run", script).output();
    let log = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{log}");
    assert!(log.contains("\n{\"port\":\"8080\"}\nfunction\nfunction\n"), "{log}");
}

#[test]
fn a_script_sources_shipctl_to_change_its_jdk() {
    let script = concat!(
        "            (source shipctl jdk set openjdk8; echo \"1 $JAVA_HOME\")\n",
        "            (. shippable_jdk set openjdk8; echo \"2 $JAVA_HOME\")\n",
        "            (shippable_jdk set openjdk8; echo \"3 $JAVA_HOME $(command -v javac)\")\n",
        "            source shipctl to_uppercase four\n",
        "            env shipctl to_uppercase five\n",
        "            (source shipctl jdk set openjdk99) || echo \"six $?\"\n",
    );
    let call = job("run", script).env("JAVA_HOME_8_X64", "{WORK}/it's 8");
    let call = call.file("it's 8/bin/javac", "").file("it's 8/release", "JAVA_VERSION=\"1.8.0_302\"\n");
    let output = call.output();
    let log = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{log}");
    for line in ["/it's 8\n2 ", "/it's 8\n3 ", "\nFOUR\nFIVE\n", "\nsix 99\n"] {
        assert!(log.contains(line), "{line:?} in {log}");
    }
}
