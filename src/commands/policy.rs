//! `shipctl policy`: the IAM policy that the keys of a job need, the trust policy of its role, and whether they have it.

use std::fmt::Write as _;
use std::io;
use std::rc::Rc;

use anyhow::anyhow;

use crate::aws::Problem;
use crate::cli::{LineOptions, Policy};
use crate::credentials::{self, AwsProvider};
use crate::diagnostic::Diagnostic;
use crate::environment;
use crate::exit;
use crate::job::{FetchPolicy, Ready, Session};
use crate::load::{read_good, store};
use crate::mask::MASK;
use crate::model::Integration;
use crate::output::{Failure, paint, print};
use crate::paint::{Paint, Style};
use crate::policy::{self, Facts, Need};
use crate::resolve::{self, AWS_KINDS, Dependency};
use crate::workspace::Home;

/// Runs the command.
///
/// # Errors
///
/// Where `run` would fail before it asks AWS, but for jobs that only the service could run; when nothing can be said, and
/// when AWS cannot be asked.
pub fn run(command: &Policy, options: &LineOptions) -> Result<u8, Failure> {
    let Some(job) = &command.job else { return state(options) };
    let facts = Facts::read().map_err(|error| anyhow!("the table of actions cannot be read: {error}"))?;
    let line = read_good(options)?;
    let jobs: Vec<_> = facts.jobs(&line.pipeline, job).into_iter().map(str::to_owned).collect();
    let jobs: Vec<_> = jobs.iter().map(String::as_str).collect();
    let managed =
        line.pipeline.jobs.get(job).is_some_and(|job| !policy::has_scripts(job) && !job.kind.text.is_empty());
    let session = Session::of(line, &jobs, paint(options.color, &io::stderr()), &command.options)?;
    // The policy follows from what the line says; only who asks AWS needs keys.
    let policy =
        if command.check || command.trust { FetchPolicy::NoServers } else { FetchPolicy::NoCommands };
    let mut ready = match managed {
        true => survey(&session, &jobs, policy)?,
        false => session.prepare(job, policy)?,
    };
    let needs = policy::needs(&facts, &ready.plan, &ready.credentials, &ready.environment);
    let chosen = choose(command, job, &needs)?;
    if command.trust {
        return trust(command, &session, &ready, chosen);
    }
    if command.check {
        session
            .assume_roles(&ready.plan, &mut ready.credentials, true)
            .map_err(|problems| session.fail(&problems))?;
        return check(command, &session, &ready, chosen, paint(options.color, &io::stdout()));
    }
    say_what_is_left(&session, &ready, chosen);
    if chosen.is_empty() {
        let name = &chosen.integration;
        let why = match managed {
            true => format!(
                "; as far as is known, jobs of type `{}` call nothing of AWS with such resources",
                ready.plan.job.kind.text
            ),
            false => String::new(),
        };
        return Err(anyhow!("nothing in job `{job}` says what `{name}` must be allowed{why}").into());
    }
    print(&format!("{:#}\n", chosen.policy()))?;
    Ok(exit::SUCCESS)
}

/// Prints what the state in a bucket needs.
fn state(options: &LineOptions) -> Result<u8, Failure> {
    let Some(place) = store::wanted(options)? else {
        let message = "error: say which job, or which state with --state s3://bucket/prefix\n".to_owned();
        return Err(Failure { status: exit::USAGE, message });
    };
    let Some((bucket, prefix)) = store::bucket_of(&place) else {
        return Err(
            anyhow!("the state in {place} needs no policy of AWS: a bucket is s3://bucket/prefix").into()
        );
    };
    let partition = AwsProvider::new(None).partition();
    print(&format!("{:#}\n", policy::state(partition.name, bucket, prefix)))?;
    Ok(exit::SUCCESS)
}

/// What is known of a job that shipctl does not run, and of the jobs whose work it takes up: nothing of it has a state or a
/// workspace here, and only the keys of AWS matter.
fn survey<'a>(session: &'a Session, jobs: &[&str], policy: FetchPolicy) -> Result<Ready<'a>, Failure> {
    let fail = |problems: Vec<Diagnostic>| session.fail(&problems);
    let (plan, missing) = resolve::survey(&session.line.pipeline, jobs).map_err(fail)?;
    session.warn(&missing);
    let mut of_aws: Vec<&Integration> = Vec::new();
    for integration in plan.all_integrations().filter(|known| AWS_KINDS.contains(&known.kind.name)) {
        if of_aws.iter().all(|known| known.name.text != integration.name.text) {
            of_aws.push(integration);
        }
    }
    let (mut credentials, problems) = credentials::fetch_each(&of_aws, &mut session.fetcher(policy));
    let problems: Vec<_> = problems.into_iter().flatten().collect();
    if !problems.is_empty() {
        return Err(fail(problems));
    }
    session.assume_roles(&plan, &mut credentials, false).map_err(fail)?;
    let versions = Rc::default();
    let mut context = session.run_context(session.root(&plan.job.name.text, Home::Disk, 0)?, 1, &versions)?;
    context.opened = Rc::new(session.open_params(&plan, &versions)?);
    // No process gets it.
    context.max_environment = usize::MAX;
    let built = environment::build(&plan, &credentials, &context).map_err(fail)?;
    session.warn(&built.warnings);
    let (logins, finish) = Default::default();
    Ok(Ready { plan, credentials, environment: built.environment, context, logins, finish })
}

/// The integration that the command is about.
fn choose<'n>(command: &Policy, job: &str, needs: &'n [Need]) -> Result<&'n Need, Failure> {
    let names = || needs.iter().map(|need| need.integration.as_str()).collect::<Vec<_>>().join(", ");
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

/// What the policy cannot hold, as only the scripts know it, and what it need not hold.
fn say_what_is_left(session: &Session, ready: &Ready, need: &Need) {
    let place = |name: &String| {
        let named = |dependency: &&Dependency| dependency.name.text == *name;
        let place = ready.plan.dependencies.iter().find(named).map(|dependency| dependency.name.place);
        place.or(ready.plan.job.integrations.iter().find(|i| i.text == *name).map(|i| i.place))
    };
    let at = |warning: Diagnostic, name| match place(name) {
        Some(place) => warning.at(place),
        None => warning,
    };
    let kind = &ready.plan.job.kind.text;
    let left = need.left.iter().map(|name| {
        let warning = Diagnostic::warning(format!("what scripts do with `{name}` is not in the policy"));
        at(warning.hint("add the actions that they call"), name)
    });
    let idle = need.idle.iter().map(|name| {
        let warning = Diagnostic::warning(format!("nothing is in the policy for `{name}`"));
        at(warning.hint(format!("jobs of type `{kind}` call nothing of AWS for it")), name)
    });
    session.warn(&left.chain(idle).collect::<Vec<_>>());
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
            let provider = AwsProvider::new(command.options.mfa_code.as_deref());
            let integration = integration_of(ready, need)?;
            let caller = provider.caller_of(&ready.credentials, integration);
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

/// The integration whose needs these are.
fn integration_of<'r>(ready: &'r Ready, need: &Need) -> Result<&'r Integration, Failure> {
    let integration = ready.plan.all_integrations().find(|known| known.name.text == need.integration);
    Ok(integration.ok_or_else(|| anyhow!("`{}` is not there", need.integration))?)
}

/// Asks the account whether the keys at hand are allowed what the job needs.
fn check(
    command: &Policy,
    session: &Session,
    ready: &Ready,
    need: &Need,
    paint: Paint,
) -> Result<u8, Failure> {
    let provider = AwsProvider::new(command.options.mfa_code.as_deref());
    let integration = integration_of(ready, need)?;
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
