//! What manual pages tell of the program as a whole, and examples of its commands.

/// What the exit statuses mean.
pub(super) const STATUSES: &[(&str, &str)] = &[
    ("0", "success"),
    (
        "1",
        "check found errors, scan found secrets, doctor found something to do, policy --check found an action that is not \
         allowed, integration remove found a use of the integration; or the scripts of a job succeeded and what they left \
         could not be stored",
    ),
    ("2", "wrong usage: an unknown option, a missing argument"),
    ("3", "scan found nothing, but could not look for all secrets"),
    ("99", "a function for scripts failed"),
    ("124", "the time limit was reached"),
    (
        "125",
        "shipctl failed before the first line of a script: bad YAML, an unknown job, an unreadable secret",
    ),
    ("126", "the command of exec cannot be executed"),
    ("127", "the command of exec was not found"),
    ("128+N", "ended by signal N"),
    ("others", "those of the script that failed, or of the command"),
];

/// The variables that shipctl reads.
pub(super) const VARIABLES: &[(&str, &str)] = &[
    ("SHIPCTL_KEY", "the key that opens encrypted values, itself"),
    ("SHIPCTL_KEY_FILE", "a file with that key"),
    ("SHIPCTL_INTEGRATION_NAME_FIELD", "a field of an integration that no file declares; _TYPE has its kind"),
    ("SHIPCTL_STATE", "where versions and runs are kept, as --state"),
    ("SHIPCTL_CONTAINERS", "what runs containers, as --containers"),
    ("SHIPCTL_ALLOW_MISSING", "1: what a function for scripts does not find is an empty line and no error"),
    ("SHIPCTL_NO_AUDIT", "1: no line in the audit log, as --no-audit"),
    ("SHIPCTL_NO_SESSIONS", "1: no session of AWS is kept between runs"),
    ("SHIPCTL_SMTP", "the server for notifications by e-mail, smtp://user@host:port"),
    ("SHIPCTL_SMTP_PASSWORD", "the password for that server"),
    ("SHIPCTL_SMTP_FROM", "the sender of these e-mails"),
    ("SHIPCTL_CACHE_DIR", "where repositories that are cloned from a provider are cached"),
    ("SHIPCTL_SHM", "a file system in memory for secret files, /dev/shm by default"),
    ("NO_COLOR", "no colours, as --color never"),
];

/// The files that shipctl reads and writes.
pub(super) const FILES: &[(&str, &str)] = &[
    (
        "shippable.yml, shippable.{jobs,resources,triggers,integrations,templates}.yml",
        "the line: all of them that are in the nearest directory, from here up, that has one",
    ),
    (".shipctlrc", "options for this line, as on the command line"),
    ("$XDG_CONFIG_HOME/shipctl/config", "options for all lines"),
    ("$XDG_CONFIG_HOME/shipctl/key.txt", "the key that opens encrypted values"),
    (
        "$XDG_CACHE_HOME/shipctl/sessions/",
        "sessions of AWS that are kept between runs, encrypted to that key",
    ),
    (".shipctl/", "versions, runs, logs and the audit log of the line"),
];

/// Examples, by the words of the command.
pub(super) const EXAMPLES: &[(&str, &[(&str, &str)])] = &[
    (
        "",
        &[
            ("shipctl init", "write a line to begin with, or what an old line lacks"),
            ("shipctl run deploy --dry-run", "show what a job would do"),
            ("shipctl run deploy", "run it"),
            ("shipctl exec deploy -- terraform plan", "run a command with its environment"),
        ],
    ),
    (
        "run",
        &[
            ("shipctl run deploy", "one job"),
            ("shipctl run deploy --upstream -j 4", "with the jobs that it depends on, four at a time"),
            ("shipctl run --all --report report.xml", "the whole line, with a report for a CI"),
            ("shipctl run --failed", "what failed the last time, and what comes after it"),
            (
                "shipctl run deploy --from 2 --shell-on-failure",
                "from the third TASK on, with a shell where it fails",
            ),
        ],
    ),
    (
        "exec",
        &[
            ("shipctl exec deploy -- aws s3 ls", "a command with the environment of a job"),
            ("shipctl exec deploy --mask -- ./deploy.sh", "the same, with secrets masked in its output"),
            ("shipctl exec --integration my_aws -- aws sts get-caller-identity", "without a job"),
        ],
    ),
    (
        "env",
        &[
            ("shipctl env deploy", "the environment of a job, secrets masked"),
            ("eval \"$(shipctl env deploy --format shell --reveal)\"", "the same in this shell"),
        ],
    ),
    (
        "check",
        &[("shipctl check", "all problems of the line"), ("shipctl check --format github", "as annotations")],
    ),
    ("graph", &[("shipctl graph --format mermaid", "the line as a picture of Mermaid")]),
    (
        "logs",
        &[("shipctl logs deploy", "the log of the last run"), ("shipctl logs deploy 12", "that of run 12")],
    ),
    ("integration add", &[("shipctl integration add my_aws --type amazonKeys", "ask for the fields")]),
    ("encrypt", &[("shipctl encrypt < password.txt", "print the YAML to paste")]),
    (
        "export",
        &[("shipctl export github > .github/workflows/line.yml", "the line as a workflow of GitHub Actions")],
    ),
    ("state export", &[("shipctl state export > state.tar", "all versions, for another machine")]),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reference_has_the_same_tables() {
        let reference = include_str!("../../../docs/reference.md");
        for (name, meaning) in STATUSES.iter().chain(VARIABLES) {
            let row = format!("| `{name}` | {meaning} |\n");
            assert!(reference.contains(&row.replace("| `others` ", "| others ")), "no {row}");
        }
    }
}
