//! Runs a job given as JSON through the process layer: what the tests of that layer start.
//!
//! ```text
//! run_job run JOB -f FILE [--timeout SECONDS] [--grace SECONDS] [--workspace DIR] [--log-format json] [--mask SECRET]
//! run_job exec [--mask SECRET] -- COMMAND…
//! ```

use std::collections::HashMap;
use std::ffi::OsString;
use std::os::fd::AsFd;
use std::process::ExitCode;
use std::time::Duration;

use serde_json::Value;
use shipctl::mask::Patterns;
use shipctl::run::console::{Console, Json, Text};
use shipctl::run::{self, Job, Sections, Signals, Task};

fn main() -> anyhow::Result<ExitCode> {
    let mut arguments = std::env::args_os().skip(1);
    let verb = arguments.next().unwrap_or_default();
    let mut options: HashMap<String, String> = HashMap::new();
    let mut command: Vec<OsString> = Vec::new();
    while let Some(argument) = arguments.next() {
        match argument.to_str() {
            Some("--") => command.extend(arguments.by_ref()),
            Some(option) if option.starts_with('-') => {
                let value = arguments.next().unwrap_or_default();
                options.insert(option.to_owned(), value.to_string_lossy().into_owned());
            }
            _ => {}
        }
    }
    let environment: Vec<(String, String)> = std::env::vars().collect();
    let secrets: Vec<String> = options.get("--mask").into_iter().cloned().collect();
    let mask = Patterns::new(secrets);
    let signals = Signals::hold()?;
    let outcome = if verb == "exec" {
        let mask = options.contains_key("--mask").then_some(&mask);
        run::exec(&command, &environment, mask, &signals)
    } else {
        let file: Value = serde_json::from_slice(&std::fs::read(&options["-f"])?)?;
        let own = tempfile::tempdir()?;
        let root = options.get("--workspace").map_or(own.path(), |path| path.as_ref());
        let mut environment = environment;
        environment.retain(|(name, _)| name != "BUILD_DIR");
        environment.push(("BUILD_DIR".to_owned(), root.display().to_string()));
        std::fs::create_dir_all(root.join("shared"))?;
        let job = &file["jobs"][0];
        let tasks: Vec<Task> = job["steps"]
            .as_array()
            .into_iter()
            .flatten()
            .enumerate()
            .map(|(i, step)| Task {
                name: step["TASK"]["name"].as_str().map_or_else(|| format!("Task {i}"), str::to_owned),
                entries: entries(&step["TASK"]),
                environment: environment.clone(),
            })
            .collect();
        let sections = Sections {
            on_start: entries(&job["on_start"]),
            on_success: entries(&job["on_success"]),
            on_failure: entries(&job["on_failure"]),
            on_cancel: entries(&job["on_cancel"]),
            always: entries(&job["always"]),
        };
        let seconds =
            |name: &str| options.get(name).and_then(|s| s.parse().ok()).map(Duration::from_secs_f64);
        let job = Job {
            name: job["name"].as_str().unwrap_or("job"),
            tasks: &tasks,
            sections: &sections,
            root,
            scripts: &root.join("scripts"),
            time_limit: seconds("--timeout"),
            grace: seconds("--grace").unwrap_or(run::GRACE),
        };
        let stdout = std::io::stdout();
        let terminal = std::io::IsTerminal::is_terminal(&stdout);
        let mut console = if options.get("--log-format").is_some_and(|format| format == "json") {
            Console::new(Json::new(), stdout.as_fd())
        } else {
            Console::new(Text::new(terminal, terminal), stdout.as_fd())
        };
        run::run(&job, &mask, &signals, &mut console)
    };
    Ok(ExitCode::from(outcome.map_or_else(
        |error| {
            eprintln!("error: {error}");
            error.status()
        },
        run::Outcome::status,
    )))
}

/// The entries of a script in any of its shapes.
fn entries(node: &Value) -> Vec<String> {
    match node {
        Value::String(text) => vec![text.clone()],
        Value::Array(list) => list.iter().flat_map(entries).collect(),
        Value::Object(object) => object.get("script").map(entries).unwrap_or_default(),
        _ => Vec::new(),
    }
}
