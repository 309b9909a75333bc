//! The image that a TASK names, with the variables of the job in its place: the original had a shell start the container, so
//! that lines write `image_name: $DOCKER_REPO`.

use super::super::{Ready, Session};
use super::Containers;
use crate::credentials::Value;
use crate::diagnostic::Diagnostic;
use crate::environment::{Environment, substitute};
use crate::model::image::Image;
use crate::model::task::Task;
use crate::output::Failure;

/// The image of a TASK, the variables of the job replaced in its name. What is not set becomes empty, after telling `unset`.
pub(crate) fn named_image(task: &Task, job: &Environment, unset: impl FnMut(&str)) -> Option<Image> {
    let image = task.image.as_ref()?;
    let name = substitute(&image.name, |name| plain(job, name), unset);
    Some(Image { name, ..image.clone() })
}

/// The value of a variable, unless it is secret: the command line of an engine is there for all to see.
pub(super) fn plain<'e>(job: &'e Environment, name: &str) -> Option<&'e str> {
    job.get(name).filter(|_| !is_secret(job, name))
}

fn is_secret(job: &Environment, name: &str) -> bool {
    job.iter().any(|(known, variable)| known == name && matches!(variable.value, Value::Secret(_)))
}

impl Session {
    /// # Errors
    ///
    /// When the name of an image has a variable that is not set before the job runs.
    pub(crate) fn check_images(&self, containers: &Containers, ready: &Ready) -> Result<(), Failure> {
        let mut problems = Vec::new();
        for task in ready.plan.tasks.iter().skip(containers.first) {
            let Some(Image { name, place, .. }) = &task.image else { continue };
            named_image(task, &ready.environment, |unset| {
                let (why, hint) = match is_secret(&ready.environment, unset) {
                    true => ("is secret", "other users can see the command line that starts a container"),
                    false => (
                        "is not set",
                        "set it with -e, or in `env` of the CI section: what a script exports comes too late",
                    ),
                };
                let message = format!("the image {name} has ${unset} in its name, which {why}");
                problems.push(Diagnostic::error(message).at(*place).hint(hint));
            });
        }
        if problems.is_empty() { Ok(()) } else { Err(self.fail(&problems)) }
    }
}

/// Whether a TASK that runs on this machine before may build an image: `pull: false` says so.
pub(super) fn may_be_built(containers: &Containers, ready: &Ready, index: usize, image: &Image) -> bool {
    let before = ready.plan.tasks.iter().take(index).skip(containers.first);
    image.pull == Some(false) && before.into_iter().any(|task| task.image.is_none())
}
