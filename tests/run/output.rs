//! What is seen of a job.

use std::io::Read;
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::{Job, wait_until};

#[test]
fn output_stays_in_order_under_its_headings() {
    let entries: Vec<String> =
        (0..200).map(|i| format!("echo out {i}; echo err {i} >&2; printf open")).collect();
    let entries: Vec<&str> = entries.iter().map(String::as_str).collect();
    let ran = Job::new(&entries).option("--log-format", "json").run();
    let events = ran.events();
    let mut shown = String::new();
    for event in &events {
        match event["event"].as_str().unwrap() {
            "entry-start" => shown.push_str(&format!("<{}>", event["entry"])),
            "output" => shown.push_str(event["text"].as_str().unwrap()),
            "entry-end" => shown.push_str(&format!("</{}>", event["entry"])),
            _ => {}
        }
    }
    let expected: String = (0..200).map(|i| format!("<{0}>out {i}\nerr {i}\nopen</{0}>", i + 1)).collect();
    assert_eq!(shown, expected);
}

#[test]
fn every_byte_passes() {
    let ran = Job::new(&["printf 'a\\377b\\0c\\r\\n'; head -c 300000 /dev/zero | tr '\\0' x"]).run();
    let at = |needle: &[u8]| ran.stdout.windows(needle.len()).position(|w| w == needle);
    assert!(at(b"\na\xffb\0c\r\nxxx").is_some());
    assert_eq!(ran.stdout.iter().filter(|b| **b == b'x').count(), 300_000 + 1, "one of them in the heading");
}

#[test]
fn a_prompt_is_seen_at_once_and_a_heading_begins_a_line() {
    let running =
        Job::new(&["printf 'password: '; while [ ! -e $HERE/go ]; do sleep 0.01; done", ":"]).start();
    running.wait_for("\npassword: ");
    std::fs::write(running.path().join("go"), "").unwrap();
    running.finish().is(0, &[]).shows("\npassword: \n  ✓ ");
}

#[test]
fn the_log_is_quiet_and_complete() {
    let ran = Job::new(&["echo hi", "true\nfalse"]).task(&[":"]).section("always", &[":"]).run();
    let text = ran.text();
    let without_times =
        regex::Regex::new(r"(<1 ms|[0-9]+ ms|[0-9]+\.[0-9] s)").unwrap().replace_all(&text, "T");
    assert_eq!(
        without_times,
        "▸ Task 0
  $ echo hi
hi
  ✓ T
  $ true  (+1 line)
  ✗ exit 1 · T
✗ Task 0 · failed with status 1 · T
▸ always
  $ :
  ✓ T
✓ always · T

✗ Task 0  failed with status 1 · T
- Task 1  not run
✓ always  T
✗ job failed with status 1 · T
"
    );
    assert_eq!(ran.stderr, "");
}

#[test]
fn the_json_log_has_every_event() {
    let ran = Job::new(&["printf '\\377'", "exit 3"]).task(&[":"]).option("--log-format", "json").run();
    let mut events = ran.events();
    for event in &mut events {
        strip_seconds(event);
        assert!(event["time"].as_str().unwrap().ends_with('Z'), "{event}");
        let fields = event.as_object_mut().unwrap();
        fields.shift_remove("time");
        assert_eq!(fields.get("job").unwrap(), "job");
        if fields["event"] != "job-start" && fields["event"] != "job-end" {
            fields.shift_remove("job");
        }
    }
    let shown: Vec<String> = events.iter().map(Value::to_string).collect();
    assert_eq!(
        shown,
        [
            r#"{"event":"job-start","job":"job"}"#,
            r#"{"event":"step-start","step":"Task 0","kind":"task"}"#,
            r#"{"event":"entry-start","step":"Task 0","entry":1,"script":"printf '\\377'"}"#,
            r#"{"event":"output","base64":"/w=="}"#,
            r#"{"event":"entry-end","step":"Task 0","entry":1,"status":0}"#,
            r#"{"event":"entry-start","step":"Task 0","entry":2,"script":"exit 3"}"#,
            r#"{"event":"entry-end","step":"Task 0","entry":2,"status":3}"#,
            r#"{"event":"step-end","step":"Task 0","kind":"task","result":"failed","status":3}"#,
            r#"{"event":"job-end","job":"job","result":"failed","status":3,"steps":[{"step":"Task 0","kind":"task","result":"failed","status":3},{"step":"Task 1","kind":"task","result":"not-run"}]}"#,
        ]
    );
}

fn strip_seconds(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.shift_remove("seconds");
            fields.values_mut().for_each(strip_seconds);
        }
        Value::Array(values) => values.iter_mut().for_each(strip_seconds),
        _ => {}
    }
}

#[test]
fn secrets_are_masked_in_headings_too() {
    let ran = Job::new(&["echo hunter2", "printf hunter2"]).secret("hunter2").run();
    ran.is(0, &[]).never_shows("hunter2").shows("$ echo ***\n***\n").shows("$ printf ***\n***");
    let ran = Job::new(&["echo hunter2"]).secret("hunter2").option("--log-format", "json").run();
    ran.never_shows("hunter2").shows(r#""script":"echo ***""#).shows(r#""text":"***\n""#);
}

#[test]
fn a_job_goes_on_when_nobody_reads_its_log() {
    let mut log = None;
    let job = Job::new(&[
        "while [ ! -e $HERE/go ]; do sleep 0.01; done",
        "yes | head -n 100000",
        "touch $HERE/end",
    ]);
    let running = job.start_with(|command| {
        let (reader, writer) = std::io::pipe().unwrap();
        log = Some(reader);
        command.stdout(Stdio::from(writer));
    });
    drop(log);
    std::fs::write(running.path().join("go"), "").unwrap();
    let ran = running.finish();
    let said = "shipctl: the reader of the log is gone; the run goes on without it\n";
    assert_eq!((ran.code(), ran.stderr.as_str()), (0, said));
    assert!(ran.path().join("end").exists());
}

#[test]
fn a_reader_who_does_not_read_does_not_disarm_the_limit() {
    let begun = Instant::now();
    let mut stalled = None;
    let running = Job::new(&["yes"])
        .option("--timeout", "0.3")
        .section("always", &["touch $HERE/end"])
        .start_with(|command| {
            let (reader, writer) = std::io::pipe().unwrap();
            stalled = Some(reader);
            command.stdout(Stdio::from(writer));
        });
    let end = running.path().join("end");
    wait_until(|| end.exists(), || "the section after the limit".to_owned());
    assert!(begun.elapsed() < Duration::from_secs(10));
    let mut reader = stalled.unwrap();
    let mut text = Vec::new();
    reader.read_to_end(&mut text).unwrap();
    assert!(String::from_utf8_lossy(&text).contains("✗ job timed out"));
    assert_eq!(running.finish().code(), 124);
}

#[test]
fn endless_output_in_the_background_holds_nothing_up() {
    Job::new(&["yes >&2 & :", "echo; echo @a", "kill $!"]).run().is(0, &["a"]);
}
