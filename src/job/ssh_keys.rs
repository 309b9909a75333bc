//! The keys of a CI run, as the original had them: in files below `/tmp/ssh`, and in an ssh-agent that all of its commands have.
//!
//! The files are in the workspace, which is private and goes with its secrets however the run ends; what is at `/tmp/ssh` is a
//! link. Should a run be killed, a link that leads nowhere is all that it leaves there, and the next run replaces it.

use std::fs;
use std::io;
use std::os::unix::fs::{MetadataExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::anyhow;
use nix::unistd::Uid;

use super::host::search_path;
use super::{Ready, Session};
use crate::container::Mount;
use crate::contract::path;
use crate::diagnostic::Diagnostic;
use crate::output::Failure;
use crate::printable::Printable;
use crate::resolve::Plan;
use crate::run::{self, Captured, Signals, SshAgent, Variables};
use crate::source::Span;
use crate::workspace::Pipes;

/// Where the keys were.
const KEYS: &str = "/tmp/ssh";

/// The variable that says where an agent listens, and its file among the pipes.
const SOCKET: &str = "SSH_AUTH_SOCK";
const SOCKET_FILE: &str = "agent";

/// The kinds of integrations that are keys.
const KINDS: &[&str] = &["sshKey", "pemKey"];

/// The names of the keys of a job, in the order in which `ssh` was offered them, each with the place where it is named.
fn keys<'a>(plan: &Plan<'a>) -> Vec<(&'a str, Span)> {
    let integrations = plan.integrations.iter().filter(|_| plan.ci.is_some());
    let keys = integrations.filter(|(_, integration)| KINDS.contains(&integration.kind.name));
    let mut keys: Vec<_> = keys.map(|(_, key)| (key.name.text.as_str(), key.name.place)).collect();
    keys.sort_by_key(|(name, _)| *name);
    keys.dedup_by_key(|(name, _)| *name);
    keys
}

/// Whether a job has keys.
pub(super) fn are_needed(plan: &Plan) -> bool {
    !keys(plan).is_empty()
}

/// Where a workspace has them.
fn directory(workspace: &Path) -> PathBuf {
    workspace.join(path::SECRETS).join(path::SSH)
}

/// What the container of a task has at the place where the keys were.
pub(super) fn mount(workspace: &Path) -> Mount {
    Mount { source: directory(workspace), target: KEYS.into(), writable: false }
}

/// Has the commands of a task find the agent, unless the job says which one they are to find.
///
/// # Errors
///
/// Those of [`Variables::set`].
pub(super) fn name_agent(variables: &mut Variables, ready: &Ready, pipes: &Pipes) -> Result<(), Failure> {
    if are_needed(&ready.plan) && ready.environment.get(SOCKET).is_none() {
        variables.set(SOCKET.as_ref(), pipes.path().join(SOCKET_FILE).as_os_str())?;
    }
    Ok(())
}

/// The keys of a run that goes on. Dropping this takes them away again.
pub(super) struct SshKeys {
    _link: Option<Link>,
    _agent: Option<SshAgent>,
}

impl Session {
    /// Puts the keys of a job where they were, and into an agent of its own; `here` tells whether any TASK runs on this machine.
    ///
    /// # Errors
    ///
    /// When a signal ends the run.
    pub(super) fn provide_keys(
        &self,
        ready: &Ready,
        pipes: &Pipes,
        here: bool,
        signals: &Signals,
    ) -> Result<Option<SshKeys>, Failure> {
        let keys = keys(&ready.plan);
        let Some((_, first)) = keys.first() else { return Ok(None) };
        let directory = directory(&ready.context.root);
        let link = match here.then(|| Link::make(directory.clone())).transpose() {
            Ok(link) => link,
            Err(why) => {
                self.warn(&[Diagnostic::warning(format!("the keys of the job are not at {KEYS}: {why}"))
                    .at(*first)
                    .hint("scripts find them in their ssh-agent, and as $<NAME>_KEYPATH")]);
                None
            }
        };
        let agent = match SshAgent::start(&pipes.path().join(SOCKET_FILE)) {
            Ok(agent) => Some(agent),
            Err(error) => {
                let why = match error.kind() {
                    io::ErrorKind::NotFound => "no ssh-agent is installed".to_owned(),
                    _ => format!("ssh-agent: {error}"),
                };
                self.warn(&[Diagnostic::warning(format!("the job has no ssh-agent with its keys: {why}"))
                    .at(*first)
                    .hint(format!("scripts find the keys below {KEYS}, and as $<NAME>_KEYPATH"))]);
                None
            }
        };
        for (name, place) in agent.iter().flat_map(|_| &keys) {
            if let Some(why) = add(&directory.join(name), &pipes.path().join(SOCKET_FILE), signals)? {
                let message = format!("the ssh-agent of the job does not take the key `{name}`: {why}");
                let hint = "it takes private keys without a passphrase";
                self.warn(&[Diagnostic::warning(message).at(*place).hint(hint)]);
            }
        }
        Ok(Some(SshKeys { _link: link, _agent: agent }))
    }
}

/// Adds a key to an agent; gives what the agent says if it refuses the key. It asks for no passphrase.
fn add(key: &Path, socket: &Path, signals: &Signals) -> Result<Option<String>, Failure> {
    let mut command = Command::new("ssh-add");
    command.arg(key);
    let path = search_path();
    let environment = Variables::new([
        ("PATH".as_ref(), &*path),
        (SOCKET.as_ref(), socket.as_os_str()),
        ("SSH_ASKPASS".as_ref(), "false".as_ref()),
        ("SSH_ASKPASS_REQUIRE".as_ref(), "force".as_ref()),
    ])?;
    match run::capture(&command, &environment, signals) {
        Ok(Captured::Ended(output)) if output.status.success() => Ok(None),
        Ok(Captured::Ended(output)) => {
            let said = String::from_utf8_lossy(&output.stderr);
            Ok(Some(Printable(run::last_line(&said)).to_string()))
        }
        Ok(Captured::Stopped(signal)) => Err(run::Error::Interrupted(signal).into()),
        Err(error) => Err(anyhow!("ssh-add cannot be run: {error}").into()),
    }
}

/// Why the link cannot be made.
#[derive(Debug, thiserror::Error)]
enum LinkError {
    #[error("something else is there")]
    Foreign,
    #[error("another run has its own there")]
    Used,
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// The link at the place where the keys were. Dropping it removes it.
struct Link {
    target: PathBuf,
}

impl Link {
    /// Makes it, in place of one of ours that leads nowhere.
    fn make(target: PathBuf) -> Result<Link, LinkError> {
        let link = Path::new(KEYS);
        match symlink(&target, link) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                let there = fs::symlink_metadata(link)?;
                if !there.is_symlink() || there.uid() != Uid::effective().as_raw() {
                    return Err(LinkError::Foreign);
                }
                let is_used = fs::read_link(link).is_ok_and(|other| other != target) && link.exists();
                if is_used {
                    return Err(LinkError::Used);
                }
                fs::remove_file(link)?;
                symlink(&target, link)?;
            }
            made => made?,
        }
        Ok(Link { target })
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        // By now it may be another's.
        if fs::read_link(KEYS).is_ok_and(|target| target == self.target) {
            let _ = fs::remove_file(KEYS);
        }
    }
}
