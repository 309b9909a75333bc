//! The versions that a name stands for.

use anyhow::anyhow;

use crate::load::store;
use crate::model::files::Line;
use crate::nearest::nearest;
use crate::output::Failure;
use crate::state::{Store, Version};

/// A version of a job or resource, the last one unless there is a number.
pub(super) fn find(line: &Line, name: &str, number: Option<u32>) -> Result<(Store, Version), Failure> {
    let store = store::open_existing(line)?;
    let Some(store) = store else { return Err(nothing(line, name, &[])) };
    let Some(last) = store.latest(name)? else {
        let known: Vec<_> = store.all_latest()?.into_iter().map(|version| version.name).collect();
        return Err(nothing(line, name, &known));
    };
    match number {
        None => Ok((store, last)),
        Some(number) => match store.by_number(name, number)? {
            Some(version) => Ok((store, version)),
            None => {
                let message = anyhow!(
                    "`{name}` has no version number {number}: its last one is {}; `shipctl state versions {name}` lists \
                     them",
                    last.number
                );
                Err(message.into())
            }
        },
    }
}

/// The error for a name of which no version is stored.
fn nothing(line: &Line, name: &str, known: &[String]) -> Failure {
    let pipeline = &line.pipeline;
    let why = if pipeline.resources.contains_key(name) {
        "no run has changed it, so it is as the YAML has it".to_owned()
    } else if pipeline.jobs.contains_key(name) {
        "the job has not succeeded yet".to_owned()
    } else {
        let names = pipeline.resources.keys().chain(pipeline.jobs.keys()).chain(known);
        match nearest(name, names.map(String::as_str)) {
            Some(near) => format!("did you mean `{near}`?"),
            None if known.is_empty() => "nothing is stored at all".to_owned(),
            None => format!("there are {}", known.join(", ")),
        }
    };
    anyhow!("no version of `{name}` is stored: {why}").into()
}
