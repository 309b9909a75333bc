//! The environment of a job while it is built, and the checks of what goes into it.

use std::rc::Rc;

use super::{Environment, LINE_DIRECTORY, RunContext, Variable, is_variable_name, stable_id};
use crate::contract::{self, path};
use crate::credentials::Value;
use crate::diagnostic::Diagnostic;
use crate::resolve::Plan;
use crate::source::Span;

/// Variables that change how programs run, and that a value of the line replaces by accident at best.
const DANGEROUS: &[&str] = &["PATH", "IFS", "PS4", "PROMPT_COMMAND", "HOME", "SHELL", "CDPATH", "GLOBIGNORE"];

/// Variables that change how bash itself runs a script.
pub(super) const OF_BASH: &[&str] =
    &["BASH_ENV", "ENV", "SHELLOPTS", "BASHOPTS", "BASH_XTRACEFD", "BASH_COMPAT", "POSIXLY_CORRECT"];

/// The longest that one `NAME=value` can be for the kernel, in bytes.
const MAX_STRING: usize = 128 << 10;

/// The warning for a variable that bash reads for itself, where it is set on purpose.
pub(super) fn changes_bash(what: &str, name: &str) -> Diagnostic {
    Diagnostic::warning(format!("{what} sets ${name}, which changes how bash runs the scripts"))
        .rule("replaced-variable")
        .hint("say it in the script instead, with `set` or `shopt`, unless this is what you want")
}

/// An environment that is being built.
pub(super) struct Builder {
    pub(super) environment: Environment,
    /// Whether any process gets it.
    pub(super) for_scripts: bool,
    pub(super) warnings: Vec<Diagnostic>,
    pub(super) problems: Vec<Diagnostic>,
}

impl Builder {
    /// Sets a variable of the line's own choosing, with a warning where that replaces one that matters.
    pub(super) fn set_alone(&mut self, key: &str, value: Value, origin: &Rc<str>, place: Span) {
        let name = contract::sanitize(key);
        if !self.for_scripts {
            self.environment.set(name, value, origin);
            return;
        }
        if !is_variable_name(&name) {
            self.warnings.push(
                Diagnostic::warning(format!(
                    "`{key}` of {origin} is no variable on its own: none can be called `{name}`"
                ))
                .rule("no-variables")
                .at(place)
                .hint("variables do not begin with a digit"),
            );
            return;
        }
        if is_of_the_job(&name) {
            self.warnings.push(
                Diagnostic::warning(format!("`{key}` of {origin} has the name of a variable of the job"))
                    .rule("replaced-variable")
                    .at(place)
                    .hint("rename it"),
            );
        } else if DANGEROUS.contains(&name.as_str())
            || OF_BASH.contains(&name.as_str())
            || name.starts_with("LD_")
            || name.starts_with("DYLD_")
        {
            self.warnings.push(
                Diagnostic::warning(format!(
                    "`{key}` of {origin} replaces ${name}, which changes how programs run"
                ))
                .rule("replaced-variable")
                .at(place)
                .hint("rename it, unless that is what you want"),
            );
        }
        self.environment.set(name, value, origin);
    }

    /// Step 2: the job.
    pub(super) fn job(&mut self, plan: &Plan, context: &RunContext) {
        let name = &plan.job.name.text;
        let root = context.root.display().to_string();
        let below = |part: &str| format!("{root}/{part}");
        let id = stable_id("job", name);
        let build_id = stable_id("build", &format!("{name}/{}", context.number));
        let variables = [
            ("RESOURCE_ID", id),
            ("BUILD_JOB_ID", build_id.clone()),
            ("BUILD_ID", build_id),
            ("BUILD_NUMBER", context.number.to_string()),
            ("BUILD_JOB_NUMBER", "1".to_owned()),
            ("SUBSCRIPTION_ID", stable_id("subscription", &context.user)),
            ("JOB_TRIGGERED_BY_NAME", context.user.clone()),
            ("JOB_TRIGGERED_BY_ID", stable_id("user", &context.user)),
            ("JOB_TRIGGERED_BY_USER", context.user.clone()),
            ("SHARED_DIR", below(path::SHARED)),
            ("BUILD_DIR", root.clone()),
            ("BUILD_SECRETS_DIR", below(path::SECRETS)),
            (
                "SHIPPABLE_INTEGRATION_ENVS_PATH",
                format!("{}/{}", below(path::SCRIPTS), path::INTEGRATION_ENVS),
            ),
            // The last image of the original; scripts pick their own images by it.
            ("SHIPPABLE_AMI_VERSION", "v7.2.4".to_owned()),
            ("SHIPPABLE_WWW_URL", String::new()),
            ("BUILD_URL", String::new()),
        ];
        let origin: Rc<str> = "the job".into();
        for (name, value) in variables {
            self.environment.plain(name, value, &origin);
        }
        self.environment.plain(LINE_DIRECTORY, context.line.display().to_string(), &origin);
        for (part, value) in [
            ("NAME", name.clone()),
            ("TYPE", plan.job.kind.text.clone()),
            ("PATH", root.clone()),
            ("STATE", below(path::STATE)),
            ("PREVIOUS_STATE", below(path::PREVIOUS_STATE)),
            ("INTEGRATIONS", below(path::INTEGRATIONS)),
            ("MESSAGE", below(path::MESSAGE_JSON)),
        ] {
            self.environment.plain(format!("JOB_{part}"), value.clone(), &origin);
            self.environment.plain(format!("{}_{part}", plan.env), value, &origin);
        }
    }

    /// What the kernel would refuse is refused before anything runs.
    pub(super) fn check_size(&mut self, limit: usize) {
        let size = |name: &str, variable: &Variable| name.len() + variable.value.expose().len() + 2;
        let sizes = self.environment.iter().map(|(name, variable)| (size(name, variable), name));
        let total: usize = sizes.clone().map(|(size, _)| size + size_of::<usize>()).sum();
        if total > limit || sizes.clone().any(|(size, _)| size > MAX_STRING) {
            let mut sizes: Vec<_> = sizes.collect();
            sizes.sort_unstable_by(|a, b| b.cmp(a));
            let largest: Vec<_> =
                sizes.iter().take(3).map(|(size, name)| format!("{name} ({} KiB)", size >> 10)).collect();
            self.problems.push(
                Diagnostic::error(format!(
                    "the environment is too large for the kernel; its largest variables are {}",
                    largest.join(", ")
                ))
                .hint("one variable holds at most 128 KiB: put large values into files"),
            );
        }
    }
}

/// Whether it is a variable of step 2, which tells scripts about the job.
fn is_of_the_job(name: &str) -> bool {
    const NAMES: &[&str] = &[
        "RESOURCE_ID",
        "SUBSCRIPTION_ID",
        "SHARED_DIR",
        "SHIPPABLE_INTEGRATION_ENVS_PATH",
        "SHIPPABLE_AMI_VERSION",
        "SHIPPABLE_WWW_URL",
        LINE_DIRECTORY,
        "BUILD_ID",
        "BUILD_NUMBER",
        "BUILD_JOB_ID",
        "BUILD_JOB_NUMBER",
        "BUILD_DIR",
        "BUILD_SECRETS_DIR",
        "BUILD_URL",
        "JOB_NAME",
        "JOB_TYPE",
        "JOB_PATH",
        "JOB_STATE",
        "JOB_PREVIOUS_STATE",
        "JOB_INTEGRATIONS",
        "JOB_MESSAGE",
        "JOB_TRIGGERED_BY_NAME",
        "JOB_TRIGGERED_BY_ID",
        "JOB_TRIGGERED_BY_USER",
    ];
    NAMES.contains(&name)
}
