//! GitLab CI/CD: one shell for each job, a part of it for each TASK and section. Each entry of a matrix is a job of its own.

use super::prepare::{self, STATES, block};
use super::{Job, Run, Script, Standalone, Target, When};
use crate::contract::shell_quoted;
use crate::export::gitlab::{IMAGE, name};
use crate::export::{System, yaml};

pub(super) fn write(line: &Standalone) -> String {
    let mut text = line.header(System::Gitlab);
    text += &format!("default:\n  image: {}\n", yaml::scalar(IMAGE));
    text += "variables:\n  GIT_DEPTH: \"0\"\n";
    if line.jobs.iter().any(|job| job.has_functions) {
        text += &format!(".functions: &functions {}", block("  ", &prepare::functions(Target::Gitlab)));
    }
    for job in &line.jobs {
        for (index, run) in job.runs.iter().enumerate() {
            text += &of_run(line, job, index, run);
        }
    }
    text
}

fn names(job: &Job) -> impl Iterator<Item = String> {
    let entries = if job.has_matrix() { job.runs.len() } else { 0 };
    let several = (1..=entries).map(|entry| name(&job.id, Some(entry)));
    let one = (entries == 0).then(|| name(&job.id, None));
    several.chain(one)
}

fn of_run(line: &Standalone, job: &Job, index: usize, run: &Run) -> String {
    let mut gaps: Vec<String> = job.gaps.clone();
    if job.scripts.iter().any(|script| script.when == When::Cancelled) {
        gaps.push("its on_cancel is not run: a job that is cancelled ends at once".to_owned());
    }
    let soft: Vec<_> =
        job.needs.iter().filter(|need| !need.starts).map(|need| line.jobs[need.job].name.as_str()).collect();
    if !soft.is_empty() {
        gaps.push(format!(
            "it comes after {}, and runs if that failed, too: here it does not wait for it",
            soft.join(", ")
        ));
    }
    let mut text = yaml::comment("", gaps.iter().map(String::as_str));
    let own = names(job).nth(index).unwrap_or_default();
    text += &format!("{own}:\n");
    if let Some(image) = &job.image {
        let image = yaml::scalar(image);
        text += &match job.is_managed {
            // That of the AWS command line begins with that.
            true => format!("  image: {{name: {image}, entrypoint: [\"\"]}}\n"),
            false => format!("  image: {image}\n"),
        };
    }
    if let Some(minutes) = job.minutes {
        text += &format!("  timeout: {minutes}m\n");
    }
    let starting = job.needs.iter().filter(|need| need.starts).map(|need| need.job);
    let mut needed: indexmap::IndexSet<usize> = starting.collect();
    // The artefacts of a job go to those alone that need it.
    needed.extend(
        job.takes()
            .into_iter()
            .filter(|taken| job.needs.iter().all(|need| need.job != *taken || need.starts)),
    );
    let needs: Vec<_> = needed.into_iter().flat_map(|need| names(&line.jobs[need])).collect();
    text += &format!("  needs: {}\n", yaml::list(needs.iter().map(String::as_str)));
    if run.may_fail {
        text += "  allow_failure: true\n";
    }
    text += "  before_script:\n";
    if job.has_functions {
        text += "    - *functions\n";
    }
    let mut lines = prepare::lines(line, job, Target::Gitlab);
    for name in job.differing() {
        if let Some(value) = run.variables.get(name) {
            let word = value.word(Target::Gitlab.number(), Target::Gitlab.user());
            lines.push(format!("export {name}={word}"));
        }
    }
    text += &format!("    - {}", block("      ", &lines));
    text += "  script:\n    - set +e +o pipefail; status=0\n";
    for script in job.scripts.iter().filter(|script| script.when != When::Cancelled) {
        text += &format!("    - {}", block("      ", &[part(job, script)]));
    }
    text += "    - exit $status\n";
    if index + 1 == job.runs.len() {
        text += &format!("  artifacts:\n    when: always\n    paths: [{STATES}/{}]\n", job.id);
    }
    text
}

/// A script in a shell of its own; the first status that is not 0 is that of the job.
fn part(job: &Job, script: &Script) -> String {
    let title: String = script.name.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let condition = match script.when {
        When::Success => "[ $status = 0 ]",
        When::Failure => "[ $status != 0 ]",
        When::Cancelled => "false",
        When::Always => "true",
    };
    let mut lines = vec![format!("# {title}"), format!("if {condition}; then (")];
    lines.push(format!("cd \"$root\"/{}", prepare::path(&job.directory)));
    lines.extend(
        script.variables.iter().map(|(name, value)| format!("export {name}={}", shell_quoted(value))),
    );
    lines.push("set -e".to_owned());
    lines.push(script.text.clone());
    lines.push(match script.when {
        When::Success => "); status=$?; fi".to_owned(),
        _ => "); fi".to_owned(),
    });
    lines.join("\n")
}
