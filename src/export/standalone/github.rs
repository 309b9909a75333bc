//! GitHub Actions: a step for each TASK and section.

use super::prepare::{self, STATES, WORKSPACE, block};
use super::text::{Piece, Text};
use super::{Job, Script, Standalone, Target, When};
use crate::export::github::{order, preamble, secret};
use crate::export::{System, yaml};
use crate::repository;

pub(super) fn write(line: &Standalone) -> String {
    let mut text = line.header(System::Github);
    text += &preamble(&literal(&line.name));
    for job in &line.jobs {
        text += &yaml::comment("  ", job.gaps.iter().map(String::as_str));
        text += &of_job(line, job);
    }
    text
}

fn of_job(line: &Standalone, job: &Job) -> String {
    let mut text = format!("  {}:\n", job.id);
    if job.id != job.name {
        text += &format!("    name: {}\n", yaml::scalar(&literal(&job.name)));
    }
    text += &order(job.minutes, &job.needs, |job| &line.jobs[job].id);
    if let Some(image) = &job.image {
        text += &format!("    container: {}\n", yaml::scalar(&literal(image)));
    }
    if job.has_matrix() {
        text += &matrix(job);
    }
    text += &format!(
        "    defaults:\n      run:\n        shell: bash -e {{0}}\n        working-directory: {WORKSPACE}\n"
    );
    text += &environment(job);
    text += "    steps:\n";
    if let Some(resource) = &job.own_repository {
        let path = format!("{WORKSPACE}/IN/{resource}/{}", repository::CLONE);
        text += "      - uses: actions/checkout@v4\n        with:\n          fetch-depth: 0\n";
        text += &format!("          path: {}\n", yaml::scalar(&literal(&path)));
    }
    for taken in job.takes() {
        let other = &line.jobs[taken];
        text += &format!("      - name: {}\n", yaml::scalar(&format!("state of {}", literal(&other.name))));
        if job.needs.iter().any(|need| need.job == taken && !need.starts) {
            text += "        continue-on-error: true\n";
        }
        text += "        uses: actions/download-artifact@v4\n        with:\n";
        text += &format!("          name: state-{0}\n          path: {STATES}/{0}\n", other.id);
    }
    text += &prepare_step(line, job);
    for script in &job.scripts {
        text += &step(job, script);
    }
    let last = if job.has_matrix() {
        format!(" && strategy.job-index == {}", job.runs.len() - 1)
    } else {
        String::new()
    };
    text += &format!("      - name: keep the state\n        if: ${{{{ !cancelled(){last} }}}}\n");
    text += "        uses: actions/upload-artifact@v4\n        with:\n";
    text += &format!("          name: state-{0}\n          path: {STATES}/{0}\n", job.id);
    text += "          include-hidden-files: true\n";
    text
}

/// An entry for each run: its label, and the variables that not all runs have alike.
fn matrix(job: &Job) -> String {
    let mut text = "    strategy:\n      fail-fast: false\n      matrix:\n        include:\n".to_owned();
    let differing = job.differing();
    for run in &job.runs {
        text += &format!("          - entry: {}\n", yaml::scalar(&literal(&run.label)));
        if run.may_fail {
            text += "            may_fail: true\n";
        }
        for name in &differing {
            if let Some(value) = run.variables.get(*name) {
                text += &format!("            {name}: {}\n", yaml::scalar(&expression(value)));
            }
        }
    }
    if job.runs.iter().any(|run| run.may_fail) {
        text += "    continue-on-error: ${{ matrix.may_fail == true }}\n";
    }
    text
}

fn environment(job: &Job) -> String {
    let shared = job.shared().filter(|(_, text)| !text.needs_shell());
    let mut lines: Vec<String> =
        shared.map(|(name, value)| format!("      {name}: {}\n", yaml::scalar(&expression(value)))).collect();
    let differing = job.differing();
    lines.extend(differing.iter().map(|name| format!("      {name}: ${{{{ matrix.{name} }}}}\n")));
    if lines.is_empty() { String::new() } else { format!("    env:\n{}", lines.concat()) }
}

fn prepare_step(line: &Standalone, job: &Job) -> String {
    let lines = prepare::lines(line, job, Target::Github);
    let mut text = "      - name: prepare the workspace\n        working-directory: .\n".to_owned();
    let whole = lines.join("\n");
    let names = line.settings.iter().map(|setting| &setting.name);
    let used: Vec<_> = names.filter(|name| whole.contains(&format!("${{{name}-}}"))).collect();
    if !used.is_empty() {
        text += "        env:\n";
        for name in used {
            text += &format!("          {name}: {}\n", secret(name));
        }
    }
    text + &format!("        run: {}", block("          ", &[literal(&whole)]))
}

fn step(job: &Job, script: &Script) -> String {
    let mut text = format!("      - name: {}\n", yaml::scalar(&literal(&script.name)));
    match script.when {
        When::Success => {}
        When::Failure => text += "        if: ${{ failure() }}\n",
        When::Cancelled => text += "        if: ${{ cancelled() }}\n",
        When::Always => text += "        if: ${{ always() }}\n",
    }
    if !job.directory.is_empty() {
        let directory = format!("{WORKSPACE}/{}", job.directory);
        text += &format!("        working-directory: {}\n", yaml::scalar(&literal(&directory)));
    }
    if !script.variables.is_empty() {
        text += "        env:\n";
        for (name, value) in &script.variables {
            text += &format!("          {name}: {}\n", yaml::scalar(&literal(value)));
        }
    }
    text + &format!("        run: {}", block("          ", &[literal(&script.text)]))
}

/// A value as an expression.
fn expression(text: &Text) -> String {
    let piece = |piece: &Piece| match piece {
        Piece::Plain(text) => literal(text),
        Piece::Setting(name) => secret(name),
        Piece::Number => "${{ github.run_number }}".to_owned(),
        Piece::User => "${{ github.actor }}".to_owned(),
        Piece::Root | Piece::Shell(_) => String::new(),
    };
    text.0.iter().map(piece).collect()
}

/// A text in which nothing is taken for an expression.
fn literal(text: &str) -> String {
    text.replace("${{", "${{ '${{' }}")
}
