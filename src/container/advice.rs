//! What to do about what an engine says.

/// Words of engines, in small letters, and what helps.
const ADVICE: &[(&[&str], &str)] = &[
    (
        &[
            "permission denied while trying to connect",
            "dial unix /var/run/docker.sock: connect: permission denied",
        ],
        "this user may not talk to the daemon of Docker: add it to the group `docker` and log in anew, take podman, which needs no \
         daemon (--containers podman), or run on this machine (--containers never)",
    ),
    (
        &["cannot connect to the docker daemon", "is the docker daemon running", "cannot connect to podman"],
        "start the daemon (systemctl start docker), take podman, which needs none (--containers podman), or run on this machine \
         (--containers never)",
    ),
    (
        &[
            "unauthorized",
            "authentication required",
            "denied: requested access",
            "pull access denied",
            "403 (forbidden)",
        ],
        "the registry does not let you have it, or has no such image: check the name, and have a docker integration go IN as \
         cliConfig to log in",
    ),
    (
        &[
            "manifest unknown",
            "not found: manifest",
            "image not known",
            "no such image",
            "unable to find image",
        ],
        "there is no such image: check `imageName` and `imageTag`",
    ),
    (&["no space left on device"], "the disk of the engine is full: remove images with `image prune`"),
    (
        &[
            "no such host",
            "connection refused",
            "i/o timeout",
            "network is unreachable",
            "tls handshake timeout",
        ],
        "the registry cannot be reached: check the network and the name of the image",
    ),
    (&["exec format error"], "the image is for another architecture: name one with `options: --platform=…`"),
    (
        &["newuidmap", "subuid", "cannot set up namespace", "operation not permitted"],
        "this machine does not let you make containers: see `shipctl doctor`, or run on this machine (--containers never)",
    ),
    (
        &[
            "mounts denied",
            "not shared from the host",
            "bind source path does not exist",
            "no such file or directory",
        ],
        "the engine does not see the files of this machine: it has to run here, not behind a virtual machine or on another host",
    ),
    (&["unknown flag", "unknown shorthand flag", "invalid argument"], "check `options` of the image"),
];

/// What to do about what an engine says, if that is known.
pub fn advice(said: &str) -> Option<&'static str> {
    let said = said.to_lowercase();
    let fits = |(words, _): &&(&[&str], &str)| words.iter().any(|word| said.contains(word));
    ADVICE.iter().find(fits).map(|(_, advice)| *advice)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_advice_for_what_engines_say() {
        for (said, begins) in [
            ("Error: localhost/none: image not known", "there is no such image"),
            (
                "docker: permission denied while trying to connect to the Docker daemon socket at …",
                "this user",
            ),
            (
                "Cannot connect to the Docker daemon at unix:///x. Is the docker daemon running?",
                "start the daemon",
            ),
            ("write /var/lib/x: no space left on device", "the disk"),
        ] {
            assert!(advice(said).unwrap().starts_with(begins), "{said}");
        }
        assert_eq!(advice("something else"), None);
    }
}
