//! az, and the SDKs of Azure, which need no login.

use super::{AKS, CLUSTER_NAME, CliConfig, Finish, Paths, Tools};
use crate::diagnostic::Diagnostic;

const PASSWORD: &str = "azure-password";

/// Configures the SDKs by variables, and az by its own login; with the scope `aks` kubectl too.
pub(super) fn configure(config: &CliConfig, paths: &Paths, tools: &mut Tools) -> Result<(), Diagnostic> {
    let (app, password, tenant) = (config.field("appId"), config.field("password"), config.field("tenant"));
    tools.file(paths, PASSWORD, password.as_bytes());
    tools.set("AZURE_CONFIG_DIR", paths.absolute("azure"), config);
    tools.set("AZURE_CLIENT_ID", app, config);
    tools.set_secret("AZURE_CLIENT_SECRET", password, config);
    tools.set("AZURE_TENANT_ID", tenant, config);
    let finish = |words: &[&str], purpose: String, optional: bool| Finish {
        command: words.iter().map(|word| (*word).to_owned()).collect(),
        purpose,
        optional,
        place: config.place,
    };
    let is_aks = config.has_scope(AKS);
    // az takes `@file` for what stands in the file.
    let secret = format!("@{}", paths.absolute(PASSWORD));
    #[rustfmt::skip]
    let login = ["az", "login", "--service-principal", "--username", app, "--password", &secret, "--tenant", tenant, "--output", "none"];
    let purpose =
        if config.is_cluster { config.purpose(AKS) } else { format!("cliConfig `{}`", config.name) };
    tools.finish(finish(&login, purpose, !is_aks));
    if is_aks {
        let cluster = config.cluster_name().ok_or_else(|| config.needs(AKS, CLUSTER_NAME))?;
        let group = config.pointer("GROUPNAME").ok_or_else(|| config.needs(AKS, "groupName"))?;
        let file = paths.absolute("kubeconfig");
        #[rustfmt::skip]
        let cluster = ["az", "aks", "get-credentials", "--name", cluster, "--resource-group", group, "--file", &file, "--overwrite-existing"];
        tools.set("KUBECONFIG", file.clone(), config);
        tools.finish(finish(&cluster, config.purpose(AKS), false));
    }
    Ok(())
}
