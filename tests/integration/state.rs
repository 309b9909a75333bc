//! What one run leaves, and what the next one finds.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::Path;

use nix::unistd::Uid;

use crate::line::{Line, job, text};

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

const SEE: &str = "    - IN: res\n";

#[test]
fn runs_are_numbered_for_each_job() {
    let line = Line::new(&format!(
        "jobs:\n{}{}",
        job("a", "", "echo $BUILD_NUMBER $BUILD_ID > $WORK/seen", ""),
        job("b", "", "echo $BUILD_NUMBER > $WORK/seen", "")
    ));
    assert!(line.does("env a --format dotenv").contains("\nBUILD_NUMBER=1\n"));
    assert!(line.does("run a --dry-run --verbose").contains("BUILD_NUMBER=1 "));
    assert!(!line.path(".shipctl").exists(), "who only looks leaves no trace");
    let first = line.run("a");
    let second = line.run("a");
    assert_eq!((&first[..2], &second[..2]), ("1 ", "2 "));
    assert_ne!(first[2..], second[2..]);
    assert_eq!(line.run("b"), "1\n");
    assert!(line.does("env a --format dotenv").contains("\nBUILD_NUMBER=3\n"));
    assert_eq!(mode(&line.path(".shipctl")), 0o700);
    assert_eq!(fs::read_to_string(line.path(".shipctl/.gitignore")).unwrap(), "*\n");
}

#[test]
fn a_job_finds_its_last_state_and_so_does_the_next() {
    let script = "umask 022
[ ! -e $JOB_PREVIOUS_STATE/n ] || cp $JOB_PREVIOUS_STATE/n $JOB_STATE/n
echo x >> $JOB_STATE/n
mkdir -p $JOB_STATE/bin
echo tool > $JOB_STATE/bin/tool
chmod 750 $JOB_STATE/bin/tool
shipctl put_resource_state make versionName v$BUILD_NUMBER
shipctl put_resource_state make COLOUR blue";
    let see = "echo $MAKE_VERSIONNUMBER $MAKE_VERSIONNAME $(shipctl get_resource_version_key make COLOUR) > $WORK/seen
cd $MAKE_STATE
find . -type f -printf '%P %m\\n' | sort >> $WORK/seen
cat n >> $WORK/seen";
    let line = Line::new(&format!(
        "jobs:\n{}{}",
        job("make", "", script, ""),
        job("use", "    - IN: make\n", see, "")
    ));
    line.run("make");
    line.run("make");
    assert_eq!(line.run("use"), "2 v2 blue\nbin/tool 750\nn 644\nx\nx\n");
    assert_eq!(line.does("get_resource_version_name make --job use"), "v2\n");
    // The files of a command that is wrapped are the same.
    assert_eq!(line.does("exec use --workspace ws -- cat ws/IN/make/runSh/n"), "x\nx\n");
}

#[test]
fn a_job_that_has_not_run_has_no_version() {
    let line = Line::new(&format!(
        "jobs:\n{}{}",
        job("make", "", "false", ""),
        job("use", "    - IN: make\n", "echo \"[$MAKE_VERSIONNUMBER]\" > $WORK/seen", "")
    ));
    let warning = "warning: job `make` goes in and has no version yet\n";
    assert_eq!(line.run_warned("use", warning), "[]\n");
    line.fails("run make", 1);
    assert_eq!(line.run_warned("use", warning), "[]\n", "one that has failed has none either");
}

/// A resource of a type, a job `put` that changes it and a job `see` that shows `see`.
fn changing(resource: &str, put: &str, out: &str, see: &str) -> Line {
    Line::new(&format!(
        "resources:\n- {resource}\njobs:\n{}{}",
        job("put", SEE, put, out),
        job("see", SEE, see, "")
    ))
}

#[test]
fn params_that_one_job_writes_reach_the_next() {
    let line = changing(
        "{name: res, type: params, version: {versionName: one, params: {A: 1.10, B: True, C: {x: 1}}}}",
        "shipctl put_resource_state res A 'two $words'\nshipctl put_resource_state res NEW new",
        "    - OUT: res\n",
        "echo \"$RES_VERSIONNUMBER $RES_VERSIONNAME|$A|$B|$C|$NEW|$RES_PARAMS_A\" > $WORK/seen",
    );
    assert_eq!(line.run("see"), "1 one|1.10|True|{\"x\":1}||1.10\n");
    line.run("put");
    assert_eq!(line.run("see"), "2 one|two $words|True|{\"x\":1}|new|two $words\n");
    line.run("put");
    assert_eq!(&line.run("see")[..2], "2 ", "nothing is different, so there is no version");
}

#[test]
fn the_count_of_replicas_is_a_variable_in_each_syntax() {
    for written in ["version: {count: 2}", "versionTemplate: {count: 2}", "source: {count: 2}"] {
        let line = changing(
            &format!("{{name: res, type: replicas, {written}}}"),
            "shipctl put_resource_state res count 3",
            "    - OUT: res\n",
            "echo $RES_VERSION_COUNT > $WORK/seen",
        );
        assert_eq!(line.run("see"), "2\n", "{written}");
        line.run("put");
        assert_eq!(line.run("see"), "3\n", "{written}");
    }
}

#[test]
fn what_the_yaml_changes_later_counts_and_all_else_stays() {
    let see = "echo \"$RES_VERSIONNUMBER $A $B $NEW\" > $WORK/seen";
    let line = changing(
        "{name: res, type: params, version: {params: {A: 1, B: 1}}}",
        "shipctl put_resource_state res A job",
        "    - OUT: res\n",
        see,
    );
    line.run("put");
    assert_eq!(line.run("see"), "2 job 1 \n");
    let yaml = fs::read_to_string(line.path("shippable.yml")).unwrap();
    line.write("shippable.yml", &yaml.replace("{A: 1, B: 1}", "{A: 1, B: 2, NEW: 3}"));
    assert!(line.does("env see --format dotenv").contains("\nRES_VERSIONNUMBER=3\n"));
    assert_eq!(line.run("see"), "3 job 2 3\n");
    assert_eq!(line.run("see"), "3 job 2 3\n");
    line.write("shippable.yml", &yaml.replace("{A: 1, B: 1}", "{A: yaml}"));
    assert_eq!(line.run("see"), "4 yaml  \n");
}

#[test]
fn files_of_a_resource_stay_until_others_come() {
    let line = changing(
        "{name: res, type: state}",
        "[ $BUILD_NUMBER = 2 ] || { mkdir -p $RES_STATE/d; echo $BUILD_NUMBER > $RES_STATE/d/n; }\nshipctl put_resource_state res N $BUILD_NUMBER",
        "    - OUT: res\n",
        "echo $RES_VERSIONNUMBER $(cat $RES_STATE/d/n) $(shipctl get_resource_version_key res N) > $WORK/seen",
    );
    line.run("put");
    assert_eq!(line.run("see"), "2 1 1\n");
    line.run("put");
    assert_eq!(line.run("see"), "3 1 2\n", "key-values alone leave the files");
    line.run("put");
    assert_eq!(line.run("see"), "4 3 3\n");
}

#[test]
fn overwrite_starts_from_nothing() {
    let line = changing(
        "{name: res, type: params, version: {versionName: one, params: {A: 1}}}",
        "[ $BUILD_NUMBER = 2 ] || shipctl put_resource_state res B 2",
        "    - OUT: res\n      overwrite: true\n",
        "echo \"$RES_VERSIONNUMBER|$RES_VERSIONNAME|$A|$B\" > $WORK/seen",
    );
    line.run("put");
    assert_eq!(line.run("see"), "2|||2\n");
    line.run("put");
    assert_eq!(line.run("see"), "2|||2\n", "a run that writes nothing empties nothing");
}

#[test]
fn a_failed_run_changes_only_what_is_marked() {
    let line = Line::new(&format!(
        "resources:\n- {{name: res, type: state}}\n- {{name: other, type: state}}\njobs:\n{}{}",
        job(
            "put",
            "",
            "shipctl put_resource_state res A 1\nshipctl put_resource_state other A 1\nexit 7",
            "    - OUT: res\n      on_failure: true\n    - OUT: other\n"
        ),
        job(
            "see",
            "    - IN: res\n    - IN: other\n    - IN: put\n",
            "echo \"$RES_VERSIONNUMBER $OTHER_VERSIONNUMBER [$PUT_VERSIONNUMBER]\" > $WORK/seen",
            ""
        )
    ));
    line.fails("run put", 7);
    let warning = "warning: job `put` goes in and has no version yet\n";
    assert_eq!(line.run_warned("see", warning), "2 1 []\n");
}

#[test]
fn replicate_copies_what_goes_in() {
    let line = Line::new(&format!(
        "resources:\n- {{name: res, type: state, version: {{A: 1}}}}\n- {{name: copy, type: state}}\njobs:\n{}{}{}",
        job(
            "put",
            "",
            "echo file > $RES_STATE/f\nshipctl put_resource_state res A 2\nshipctl put_resource_state res versionName v2",
            "    - OUT: res\n"
        ),
        job(
            "duplicate",
            SEE,
            "shipctl put_resource_state copy B 3",
            "    - OUT: copy\n      replicate: res\n"
        ),
        job(
            "see",
            "    - IN: copy\n",
            "cd $COPY_META\necho $COPY_VERSIONNAME $(cat state/f) $(shipctl get_resource_version_key copy A) $(shipctl get_resource_version_key copy B) > $WORK/seen",
            ""
        )
    ));
    line.run("put");
    line.run("duplicate");
    assert_eq!(line.run("see"), "v2 file 2 3\n");
}

#[test]
fn what_the_function_replicate_does_is_stored() {
    let line = Line::new(&format!(
        "resources:\n- {{name: res, type: state, version: {{A: 1}}}}\n- {{name: copy, type: state}}\njobs:\n{}{}",
        job("do", SEE, "shipctl replicate res copy\nshipctl replicate res do", "    - OUT: copy\n"),
        job(
            "see",
            "    - IN: copy\n    - IN: do\n",
            "echo $COPY_VERSIONNUMBER $(shipctl get_resource_version_key copy A) $(shipctl get_resource_version_key do A) > $WORK/seen\nls $DO_STATE >> $WORK/seen",
            ""
        )
    ));
    line.run("do");
    assert_eq!(line.run("see"), "2 1 1\n");
    line.run("do");
    assert_eq!(&line.run("see")[..2], "2 ");
}

#[test]
fn what_is_stored_for_something_that_does_not_come_out_gets_a_warning() {
    let line = changing("{name: res, type: state}", "shipctl put_resource_state res A 1", "", "true");
    let output = line.try_to("run put");
    assert_eq!(
        text(&output.stderr),
        "warning: what the job stored for `res` is not kept\n  --> shippable.yml:7:11\n   7 |     - IN: res\n     |           ^^^\n  hint: it does not come out of this job: add `- OUT: res`\n"
    );
}

#[test]
fn a_step_picks_a_version() {
    let pinned = |pin: &str| format!("    - IN: res\n      {pin}\n");
    let yaml = |pin: &str| {
        format!(
            "resources:\n- {{name: res, type: state, version: {{versionName: v0}}}}\njobs:\n{}{}",
            job(
                "put",
                "",
                "echo $BUILD_NUMBER > $RES_STATE/n\nshipctl put_resource_state res versionName v$BUILD_NUMBER",
                "    - OUT: res\n"
            ),
            job(
                "see",
                &pinned(pin),
                "echo $RES_VERSIONNUMBER $RES_VERSIONNAME $(cat $RES_STATE/n) > $WORK/seen",
                ""
            )
        )
    };
    let line = Line::new(&yaml("versionName: v0"));
    assert_eq!(&line.run("see")[..], "1 v0\n", "the YAML's own version is there from the beginning");
    line.run("put");
    line.run("put");
    line.write("shippable.yml", &yaml("versionNumber: 2"));
    assert_eq!(line.run("see"), "2 v1 1\n");
    line.write("shippable.yml", &yaml("versionName: v2"));
    assert_eq!(line.run("see"), "3 v2 2\n");
    line.write("shippable.yml", &yaml("versionName: v3"));
    let stderr = line.fails("run see", 125);
    assert!(stderr.starts_with("error: `res` has no version called `v3`\n  --> shippable.yml:"), "{stderr}");
    assert!(stderr.ends_with("hint: it has 3 (`v2`), 2 (`v1`), 1 (`v0`)\n"), "{stderr}");
    line.write("shippable.yml", &yaml("versionNumber: 9"));
    assert!(line.fails("env see", 125).starts_with("error: `res` has no version number 9\n"));
}

#[test]
fn a_checkout_that_cannot_be_written_to_keeps_no_job_from_running() {
    let line = Line::new(&format!("jobs:\n{}", job("a", "", "echo $BUILD_NUMBER > $WORK/seen", "")));
    line.write("seen", "");
    let mut command = line.command("run a");
    command.env("SHIPCTL_SHM", line.path("tmp"));
    if Uid::effective().is_root() {
        // Root may write anywhere.
        let user = 65534;
        for path in ["", "tmp", "seen", "shippable.yml"] {
            chown(line.path(path), Some(user), Some(user)).unwrap();
        }
        command.uid(user).gid(user);
    }
    fs::set_permissions(line.path(""), fs::Permissions::from_mode(0o555)).unwrap();
    let output = command.output().unwrap();
    fs::set_permissions(line.path(""), fs::Permissions::from_mode(0o755)).unwrap();
    let stderr = text(&output.stderr);
    assert!(
        stderr.starts_with("warning: this run leaves no version and is not in the history: cannot "),
        "{stderr}"
    );
    assert_eq!(output.status.code(), Some(0), "{stderr}");
    assert_eq!(fs::read_to_string(line.path("seen")).unwrap(), "1\n");
}

/// A job that is bound to AWS keys and to a key-value pair, and stores something.
fn secretive(script: &str) -> Line {
    Line::new(&format!(
        "integrations:\n- {{name: keys, type: amazonKeys, fields: {{accessKey: AKIAMADEUP, secretKey: made-up-secret}}}}\n- {{name: pair, type: keyValuePair, fields: {{envs: {{REGION: us-east-1}}}}}}\nresources:\n- {{name: aws, type: integration, integration: keys}}\n- {{name: pairs, type: keyValuePair, integration: pair}}\n- {{name: res, type: params}}\njobs:\n{}{}",
        job("put", "    - IN: aws\n    - IN: pairs\n", script, "    - OUT: res\n"),
        job("see", "    - IN: res\n", "echo \"$RES_VERSIONNUMBER $K\" > $WORK/seen", "")
    ))
}

#[test]
fn nothing_secret_goes_into_state() {
    let line = secretive("shipctl put_resource_state res K \"$AWS_INTEGRATION_SECRETKEY\"");
    let stderr = line.fails("run put", 1);
    assert!(
        stderr.starts_with(
            "error: the key `K` of res holds a secret of this run: integration keys, field secretKey\n"
        ),
        "{stderr}"
    );
    assert!(!stderr.contains("made-up-secret"), "{stderr}");
    assert_eq!(line.run("see"), "1 \n");
    line.does("run put --allow-secrets-in-state");
    assert_eq!(line.run("see"), "2 made-up-secret\n");
}

#[test]
fn what_a_script_has_masked_is_not_stored_either() {
    let line = secretive(
        "token=fetched-token; printf $token | shipctl mask; shipctl put_resource_state res K \"id $token\"",
    );
    let stderr = line.fails("run put", 1);
    let said = "error: the key `K` of res holds a secret of this run: a value given to `shipctl mask`\n";
    assert!(stderr.starts_with(said) && !stderr.contains("fetched-token"), "{stderr}");
}

#[test]
fn no_secret_is_stored_in_a_file_either() {
    let line = secretive("echo \"key=$AWS_INTEGRATION_SECRETKEY\" > $JOB_STATE/config");
    let stderr = line.fails("run put", 1);
    assert!(
        stderr.starts_with("error: the state file config of put holds a secret of this run: "),
        "{stderr}"
    );
    // The value of a key-value pair is one as a whole only.
    let line = secretive("echo \"region = us-east-1\" > $JOB_STATE/config");
    line.run("put");
    let line = secretive("shipctl put_resource_state put R us-east-1");
    assert!(
        line.fails("run put", 1)
            .contains("the key `R` of put holds a secret of this run: integration pair, key REGION")
    );
}

#[test]
fn what_stands_in_the_place_of_a_state_file_is_not_waited_for() {
    for (script, what) in [
        ("rm $JOB_STATE/res.env; mkfifo $JOB_STATE/res.env", "it is a named pipe, not a file"),
        ("ln -sf /dev/zero $JOB_STATE/res.env", "it is a device, not a file"),
    ] {
        let line = secretive(script);
        let stderr = line.fails("run put", 1);
        assert!(stderr.contains("/state/res.env, which the job left: ") && stderr.contains(what), "{stderr}");
    }
}

#[test]
fn machines_may_share_a_directory_of_state() {
    let yaml = format!(
        "resources: [{{name: res, type: params, version: {{params: {{A: 1}}}}}}]\njobs:\n{}{}",
        job(
            "make",
            "    - IN: res\n",
            "echo made > $JOB_STATE/file\nshipctl put_resource_state make versionName v1\nshipctl put_resource_state res A 2",
            "    - OUT: res\n"
        ),
        job(
            "use",
            "    - IN: make\n    - IN: res\n",
            "echo $MAKE_VERSIONNAME $MAKE_VERSIONNUMBER $RES_VERSIONNUMBER $(cat $MAKE_STATE/file) > $WORK/seen",
            ""
        )
    );
    let (one, two) = (Line::new(&yaml), Line::new(&yaml));
    let state = one.path("shared").display().to_string();
    one.does(&format!("run make --state {state}"));
    assert!(!one.path(".shipctl/state.db").exists());
    two.does(&format!("run use --require-in --state {state}"));
    assert_eq!(fs::read_to_string(two.path("seen")).unwrap(), "v1 1 2 made\n");
    let mut history = two.command("history --format json");
    let history = text(&history.env("SHIPCTL_STATE", &state).output().unwrap().stdout);
    assert!(history.contains("\"job\": \"use\"") && history.contains("\"job\": \"make\""), "{history}");
    assert!(two.does(&format!("state show make --state {state}")).starts_with("make #1 · v1\n"));
    assert!(two.does(&format!("graph --format html --state {state}")).contains("#1"));
    // Nothing runs on without it.
    let missing = two.path("not/mounted").display().to_string();
    assert!(two.fails(&format!("run use --state {missing}"), 125).contains("cannot make the state in "));
    assert!(two.fails(&format!("reset --yes --state {state}"), 125).contains("other machines may use it"));
}

#[test]
fn an_export_can_be_imported_elsewhere() {
    let yaml = format!("jobs:\n{}", job("make", "", "echo made > $JOB_STATE/file", ""));
    let (one, two) = (Line::new(&yaml), Line::new(&yaml));
    one.does("run make");
    one.does("run make");
    one.does("state export make out");
    let out = one.path("out").display().to_string();
    assert_eq!(two.does(&format!("state import {out}")), "make #2 is stored\n");
    assert_eq!(two.does(&format!("state import {out}")), "make #2 was stored already\n");
    assert!(two.does("state show make").contains(" by a run elsewhere\n"));
    two.does("run make");
    assert!(two.does("state versions make").contains("\n3 "));
    fs::write(one.path("out/files/file"), "altered").unwrap();
    let message = two.fails(&format!("state import {} {out}", one.path("nothing").display()), 125);
    assert!(message.contains("/nothing/version.json, which `shipctl state export` writes: "), "{message}");
    let conflict =
        "error: cannot import make #2: another version with this number is stored, its files differ\n";
    assert!(message.ends_with(conflict), "{message}");
}
