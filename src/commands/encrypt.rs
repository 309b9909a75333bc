//! `shipctl encrypt` and `shipctl decrypt-value`.

use crate::cli::{Encrypt, LineOptions};
use crate::encryption::{own, parse, recipients, value};
use crate::exit;
use crate::load::{opener, read};
use crate::output::{Failure, print};
use crate::secure;

/// Encrypts a value and prints the YAML that holds it.
///
/// # Errors
///
/// When a value is an argument, there is no recipient, or it cannot be read.
pub fn encrypt(command: &Encrypt, options: &LineOptions) -> Result<u8, Failure> {
    if !command.value.is_empty() {
        return Err(Failure {
            status: exit::USAGE,
            message: "error: encrypt takes no value as an argument: everybody on this machine can read arguments, and your shell keeps them\n  \
                      hint: run `shipctl encrypt` and type it, or pipe it in: `shipctl encrypt < file`\n"
                .to_owned(),
        });
    }
    let line = read(options)?;
    let opener = opener(&line.pipeline);
    let recipients = if command.recipients.is_empty() {
        recipients(&line.pipeline, &opener)?
    } else {
        command.recipients.iter().map(|text| parse(text)).collect::<Result<_, _>>()?
    };
    let armoured = secure::encrypt(&recipients, &value::read()?).map_err(anyhow::Error::from)?;
    print(&value::as_yaml(&armoured, command.one_line))?;
    if own().is_some_and(|own| !recipients.iter().any(|recipient| own.contains(recipient))) {
        eprintln!("shipctl: it is encrypted to others: you cannot open it yourself");
    }
    Ok(exit::SUCCESS)
}

/// Opens the value that stands on stdin and prints it.
///
/// # Errors
///
/// When it cannot be opened.
pub fn decrypt(options: &LineOptions) -> Result<u8, Failure> {
    let line = read(options)?;
    value::open_stdin(&opener(&line.pipeline))?;
    Ok(exit::SUCCESS)
}
