//! gcloud, and everything else that takes the key of a service account of Google from a file.

use serde_json::Value as Json;

use super::{CLUSTER_NAME, CliConfig, Finish, GKE, Paths, Tools};
use crate::diagnostic::Diagnostic;

const KEY: &str = "gcloud/key.json";

/// Configures gcloud; with the scope `gke` kubectl too, for a cluster whose address only gcloud can ask for.
pub(super) fn configure(config: &CliConfig, paths: &Paths, tools: &mut Tools) -> Result<(), Diagnostic> {
    let key = config.field("JSON_key");
    // serde_json's own words may quote what is in it.
    let json: Json = serde_json::from_str(key).map_err(|_| {
        config.error("the JSON_key of its integration is no JSON").hint("paste the whole key file")
    })?;
    tools.file(paths, KEY, key.as_bytes());
    tools.set("GOOGLE_APPLICATION_CREDENTIALS", paths.absolute(KEY), config);
    tools.set("CLOUDSDK_CONFIG", paths.absolute("gcloud"), config);
    tools.set("CLOUDSDK_AUTH_CREDENTIAL_FILE_OVERRIDE", paths.absolute(KEY), config);
    if let Some(project) = json["project_id"].as_str() {
        tools.set("CLOUDSDK_CORE_PROJECT", project, config);
    }
    let region = config.pointer("REGION");
    let zone = region.filter(|region| region.rsplit('-').next().is_some_and(|end| end.len() == 1));
    match (zone, region) {
        (Some(zone), _) => tools.set("CLOUDSDK_COMPUTE_ZONE", zone, config),
        (None, Some(region)) => tools.set("CLOUDSDK_COMPUTE_REGION", region, config),
        (None, None) => {}
    }
    tools.hidden.extend([
        "CLOUDSDK_ACTIVE_CONFIG_NAME",
        "CLOUDSDK_AUTH_ACCESS_TOKEN_FILE",
        "CLOUDSDK_CORE_ACCOUNT",
    ]);
    if config.has_scope(GKE) {
        let cluster = config.cluster_name().ok_or_else(|| config.needs(GKE, CLUSTER_NAME))?;
        let region = region.ok_or_else(|| config.needs(GKE, "region"))?;
        let place = if zone.is_some() { "--zone" } else { "--region" };
        let words = ["gcloud", "container", "clusters", "get-credentials", cluster, place, region, "--quiet"];
        tools.set("KUBECONFIG", paths.absolute("kubeconfig"), config);
        tools.finish(Finish {
            command: words.map(str::to_owned).to_vec(),
            purpose: config.purpose(GKE),
            optional: false,
            place: config.place,
        });
    }
    Ok(())
}
