//! `shipctl export --standalone`.

use std::io;

use super::tell::to_set;
use crate::cli::LineOptions;
use crate::diagnostic::Diagnostic;
use crate::exit;
use crate::export::gather::ExportOptions;
use crate::export::standalone::{self, Target};
use crate::export::{System, directory_name};
use crate::load::read_good;
use crate::order::{Order, Selection};
use crate::output::{Failure, paint, print};

/// The line as a pipeline that needs no shipctl.
pub(super) fn standalone(system: System, name: &str, options: &LineOptions) -> Result<u8, Failure> {
    let target = match system {
        System::Github => Target::Github,
        System::Gitlab => Target::Gitlab,
        System::Buildkite => {
            return Err(anyhow::anyhow!(
                "--standalone writes pipelines of GitHub and GitLab: leave it out, or export to one of these"
            )
            .into());
        }
    };
    let line = read_good(options)?;
    let order = Order::of(&line.pipeline, &Selection { all: true, ..Selection::default() });
    let context = ExportOptions {
        name: directory_name(&line.directory),
        command: format!("shipctl export {name} --standalone"),
        options: String::new(),
    };
    let turned = standalone::read(&line.pipeline, &order, context);
    let paint = paint(options.color, &io::stderr());
    for gap in &turned.gaps {
        let what =
            gap.job.as_ref().map_or_else(|| gap.what.clone(), |job| format!("job `{job}`: {}", gap.what));
        eprint!("{}", Diagnostic::warning(what).at(gap.place).render(&line.sources, paint));
    }
    if turned.is_empty() {
        return Err(anyhow::anyhow!(
            "no job of the line can be turned: leave out --standalone, which has shipctl run them there"
        )
        .into());
    }
    print(&turned.write(target))?;
    eprintln!("shipctl: turned {}", turned.share());
    to_set(system, &turned.settings);
    Ok(exit::SUCCESS)
}
