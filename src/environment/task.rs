//! The variables of a TASK, and what its container is called.

use std::rc::Rc;

use super::{Environment, RunContext, is_variable_name, nul, stable_id};
use crate::contract;
use crate::diagnostic::Diagnostic;
use crate::model::task::Task;

/// Step 6: the variables that a TASK has on top of those of the job.
///
/// # Errors
///
/// Names and values that no variable can have.
pub fn of_task(task: &Task, index: usize, context: &RunContext) -> Result<Environment, Vec<Diagnostic>> {
    let mut environment = Environment::default();
    let mut problems = Vec::new();
    let origin: Rc<str> = format!("TASK {}", task_name(task, index)).into();
    for variable in &task.variables {
        let name = contract::sanitize(&variable.name);
        if variable.value.contains('\0') {
            problems.push(nul(&variable.name).at(variable.place));
        } else if is_variable_name(&name) {
            environment.plain(name, variable.value.clone(), &origin);
        } else {
            problems.push(
                Diagnostic::error(format!("no variable can be called `{}`", variable.name))
                    .at(variable.place)
                    .hint(
                        "variables are made of ASCII letters, digits and `_`, and do not begin with a digit",
                    ),
            );
        }
    }
    let origin: Rc<str> = "the task".into();
    let image = task.image.as_ref().filter(|_| context.containers);
    if let Some(image) = image {
        environment.plain(NAME_OF_CONTAINER, container_name(&index.to_string(), context), &origin);
        environment.plain(IMAGE_NAME, image.name.clone(), &origin);
        environment.plain(
            "TASK_CONTAINER_IMAGE_SHOULD_PULL",
            image.pull.unwrap_or(true).to_string(),
            &origin,
        );
        let options = image.options.as_ref().map(|options| options.text.clone()).unwrap_or_default();
        environment.plain("TASK_CONTAINER_OPTIONS", options, &origin);
    }
    for (name, value) in [
        ("TASK_NAME", task_name(task, index)),
        ("TASK_IN_CONTAINER", image.is_some().to_string()),
        ("IS_RESTRICTED_NODE", "false".to_owned()),
        ("SHIPPABLE_NODE_ARCHITECTURE", context.architecture.clone()),
        ("SHIPPABLE_NODE_OPERATING_SYSTEM", context.operating_system.clone()),
    ] {
        environment.plain(name, value, &origin);
    }
    if problems.is_empty() { Ok(environment) } else { Err(problems) }
}

/// The variables that say how the container of a TASK is called, and which image it is of.
pub const NAME_OF_CONTAINER: &str = "TASK_CONTAINER_NAME";
/// See [`NAME_OF_CONTAINER`].
pub const IMAGE_NAME: &str = "TASK_CONTAINER_IMAGE";

/// The name of a container of a run: that of a task, or of a service. No two runs have one workspace at the same time.
pub fn container_name(part: &str, context: &RunContext) -> String {
    let job = context.root.file_name().unwrap_or_default().to_string_lossy();
    let job: String =
        job.chars().filter(|c| c.is_ascii_alphanumeric() || "_.-".contains(*c)).take(40).collect();
    let id = stable_id("container", &context.root.to_string_lossy());
    format!("shipctl-{job}-{}-{part}-{}", context.number, &id[..8])
}

/// The name of a task: its own, or `Task 0`, `Task 1` ….
pub fn task_name(task: &Task, index: usize) -> String {
    task.name.clone().unwrap_or_else(|| format!("Task {index}"))
}
