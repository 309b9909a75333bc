//! Buildkite: <https://buildkite.com/docs/pipelines/configure/defining-steps>. `$` is doubled: it is replaced when the pipeline is
//! uploaded.

use super::{ExportedJob, ExportedLine, PROGRAM, STATE, System, install, yaml};
use crate::contract::shell_quoted;

pub(super) fn write(line: &ExportedLine) -> String {
    let mut text = line.header(System::Buildkite);
    text += "steps:\n";
    for job in &line.jobs {
        for (entry, may_fail) in job.runs() {
            text += &of_job(line, job, entry, may_fail);
        }
    }
    text
}

fn key(job: &ExportedJob, entry: Option<usize>) -> String {
    entry.map_or_else(|| job.id.clone(), |entry| format!("{}_{entry}", job.id))
}

fn of_job(line: &ExportedLine, job: &ExportedJob, entry: Option<usize>, may_fail: bool) -> String {
    let mut text = job.comment(System::Buildkite, line, "  ");
    let label = entry.map_or_else(|| job.name.clone(), |entry| format!("{} {entry}", job.name));
    text += &format!(
        "  - label: {}\n    key: {}\n",
        yaml::scalar(&doubled(&label)),
        yaml::scalar(&key(job, entry))
    );
    if !job.needs.is_empty() {
        text += "    depends_on:\n";
        for need in &job.needs {
            let other = &line.jobs[need.job];
            for (entry, _) in other.runs() {
                text += &format!("      - step: {}\n", yaml::scalar(&key(other, entry)));
                if !need.starts {
                    text += "        allow_failure: true\n";
                }
            }
        }
    }
    if let Some(minutes) = job.minutes() {
        text += &format!("    timeout_in_minutes: {minutes}\n");
    }
    if may_fail {
        text += "    soft_fail: true\n";
    }
    // What was stored before a failure counts, too.
    if line.has_artefacts() && job.is_last(entry) {
        text += &format!("    artifact_paths: {}\n", yaml::scalar(&format!("{STATE}/**/*")));
    }
    text += &format!("    command: {}", yaml::block("      ", &script(line, job, entry)));
    text
}

fn script(line: &ExportedLine, job: &ExportedJob, entry: Option<usize>) -> Vec<String> {
    let mut script = vec!["set -e".to_owned()];
    script.push(format!("command -v shipctl || {{ {}; }}", secret(PROGRAM)));
    script.extend(install("export PATH=\"$HOME/.local/bin:$PATH\""));
    script.extend(job.settings.iter().map(|name| secret(name)));
    if line.has_artefacts() {
        for need in &job.needs {
            let other = &line.jobs[need.job];
            let last = other.runs().last().and_then(|(entry, _)| *entry);
            let or = if need.starts { "" } else { " || true" };
            script.push(format!(
                "buildkite-agent artifact download \"{STATE}/*\" . --step {}{or}",
                shell_quoted(&key(other, last))
            ));
        }
    }
    let number = entry.map(|entry| entry.to_string());
    script.push(line.run(job, number.as_deref()));
    script.iter().map(|line| doubled(line)).collect()
}

/// Has a secret in the environment.
fn secret(name: &str) -> String {
    format!("{name}=$(buildkite-agent secret get {name}); export {name}")
}

fn doubled(text: &str) -> String {
    text.replace('$', "$$")
}
