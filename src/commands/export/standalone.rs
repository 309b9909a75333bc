//! `shipctl export --standalone`.

use std::io;

use super::tell::to_set;
use crate::cli::LineOptions;
use crate::diagnostic::{DECLARED_TWICE, Diagnostic};
use crate::exit;
use crate::export::gather::ExportOptions;
use crate::export::standalone::{self, Target, Undeclared};
use crate::export::{System, directory_name};
use crate::init;
use crate::load::read_but_for;
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
    // What is declared twice is no reason against a pipeline: it says which of the two counts.
    let mut line = read_but_for(options, &[DECLARED_TWICE])?;
    let undeclared = init::survey(&line).resources.into_iter();
    let undeclared = undeclared.map(|stub| Undeclared { name: stub.name, kind: stub.kind });
    let mut assumptions = standalone::complete(&mut line.pipeline, undeclared.collect());
    let twice = line.diagnostics.iter().filter(|found| found.is_error() && found.rule == DECLARED_TWICE);
    let firsts: Vec<_> = twice.flat_map(|found| &found.related).map(|(first, _)| *first).collect();
    assumptions.first_counts(&line.pipeline, &firsts);
    let order = Order::of(&line.pipeline, &Selection { all: true, ..Selection::default() });
    let context = ExportOptions {
        name: directory_name(&line.directory),
        command: format!("shipctl export {name} --standalone"),
        options: String::new(),
    };
    let turned = standalone::read(&line.pipeline, &order, &assumptions, context);
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
