//! The keys of an assembly line that an excerpt may show wherever they stand: they are words of its grammar, and of the
//! catalog of integrations, and no values. A test in `src/model.rs` fails if
//! a key of the grammar or a field of a kind is in none of these lists.

use std::collections::HashSet;
use std::sync::LazyLock;

/// Keys of a file that begin a part of a line, beside `integrations`.
pub(super) const SECTIONS: &[&str] = &["resources", "jobs", "triggers", "recipients"];

/// Keys of the CI section, at the top of a file.
#[rustfmt::skip]
pub const CI: &[&str] = &[
    "language", "env", "build", "matrix", "branches", "services", "build_environment", "runtime", "git", "version",
    "python", "node_js", "rvm", "ruby", "jdk", "go", "php", "scala", "c", "compiler", "lein", "gemfile", "bundler_args",
    "archive", "sudo", "cache", "addons", "notifications", "script", "install", "deploy", "before_install",
    "before_script", "after_script", "after_success", "after_failure", "before_deploy", "after_deploy",
    "externalReferences", "commit_template", "allow_failures", "os", "dist", "depth", "gitConfig", "vote",
    "build_on_pull_request", "build_on_pull_requests", "parallelized_test", "nodePool", "build_image",
];

/// Keys whose values are secrets wherever they stand, or hold them.
pub(super) const OPENERS: &[&str] = &["fields", "secure", "params", "envs"];

/// Fields of the catalog whose values are secret.
#[rustfmt::skip]
pub(super) const SECRETS: &[&str] = &[
    "JSON_key", "accessKey", "accessToken", "apiKey", "apiToken", "authorization", "certificates", "dcosPrivateKey",
    "emailAuthPassword", "externalId", "key", "kubeConfigContent", "password", "privateKey", "secretKey", "sessionToken",
    "token", "webhookURL", "webhookUrl",
];

/// Keys that hold scripts.
#[rustfmt::skip]
pub(super) const SCRIPTS: &[&str] = &[
    "TASK", "script", "on_start", "on_success", "on_failure", "on_cancel", "always", "pre_ci", "ci", "post_ci", "push",
    "install", "before_install", "before_script", "after_script", "after_success", "after_failure",
];

/// Keys whose values are names and the like, outside of integrations.
#[rustfmt::skip]
pub(super) const PLAIN: &[&str] = &[
    "name", "type", "integration", "integrations", "integrationName", "IN", "OUT", "GET", "PUT", "NOTIFY", "steps",
    "switch", "versionName", "versionNumber", "sourceName", "branch", "replicate", "overwrite", "force", "applyTo",
    "scopes", "flags", "language", "timeoutMinutes", "container", "nodePool", "imageName", "imageTag", "pull", "method",
    "jobs", "resources", "triggers", "runtime", "options", "version", "pointer", "seed", "build", "image_name",
    "image_tag", "language", "services", "python", "node_js", "ruby", "go", "jdk", "php",
];

/// Keys of integrations whose values tell them apart.
pub(super) const NAMES: &[&str] = &["name", "type", "integrationName"];

/// Keys of fields that are no secrets in any kind of integration: a message may say what stands there. An address is not
/// among them, as it may hold a password.
#[rustfmt::skip]
pub(super) const OPEN: &[&str] = &[
    "assumeRoleARN", "awsAccountId", "durationSeconds", "region", "roleSessionName", "sourceIntegration",
];

/// Keys of a value that only say where the real one is: of the sources of values, but for `command` and `secure`.
#[rustfmt::skip]
pub const ELSEWHERE: &[&str] = &[
    "env", "file", "op", "vault", "aws_secret", "aws_parameter", "aws_profile", "gcp_secret", "azure_secret", "bitwarden",
    "bitwarden_secret", "pass", "sops", "keyring", "mask",
];

/// Keys of `integrations` in the CI section, which hold lists of them.
pub(super) const CI_INTEGRATIONS: &[&str] = &["hub", "generic", "key", "notifications", "deploy"];

/// All others: an excerpt shows the key, and hides what stands behind it.
#[rustfmt::skip]
const OTHERS: &[&str] = &[
    "integrations", "configuration", "versionTemplate", "triggerMode", "dependencyMode", "priority",
    "allowPublicAccess", "stabilityDuration", "serial", "bump", "showBuildStatus", "replicateOnPullRequest",
    "deployMethod", "deploymentMethod", "agentOnly", "trigger", "value", "command", "pre_ci_boot", "cache_dir_list", "advancedReporting", "global", "include",
    "exclude", "fast_finish", "submodules", "appId", "assumeRoleARN", "awsAccountId", "dcosPublicKey", "domain",
    "durationSeconds", "email", "emailAuthUser", "emailSender", "host", "hostname", "nick", "nodes", "port", "proxy",
    "publicKey", "roleSessionName", "server", "sourceIntegration", "tenant", "url", "username", "validityPeriod",
    "only", "except", "region", "recipients", "recipient",
];

/// Whether a key is one of all these.
pub fn is_known_word(key: &str) -> bool {
    static ALL: LazyLock<HashSet<&str>> = LazyLock::new(|| {
        let lists =
            [SECTIONS, CI, OPENERS, SECRETS, SCRIPTS, PLAIN, NAMES, ELSEWHERE, CI_INTEGRATIONS, OTHERS];
        lists.into_iter().flatten().copied().collect()
    });
    ALL.contains(key)
}
