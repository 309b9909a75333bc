//! Manifests: the images or files that are deployed together, and what applies to each.

use std::collections::HashSet;

use super::entry::{self, Manifest};
use super::{ManagedJob, ManagedOutput};
use crate::diagnostic::Diagnostic;

/// Makes a manifest of what goes in.
pub(super) fn make(given: &ManagedJob) -> Result<ManagedOutput, Vec<Diagnostic>> {
    let job = given.plan.job;
    // One that goes in twice is one container.
    let mut seen = HashSet::new();
    let parts = given.resources().filter(|input| matches!(input.kind(), "image" | "file"));
    let parts: Vec<_> = parts.filter(|input| seen.insert(&input.resource.name.text)).collect();
    let of = |kind| parts.iter().filter(move |input| input.kind() == kind);
    let (image, file) = (of("image").next(), of("file").next());
    match (&image, &file) {
        (Some(_), Some(file)) => {
            return Err(vec![
                Diagnostic::error(format!("manifest `{}` has images and files", job.name.text))
                    .at(file.place())
                    .hint("a manifest lists either; make one of each, and deploy both"),
            ]);
        }
        (None, None) => {
            return Err(vec![
                Diagnostic::error(format!("manifest `{}` has no image and no file", job.name.text))
                    .at(job.name.place)
                    .hint("add `- IN: name` with the name of an image or file resource"),
            ]);
        }
        _ => {}
    }
    let mut manifest = Manifest {
        name: job.name.text.clone(),
        images: of("image").map(|input| given.part(input)).collect(),
        files: of("file").map(|input| given.part(input)).collect(),
        ..Manifest::default()
    };
    let mut problems = Vec::new();
    for (input, part) in of("image").chain(of("file")).zip(manifest.parts()) {
        if part.source_name.is_empty() {
            problems.push(
                Diagnostic::error(format!("`{}` does not say where it is", part.name))
                    .at(input.resource.name.place)
                    .hint("add a `sourceName` to its `versionTemplate` or `pointer`"),
            );
        }
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    let mut warnings = Vec::new();
    given.apply(std::slice::from_mut(&mut manifest), &mut warnings);
    let lines = manifest.lines(given.is_dry);
    Ok(ManagedOutput { version_name: None, bag: entry::bag(&[manifest]), lines, warnings })
}
