//! The logins of docker, and of everything else that reads its configuration.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, json};
use zeroize::Zeroizing;

use super::{CliConfig, Paths, Tools};
use crate::aws::ecr::Login;
use crate::resolve::AWS_KINDS;
use crate::secret::Secret;

/// What docker calls the registry that an image without a host comes from.
const DOCKER_HUB: &str = "https://index.docker.io/v1/";

/// The registries of Google.
const GOOGLE: &[&str] = &["gcr.io", "us.gcr.io", "eu.gcr.io", "asia.gcr.io"];

const CONFIG: &str = "docker/config.json";

/// Logs docker in to the registries of these, if there are any.
pub(super) fn configure(configs: &[CliConfig], logins: &[(String, Login)], paths: &Paths, tools: &mut Tools) {
    let mut auths = Map::new();
    let mut last = None;
    for config in configs {
        let mut add = |host: String, auth: &Secret| {
            auths.insert(host, json!({"auth": auth.expose()}));
            last = Some(config);
        };
        let of_user = || auth(config.field("username"), config.field("password"));
        match config.integration.kind.name {
            "dockerRegistryLogin" => add(host(config.field("url")), &of_user()),
            "quayLogin" => {
                let url = config.field("url");
                add(if url.is_empty() { "quay.io".to_owned() } else { host(url) }, &of_user());
            }
            "gcloudKey" if config.has_scope("gcr") => {
                let auth = auth("_json_key", config.field("JSON_key"));
                for registry in GOOGLE {
                    add((*registry).to_owned(), &auth);
                }
                if let Some(region) = config.pointer("REGION") {
                    add(format!("{}-docker.pkg.dev", without_zone(region)), &auth);
                }
                tools.secrets.push(auth);
            }
            _ => {}
        }
        if config.is_of(AWS_KINDS) && config.has_scope("ecr") {
            for (_, login) in logins.iter().filter(|(resource, _)| resource == config.name) {
                auths.insert(login.host.clone(), json!({"auth": login.auth.expose()}));
                tools.secrets.extend([login.auth.clone(), login.password.clone()]);
            }
            last = Some(config);
        }
    }
    let Some(config) = last else { return };
    let text = Zeroizing::new(format!("{:#}\n", json!({"auths": auths})));
    tools.file(paths, CONFIG, text.as_bytes());
    tools.set("DOCKER_CONFIG", paths.absolute("docker"), config);
    tools.hidden.push("DOCKER_AUTH_CONFIG");
}

fn auth(user: &str, password: &str) -> Secret {
    Secret::new(STANDARD.encode(Zeroizing::new(format!("{user}:{password}")).as_bytes()))
}

/// The name that docker has for the registry of an address.
fn host(url: &str) -> String {
    let host = url.split_once("://").map_or(url, |(_, rest)| rest);
    let host = host.split('/').next().unwrap_or_default();
    match host {
        "" | "docker.io" | "index.docker.io" | "hub.docker.com" | "registry-1.docker.io" => {
            DOCKER_HUB.to_owned()
        }
        host => host.to_owned(),
    }
}

/// The region of `us-central1-a`, which may stand where a region should.
fn without_zone(region: &str) -> &str {
    match region.rsplit_once('-') {
        Some((region, zone)) if zone.len() == 1 => region,
        _ => region,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_names_a_registry() {
        for (url, name) in [
            ("", DOCKER_HUB),
            ("https://index.docker.io/v1/", DOCKER_HUB),
            ("https://registry.example.com:5000/v2/", "registry.example.com:5000"),
            ("ghcr.io/org", "ghcr.io"),
        ] {
            assert_eq!(host(url), name);
        }
    }
}
