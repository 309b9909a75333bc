//! Completion in a shell: the scripts of `shipctl completions` ask this program what may stand at the cursor.

use std::ffi::OsString;
use std::path::PathBuf;

use anyhow::Context as _;
use clap_complete::CompleteEnv;
use clap_complete::engine::{ArgValueCandidates, CompletionCandidate};
use clap_complete::env::Shells;

use crate::cli::defaults::Grammar;
use crate::cli::{self, Functions};
use crate::environment::task_name;
use crate::lookup;
use crate::model::files::{self, Line};
use crate::model::job::Step;
use crate::model::kind::KINDS;

/// The variable by which a completion script asks.
const VARIABLE: &str = "_SHIPCTL_COMPLETE";

/// The completion script of a shell.
///
/// # Errors
///
/// For a shell that has no completions.
pub fn script(shell: &str) -> anyhow::Result<String> {
    let completers = Shells::builtins();
    let completer = completers.completer(shell).with_context(|| format!("there are none for {shell}"))?;
    let mut script = Vec::new();
    completer.write_registration(VARIABLE, "shipctl", "shipctl", "shipctl", &mut script)?;
    Ok(String::from_utf8_lossy(&script).into_owned())
}

/// Answers a completion script, if one asks. Nothing else is to be done then.
pub fn answer() -> bool {
    if std::env::var_os(VARIABLE).is_none() {
        return false;
    }
    let complete = CompleteEnv::with_factory(|| with_names(cli::grammar(Functions::Shown))).var(VARIABLE);
    let directory = std::env::current_dir().ok();
    // What goes wrong here leaves the user without candidates, and is no matter for the prompt.
    let _ = complete.try_complete(std::env::args_os(), directory.as_deref());
    true
}

/// What may stand in an argument.
type Names = fn() -> Vec<CompletionCandidate>;

/// The arguments that hold names of the line: the command, the argument, and the names.
const ARGUMENTS: &[(&[&str], &str, Names)] = &[
    (&["run"], "job", jobs),
    (&["run"], "from", tasks),
    (&["exec"], "job", jobs),
    (&["exec"], "task", tasks),
    (&["exec"], "integration", integrations),
    (&["shell"], "job", jobs),
    (&["shell"], "task", tasks),
    (&["env"], "job", jobs),
    (&["env"], "task", tasks),
    (&["graph"], "job", jobs),
    (&["doctor"], "job", jobs),
    (&["policy"], "job", jobs),
    (&["policy"], "integration", integrations),
    (&["history"], "job", jobs),
    (&["logs"], "job", jobs),
    (&["audit"], "job", jobs),
    (&["audit"], "integration", integrations),
    (&["state", "show"], "name", jobs_and_resources),
    (&["state", "versions"], "name", jobs_and_resources),
    (&["state", "export"], "name", jobs_and_resources),
    (&["integration", "show"], "name", integrations),
    (&["integration", "remove"], "name", integrations),
    (&["integration", "rename"], "old", integrations),
    (&["integration", "used-by"], "name", integrations),
    (&["integration", "types"], "kind", kinds),
    (&["integration", "add"], "type", kinds),
];

/// The grammar, whose arguments know the names of the line.
fn with_names(mut grammar: Grammar) -> Grammar {
    for (path, argument, names) in ARGUMENTS {
        grammar = at(grammar, path, argument, *names);
    }
    for function in lookup::FUNCTIONS.iter().filter(|function| function.takes_job) {
        grammar = at(grammar, &[function.name], "arguments", resources_and_fields);
        grammar = at(grammar, &[function.name], "job", jobs);
        grammar = at(grammar, &[function.name], "integration", integrations);
    }
    grammar
}

fn at(grammar: Grammar, path: &[&str], argument: &str, names: Names) -> Grammar {
    match path.split_first() {
        Some((name, rest)) => grammar.mut_subcommands(|command| match command.get_name() == *name {
            true => at(command, rest, argument, names),
            false => command,
        }),
        // One argument alone would change its place among those without a name.
        None => grammar.mut_args(|arg| match arg.get_id() == argument {
            true => arg.add(ArgValueCandidates::new(names)),
            false => arg,
        }),
    }
}

/// The line that the words on the command line are about.
fn line() -> Line {
    let words: Vec<OsString> = std::env::args_os().skip_while(|word| word != "--").skip(1).collect();
    let values = |names: [&str; 2]| {
        let pairs = words.windows(2).filter(move |pair| names.iter().any(|name| pair[0] == *name));
        pairs.map(|pair| PathBuf::from(&pair[1])).collect::<Vec<_>>()
    };
    let mut directory = std::env::current_dir().unwrap_or_default();
    if let Some(given) = values(["-C", "--directory"]).last() {
        directory.push(given);
    }
    files::read(&values(["-f", "--file"]), &values(["-i", "--integrations"]), &directory)
}

fn candidates<'n>(names: impl Iterator<Item = &'n String>) -> Vec<CompletionCandidate> {
    names.map(CompletionCandidate::new).collect()
}

fn jobs() -> Vec<CompletionCandidate> {
    candidates(line().pipeline.jobs.keys())
}

fn jobs_and_resources() -> Vec<CompletionCandidate> {
    let line = line();
    candidates(line.pipeline.jobs.keys().chain(line.pipeline.resources.keys()))
}

fn integrations() -> Vec<CompletionCandidate> {
    candidates(line().pipeline.integrations.keys())
}

fn tasks() -> Vec<CompletionCandidate> {
    let line = line();
    let jobs = line.pipeline.jobs.values();
    let names = jobs.flat_map(|job| {
        let tasks = job.steps.iter().filter_map(|step| match step {
            Step::Task(task) => Some(task),
            _ => None,
        });
        tasks.enumerate().map(|(index, task)| task_name(task, index))
    });
    names.map(CompletionCandidate::new).collect()
}

fn resources_and_fields() -> Vec<CompletionCandidate> {
    let line = line();
    let resources = line.pipeline.resources.keys().chain(line.pipeline.integrations.keys());
    let fields = line.pipeline.integrations.values().flat_map(|integration| integration.kind.fields);
    let mut fields: Vec<_> = fields.map(|field| field.name).collect();
    fields.sort_unstable();
    fields.dedup();
    candidates(resources).into_iter().chain(fields.into_iter().map(CompletionCandidate::new)).collect()
}

fn kinds() -> Vec<CompletionCandidate> {
    let of =
        |kind: &crate::model::kind::Kind| CompletionCandidate::new(kind.name).help(Some(kind.display.into()));
    KINDS.iter().map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_argument_is_there() {
        let grammar = cli::grammar(Functions::Shown);
        for (path, argument, _) in ARGUMENTS {
            let command = path.iter().try_fold(&grammar, |command, name| command.find_subcommand(name));
            let found =
                command.is_some_and(|command| command.get_arguments().any(|arg| arg.get_id() == argument));
            assert!(found, "{path:?} {argument}");
        }
    }
}
