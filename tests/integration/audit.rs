//! What a run leaves behind: a line in the audit log, and its secrets nowhere.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use shipctl::scan::Scan;
use shipctl::secret::Secret;

use crate::line::{Line, job, text};

const SECRETS: [&str; 3] = [
    "wJalrXUtnFEMI/K7MDENG$x",
    "two-lines-first-a1b2c3\ntwo-lines-second-d4e5f6\n",
    "pass word's \"quoted\"",
];

fn line() -> Line {
    let script = "echo \"$APP_INTEGRATION_SECRETKEY\" | tee out.txt | base64 >&2\nprintf '%s\\n' \"$A\" $B\nshipctl put_resource_state deploy note done\necho kept > $JOB_STATE/note\nset -x; : \"$B\"";
    let yaml = format!(
        "integrations:\n- name: app\n  type: amazonKeys\n  fields: {{accessKey: {{file: one}}, secretKey: {{file: one}}}}\n- name: kv\n  type: keyValuePair\n  fields: {{envs: {{A: {{file: two}}, B: {{file: three}}}}}}\nresources:\n- {{name: res, type: integration, integration: app}}\njobs:\n{}",
        job("deploy", "    - IN: res\n", script, "")
            .replace("  type: runSh", "  type: runSh\n  integrations: [kv, app]")
    );
    let line = Line::new(&yaml);
    for (file, secret) in ["one", "two", "three"].iter().zip(SECRETS) {
        line.write(file, &format!("{secret}\n"));
    }
    line
}

fn audit(line: &Line) -> Vec<Value> {
    let log = fs::read_to_string(line.path(".shipctl/audit.jsonl")).unwrap_or_default();
    log.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn each_run_leaves_a_line_that_names_what_it_was_given() {
    let line = line();
    line.try_to("run deploy");
    line.does("exec deploy -- true");
    line.fails("exec deploy -- false", 1);
    let log = audit(&line);
    assert_eq!(log.len(), 3, "{log:?}");
    assert_eq!(
        log[0]["integrations"],
        json!([
            {"name": "app", "type": "amazonKeys", "fields": [{"name": "accessKey", "source": "file"}, {"name": "secretKey", "source": "file"}]},
            {"name": "kv", "type": "keyValuePair", "fields": [{"name": "envs.A", "source": "file"}, {"name": "envs.B", "source": "file"}]},
        ])
    );
    let told = |entry: &Value| {
        ["command", "program", "job", "build", "outcome", "status"].map(|key| entry[key].clone())
    };
    assert_eq!(
        told(&log[0]),
        [json!("run"), Value::Null, json!("deploy"), json!(1), json!("success"), json!(0)]
    );
    assert_eq!(
        told(&log[1]),
        [json!("exec"), json!("true"), json!("deploy"), Value::Null, json!("success"), json!(0)]
    );
    assert_eq!((&log[2]["outcome"], &log[2]["status"]), (&json!("failed"), &json!(1)));
    let mode = fs::metadata(line.path(".shipctl/audit.jsonl")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn the_log_can_be_turned_off() {
    let line = line();
    line.does("exec deploy --no-audit -- true");
    assert!(!line.path(".shipctl").exists(), "nothing is made for it");
    line.does("exec deploy -- true");
    assert_eq!(audit(&line).len(), 1);
}

#[test]
fn lines_of_runs_that_end_together_stay_whole() {
    let line = line();
    std::thread::scope(|scope| {
        for _ in 0..20 {
            scope.spawn(|| line.does("exec deploy -- true"));
        }
    });
    assert_eq!(audit(&line).len(), 20);
}

/// All files below a directory.
fn below(directory: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { files.extend(below(&path)) } else { files.push(path) }
    }
    files
}

#[test]
fn no_secret_is_in_what_a_run_leaves() {
    let secrets = SECRETS.map(|text| Secret::new(text.to_owned()));
    let scan = Scan::new(&secrets);
    for format in ["text", "json"] {
        let line = line();
        // The script's own file is its own doing.
        let output = line.try_to(&format!("run deploy --keep --log-format {format} --workspace ws"));
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
        let script = line.path("ws/out.txt");
        assert!(
            !scan.stream(fs::File::open(&script).unwrap()).unwrap().is_empty(),
            "the scan finds what is there"
        );
        line.try_to("history --format json");
        let mut looked_at = 0;
        for file in below(&line.path("ws"))
            .into_iter()
            .chain(below(&line.path(".shipctl")))
            .filter(|file| *file != script)
        {
            let findings = scan.stream(fs::File::open(&file).unwrap()).unwrap();
            assert_eq!(findings, [], "{}", file.display());
            looked_at += 1;
        }
        assert!(looked_at > 5, "{looked_at}");
        for stream in [&output.stdout, &output.stderr] {
            assert_eq!(scan.stream(stream.as_slice()).unwrap(), [], "{}", text(stream));
            assert!(!stream.is_empty() || stream.as_ptr() == output.stderr.as_ptr());
        }
        assert!(text(&output.stdout).contains("***"));
    }
}
