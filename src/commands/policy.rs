//! `shipctl policy`: the IAM policy that the keys of a job need, the trust policy of its role, and whether they have it.

use std::fmt::Write as _;
use std::io;

use anyhow::anyhow;

use super::{Commands, Failure, Ready, Session, paint, print};
use crate::aws::Problem;
use crate::cli::{LineOptions, Policy};
use crate::credentials::Taker;
use crate::diagnostic::{Diagnostic, Paint};
use crate::exit;
use crate::mask::MASK;
use crate::policy::{self, Need};
use crate::resolve::Dependency;

/// Runs the command.
///
/// # Errors
///
/// Where `run` would fail before it asks AWS, when nothing can be said, and when AWS cannot be asked.
pub fn run(command: &Policy, options: &LineOptions) -> Result<u8, Failure> {
    let session = Session::new(options, &command.options, &command.job)?;
    let mut ready = session.prepare(&command.job, Commands::RunHere)?;
    let needs = policy::needs(&ready.plan, &ready.credentials, &ready.environment);
    let needs = needs.map_err(|error| anyhow!("the table of actions cannot be read: {error}"))?;
    let chosen = choose(command, &needs)?;
    if command.trust {
        return trust(command, &session, &ready, chosen);
    }
    if command.check {
        session
            .take_roles(&ready.plan, &mut ready.credentials, true)
            .map_err(|problems| session.fail(&problems))?;
        return check(command, &session, &ready, chosen, paint(options.color, &io::stdout()));
    }
    say_what_is_left(&session, &ready, chosen);
    if chosen.is_empty() {
        let name = &chosen.integration;
        return Err(anyhow!("nothing in job `{}` says what `{name}` must be allowed", command.job).into());
    }
    print(&format!("{:#}\n", chosen.policy()))?;
    Ok(exit::SUCCESS)
}

/// The integration that the command is about.
fn choose<'n>(command: &Policy, needs: &'n [Need]) -> Result<&'n Need, Failure> {
    let names = || needs.iter().map(|need| need.integration.as_str()).collect::<Vec<_>>().join(", ");
    let job = &command.job;
    match (&command.integration, needs) {
        (_, []) => Err(anyhow!("job `{job}` has no integration of AWS").into()),
        (Some(name), needs) => needs.iter().find(|need| need.integration == *name).ok_or_else(|| {
            anyhow!("job `{job}` has no AWS integration `{name}`; it has: {}", names()).into()
        }),
        (None, [only]) => Ok(only),
        (None, _) => {
            Err(anyhow!("job `{job}` has several AWS integrations; add one with --integration: {}", names())
                .into())
        }
    }
}

/// What the policy cannot hold, as only the scripts know it.
fn say_what_is_left(session: &Session, ready: &Ready, need: &Need) {
    let warnings: Vec<_> = need
        .left
        .iter()
        .map(|name| {
            let named = |dependency: &&Dependency| dependency.name.text == *name;
            let place = ready.plan.dependencies.iter().find(named).map(|dependency| dependency.name.place);
            let place =
                place.or(ready.plan.job.integrations.iter().find(|i| i.text == *name).map(|i| i.place));
            let warning = Diagnostic::warning(format!("what scripts do with `{name}` is not in the policy"));
            let warning = warning.hint("add the actions that they call");
            match place {
                Some(place) => warning.at(place),
                None => warning,
            }
        })
        .collect();
    session.warn(&warnings);
}

/// Prints who may take the role.
fn trust(command: &Policy, session: &Session, ready: &Ready, need: &Need) -> Result<u8, Failure> {
    let credential = ready.credentials.get(&need.integration);
    let Some(credential) = credential.filter(|credential| credential.text("assumeRoleARN").is_some()) else {
        return Err(anyhow!("`{}` is no role: only roles have a trust policy", need.integration).into());
    };
    let principal = match &command.principal {
        Some(principal) => principal.clone(),
        None => {
            let taker = Taker::new(command.options.mfa_code.as_deref());
            let integration = ready.plan.all_integrations().find(|known| known.name.text == need.integration);
            let integration = integration.ok_or_else(|| anyhow!("`{}` is not there", need.integration))?;
            let caller = taker.caller_of(&ready.credentials, integration);
            caller.map_err(|problem| session.fail(&[problem]))?
        }
    };
    let external_id = credential.text("externalId").map(|id| if command.reveal { id } else { MASK });
    if external_id == Some(MASK) {
        session.say("note: the external id is a secret; --reveal shows it\n");
    }
    print(&format!("{:#}\n", policy::trust(&principal, external_id)))?;
    Ok(exit::SUCCESS)
}

/// Asks the account whether the keys at hand are allowed what the job needs.
fn check(
    command: &Policy,
    session: &Session,
    ready: &Ready,
    need: &Need,
    paint: Paint,
) -> Result<u8, Failure> {
    let taker = Taker::new(command.options.mfa_code.as_deref());
    let integration = ready.plan.all_integrations().find(|known| known.name.text == need.integration);
    let integration = integration.ok_or_else(|| anyhow!("`{}` is not there", need.integration))?;
    let fail = |problem: Diagnostic| session.fail(&[problem]);
    let identity = taker.identity(&ready.credentials, integration).map_err(fail)?;
    let mut text = format!("{} is {}\n", need.integration, identity.arn);
    let mut denied = 0;
    for (action, resources) in need.actions() {
        let resources: Vec<_> = resources.iter().map(String::as_str).collect();
        match taker.may(&ready.credentials, integration, &identity, action, &resources) {
            Ok(true) => _ = writeln!(text, "  {} {action}", paint.with("32", "✓")),
            Ok(false) => {
                denied += 1;
                let _ = writeln!(text, "  {} {action} on {}", paint.with("31", "✗"), resources.join(", "));
            }
            Err(error) if error.problem == Problem::AccessDenied => {
                print(&text)?;
                session.say(&format!(
                    "warning: these keys may not ask what they may do ({error}): allow them iam:SimulatePrincipalPolicy, or compare `shipctl policy {}` by eye\n",
                    command.job
                ));
                return Ok(exit::SUCCESS);
            }
            Err(error) => {
                return Err(anyhow!("integration `{}`: {error}; {}", need.integration, error.hint()).into());
            }
        }
    }
    print(&text)?;
    Ok(if denied == 0 { exit::SUCCESS } else { 1 })
}
