//! `shipctl session`: the sessions of AWS that are kept between runs.

use anyhow::anyhow;
use serde_json::json;

use crate::cli::{ListFormat, SessionArgs, SessionCommand};
use crate::credentials::kept;
use crate::exit;
use crate::output::{Failure, print, table};
use crate::printable;

/// Runs the command.
///
/// # Errors
///
/// When the sessions cannot be opened or removed.
pub fn run(command: &SessionArgs) -> Result<u8, Failure> {
    match &command.command {
        SessionCommand::List { format } => list(format),
        SessionCommand::Clear => clear(),
    }
}

fn list(format: &ListFormat) -> Result<u8, Failure> {
    let sessions = kept::list().map_err(|why| anyhow!("cannot open the sessions: {why}"))?;
    print(&match format {
        ListFormat::Json => sessions
            .iter()
            .map(|session| {
                let json = json!({"of": session.of, "expires": session.expiration()});
                printable::json(format!("{json}\n"))
            })
            .collect::<String>(),
        ListFormat::Text if sessions.is_empty() => {
            eprintln!("shipctl: no session is kept");
            String::new()
        }
        ListFormat::Text => {
            let head = ["SESSION", "EXPIRES"].map(str::to_owned);
            let rows = sessions.iter().map(|session| [session.of.clone(), session.expiration().to_owned()]);
            table(&std::iter::once(head).chain(rows).collect::<Vec<_>>())
        }
    })?;
    Ok(exit::SUCCESS)
}

fn clear() -> Result<u8, Failure> {
    let count = kept::clear().map_err(anyhow::Error::from)?;
    eprintln!("shipctl: {count} session{} forgotten", if count == 1 { "" } else { "s" });
    Ok(exit::SUCCESS)
}
