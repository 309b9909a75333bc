//! Where the things are that a resource stands for.

use crate::aws::ecr::Repository;
use crate::aws::{Arn, Partition};
use crate::contract::suffix;
use crate::credentials::Credential;
use crate::environment::Environment;
use crate::resolve::Dependency;

/// The parts of ARNs; `*` for what a resource does not say.
pub(super) struct ArnScope {
    partition: &'static str,
    region: String,
    account: String,
    cluster: String,
    repository: String,
}

impl ArnScope {
    pub(super) fn of(
        dependency: &Dependency,
        credential: &Credential,
        environment: &Environment,
    ) -> ArnScope {
        let pointer = |key: &str| {
            let name = format!("{}_{}_{key}", dependency.env, suffix::POINTER);
            environment.get(&name).filter(|value| !value.is_empty())
        };
        let name = pointer("SOURCENAME");
        let is_image = dependency.target.kind() == "image";
        let repository = name.filter(|_| is_image).and_then(Repository::of_image);
        let region = pointer("REGION");
        let region = region.or(repository.map(|repository| repository.region));
        let account = credential.text("awsAccountId").or(repository.map(|repository| repository.account));
        let partition = match credential.text("assumeRoleARN") {
            Some(arn) => Partition::of_arn(arn),
            None => Partition::of_region(region.unwrap_or_default()),
        };
        let or_any = |text: Option<&str>| text.unwrap_or("*").to_owned();
        ArnScope {
            partition: partition.name,
            region: or_any(region),
            account: or_any(account),
            cluster: or_any(name.filter(|_| !is_image)),
            repository: or_any(repository.map(|repository| repository.name)),
        }
    }

    /// The resource of a row; `given` is what another resource gives for it.
    pub(super) fn fill(&self, resource: &str, given: Option<&str>) -> String {
        let role = match given {
            Some(arn) if Arn::parse(arn).is_some() => arn.to_owned(),
            Some(name) if !name.contains('$') => format!("arn:{{partition}}:iam::{{account}}:role/{name}"),
            _ => "arn:{partition}:iam::{account}:role/*".to_owned(),
        };
        resource
            .replace("{role}", &role)
            .replace("{partition}", self.partition)
            .replace("{region}", &self.region)
            .replace("{account}", &self.account)
            .replace("{cluster}", &self.cluster)
            .replace("{repository}", &self.repository)
    }
}
