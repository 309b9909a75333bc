//! The variables that the caller gives: `--env-file`, `--secret-file` and `-e`.

use std::path::Path;
use std::rc::Rc;

use anyhow::anyhow;

use crate::cli::JobOptions;
use crate::credentials::Value;
use crate::environment::{GivenVariable, dotenv};
use crate::output::Failure;
use crate::secret::Secret;
use crate::source::read_text;

/// Reads them, the last one the strongest: those of `--secret-file` come after those of `--env-file`, and `-e` last.
///
/// # Errors
///
/// Files that cannot be read, or that hold something else. No message repeats what stands in them.
pub(crate) fn given(options: &JobOptions) -> Result<Rc<[GivenVariable]>, Failure> {
    let mut given = Vec::new();
    for file in &options.env_file {
        read(file, &format!("--env-file {}", file.display()), Value::Plain, &mut given)?;
    }
    for file in &options.secret_file {
        let secret = |text| Value::Secret(Secret::new(text));
        read(file, &format!("--secret-file {}", file.display()), secret, &mut given)?;
    }
    let origin: Rc<str> = "-e".into();
    given.extend(options.env.iter().map(|(name, value)| GivenVariable {
        name: name.clone(),
        value: Value::Plain(value.clone()),
        origin: Rc::clone(&origin),
    }));
    Ok(given.into())
}

fn read(
    file: &Path,
    origin: &str,
    value: impl Fn(String) -> Value,
    given: &mut Vec<GivenVariable>,
) -> Result<(), Failure> {
    let text = read_text(file).map_err(|why| anyhow!("cannot read {}: {why}", file.display()))?;
    let variables = dotenv::read(&text)
        .map_err(|wrong| anyhow!("cannot read {}:{}:1: {}", file.display(), wrong.line, wrong.why))?;
    let origin: Rc<str> = origin.into();
    let variables = variables.into_iter();
    given.extend(variables.map(|(name, text)| GivenVariable {
        name,
        value: value(text),
        origin: Rc::clone(&origin),
    }));
    Ok(())
}
