//! The profiles of the AWS CLI: who calls AWS where a line says nothing of it, by that tool's own rules.
//!
//! Pure: from the texts of the two files and the environment to a [`CredentialSource`], which the caller resolves.

use std::collections::HashMap;

use super::Keys;
use super::sts::{Role, SESSION_NAME};
use super::web_identity::{self, Token};
use crate::secret::Secret;

/// What the two files hold, by section and key. Secrets are among it.
#[derive(Default)]
pub struct Profiles {
    config: HashMap<String, HashMap<String, Secret>>,
    credentials: HashMap<String, HashMap<String, Secret>>,
}

/// Where keys come from.
#[derive(Debug)]
pub enum CredentialSource {
    /// They are here; with where they were.
    Keys(Keys, String),
    /// A command prints them.
    Process(String),
    /// They are those of a role.
    Role {
        /// The role.
        role: Role,
        /// Where the keys come from that assume it.
        from: Box<CredentialSource>,
        /// The device that the second factor comes from.
        mfa_serial: Option<String>,
    },
    /// They are those of a role that trusts who has signed a token: a web identity.
    WebIdentity {
        /// The role.
        role: Role,
        /// Where the token is.
        token: Token,
    },
    /// Only the AWS CLI knows: single sign-on, a container, a machine of AWS.
    AwsCli {
        /// The profile.
        profile: String,
    },
}

/// Why the profiles and the environment lead to no keys.
#[derive(Debug, thiserror::Error)]
pub enum ProfileError {
    /// No file has it.
    #[error("there is no AWS profile `{0}`")]
    Missing(String),
    /// They name each other as their source; all of them.
    #[error("AWS profiles take their keys from each other: {0}")]
    Circle(String),
    /// Its source is the environment.
    #[error("AWS profile `{0}` takes its keys from the environment, which has none")]
    NotInEnvironment(String),
    /// It has a role and no keys to assume it with.
    #[error("AWS profile `{0}` has a role_arn, and neither source_profile nor credential_source")]
    NoSource(String),
    /// It has half of a pair of keys.
    #[error("AWS profile `{0}` has no aws_secret_access_key")]
    NoSecretKey(String),
    /// The environment has half of a pair of keys.
    #[error("$AWS_ACCESS_KEY_ID is set, and $AWS_SECRET_ACCESS_KEY is not")]
    NoSecretKeyInEnvironment,
}

impl Profiles {
    /// Reads `~/.aws/config` and `~/.aws/credentials`, or what stands for them.
    pub fn parse(config: &str, credentials: &str) -> Self {
        Profiles { config: sections(config), credentials: sections(credentials) }
    }

    /// A value of a profile that is no secret, such as its `region` or `mfa_serial`.
    pub fn text(&self, profile: &str, key: &str) -> Option<String> {
        self.get(profile, key).map(|value| value.expose().to_owned())
    }

    /// Where a service answers by the `services` of a profile: a section of its own, in which each service has settings.
    pub fn endpoint(&self, profile: &str, service: &str) -> Option<String> {
        let section = self.config.get(&format!("services {}", self.text(profile, "services")?))?;
        let url = section.get(&nested(service, "endpoint_url"))?.expose();
        Some(url.to_owned()).filter(|url| !url.is_empty())
    }

    /// Where the keys of the user of this process come from.
    ///
    /// # Errors
    ///
    /// Profiles that do not exist, that lack something, or that go round in a circle.
    pub fn credential_source(
        &self,
        variable: &impl Fn(&str) -> Option<String>,
    ) -> Result<CredentialSource, ProfileError> {
        if let Some(source) = of_environment(variable)? {
            return Ok(source);
        }
        if let Some((role, token)) = web_identity::of_environment(variable) {
            return Ok(CredentialSource::WebIdentity { role, token });
        }
        let profile = chosen(variable);
        let named = self.exists(&profile);
        if !named && profile != "default" {
            return Err(ProfileError::Missing(profile));
        }
        let in_container = ["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI"]
            .iter()
            .any(|name| variable(name).is_some());
        if !named || in_container && self.get(&profile, "role_arn").is_none() {
            return Ok(CredentialSource::AwsCli { profile });
        }
        self.of_profile(&profile, variable, &mut Vec::new())
    }

    /// Where the keys of a profile come from, whatever the environment has.
    ///
    /// # Errors
    ///
    /// As [`Profiles::credential_source`].
    pub fn credential_source_of(
        &self,
        profile: &str,
        variable: &impl Fn(&str) -> Option<String>,
    ) -> Result<CredentialSource, ProfileError> {
        self.of_profile(profile, variable, &mut Vec::new())
    }

    fn of_profile(
        &self,
        profile: &str,
        variable: &impl Fn(&str) -> Option<String>,
        met: &mut Vec<String>,
    ) -> Result<CredentialSource, ProfileError> {
        if !self.exists(profile) {
            return Err(ProfileError::Missing(profile.to_owned()));
        }
        // A profile may be its own source: then its keys assume its role.
        let again = met.iter().any(|known| known == profile);
        if again && met.last().is_none_or(|last| last != profile) {
            return Err(ProfileError::Circle(format!("{} → {profile}", met.join(" → "))));
        }
        met.push(profile.to_owned());
        let text = |key: &str| self.text(profile, key);
        if let (Some(arn), false) = (text("role_arn"), again) {
            let role = Role {
                arn,
                session_name: text("role_session_name").unwrap_or_else(|| SESSION_NAME.to_owned()),
                external_id: self.get(profile, "external_id").cloned(),
                seconds: text("duration_seconds").and_then(|seconds| seconds.parse().ok()),
            };
            let from = match (text("source_profile"), text("credential_source").as_deref()) {
                (Some(source), _) => self.of_profile(&source, variable, met)?,
                (None, Some("Environment")) => of_environment(variable)?
                    .ok_or_else(|| ProfileError::NotInEnvironment(profile.to_owned()))?,
                (None, None) => {
                    return match text("web_identity_token_file") {
                        Some(file) => Ok(CredentialSource::WebIdentity { role, token: Token::File(file) }),
                        None => Err(ProfileError::NoSource(profile.to_owned())),
                    };
                }
                // What a machine of AWS has.
                (None, _) => return Ok(CredentialSource::AwsCli { profile: profile.to_owned() }),
            };
            return Ok(CredentialSource::Role { role, from: Box::new(from), mfa_serial: text("mfa_serial") });
        }
        for section in [self.credentials.get(profile), self.config_section(profile)].into_iter().flatten() {
            if let Some(access_key) = section.get("aws_access_key_id") {
                let secret_key = section
                    .get("aws_secret_access_key")
                    .ok_or_else(|| ProfileError::NoSecretKey(profile.to_owned()))?;
                let keys = Keys {
                    access_key: access_key.clone(),
                    secret_key: secret_key.clone(),
                    session_token: section.get("aws_session_token").cloned(),
                };
                return Ok(CredentialSource::Keys(keys, format!("AWS profile `{profile}`")));
            }
        }
        Ok(match text("credential_process") {
            Some(command) => CredentialSource::Process(command),
            None => CredentialSource::AwsCli { profile: profile.to_owned() },
        })
    }

    /// Whether there is such a profile.
    pub fn exists(&self, profile: &str) -> bool {
        self.credentials.contains_key(profile) || self.config_section(profile).is_some()
    }

    fn get(&self, profile: &str, key: &str) -> Option<&Secret> {
        let credentials = self.credentials.get(profile).and_then(|section| section.get(key));
        credentials.or_else(|| self.config_section(profile)?.get(key))
    }

    fn config_section(&self, profile: &str) -> Option<&HashMap<String, Secret>> {
        let plain = || self.config.get(profile).filter(|_| profile == "default");
        self.config.get(&format!("profile {profile}")).or_else(plain)
    }
}

/// The profile that the environment names.
pub fn chosen(variable: &impl Fn(&str) -> Option<String>) -> String {
    let set = |name: &str| variable(name).filter(|value| !value.is_empty());
    set("AWS_PROFILE").or_else(|| set("AWS_DEFAULT_PROFILE")).unwrap_or_else(|| "default".to_owned())
}

/// Keys in the environment, which go before any profile.
fn of_environment(
    variable: &impl Fn(&str) -> Option<String>,
) -> Result<Option<CredentialSource>, ProfileError> {
    let set = |name: &str| variable(name).filter(|value| !value.is_empty()).map(Secret::new);
    let Some(access_key) = set("AWS_ACCESS_KEY_ID") else { return Ok(None) };
    let secret_key = set("AWS_SECRET_ACCESS_KEY").ok_or(ProfileError::NoSecretKeyInEnvironment)?;
    let keys = Keys { access_key, secret_key, session_token: set("AWS_SESSION_TOKEN") };
    Ok(Some(CredentialSource::Keys(keys, "$AWS_ACCESS_KEY_ID".to_owned())))
}

/// Whether there are keys in the environment.
pub fn are_in_environment(variable: &impl Fn(&str) -> Option<String>) -> bool {
    !matches!(of_environment(variable), Ok(None))
}

/// The sections of an INI file, as Python's configparser tells their lines apart: one that is indented further than the
/// setting above it is a setting of that one, which has no value of its own.
fn sections(text: &str) -> HashMap<String, HashMap<String, Secret>> {
    let mut sections: HashMap<String, HashMap<String, Secret>> = HashMap::new();
    let mut current = None;
    let mut above: Option<(String, usize)> = None;
    for line in text.lines() {
        let indent = line.len() - line.trim_start().len();
        let line = line.trim_start();
        if line.starts_with(['#', ';']) {
            continue;
        }
        let outer = above.as_ref().filter(|(_, outer)| indent > *outer).map(|(key, _)| key.clone());
        if outer.is_none()
            && let Some(name) = line.strip_prefix('[').and_then(|rest| rest.split(']').next())
        {
            let words: Vec<_> = name.split_whitespace().collect();
            let name = words.join(" ").replace(['"', '\''], "");
            current = Some(sections.entry(name).or_default());
            above = None;
        } else if let (Some(section), Some((key, value))) = (current.as_mut(), line.split_once('=')) {
            let key = key.trim().to_ascii_lowercase();
            let key = match outer {
                Some(outer) => nested(&outer, &key),
                None => {
                    above = Some((key.clone(), indent));
                    key
                }
            };
            section.insert(key, Secret::new(value.trim().to_owned()));
        }
    }
    sections
}

/// The key of a setting that belongs to another. No key of the file itself is so.
fn nested(above: &str, key: &str) -> String {
    format!("{above}\n{key}")
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONFIG: &str = "\
[default]
region = eu-west-1
[profile base]
credential_process = print-keys
[profile deploy]
role_arn = arn:aws:iam::1:role/deploy
source_profile = keys
external_id = x
mfa_serial = arn:aws:iam::2:mfa/me
s3 =
    role_arn = not this
[profile self]
role_arn = arn:aws:iam::1:role/self
source_profile = self
[profile mixed]
aws_access_key_id = AKIAMIXED
role_arn = arn:aws:iam::1:role/mixed
[profile a]
role_arn = arn:aws:iam::1:role/a
source_profile = b
[profile b]
role_arn = arn:aws:iam::1:role/b
source_profile = a
[profile \"with sso\"]
sso_session = corp
";
    const CREDENTIALS: &str = "\
[keys]
aws_access_key_id = AKIAKEYS
aws_secret_access_key = s=/+
[self]
aws_access_key_id = AKIASELF
aws_secret_access_key = t
";

    fn source(variables: &[(&str, &str)]) -> String {
        let variable = |name: &str| {
            variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        };
        fn told(source: &CredentialSource) -> String {
            match source {
                CredentialSource::Keys(keys, origin) => {
                    format!("{} {} of {origin}", keys.access_key.expose(), keys.secret_key.expose())
                }
                CredentialSource::Process(command) => format!("command {command}"),
                CredentialSource::Role { role, from, .. } => format!("{} from {}", role.arn, told(from)),
                CredentialSource::WebIdentity { role, token } => {
                    let token = match token {
                        Token::File(path) => format!("file {path}"),
                        Token::Here(token) => token.expose().to_owned(),
                        Token::GitHub(url, own) => format!("{url} with {}", own.expose()),
                        Token::Program(words) => words.join(" "),
                    };
                    format!("{} as {} by the token {token}", role.arn, role.session_name)
                }
                CredentialSource::AwsCli { profile } => format!("the CLI, {profile}"),
            }
        }
        Profiles::parse(CONFIG, CREDENTIALS)
            .credential_source(&variable)
            .map_or_else(|error| error.to_string(), |source| told(&source))
    }

    #[test]
    fn a_file_may_be_indented() {
        let text = "  [a]\n    key = 1\n    other = 2\n    s3 =\n      key = 3\n\t# no\n    last = 4\n";
        let sections = sections(text);
        let of = |key: &str| sections["a"].get(key).map_or("", |value| value.expose());
        assert_eq!([of("key"), of("other"), of("last"), of("s3\nkey")], ["1", "2", "4", "3"]);
    }

    #[test]
    fn the_token_of_a_web_identity_is_that_of_the_ci() {
        let role = ("AWS_ROLE_ARN", "role");
        let file = ("AWS_WEB_IDENTITY_TOKEN_FILE", "token");
        assert_eq!(source(&[role, file]), "role as shipctl by the token file token");
        assert_eq!(
            source(&[role, file, ("AWS_ROLE_SESSION_NAME", "ci")]),
            "role as ci by the token file token"
        );
        let github = [("ACTIONS_ID_TOKEN_REQUEST_URL", "url"), ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "own")];
        assert_eq!(source(&[role, github[0], github[1]]), "role as shipctl by the token url with own");
        assert_eq!(source(&[role, ("GITLAB_OIDC_TOKEN", "t")]), "role as shipctl by the token t");
        assert_eq!(source(&[role, ("CIRCLE_OIDC_TOKEN_V2", "t")]), "role as shipctl by the token t");
        let buildkite =
            "role as shipctl by the token buildkite-agent oidc request-token --audience sts.amazonaws.com";
        assert_eq!(source(&[role, ("BUILDKITE", "true")]), buildkite);
        let keys = [("AWS_ACCESS_KEY_ID", "AKIAENV"), ("AWS_SECRET_ACCESS_KEY", "e")];
        assert_eq!(source(&[role, file, keys[0], keys[1]]), "AKIAENV e of $AWS_ACCESS_KEY_ID");
        assert_eq!(source(&[role]), "the CLI, default");
    }

    #[test]
    fn keys_are_found_where_the_aws_cli_finds_them() {
        for (profile, expected) in [
            ("keys", "AKIAKEYS s=/+ of AWS profile `keys`"),
            ("base", "command print-keys"),
            ("deploy", "arn:aws:iam::1:role/deploy from AKIAKEYS s=/+ of AWS profile `keys`"),
            ("self", "arn:aws:iam::1:role/self from AKIASELF t of AWS profile `self`"),
            ("a", "AWS profiles take their keys from each other: a → b → a"),
            ("with sso", "the CLI, with sso"),
            ("default", "the CLI, default"),
            ("mixed", "AWS profile `mixed` has a role_arn, and neither source_profile nor credential_source"),
            ("nobody", "there is no AWS profile `nobody`"),
        ] {
            assert_eq!(source(&[("AWS_PROFILE", profile)]), expected);
        }
        let keys =
            [("AWS_PROFILE", "keys"), ("AWS_ACCESS_KEY_ID", "AKIAENV"), ("AWS_SECRET_ACCESS_KEY", "e")];
        assert_eq!(source(&keys), "AKIAENV e of $AWS_ACCESS_KEY_ID");
        assert_eq!(
            source(&[("AWS_ACCESS_KEY_ID", "AKIAENV")]),
            "$AWS_ACCESS_KEY_ID is set, and $AWS_SECRET_ACCESS_KEY is not"
        );
    }
}
