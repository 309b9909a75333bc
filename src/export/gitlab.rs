//! GitLab CI/CD: <https://docs.gitlab.com/ci/yaml/>. Each entry of a matrix is a job of its own: which of them may fail cannot be
//! said otherwise.

use super::{ExportedJob, ExportedLine, STATE, System, install, yaml};

/// Names that no job can have.
const RESERVED: &[&str] = &[
    "image",
    "services",
    "stages",
    "types",
    "before_script",
    "after_script",
    "variables",
    "cache",
    "include",
    "pages",
    "default",
    "workflow",
    "spec",
    "true",
    "false",
    "nil",
];

/// The image of jobs that name none: it has bash, git and curl.
pub(super) const IMAGE: &str = "buildpack-deps:stable-scm";

pub(super) fn write(line: &ExportedLine) -> String {
    let mut text = line.header(System::Gitlab);
    text += "default:\n";
    text += &format!("  image: {}\n", yaml::scalar(IMAGE));
    let script = install("export PATH=\"$HOME/.local/bin:$PATH\"");
    text += &format!("  before_script:\n    - {}", yaml::block("      ", &script));
    text += "variables:\n  GIT_DEPTH: \"0\"\n";
    for job in &line.jobs {
        for (entry, may_fail) in job.runs() {
            text += &of_job(line, job, entry, may_fail);
        }
    }
    text
}

/// What a job is called, or one entry of its matrix.
pub(super) fn name(id: &str, entry: Option<usize>) -> String {
    let reserved = if RESERVED.contains(&id) { "_" } else { "" };
    let entry = entry.map_or_else(String::new, |entry| format!("_{entry}"));
    format!("{id}{reserved}{entry}")
}

fn of_job(line: &ExportedLine, job: &ExportedJob, entry: Option<usize>, may_fail: bool) -> String {
    let mut text = job.comment(System::Gitlab, line, "");
    text += &format!("{}:\n", name(&job.id, entry));
    if let Some(image) = &job.image {
        text += &format!("  image: {}\n", yaml::scalar(image));
        // It is in its container already.
        text += "  variables: {SHIPCTL_CONTAINERS: never}\n";
    }
    if let Some(minutes) = job.minutes() {
        text += &format!("  timeout: {minutes}m\n");
    }
    let starting = job.needs.iter().filter(|need| need.starts).map(|need| &line.jobs[need.job]);
    let needs: Vec<_> =
        starting.flat_map(|job| job.runs().into_iter().map(|(entry, _)| name(&job.id, entry))).collect();
    text += &format!("  needs: {}\n", yaml::list(needs.iter().map(String::as_str)));
    if may_fail {
        text += "  allow_failure: true\n";
    }
    let number = entry.map(|entry| entry.to_string());
    text += &format!("  script:\n    - {}\n", yaml::scalar(&line.run(job, number.as_deref())));
    if line.has_artefacts() && job.is_last(entry) {
        text += &format!("  artifacts:\n    when: always\n    paths: [{STATE}]\n");
    }
    text
}
