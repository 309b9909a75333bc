//! GitHub Actions: <https://docs.github.com/actions/reference/workflow-syntax-for-github-actions>.

use super::{ExportedJob, ExportedLine, Need, PROGRAM, STATE, System, install, yaml};

pub(super) fn write(line: &ExportedLine) -> String {
    let mut text = line.header(System::Github);
    text += &preamble(&line.name);
    for job in &line.jobs {
        text += &job.comment(System::Github, line, "  ");
        text += &of_job(line, job);
    }
    text
}

/// What stands before the jobs.
pub(super) fn preamble(name: &str) -> String {
    let name = yaml::scalar(name);
    format!("name: {name}\non:\n  push:\n  workflow_dispatch:\npermissions:\n  contents: read\njobs:\n")
}

/// Where a job runs, for how long, and after which jobs; `id` gives the name of each.
pub(super) fn order<'j>(minutes: Option<u64>, needs: &[Need], id: impl Fn(usize) -> &'j str) -> String {
    let mut text = "    runs-on: ubuntu-latest\n".to_owned();
    if let Some(minutes) = minutes {
        text += &format!("    timeout-minutes: {minutes}\n");
    }
    if !needs.is_empty() {
        text += &format!("    needs: {}\n", yaml::list(needs.iter().map(|need| id(need.job))));
    }
    if needs.iter().any(|need| !need.starts) {
        let starts = needs.iter().filter(|need| need.starts);
        let results = starts.map(|need| format!(" && needs.{}.result == 'success'", id(need.job)));
        text += &format!("    if: ${{{{ !cancelled(){} }}}}\n", results.collect::<String>());
    }
    text
}

fn of_job(line: &ExportedLine, job: &ExportedJob) -> String {
    let mut text = format!("  {}:\n", job.id);
    if job.id != job.name {
        text += &format!("    name: {}\n", yaml::scalar(&literal(&job.name)));
    }
    text += &order(job.minutes(), &job.needs, |job| &line.jobs[job].id);
    if let Some(image) = &job.image {
        text += &format!("    container: {}\n", yaml::scalar(&literal(image)));
    }
    let has_matrix = job.entries.len() > 1;
    if has_matrix {
        let entries: Vec<_> = (1..=job.entries.len()).map(|entry| entry.to_string()).collect();
        text += "    strategy:\n      fail-fast: false\n      matrix:\n";
        text += &format!("        entry: [{}]\n", entries.join(", "));
        let may_fail = job.entries.iter().enumerate().filter(|(_, may_fail)| **may_fail);
        let may_fail: Vec<_> = may_fail.map(|(entry, _)| format!("matrix.entry == {}", entry + 1)).collect();
        if !may_fail.is_empty() {
            text += &format!("    continue-on-error: ${{{{ {} }}}}\n", may_fail.join(" || "));
        }
    }
    text += &variables(job);
    text += "    steps:\n      - uses: actions/checkout@v4\n        with:\n          fetch-depth: 0\n";
    let mut script = install("echo \"$HOME/.local/bin\" >> \"$GITHUB_PATH\"");
    // What is checked out belongs to another user there.
    if job.image.is_some() {
        script.push("git config --global --add safe.directory \"$GITHUB_WORKSPACE\"".to_owned());
    }
    text += &format!("      - name: have shipctl\n        run: {}", yaml::block("          ", &script));
    if line.has_artefacts() {
        for need in &job.needs {
            let other = &line.jobs[need.job];
            text +=
                &format!("      - name: {}\n", yaml::scalar(&format!("state of {}", literal(&other.name))));
            if !need.starts {
                text += "        continue-on-error: true\n";
            }
            text += "        uses: actions/download-artifact@v4\n        with:\n";
            text += &format!("          name: state-{}\n          path: {STATE}\n", other.id);
        }
    }
    let run = literal(&line.run(job, has_matrix.then_some("\"$ENTRY\"")));
    text += &format!("      - name: run\n        run: {}", yaml::block("          ", &[run]));
    if has_matrix {
        text += "        env:\n          ENTRY: ${{ matrix.entry }}\n";
    }
    if line.has_artefacts() {
        // The entries of a matrix are one build, and what the last one leaves is what is stored of it.
        let last =
            if has_matrix { format!(" && matrix.entry == {}", job.entries.len()) } else { String::new() };
        text += &format!("      - name: keep the state\n        if: ${{{{ !cancelled(){last} }}}}\n");
        text += "        uses: actions/upload-artifact@v4\n        with:\n";
        text += &format!("          name: state-{}\n          path: {STATE}\n", job.id);
    }
    text
}

fn variables(job: &ExportedJob) -> String {
    let mut text = format!("    env:\n      {PROGRAM}: {}\n", secret(PROGRAM));
    if job.image.is_some() {
        // It is in its container already.
        text += "      SHIPCTL_CONTAINERS: never\n";
    }
    for name in job.settings.iter().filter(|name| *name != PROGRAM) {
        text += &format!("      {name}: {}\n", secret(name));
    }
    text
}

/// The expression for a setting.
pub(super) fn secret(name: &str) -> String {
    format!("${{{{ secrets.{} }}}}", System::Github.setting(name))
}

/// A text in which nothing is taken for an expression. In a script, the two quotes come to nothing.
fn literal(text: &str) -> String {
    text.replace("${{", "$''{{")
}
