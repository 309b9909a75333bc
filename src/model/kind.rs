//! The kinds of integrations: facts, not code. A new kind is one row of [`KINDS`].
//!
//! Names, display names and fields are those of the original's account integrations. Fields that came later:
//! `sessionToken` of AWS Keys, and of AWS IAM all but the role and the account.

/// A kind of integration.
#[derive(Debug)]
pub struct Kind {
    /// What `type:` says: `amazonKeys`.
    pub name: &'static str,
    /// What people call it: `AWS Keys`. May stand in `type:` too.
    pub display: &'static str,
    /// Its fields, in the order in which people are asked for them.
    pub fields: &'static [Field],
}

/// A field of a kind.
#[derive(Debug)]
pub struct Field {
    /// Its key.
    pub name: &'static str,
    /// Whether an integration must have it.
    pub required: bool,
    /// Whether its value is a secret.
    pub secret: bool,
    /// What its value is.
    pub shape: Shape,
}

/// What the value of a field is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// One text.
    Text,
    /// A list of texts.
    List,
    /// Keys and texts.
    Map,
    /// The name of another integration.
    Integration,
}

const fn open(name: &'static str) -> Field {
    Field { name, required: true, secret: false, shape: Shape::Text }
}

const fn secret(name: &'static str) -> Field {
    Field { secret: true, ..open(name) }
}

impl Field {
    const fn optional(self) -> Field {
        Field { required: false, ..self }
    }

    const fn list(self) -> Field {
        Field { shape: Shape::List, ..self }
    }

    const fn map(self) -> Field {
        Field { shape: Shape::Map, ..self }
    }

    const fn integration(self) -> Field {
        Field { shape: Shape::Integration, ..self }
    }
}

impl Kind {
    /// The kind that `written` names: by its name, its display name, or one that the original had for it before, whatever
    /// the case of its letters.
    pub fn find(written: &str) -> Option<&'static Kind> {
        let known_as = |name: &str| name.eq_ignore_ascii_case(written);
        let of_name = KINDS.iter().find(|kind| known_as(kind.name) || known_as(kind.display));
        of_name.or_else(|| {
            let (_, name) = OLD_NAMES.iter().find(|(old, _)| known_as(old))?;
            KINDS.iter().find(|kind| kind.name == *name)
        })
    }

    /// All that it is called: its name, its display name, and what the original called it before.
    pub fn names(&self) -> Vec<&'static str> {
        let old = OLD_NAMES.iter().filter(|(_, name)| *name == self.name).map(|(old, _)| *old);
        [self.name, self.display].into_iter().chain(old).collect()
    }

    /// One of its fields.
    pub fn field(&self, name: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.name == name)
    }
}

/// What the original called kinds before, in account integrations that it replaced and in the `type:` of CI sections; by
/// its manual, in `sources/platform/integration` and its folder `deprecated`.
#[rustfmt::skip]
pub const OLD_NAMES: &[(&str, &str)] = &[
    ("aws", "amazonKeys"), ("Amazon Web Services", "amazonKeys"), ("ecr", "amazonKeys"), ("Amazon ECR", "amazonKeys"),
    ("ecs", "amazonKeys"), ("Amazon ECS", "amazonKeys"), ("aws-keys", "amazonKeys"), ("aws-iam", "amazonIamRole"),
    ("Amazon Web Services (IAM)", "amazonIamRole"), ("Azure", "azureKeys"), ("azure-keys", "azureKeys"),
    ("azure-dcos", "azureDcosKey"), ("docker", "dockerRegistryLogin"), ("Docker Hub", "dockerRegistryLogin"),
    ("Docker Private Registry", "dockerRegistryLogin"), ("Private Docker Registry", "dockerRegistryLogin"),
    ("Docker Trusted Registry", "dockerRegistryLogin"), ("dcl", "dclKey"), ("ddc", "ddcKey"), ("Event Trigger", "webhookV2"),
    ("webhook-v2", "webhookV2"), ("gcr", "gcloudKey"), ("gce", "gcloudKey"), ("gke", "gcloudKey"), ("gcloud", "gcloudKey"),
    ("Google Container Registry", "gcloudKey"), ("git-credential", "gitCredential"), ("github-enterprise", "githubEnterprise"),
    ("irc", "ircCreds"), ("artifactory", "artifactoryKey"), ("jfrog-artifactory", "artifactoryKey"), ("pem-key", "pemKey"),
    ("key-pem", "pemKey"), ("ssh-key", "sshKey"), ("key-ssh", "sshKey"), ("key-value", "keyValuePair"),
    ("kubernetes-config", "kubernetesConfig"), ("node-cluster", "nodeCluster"), ("quay", "quayLogin"),
    ("tripub", "joyentTritonKey"), ("triton", "joyentTritonKey"), ("gmail", "gmailCreds"), ("mailgun", "mailgunCreds"),
    ("smtp", "smtpCreds"),
];

/// All kinds.
#[rustfmt::skip]
pub static KINDS: &[Kind] = &[
    Kind { name: "airBrakeKey", display: "Airbrake", fields: &[open("url"), secret("token")] },
    Kind { name: "amazonIamRole", display: "AWS IAM", fields: &[open("assumeRoleARN"), open("awsAccountId").optional(), secret("externalId").optional(), open("roleSessionName").optional(), open("durationSeconds").optional(), open("sourceIntegration").optional().integration()] },
    Kind { name: "amazonKeys", display: "AWS Keys", fields: &[secret("accessKey"), secret("secretKey"), secret("sessionToken").optional()] },
    Kind { name: "artifactoryKey", display: "JFrog Artifactory", fields: &[open("username"), secret("password"), open("url")] },
    Kind { name: "azureDcosKey", display: "Azure DC/OS", fields: &[open("username"), open("url"), open("dcosPublicKey").optional(), secret("dcosPrivateKey").optional()] },
    Kind { name: "azureKeys", display: "Azure Keys", fields: &[open("appId"), secret("password"), open("tenant")] },
    Kind { name: "bitbucket", display: "BitBucket", fields: &[secret("token"), open("url")] },
    Kind { name: "bitbucketServer", display: "BitBucket Server", fields: &[open("username"), open("url"), secret("token")] },
    Kind { name: "bitbucketServerBasic", display: "BitBucket Server Basic", fields: &[open("username"), secret("password"), open("url")] },
    Kind { name: "dclKey", display: "Docker Cloud", fields: &[open("username"), secret("token"), open("url")] },
    Kind { name: "ddcKey", display: "Docker DataCenter", fields: &[open("username"), secret("password"), open("url")] },
    Kind { name: "DOC", display: "Digital Ocean", fields: &[secret("apiToken")] },
    Kind { name: "dockerRegistryLogin", display: "Docker Registry", fields: &[open("url").optional(), open("username"), secret("password"), open("email")] },
    Kind { name: "gcloudKey", display: "Google Cloud", fields: &[secret("JSON_key")] },
    Kind { name: "gerritBasic", display: "Gerrit Basic", fields: &[open("username"), secret("password"), open("url"), open("publicKey").optional(), secret("privateKey").optional()] },
    Kind { name: "gitCredential", display: "Git Credential", fields: &[open("host"), open("port"), open("username"), secret("password")] },
    Kind { name: "github", display: "GitHub", fields: &[open("url"), secret("token")] },
    Kind { name: "githubEnterprise", display: "Github Enterprise", fields: &[open("url"), secret("token")] },
    Kind { name: "gitlab", display: "GitLab", fields: &[open("url"), secret("token")] },
    Kind { name: "gmailCreds", display: "Gmail Credentials", fields: &[open("username"), secret("password"), open("proxy").optional(), open("emailSender").optional()] },
    Kind { name: "hipchatKey", display: "HipChat", fields: &[secret("token")] },
    Kind { name: "ircCreds", display: "IRC Credentials", fields: &[open("server").optional(), open("nick"), secret("password").optional()] },
    Kind { name: "jira", display: "Jira", fields: &[open("url"), open("username"), secret("token")] },
    Kind { name: "joyentTritonKey", display: "Joyent Triton", fields: &[open("username"), open("url"), open("validityPeriod"), open("publicKey").optional(), secret("privateKey").optional(), secret("certificates").optional()] },
    Kind { name: "keyValuePair", display: "Key-Value pair", fields: &[secret("envs").map()] },
    Kind { name: "kubernetesConfig", display: "Kubernetes", fields: &[secret("kubeConfigContent")] },
    Kind { name: "mailgunCreds", display: "Mailgun Credentials", fields: &[secret("apiKey"), open("domain"), open("proxy").optional(), open("emailSender").optional()] },
    Kind { name: "newRelicKey", display: "NewRelic", fields: &[open("url"), secret("token")] },
    Kind { name: "nodeCluster", display: "Node Cluster", fields: &[open("nodes").list(), open("publicKey").optional(), secret("privateKey").optional()] },
    Kind { name: "pemKey", display: "PEM Key", fields: &[secret("key")] },
    Kind { name: "quayLogin", display: "Quay.io", fields: &[open("url").optional(), open("username"), secret("password"), open("email"), secret("accessToken").optional()] },
    Kind { name: "slackKey", display: "Slack", fields: &[secret("webhookUrl")] },
    Kind { name: "smtpCreds", display: "SMTP Credentials", fields: &[open("emailAuthUser").optional(), secret("emailAuthPassword").optional(), open("emailSender").optional(), open("host"), open("port"), open("secure").optional(), open("hostname").optional(), open("proxy").optional()] },
    Kind { name: "sshKey", display: "SSH Key", fields: &[open("publicKey"), secret("privateKey")] },
    Kind { name: "webhookV2", display: "Webhook", fields: &[secret("webhookURL"), secret("authorization").optional()] },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_all_can_be_found() {
        for (i, kind) in KINDS.iter().enumerate() {
            assert!(KINDS[..i].iter().all(|other| other.name != kind.name && other.display != kind.display));
            assert_eq!(Kind::find(kind.name).map(|k| k.name), Some(kind.name));
            assert_eq!(Kind::find(kind.display).map(|k| k.name), Some(kind.name));
            for (i, field) in kind.fields.iter().enumerate() {
                assert!(kind.fields[..i].iter().all(|other| other.name != field.name));
            }
        }
        assert_eq!(Kind::find("aws keys").map(|k| k.name), Some("amazonKeys"));
        for (old, name) in OLD_NAMES {
            assert_eq!(Kind::find(old).map(|kind| kind.name), Some(*name), "{old}");
        }
    }
}
