//! The tools that people keep secrets with: facts, not code. Each is a row of `SOURCES` too.
//!
//! Each is called through its own command line, with where the value is, never with a value.

use super::{Call, Take, Tool};

pub static OP: Tool = Tool {
    key: "op",
    form: "op://VAULT/ITEM/FIELD",
    program: "op",
    install: "it comes with 1Password: https://developer.1password.com/docs/cli",
    call: |reference| {
        let path = reference.strip_prefix("op://")?;
        (path.split('/').filter(|part| !part.is_empty()).count() > 2).then(|| call(&["read", reference]))
    },
};

// The path is that of the API, as in policies: it is right for both versions of the key-value engine, and for others.
pub static VAULT: Tool = Tool {
    key: "vault",
    form: "secret/data/PATH#FIELD",
    program: "vault",
    install: "it comes with HashiCorp Vault: https://developer.hashicorp.com/vault/install",
    call: |reference| {
        let (path, field) = parts(reference, '#')?;
        let route = |keys: &[&str]| keys.iter().map(|key| (*key).to_owned()).collect();
        let routes = vec![route(&["data", "data", field]), route(&["data", field])];
        Some(Call { take: Take::Json(routes), ..call(&["read", "-format=json", path]) })
    },
};

pub static AWS_SECRET: Tool = Tool {
    key: "aws_secret",
    form: "NAME or NAME#KEY",
    program: "aws",
    install: "it is the AWS command-line tool: https://aws.amazon.com/cli",
    call: |reference| {
        let (name, key) = match reference.contains('#') {
            true => parts(reference, '#').map(|(name, key)| (name, Some(key)))?,
            false => (part(reference)?, None),
        };
        let words = ["secretsmanager", "get-secret-value", "--secret-id", name];
        let call = call(&[&words[..], &["--query", "SecretString", "--output", "text"]].concat());
        Some(match key {
            Some(key) => Call { take: Take::Json(vec![vec![key.to_owned()]]), ..call },
            None => call,
        })
    },
};

pub static AWS_PARAMETER: Tool = Tool {
    key: "aws_parameter",
    form: "NAME",
    program: "aws",
    install: "it is the AWS command-line tool: https://aws.amazon.com/cli",
    call: |reference| {
        let words = ["ssm", "get-parameter", "--with-decryption", "--name", part(reference)?];
        Some(call(&[&words[..], &["--query", "Parameter.Value", "--output", "text"]].concat()))
    },
};

pub static GCP_SECRET: Tool = Tool {
    key: "gcp_secret",
    form: "NAME or PROJECT/NAME",
    program: "gcloud",
    install: "it is the Google Cloud CLI: https://cloud.google.com/sdk",
    call: |reference| {
        let words = ["secrets", "versions", "access", "latest", "--quiet"];
        Some(match reference.contains('/') {
            true => {
                let (project, name) = parts(reference, '/')?;
                call(&[&words[..], &["--project", project, "--secret", name]].concat())
            }
            false => call(&[&words[..], &["--secret", part(reference)?]].concat()),
        })
    },
};

pub static AZURE_SECRET: Tool = Tool {
    key: "azure_secret",
    form: "VAULT/NAME",
    program: "az",
    install: "it is the Azure CLI: https://learn.microsoft.com/cli/azure",
    call: |reference| {
        let (vault, name) = parts(reference, '/')?;
        let words = ["keyvault", "secret", "show", "--vault-name", vault, "--name", name];
        Some(Call {
            take: Take::Json(vec![vec!["value".to_owned()]]),
            ..call(&[&words[..], &["--output", "json"]].concat())
        })
    },
};

// Of what it gives of an item, the password is what is nearly always meant.
pub static BITWARDEN: Tool = Tool {
    key: "bitwarden",
    form: "ITEM, or ITEM#username, #password, #uri, #totp or #notes",
    program: "bw",
    install: "it is the Bitwarden CLI: https://bitwarden.com/help/cli",
    call: |reference| {
        let (item, what) = match reference.contains('#') {
            true => parts(reference, '#')?,
            false => (part(reference)?, "password"),
        };
        let is_known = ["username", "password", "uri", "totp", "notes"].contains(&what);
        is_known.then(|| call(&["get", what, item, "--nointeraction"]))
    },
};

pub static BITWARDEN_SECRET: Tool = Tool {
    key: "bitwarden_secret",
    form: "ID",
    program: "bws",
    install: "it is the CLI of Bitwarden Secrets Manager: https://bitwarden.com/help/secrets-manager-cli",
    call: |reference| {
        let call = call(&["secret", "get", part(reference)?, "--output", "json"]);
        Some(Call { take: Take::Json(vec![vec!["value".to_owned()]]), ..call })
    },
};

pub static PASS: Tool = Tool {
    key: "pass",
    form: "PATH",
    program: "pass",
    install: "it is the standard Unix password manager: https://www.passwordstore.org",
    // By its convention the password is the first line, and notes follow.
    call: |reference| Some(Call { take: Take::FirstLine, ..call(&["show", part(reference)?]) }),
};

pub static SOPS: Tool = Tool {
    key: "sops",
    form: "FILE#KEY.KEY or FILE",
    program: "sops",
    install: "see https://getsops.io",
    call: |reference| {
        let (file, route) = match reference.contains('#') {
            true => parts(reference, '#').map(|(file, route)| (file, Some(route)))?,
            false => (part(reference)?, None),
        };
        let call = match route {
            Some(route) => call(&["--decrypt", "--extract", &sops_route(route)]),
            None => call(&["--decrypt"]),
        };
        Some(Call { file: Some(file.to_owned()), ..call })
    },
};

#[cfg(not(target_os = "macos"))]
pub static KEYRING: Tool = Tool {
    key: "keyring",
    form: "SERVICE/NAME",
    program: "secret-tool",
    install: "it is in the package libsecret-tools, or libsecret",
    call: |reference| {
        let (service, name) = service_and_name(reference)?;
        Some(call(&["lookup", "service", service, "username", name]))
    },
};

#[cfg(target_os = "macos")]
pub static KEYRING: Tool = Tool {
    key: "keyring",
    form: "SERVICE/NAME",
    program: "security",
    install: "it is a part of macOS",
    call: |reference| {
        let (service, name) = service_and_name(reference)?;
        Some(call(&["find-generic-password", "-s", service, "-a", name, "-w"]))
    },
};

fn call(arguments: &[&str]) -> Call {
    let arguments = arguments.iter().map(|argument| (*argument).to_owned()).collect();
    Call { arguments, file: None, take: Take::All }
}

/// A part of a reference. Nothing that a program could take for an option.
fn part(text: &str) -> Option<&str> {
    (!text.is_empty() && !text.starts_with('-')).then_some(text)
}

fn parts(text: &str, separator: char) -> Option<(&str, &str)> {
    let (first, second) = text.split_once(separator)?;
    Some((part(first)?, part(second)?))
}

/// Services are called by addresses too: the last part is the name.
fn service_and_name(reference: &str) -> Option<(&str, &str)> {
    let (service, name) = reference.rsplit_once('/')?;
    Some((part(service)?, part(name)?))
}

/// `a.0.b` as sops writes it: `["a"][0]["b"]`.
fn sops_route(route: &str) -> String {
    let step = |key: &str| match key.parse::<u32>() {
        Ok(index) => format!("[{index}]"),
        Err(_) => format!("[{}]", serde_json::Value::from(key)),
    };
    route.split('.').map(step).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(tool: &Tool, reference: &str) -> Option<String> {
        Some((tool.call)(reference)?.arguments.join(" "))
    }

    #[test]
    fn references_become_calls() {
        for (tool, reference, expected) in [
            (&OP, "op://team/aws/key", "read op://team/aws/key"),
            (&VAULT, "secret/data/x#field", "read -format=json secret/data/x"),
            (&PASS, "aws/key", "show aws/key"),
            (&SOPS, "s.yml#a.0.b\"", "--decrypt --extract [\"a\"][0][\"b\\\"\"]"),
        ] {
            assert_eq!(words(tool, reference).as_deref(), Some(expected));
        }
        for (tool, reference, expected) in [
            (
                &AWS_PARAMETER,
                "/prod/db",
                "ssm get-parameter --with-decryption --name /prod/db --query Parameter.Value --output text",
            ),
            (&GCP_SECRET, "db", "secrets versions access latest --quiet --secret db"),
            (&GCP_SECRET, "shop/db", "secrets versions access latest --quiet --project shop --secret db"),
            (&AZURE_SECRET, "shop/db", "keyvault secret show --vault-name shop --name db --output json"),
            (&BITWARDEN, "shop db", "get password shop db --nointeraction"),
            (&BITWARDEN, "shop#username", "get username shop --nointeraction"),
            (&BITWARDEN_SECRET, "be8e0ad8", "secret get be8e0ad8 --output json"),
        ] {
            assert_eq!(words(tool, reference).as_deref(), Some(expected));
        }
        let aws = "secretsmanager get-secret-value --secret-id a/b --query SecretString --output text";
        assert_eq!(words(&AWS_SECRET, "a/b#key").as_deref(), Some(aws));
    }

    #[test]
    fn what_is_no_reference_is_no_call() {
        for (tool, reference) in [
            (&OP, "team/aws/key"),
            (&OP, "op://team/aws"),
            (&VAULT, "secret/data/x"),
            (&VAULT, "-address=http://evil#x"),
            (&AWS_SECRET, "--debug"),
            (&AWS_SECRET, "name#"),
            (&AWS_PARAMETER, "--debug"),
            (&GCP_SECRET, "shop/"),
            (&GCP_SECRET, "--project=x"),
            (&AZURE_SECRET, "db"),
            (&BITWARDEN, "shop#card"),
            (&BITWARDEN_SECRET, "-h"),
            (&PASS, "-c"),
            (&SOPS, "#a"),
            (&KEYRING, "service"),
        ] {
            assert_eq!(words(tool, reference), None, "{} {reference}", tool.key);
        }
    }
}
