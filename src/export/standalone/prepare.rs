//! What comes before the scripts of a job: its workspace, what goes in, and the variables that only a shell can tell.

use super::functions::SCRIPT;
use super::{Input, Job, Standalone, Target};
use crate::contract::shell_quoted;
use crate::export::yaml;
use crate::repository;

/// The workspace of a job, below the directory of the checkout.
pub(super) const WORKSPACE: &str = "job";

/// Where the state of jobs lies, each below its id.
pub(super) const STATES: &str = "states";

impl Target {
    /// The variable that holds the number of a run.
    pub(super) fn number(self) -> &'static str {
        match self {
            Target::Github => "GITHUB_RUN_NUMBER",
            Target::Gitlab => "CI_PIPELINE_IID",
        }
    }

    /// The variable that holds who started it.
    pub(super) fn user(self) -> &'static str {
        match self {
            Target::Github => "GITHUB_ACTOR",
            Target::Gitlab => "GITLAB_USER_LOGIN",
        }
    }

    /// What has a variable be set for all that follows; `value` is a word of a shell.
    fn assign(self, name: &str, value: &str) -> String {
        match self {
            Target::Github => format!("echo {name}={value} >>\"$GITHUB_ENV\""),
            Target::Gitlab => format!("export {name}={value}"),
        }
    }
}

/// A path as one word of a shell.
pub(super) fn path(path: &str) -> String {
    let bare = |c: char| c.is_ascii_alphanumeric() || "_-./".contains(c);
    if path.chars().all(bare) { path.to_owned() } else { shell_quoted(path) }
}

/// The lines of a job.
pub(super) fn lines(line: &Standalone, job: &Job, target: Target) -> Vec<String> {
    let state = format!("{STATES}/{}", job.id);
    let mut lines = vec![
        format!("root=$PWD/{WORKSPACE}"),
        format!(
            "mkdir -p {state}/state {state}/OUT \"$root\"/IN \"$root\"/previousState \"$root\"/shared \"$root\"/secrets \"$root\"/scripts"
        ),
        format!("ln -sfn \"$PWD/{state}/state\" \"$root\"/state"),
        format!("ln -sfn \"$PWD/{state}/OUT\" \"$root\"/OUT"),
        format!("touch \"$root\"/state/{}", path(&format!("{}.env", job.name))),
    ];
    for directory in &job.directories {
        lines.push(format!("mkdir -p \"$root\"/{}", path(directory)));
    }
    if job.has_functions && target == Target::Github {
        lines.extend(functions(target));
    }
    if let Some(resource) = job.own_repository.as_ref().filter(|_| target == Target::Gitlab) {
        let clone = path(&format!("IN/{resource}/{}", repository::CLONE));
        lines.push(format!("git clone -q \"$PWD\" \"$root\"/{clone}"));
    }
    for clone in &job.clones {
        let mut command = "git".to_owned();
        if !clone.token.is_empty() {
            command += &format!(
                " -c credential.helper='!f() {{ echo username={}; echo \"password=${{{}-}}\"; }}; f'",
                clone.user, clone.token
            );
        }
        command += " clone -q";
        if let Some(branch) = &clone.branch {
            command += &format!(" --branch {}", path(branch));
        }
        let directory = path(&format!("IN/{}/{}", clone.resource, repository::CLONE));
        lines.push(format!("{command} {} \"$root\"/{directory}", shell_quoted(&clone.url)));
    }
    lines.extend(job.more.iter().cloned());
    lines.extend(variables(job, target));
    if job.inputs.iter().any(|input| input.is_params && !input.from.is_empty()) {
        lines.extend(set_variable(target));
    }
    for input in &job.inputs {
        lines.extend(of_input(line, input, target));
    }
    lines
}

/// The variables that GitHub cannot say in its `env`; all that are not a run's own in GitLab.
fn variables(job: &Job, target: Target) -> Vec<String> {
    let shared = job.shared().filter(|(_, text)| target == Target::Gitlab || text.needs_shell());
    shared.map(|(name, text)| target.assign(name, &text.word(target.number(), target.user()))).collect()
}

/// The script that stands in for shipctl.
pub(super) fn functions(target: Target) -> Vec<String> {
    let directory = format!("$PWD/{WORKSPACE}/scripts");
    let mut lines = vec![
        format!("mkdir -p \"{directory}\""),
        format!("cat >\"{directory}/shipctl\" <<'END_OF_FUNCTIONS'"),
    ];
    lines.push(SCRIPT.trim_end().to_owned());
    lines.push("END_OF_FUNCTIONS".to_owned());
    lines.push(format!("chmod +x \"{directory}/shipctl\""));
    lines.push(format!("for name in retry replace; do ln -sf shipctl \"{directory}/shippable_$name\"; done"));
    lines.push(match target {
        Target::Github => format!("echo \"{directory}\" >>\"$GITHUB_PATH\""),
        Target::Gitlab => format!("export PATH=\"{directory}:$PATH\""),
    });
    lines
}

/// Has a variable be set whose name is not known here.
fn set_variable(target: Target) -> Vec<String> {
    let body = match target {
        Target::Github => "printf '%s=%s\\n' \"$1\" \"$2\" >>\"$GITHUB_ENV\"",
        Target::Gitlab => "export \"$1=$2\"",
    };
    vec![format!("set_variable() {{ {body}; }}")]
}

/// What goes in: its files, its version, and the variables that tell of that.
fn of_input(line: &Standalone, input: &Input, target: Target) -> Vec<String> {
    let directory = format!("\"$root\"/IN/{}", path(&input.name));
    let version = format!("{directory}/version.env");
    let mut lines = Vec::new();
    if !input.known.is_empty() {
        let pairs: Vec<_> =
            input.known.iter().map(|(key, value)| shell_quoted(&format!("{key}={value}"))).collect();
        lines.push(format!("printf '%s\\n' {} >{version}", pairs.join(" ")));
    }
    if input.from.is_empty() {
        return lines;
    }
    lines.push(format!("touch {version}"));
    for maker in &input.from {
        let state = format!("{STATES}/{}", line.jobs[*maker].id);
        let env = path(&format!("{}.env", input.name));
        if input.is_job {
            lines.push(format!("if [ -d {state}/state ]; then"));
            lines.push(format!("    cp -r {state}/state/. {directory}/{}/", path(&input.kind)));
            lines.push("fi".to_owned());
        } else {
            let files = format!("{state}/OUT/{}", path(&input.name));
            lines.push(format!("if [ -d {files} ]; then cp -r {files}/. {directory}/; fi"));
        }
        lines.push(format!("if [ -f {state}/state/{env} ]; then cat {state}/state/{env} >>{version}; fi"));
    }
    lines.push(target.assign(&format!("{}_VERSIONNUMBER", input.env), &format!("\"${}\"", target.number())));
    lines.push(format!("name=$(sed -n 's/^versionName=//p' {version} | tail -n 1)"));
    let assign = target.assign(&format!("{}_VERSIONNAME", input.env), "\"$name\"");
    lines.push(format!("if [ -n \"$name\" ]; then {assign}; fi"));
    if input.is_params {
        lines.push("while IFS== read -r key value; do".to_owned());
        lines.push("    set_variable \"$key\" \"$value\"".to_owned());
        lines.push(format!(
            "    set_variable \"{}_PARAMS_$(printf %s \"$key\" | tr 'a-z' 'A-Z')\" \"$value\"",
            input.env
        ));
        lines.push(format!("done < <(sed -n '/^[A-Za-z_][A-Za-z0-9_]*=/p' {version})"));
    }
    lines
}

/// Lines as a block behind a key or a dash, or in quotes where they hold what no block can.
pub(super) fn block(indent: &str, lines: &[String]) -> String {
    let text = lines.join("\n");
    // The first line says how far the others are indented.
    let text = text.trim_start_matches('\n').trim_start_matches([' ', '\t']).trim_end();
    let is_odd = |c: char| {
        c.is_control() && !matches!(c, '\n' | '\t') || matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}')
    };
    if text.is_empty() || text.contains(is_odd) {
        let quoted = serde_json::Value::from(text).to_string();
        let escape = |c: char| if is_odd(c) { format!("\\u{:04x}", u32::from(c)) } else { c.to_string() };
        return format!("{}\n", quoted.chars().map(escape).collect::<String>());
    }
    yaml::block(indent, &[text.to_owned()])
}
