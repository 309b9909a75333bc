//! The services that a CI section asks for.

use crate::container;
use crate::environment::{RunContext, container_name};
use crate::model::Name;
use crate::resolve::Plan;

/// A service that a job asks for.
#[derive(Clone)]
pub(crate) struct WantedService {
    /// Its name, as written.
    pub(crate) name: Name,
    /// Its image, with a tag.
    pub(crate) image: String,
    /// What is known of it.
    pub(crate) service: container::Service,
}

impl WantedService {
    /// Those of a plan that there are.
    pub(crate) fn of(plan: &Plan) -> Vec<WantedService> {
        let names = plan.ci.map_or(&[][..], |ci| &ci.services).iter();
        names
            .filter_map(|name| {
                let (service, image) = container::service(&name.text)?;
                Some(WantedService { name: name.clone(), image, service })
            })
            .collect()
    }

    /// What a dry run says of it.
    pub(crate) fn describe(&self) -> String {
        format!("{}: {}, at 127.0.0.1:{}", self.name.text, self.image, self.service.port)
    }

    /// How its container is called.
    pub(crate) fn container(&self, context: &RunContext) -> String {
        let name = self.name.text.split(':').next().unwrap_or_default();
        container_name(name, context)
    }
}
