//! An ssh-agent that ends with this process, however that ends.

use std::io::{self, Read as _};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};

/// What keeps the agent: it says that the agent listens, and ends it once no process can write to its stdin any more. Signals may
/// be blocked in both, as they are in this process: all but KILL.
const KEEPER: &str = "echo ready; exec > /dev/null 2>&1; read -r line; kill -KILL \"$SSH_AGENT_PID\"";

/// An agent. Dropping it ends it.
pub struct SshAgent {
    keeper: Child,
    leash: Option<ChildStdin>,
}

impl SshAgent {
    /// Starts one that listens at a path where nothing is. It is no part of a job that is started afterwards.
    ///
    /// # Errors
    ///
    /// When there is no `ssh-agent`, or it does not start.
    pub fn start(socket: &Path) -> io::Result<SshAgent> {
        let mut command = Command::new("ssh-agent");
        command.arg("-a").arg(socket).args(["sh", "-c", KEEPER]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        // The keys of the terminal are not for it, and no secret is in its environment.
        command.process_group(0).env_clear();
        if let Some(path) = std::env::var_os("PATH") {
            command.env("PATH", path);
        }
        let mut keeper = command.spawn()?;
        let (stdout, stderr) = (keeper.stdout.take(), keeper.stderr.take());
        let mut agent = SshAgent { leash: keeper.stdin.take(), keeper };
        let (mut said, mut error) = (String::new(), String::new());
        stdout.map(|mut from| from.read_to_string(&mut said)).transpose()?;
        if said.is_empty() {
            stderr.map(|mut from| from.read_to_string(&mut error)).transpose()?;
            agent.leash = None;
            return Err(io::Error::other(super::last_line(&error).to_owned()));
        }
        Ok(agent)
    }
}

impl Drop for SshAgent {
    fn drop(&mut self) {
        self.leash = None;
        // The run may have reaped it.
        let _ = self.keeper.wait();
    }
}
