//! The names of variables and of paths in the workspace: what the runner writes and what the lookups read.
//!
//! Both sides call the functions of this module, so that they can never disagree. The facts come from the
//! original's public documentation and from observing it.

pub mod envfile;

/// The length of the shortest secret that is masked, in bytes: shorter ones are in every other word.
pub const MIN_MASKED: usize = 3;

/// A text as one word of a POSIX shell, which gives the very text again.
pub fn shell_quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// What `shipctl sanitize_shippable_string` prints: `name` without every character that is not an ASCII letter,
/// an ASCII digit or `_`.
pub fn sanitize(name: &str) -> String {
    let stays = |c: char| c.is_ascii_alphanumeric() || c == '_';
    // Most names are that already.
    if name.chars().all(stays) { name.to_owned() } else { name.chars().filter(|c| stays(*c)).collect() }
}

/// The prefix that the variables of a resource, job or integration called `name` have: sanitized, without leading
/// digits, in upper case. `None` if nothing is left of it.
///
/// `my-key-1` gives `MYKEY1`, `1st.res` gives `STRES`, and `1` nothing.
pub fn env_name(name: &str) -> Option<String> {
    let name = key_name(name);
    let name = name.trim_start_matches(|c: char| c.is_ascii_digit());
    (!name.is_empty()).then(|| name.to_owned())
}

/// The last part of a variable that stands for a key (a field of an integration, a param, a pointer's key):
/// sanitized and in upper case, leading digits kept. `JSON_key` gives `JSON_KEY`.
pub fn key_name(key: &str) -> String {
    let mut name = sanitize(key);
    name.make_ascii_uppercase();
    name
}

/// Last parts of the variables of a resource: `<NAME>_<SUFFIX>`.
pub mod suffix {
    /// The resource's id.
    pub const ID: &str = "ID";
    /// Its name, as written.
    pub const NAME: &str = "NAME";
    /// Its type, as written.
    pub const TYPE: &str = "TYPE";
    /// Its directory in the workspace.
    pub const PATH: &str = "PATH";
    /// The directory of its files: `PATH/<type>`.
    pub const STATE: &str = "STATE";
    /// Its directory again; holds `version.json`, `integration.json` and `integration.env`.
    pub const META: &str = "META";
    /// `IN` or `OUT`.
    pub const OPERATION: &str = "OPERATION";
    /// The version's name.
    pub const VERSIONNAME: &str = "VERSIONNAME";
    /// The version's number, counted from 1.
    pub const VERSIONNUMBER: &str = "VERSIONNUMBER";
    /// The version's id.
    pub const VERSIONID: &str = "VERSIONID";
    /// What the resource stands for elsewhere: `pointer.sourceName`.
    pub const SOURCENAME: &str = "SOURCENAME";
    /// The file that holds a private key.
    pub const KEYPATH: &str = "KEYPATH";
    /// First part of a pointer's keys.
    pub const POINTER: &str = "POINTER";
    /// First part of the count of replicas.
    pub const VERSION: &str = "VERSION";
    /// First part of a seed's keys.
    pub const SEED: &str = "SEED";
    /// First part of the keys of a params resource.
    pub const PARAMS: &str = "PARAMS";
    /// First part of an integration's fields.
    pub const INTEGRATION: &str = "INTEGRATION";
}

/// Variables of the job that lookups read.
pub mod var {
    /// The job's name.
    pub const JOB_NAME: &str = "JOB_NAME";
    /// The workspace.
    pub const JOB_PATH: &str = "JOB_PATH";
    /// The directory of the job's state files.
    pub const JOB_STATE: &str = "JOB_STATE";
    /// The directory of the state files of the job's last version.
    pub const JOB_PREVIOUS_STATE: &str = "JOB_PREVIOUS_STATE";
    /// The directory of the integrations that the job lists.
    pub const JOB_INTEGRATIONS: &str = "JOB_INTEGRATIONS";
    /// Set to `1` by a caller who wants the original's empty line for a value that is missing.
    pub const ALLOW_MISSING: &str = "SHIPCTL_ALLOW_MISSING";
}

/// Commands of the original, and the functions for scripts that they are.
pub const COMMANDS: &[(&str, &str)] =
    &[("shippable_retry", "retry"), ("shippable_replace", "replace"), ("shippable_decrypt", "decrypt")];

/// Names of files and directories in the workspace.
pub mod path {
    /// The directory of the resources that go in.
    pub const IN: &str = "IN";
    /// The directory of the resources that come out.
    pub const OUT: &str = "OUT";
    /// The job's state files, and `<name>.env` for each dependency and the job.
    pub const STATE: &str = "state";
    /// The state files of the job's last version.
    pub const PREVIOUS_STATE: &str = "previousState";
    /// The integrations that the job lists.
    pub const INTEGRATIONS: &str = "integrations";
    /// Scratch space shared by the tasks.
    pub const SHARED: &str = "shared";
    /// Files with secrets.
    pub const SECRETS: &str = "secrets";
    /// In `secrets`: the keys of a CI run, each called as its integration.
    pub const SSH: &str = "ssh";
    /// In `secrets`: the values that scripts have added to those that are masked, each between two NUL bytes. It is there
    /// while a log is masked.
    pub const MASKED: &str = "masked";
    /// What the runner generates to run the tasks.
    pub const SCRIPTS: &str = "scripts";
    /// The job and its dependencies.
    pub const MESSAGE_JSON: &str = "message.json";
    /// In the job's state: what `replicate` makes the version of the job itself hold.
    pub const OUTPUT_VERSION: &str = "outputVersion.json";
    /// A resource and its version.
    pub const VERSION_JSON: &str = "version.json";
    /// The fields of a resource's integration.
    pub const INTEGRATION_JSON: &str = "integration.json";
    /// The same as lines that a shell can source.
    pub const INTEGRATION_ENV: &str = "integration.env";
    /// In `scripts`: the variables of the job's integrations, for scripts that source them.
    pub const INTEGRATION_ENVS: &str = "integration_envs.env";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_prefixes_of_variables() {
        for (name, prefix) in [("my-key-1", "MYKEY1"), ("my_key_1", "MY_KEY_1"), ("1st.res", "STRES")] {
            assert_eq!(env_name(name).as_deref(), Some(prefix));
        }
        assert_eq!(env_name("1"), None);
        assert_eq!(key_name("1st.key"), "1STKEY");
    }
}
