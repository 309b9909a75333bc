//! The commands that scripts found on every node of the original beside its own programs.

use crate::contract::COMMANDS;
use crate::output::Failure;
use crate::run::Variables;

/// What changes the shell that it is called in, which no program could.
const JDK: (&str, &str) =
    ("shippable_jdk", "local lines; lines=$(shipctl jdk \"$@\") || return; eval \"$lines\"");

/// Adds them to the environment of a script, as functions: bash takes functions from there, and so does each bash
/// that a script starts, even where the file system of the workspace is mounted noexec.
///
/// # Errors
///
/// Those of [`Variables::push`].
pub(crate) fn add(variables: &mut Variables) -> Result<(), Failure> {
    let (jdk, lines) = JDK;
    let called = COMMANDS.iter().map(|(name, function)| (*name, format!("shipctl {function} \"$@\"")));
    for (name, body) in called.chain([(jdk, lines.to_owned())]) {
        let (variable, function) = (format!("BASH_FUNC_{name}%%"), format!("() {{ {body}; }}"));
        variables.push(variable.as_ref(), function.as_ref())?;
    }
    Ok(())
}
