//! The secrets that `shipctl scan` looks for.

use std::io;

use anyhow::anyhow;

use crate::cli::LineOptions;
use crate::credentials::Credentials;
use crate::exit;
use crate::load::opener;
use crate::model::files::Line;
use crate::output::{Failure, paint};
use crate::printable::Printable;
use crate::scan::{self, LineSecret, SHORTEST, is_searched};

/// Fetches all integrations of the line, and warns of what cannot be had.
pub(super) fn fetch(line: &mut Line, options: &LineOptions) -> Credentials {
    let opener = opener(&line.pipeline);
    let (credentials, warnings) = scan::fetch(line, &opener);
    for warning in &warnings {
        eprint!("{}", warning.render(&line.sources, paint(options.color, &io::stderr())));
    }
    credentials
}

/// Fails where there is nothing to look for, and warns of what is too short for it.
pub(super) fn check(secrets: &[LineSecret], all_known: bool) -> Result<(), Failure> {
    if secrets.is_empty() && !all_known {
        return Err(Failure {
            status: exit::NOT_ALL_LOOKED_FOR,
            message: "error: none of the secrets of the line could be had, so nothing was looked for\n"
                .to_owned(),
        });
    }
    if secrets.is_empty() {
        return Err(anyhow!("there are no secrets to look for").into());
    }
    for short in secrets.iter().filter(|secret| !is_searched(secret.value)) {
        eprintln!(
            "warning: not looked for: {}: it is shorter than {SHORTEST} bytes",
            Printable(&short.origin())
        );
    }
    Ok(())
}
