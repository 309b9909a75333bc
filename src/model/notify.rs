//! Notifications, as scripts: a job that is to send them asks `shipctl notify` for it.

use super::job::{Input, Sections, Step};
use super::task::Task;
use super::{Job, Name};
use crate::contract::shell_quoted;
use crate::yaml::{Node, Value};

impl Job {
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
        let Sections { on_start, on_success, on_failure, on_cancel, always, notify } = &mut self.sections;
        for (section, name) in std::mem::take(notify) {
            match section {
                "on_start" => on_start.push(script(&name)),
                "on_success" => on_success.push(script(&name)),
                "on_failure" => on_failure.push(script(&name)),
                "on_cancel" => on_cancel.push(script(&name)),
                _ => always.push(script(&name)),
            }
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
