//! The CLI of JFrog.

use serde_json::json;
use zeroize::Zeroizing;

use super::{CliConfig, Paths, Tools};

/// Its configuration, in the form that it has had since version 2.
const CONFIG: &str = "jfrog/jfrog-cli.conf.v6";

/// Configures the servers of these, the last one as the default.
pub(super) fn configure(configs: &[CliConfig], paths: &Paths, tools: &mut Tools) {
    let of_jfrog: Vec<_> = configs.iter().filter(|config| config.is_of(&["artifactoryKey"])).collect();
    let Some(last) = of_jfrog.last() else { return };
    let servers: Vec<_> = of_jfrog
        .iter()
        .map(|config| {
            json!({
                "serverId": config.name,
                // The CLI appends to it.
                "artifactoryUrl": format!("{}/", config.field("url").trim_end_matches('/')),
                "user": config.field("username"),
                "password": config.field("password"),
                "isDefault": config.name == last.name,
            })
        })
        .collect();
    let text = Zeroizing::new(format!("{:#}\n", json!({"servers": servers, "version": "6"})));
    tools.file(paths, CONFIG, text.as_bytes());
    tools.set("JFROG_CLI_HOME_DIR", paths.absolute("jfrog"), last);
}
