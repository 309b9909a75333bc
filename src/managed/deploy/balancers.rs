//! The load balancers of a deployment.

use super::super::{ManagedJob, Manifest};
use super::LoadBalancer;
use crate::diagnostic::Diagnostic;
use crate::yaml::{Node, Value};

/// The load balancers that go in, each with the manifest that it is for.
pub(super) fn read(
    given: &ManagedJob,
    manifests: &[Manifest],
    warnings: &mut Vec<Diagnostic>,
) -> Result<Vec<(String, LoadBalancer)>, Vec<Diagnostic>> {
    let (mut balancers, mut problems) = (Vec::new(), Vec::new());
    for input in given.resources().filter(|input| input.kind() == "loadBalancer") {
        let name = &input.dependency.name.text;
        let targets = match input.dependency.step.get("applyTo").map(|node| &node.value) {
            Some(Value::List(nodes)) => nodes.as_slice(),
            _ => &[],
        };
        if targets.is_empty() {
            problems.push(
                Diagnostic::error(format!("load balancer `{name}` is for no container"))
                    .at(input.place())
                    .hint("add `applyTo:` with `- manifest: …`, `image: …` and `port: …`"),
            );
        }
        for target in targets {
            let text = |key: &str| target.get(key).and_then(Node::text).unwrap_or_default();
            let manifest = manifests.iter().find(|manifest| manifest.name == text("manifest"));
            let image = manifest
                .and_then(|manifest| manifest.images.iter().find(|image| image.name == text("image")));
            let (Some(image), Ok(port)) = (image, text("port").parse()) else {
                problems.push(
                    Diagnostic::error(format!("load balancer `{name}` is for a container that is not there"))
                        .at(target.place)
                        .hint("`manifest`, `image` and `port` name a manifest of this job, an image of it, and a port of that"),
                );
                continue;
            };
            let optional =
                |part: &str| Some(given.variable(input.dependency, part)).filter(|text| !text.is_empty());
            let source = given.variable(input.dependency, "SOURCENAME").to_owned();
            if source.is_empty() {
                problems.push(
                    Diagnostic::error(format!("load balancer `{name}` has no `sourceName`"))
                        .at(input.resource.name.place)
                        .hint("it is the name of a classic load balancer, or the ARN of a target group"),
                );
            }
            let is_arn = source.starts_with("arn:");
            let classic = optional("POINTER_METHOD").map_or(!is_arn, |method| method == "classic");
            if classic == is_arn {
                warnings.push(
                    Diagnostic::warning(format!(
                        "`sourceName` of load balancer `{name}` does not fit its `method`"
                    ))
                    .at(input.resource.name.place)
                    .hint("`classic` takes a name, `application` the ARN of a target group"),
                );
            }
            balancers.push((
                text("manifest").to_owned(),
                LoadBalancer {
                    source,
                    classic,
                    role: optional("POINTER_ROLE").map(str::to_owned),
                    image: image.name.clone(),
                    port,
                },
            ));
        }
    }
    if problems.is_empty() { Ok(balancers) } else { Err(problems) }
}
