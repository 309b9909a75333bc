//! `shipctl policy --check`: whether keys are allowed what a job needs.

use std::fmt::Write as _;

use anyhow::anyhow;

use crate::aws::Problem;
use crate::cli::Policy;
use crate::credentials::AwsProvider;
use crate::diagnostic::Diagnostic;
use crate::exit;
use crate::job::{Ready, Session};
use crate::output::{Failure, print};
use crate::paint::{Paint, Style};
use crate::policy::Need;

/// Asks the account whether the keys at hand are allowed what the job needs.
pub(super) fn check(
    command: &Policy,
    session: &Session,
    ready: &Ready,
    need: &Need,
    paint: Paint,
) -> Result<u8, Failure> {
    let provider = AwsProvider::new(command.options.mfa_code.as_deref());
    let integration = need.integration_in(&ready.plan).map_err(anyhow::Error::from)?;
    let fail = |problem: Diagnostic| session.fail(&[problem]);
    let identity = provider.identity(&ready.credentials, integration).map_err(fail)?;
    let mut text = format!("{} is {}\n", need.integration, identity.arn);
    let mut denied = 0;
    for (action, resources) in need.actions() {
        let resources: Vec<_> = resources.iter().map(String::as_str).collect();
        match provider.may(&ready.credentials, integration, &identity, action, &resources) {
            Ok(true) => _ = writeln!(text, "  {} {action}", paint.with(Style::Good, "✓")),
            Ok(false) => {
                denied += 1;
                let _ =
                    writeln!(text, "  {} {action} on {}", paint.with(Style::Bad, "✗"), resources.join(", "));
            }
            Err(error) if error.problem == Problem::AccessDenied => {
                print(&text)?;
                session.say(&format!(
                    "warning: these keys may not ask what they may do ({error}): allow them iam:SimulatePrincipalPolicy, or compare `shipctl policy {}` by eye\n",
                    ready.plan.job.name.text
                ));
                return Ok(exit::SUCCESS);
            }
            Err(error) => {
                return Err(anyhow!("integration `{}`: {error}; {}", need.integration, error.hint()).into());
            }
        }
    }
    print(&text)?;
    Ok(if denied == 0 { exit::SUCCESS } else { exit::DENIED })
}
