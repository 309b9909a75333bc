//! Notifications, as scripts: a job that is to send them asks `shipctl notify` for it.

use super::ci::Before;
use super::job::{Input, Sections, Step};
use super::task::Task;
use super::{Job, Name, Pipeline, Resource, written};
use crate::contract::shell_quoted;
use crate::yaml::{Node, Value};

impl Job {
    /// All that its steps and sections notify.
    pub fn notified(&self) -> impl Iterator<Item = &Name> {
        let steps = self.steps.iter().filter_map(|step| match step {
            Step::Notify(name) => Some(name),
            _ => None,
        });
        steps.chain(self.sections.notify.iter().map(|(_, name)| name))
    }

    /// Forgets a notification.
    pub fn forget_notification(&mut self, name: &str) {
        self.steps.retain(|step| !matches!(step, Step::Notify(notified) if notified.text == name));
        self.sections.notify.retain(|(_, notified)| notified.text != name);
    }

    /// Makes scripts of the job's notifications, where they stand, and lets the resources go in that say where to. What
    /// a step cannot send does not fail the job.
    pub fn send_notifications(&mut self) {
        if self.managed().is_some() {
            self.keep_notifications();
        }
        let mut names = Vec::new();
        let mut tasks = 0;
        for step in &mut self.steps {
            match step {
                Step::Notify(name) => {
                    names.push(name.clone());
                    *step = Step::Task(Task {
                        name: Some(format!("notify {}", name.text)),
                        entries: vec![format!("{} || true", script(name))],
                        has_script: true,
                        variables: Vec::new(),
                        image: None,
                        default_image: false,
                        runtime: Default::default(),
                        place: name.place,
                    });
                }
                // The others are called as if nothing had come between them.
                Step::Task(task) => {
                    task.name.get_or_insert_with(|| format!("Task {tasks}"));
                    tasks += 1;
                }
                Step::In(_) | Step::Out(_) => {}
            }
        }
        for (section, name) in std::mem::take(&mut self.sections.notify) {
            self.sections.add(section, script(&name));
            names.push(name);
        }
        for name in names {
            if !self.inputs().any(|input| input.name.text == name.text) {
                let node = Node { place: name.place, value: Value::Null };
                let input = Input { name, pin: None, switched_off: true, scopes: Vec::new(), node };
                self.steps.insert(0, Step::In(input));
            }
        }
    }
}

impl Job {
    /// Leaves the sections of a job without scripts their notifications alone: that is all they can have. A NOTIFY among its
    /// steps comes after the work.
    fn keep_notifications(&mut self) {
        let Sections { on_start, on_success, on_failure, on_cancel, always, notify } = &mut self.sections;
        for entries in [on_start, on_success, on_failure, on_cancel, always] {
            entries.clear();
        }
        for step in &self.steps {
            if let Step::Notify(name) = step {
                notify.push(("on_success", name.clone()));
            }
        }
        self.steps.retain(|step| !matches!(step, Step::Notify(_)));
    }
}

/// Sends a notification.
fn script(name: &Name) -> String {
    format!("shipctl notify {}", shell_quoted(&name.text))
}

impl Sections {
    /// Adds a script to a section.
    fn add(&mut self, section: &str, script: String) {
        let entries = match section {
            "on_start" => &mut self.on_start,
            "on_success" => &mut self.on_success,
            "on_failure" => &mut self.on_failure,
            "on_cancel" => &mut self.on_cancel,
            _ => &mut self.always,
        };
        entries.push(script);
    }
}

impl Pipeline {
    /// Gives a runCI job the notifications of its CI section, as scripts. `refuse` says why one cannot be sent; these are
    /// left out and returned, each with its place and the reason.
    pub fn send_ci_notifications(
        &mut self,
        job: &str,
        before: Before,
        refuse: &mut dyn FnMut(&Pipeline, &Resource) -> Option<String>,
    ) -> Vec<(Name, String)> {
        let mut refused = Vec::new();
        let notifications = match (&self.ci, self.jobs.get(job)) {
            (Some(ci), Some(job)) if job.is_ci() => ci.notifications.clone(),
            _ => return refused,
        };
        for notification in notifications {
            let name = self.free_name(&notification.name);
            let resource = notification.resource(name.clone());
            if let Some(why) = refuse(self, &resource) {
                refused.push((notification.name, why));
                continue;
            }
            let Some(job) = self.jobs.get_mut(job) else { continue };
            let node = written::map(name.place, &[("IN", &name.text)]);
            let input = Input { name: name.clone(), pin: None, switched_off: true, scopes: Vec::new(), node };
            job.steps.insert(0, Step::In(input));
            for (section, script) in notification.scripts(&name.text, before) {
                job.sections.add(section, script);
            }
            self.resources.insert(name.text.clone(), resource);
        }
        refused
    }

    /// A name for the resource of a notification that nothing else has.
    fn free_name(&self, wanted: &Name) -> Name {
        let is_free = |text: &String| !self.resources.contains_key(text) && !self.jobs.contains_key(text);
        let numbered = (2..).map(|number| format!("{}_{number}", wanted.text));
        let text = std::iter::once(wanted.text.clone()).chain(numbered).find(is_free);
        Name { text: text.unwrap_or_default(), place: wanted.place }
    }
}
