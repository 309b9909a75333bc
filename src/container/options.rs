//! `options` of an image: words for the command line of the engine.

/// The options of a TASK's image, as the engine takes them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ContainerOptions {
    words: Vec<String>,
    names_user: bool,
    names_network: bool,
    platform: Option<String>,
}

impl ContainerOptions {
    /// Those of a container that is no TASK's: its user is that of the image.
    pub fn of_words(words: Vec<String>) -> ContainerOptions {
        ContainerOptions { words, names_user: true, ..ContainerOptions::default() }
    }

    /// The same in a network, unless they name one.
    #[must_use]
    pub fn within(&self, network: &str) -> ContainerOptions {
        let mut options = self.clone();
        if !options.names_network {
            options.words.push(format!("--network={network}"));
        }
        options
    }

    /// The words.
    pub fn words(&self) -> &[String] {
        &self.words
    }

    /// Whether they say who the user is in the container.
    pub fn names_user(&self) -> bool {
        self.names_user
    }

    /// The platform that they ask for, which counts for a pull, too.
    pub fn platform(&self) -> Option<&str> {
        self.platform.as_deref()
    }
}

/// Options that break what shipctl promises, and what to do instead. The short name stands behind a `/`.
const REFUSED: &[(&str, &str)] = &[
    ("rm", "shipctl removes the container when the TASK has ended"),
    ("detach/d", "the job would go on without the TASK"),
    ("entrypoint", "the entry point is shipctl, which starts the script of the TASK"),
    ("name", "the container has a name of its own: $TASK_CONTAINER_NAME"),
    ("restart", "a TASK runs once"),
    ("pull", "write `pull: true` beside `imageName`"),
    ("attach/a", "the output of the TASK goes to the log"),
    ("workdir/w", "a TASK starts in its workspace: write `cd DIR` in the script"),
    (
        "user/u",
        "files in the workspace belong to the user who runs shipctl: switch users in the script, with su",
    ),
    ("cidfile", "the container has a name of its own: $TASK_CONTAINER_NAME"),
    ("help/h", "it starts nothing"),
    ("replace", "the container has a name of its own: $TASK_CONTAINER_NAME"),
];

/// What a TASK has anyway: its terminal and its stdin are those of shipctl.
const HAD_ANYWAY: &[&str] = &["interactive/i", "tty/t"];

/// Options without a value.
const FLAGS: &[&str] = &[
    "init",
    "privileged",
    "publish-all/P",
    "read-only",
    "quiet/q",
    "no-healthcheck",
    "oom-kill-disable",
    "sig-proxy",
    "disable-content-trust",
    "no-hosts",
    "no-hostname",
    "env-host",
    "http-proxy",
    "tls-verify",
    "read-only-tmpfs",
    "rmi",
    "passwd",
    "unsetenv-all",
];

fn is(entry: &str, name: &str) -> bool {
    entry.split('/').any(|known| known == name)
}

/// Reads the text of `options`.
///
/// # Errors
///
/// What is wrong with it, and what to do.
pub fn read(text: &str) -> Result<ContainerOptions, (String, String)> {
    let problem = |message: String, hint: &str| Err((message, hint.to_owned()));
    let Some(words) = shlex::split(text) else {
        return problem("a quote in these options is not closed".to_owned(), "close it");
    };
    let mut options = ContainerOptions::default();
    let mut words = words.into_iter();
    while let Some(word) = words.next() {
        if let Some(long) = word.strip_prefix("--").filter(|long| !long.is_empty()) {
            let (name, value) =
                long.split_once('=').map_or((long, None), |(name, value)| (name, Some(value.to_owned())));
            let is_flag = FLAGS.iter().chain(HAD_ANYWAY).any(|flag| is(flag, name));
            let value = if value.is_none() && !is_flag { words.next() } else { value };
            let Some(value) = value.or_else(|| is_flag.then(String::new)) else {
                if let Some((_, why)) = REFUSED.iter().find(|(entry, _)| is(entry, name)) {
                    return problem(format!("`--{name}` is not for a TASK"), why);
                }
                return problem(format!("`--{name}` has no value"), "write it behind the option");
            };
            options.add(&format!("--{name}"), name, &value)?;
        } else if let Some(letters) = word.strip_prefix('-').filter(|letters| !letters.is_empty()) {
            let mut rest = letters.chars();
            while let Some(letter) = rest.next() {
                let name = letter.to_string();
                let is_flag = FLAGS.iter().chain(HAD_ANYWAY).any(|flag| is(flag, &name)) || letter == 'd';
                if is_flag {
                    options.add(&format!("-{letter}"), &name, "")?;
                    continue;
                }
                let value = match rest.as_str() {
                    "" => words.next(),
                    value => Some(value.strip_prefix('=').unwrap_or(value).to_owned()),
                };
                let Some(value) = value else {
                    return problem(format!("`-{letter}` has no value"), "write it behind the option");
                };
                options.add(&format!("-{letter}"), &name, &value)?;
                break;
            }
        } else {
            return problem(
                format!("`{word}` is no option"),
                "options of `docker run` begin with `-`; the image stands under `imageName`, the command under `script`",
            );
        }
    }
    Ok(options)
}

impl ContainerOptions {
    /// Takes one option, as `written`; `value` is empty where it has none.
    fn add(&mut self, written: &str, name: &str, value: &str) -> Result<(), (String, String)> {
        let is_root = matches!(value, "root" | "0" | "0:0" | "root:root");
        if let Some((entry, why)) = REFUSED.iter().find(|(entry, _)| is(entry, name))
            && !(is(entry, "user") && is_root)
        {
            return Err((format!("`{written}` is not for a TASK"), (*why).to_owned()));
        }
        if HAD_ANYWAY.iter().any(|entry| is(entry, name)) {
            return Ok(());
        }
        self.names_user |= matches!(name, "user" | "u" | "userns");
        self.names_network |= matches!(name, "network" | "net");
        if name == "platform" {
            self.platform = Some(value.to_owned());
        }
        match (written.starts_with("--"), value) {
            (_, "") => self.words.push(written.to_owned()),
            (true, value) => self.words.push(format!("{written}={value}")),
            (false, value) => self.words.extend([written.to_owned(), value.to_owned()]),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> String {
        read(text).unwrap().words().join(" ")
    }

    #[test]
    fn options_reach_the_engine_as_they_are_meant() {
        assert_eq!(words("--privileged -v '/a b:/c' --net=host"), "--privileged -v /a b:/c --net=host");
        assert_eq!(words("--network host -e A=1 -p80:80"), "--network=host -e A=1 -p 80:80");
        assert_eq!(words("-it --init=false -i --tty"), "--init=false");
        assert_eq!(words(""), "");
        assert_eq!(read("--platform linux/arm64").unwrap().platform(), Some("linux/arm64"));
        assert!(read("-u root").unwrap().names_user());
    }

    #[test]
    fn what_breaks_promises_is_refused_by_name() {
        for (text, message) in [
            ("--rm=false", "`--rm` is not for a TASK"),
            ("--rm", "`--rm` is not for a TASK"),
            ("-itd", "`-d` is not for a TASK"),
            ("--detach", "`--detach` is not for a TASK"),
            ("--entrypoint=sh", "`--entrypoint` is not for a TASK"),
            ("--name x", "`--name` is not for a TASK"),
            ("-u 1000", "`-u` is not for a TASK"),
            ("--user=node", "`--user` is not for a TASK"),
            ("--privileged ubuntu sh", "`ubuntu` is no option"),
            ("--network", "`--network` has no value"),
            ("-v", "`-v` has no value"),
            ("-v 'a", "a quote in these options is not closed"),
        ] {
            assert_eq!(read(text).unwrap_err().0, message, "{text}");
        }
    }
}
