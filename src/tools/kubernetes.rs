//! kubectl: the configuration as the integration holds it.

use super::{CliConfig, Paths, Tools};

/// Points kubectl at the configurations of these. The last one goes first: what is the current context in it, is.
pub(super) fn configure(configs: &[CliConfig], paths: &Paths, tools: &mut Tools) {
    let mut files = Vec::new();
    let mut last = None;
    for (number, config) in configs.iter().filter(|config| config.is_of(&["kubernetesConfig"])).enumerate() {
        let file = format!("kube/config-{number}");
        tools.file(paths, &file, config.field("kubeConfigContent").as_bytes());
        files.insert(0, paths.absolute(&file));
        last = Some(config);
    }
    if let Some(config) = last {
        tools.set("KUBECONFIG", files.join(":"), config);
    }
}
