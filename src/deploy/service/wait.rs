//! Waiting for what the cluster does.

use std::sync::atomic::Ordering;
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::{Halt, ServiceDeployment, described};
use crate::aws::ecs::ServiceState;
use crate::managed::deploy::Method;

/// The first pause between two looks at a service, and the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// How many events of a service are shown when it fails.
const EVENTS: usize = 5;

impl ServiceDeployment<'_> {
    pub(super) fn wait_until_stable(&mut self, name: &str) -> Result<(), Halt> {
        let stability = match self.deployment.method {
            Method::BlueGreen => self.deployment.stability,
            Method::Upgrade | Method::Replace => Duration::ZERO,
        };
        let state = self.wait(name, "become stable", ServiceState::is_stable, stability)?;
        (self.tell)(if state.is_idle_daemon() {
            format!(
                "warning: service {name} runs nowhere: cluster {} has no instance for it; one starts on each that joins",
                self.cluster()
            )
        } else {
            format!("service {name} is stable")
        });
        Ok(())
    }

    /// Waits until a service is as it should be, and stays so: how it is then. A daemon for which no instance has come in time
    /// is as it should be.
    pub(super) fn wait(
        &self,
        name: &str,
        what: &str,
        is_reached: impl Fn(&ServiceState) -> bool,
        stays: Duration,
    ) -> Result<ServiceState, Halt> {
        let started = Instant::now();
        let limit = self.deployment.max_wait + stays;
        let known: Vec<String> = self
            .there
            .iter()
            .filter(|it| it.name == name)
            .flat_map(|it| &it.events)
            .map(|(id, _)| id.clone())
            .collect();
        let (mut said, mut reached, mut pause) = (String::new(), None, FIRST_PAUSE);
        loop {
            let Some(state) = self.state_of(name)? else {
                return Err(Halt::Failed(format!(
                    "service {name} is gone: it was deleted by another client"
                )));
            };
            let now = described(&state);
            if now != said {
                (self.tell)(format!("service {name}: {now}"));
                said = now;
            }
            if is_reached(&state) {
                let since = *reached.get_or_insert_with(Instant::now);
                if since.elapsed() >= stays {
                    return Ok(state);
                }
            } else {
                reached = None;
            }
            let failed = state.failed.clone().or_else(|| {
                (started.elapsed() >= limit).then(|| format!("it had {} s to {what}", limit.as_secs()))
            });
            if state.failed.is_none() && failed.is_some() && state.is_idle_daemon() {
                return Ok(state);
            }
            if let Some(why) = failed {
                let new = state.events.iter().filter(|(id, _)| !known.contains(id));
                let events: Vec<_> = new.take(EVENTS).map(|(_, message)| message.as_str()).collect();
                for event in events.iter().rev() {
                    (self.tell)(format!("event: {event}"));
                }
                return Err(Halt::Failed(format!(
                    "service {name} did not {what}: {}; {why}",
                    described(&state)
                )));
            }
            self.pause(pause.min(limit.saturating_sub(started.elapsed())).max(FIRST_PAUSE))?;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// A pause that ends when all is stopped.
    fn pause(&self, pause: Duration) -> Result<(), Halt> {
        const PIECE: Duration = Duration::from_millis(50);
        let started = Instant::now();
        while started.elapsed() < pause {
            if self.stopped.load(Ordering::Relaxed) {
                return Err(Halt::Stopped);
            }
            sleep(PIECE);
        }
        Ok(())
    }
}
