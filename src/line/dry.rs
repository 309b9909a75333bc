//! `shipctl run --dry-run` of several jobs: the order, and then each job as alone.

use std::fmt::Write as _;

use crate::cli::Run;
use crate::job::Session;
use crate::job::dry_run::described;
use crate::order::Order;
use crate::output::{Failure, print};
use crate::paint::{Paint, Style};
use crate::printable::Printable;

/// Prints the plan.
///
/// # Errors
///
/// Where the run would fail before the first line of a script.
pub(super) fn run(session: &Session, order: &Order, command: &Run, paint: Paint) -> Result<u8, Failure> {
    let mut text = overview(order, paint);
    for option in &session.defaults {
        let _ = writeln!(text, "  option: {}", Printable(option));
    }
    for member in &order.members {
        text.push('\n');
        text += &described(session, &member.job.name.text, command, paint)?;
    }
    print(&text)?;
    session.end_of_dry_run()
}

/// Which jobs run, and what each waits for.
fn overview(order: &Order, paint: Paint) -> String {
    let count = order.members.len();
    let note = paint.with(Style::Quiet, "dry run: nothing is started, nothing is written");
    let jobs = if count == 1 { "1 job".to_owned() } else { format!("{count} jobs") };
    let mut text = format!("{} · {note}\n", paint.with(Style::Heading, &jobs));
    for (index, member) in order.members.iter().enumerate() {
        let mut after = Vec::new();
        for wait in &member.after {
            let name = Printable(&order.members[wait.member].job.name.text).to_string();
            after.push(if wait.starts { name } else { format!("{name}, failed or not") });
        }
        let after = if after.is_empty() { String::new() } else { format!(" · after {}", after.join(", ")) };
        let _ = writeln!(text, "  {}. {}{after}", index + 1, Printable(&member.job.name.text));
    }
    for job in &order.left_out {
        let _ = writeln!(
            text,
            "  -  {} is not run: {}",
            Printable(&job.name.text),
            Printable(&job.why_not_run())
        );
    }
    text
}
