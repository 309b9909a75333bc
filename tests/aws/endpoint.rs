//! Keys that last as long as the job: what programs ask that read no profile, and profiles that are asked again.

use crate::answers::{Answers, session};
use crate::place::{ACCESS_KEY, Place, ROLE, SECRET_KEY};

/// A line whose tools of AWS have the keys of a role.
fn of_role(address: &str, script: &str) -> Place {
    Place::new(address).line(
        &format!(
            "  - {{name: k, type: amazonKeys, fields: {{accessKey: {ACCESS_KEY}, secretKey: {SECRET_KEY}}}}}\n  - {{name: r, type: amazonIamRole, fields: {{assumeRoleARN: {ROLE}, sourceIntegration: k}}}}"
        ),
        "  - {name: tool, type: cliConfig, integration: r}",
        "      - IN: tool",
        script,
    )
}

/// Asks in bash, so that nothing has to be installed: `ask PATH TOKEN` prints the answer.
const ASK: &str = r#"ask() { exec 3<> /dev/tcp/127.0.0.1/$port; printf 'GET %s HTTP/1.1\r\nHost: x\r\n%s\r\n' "$1" "${2+Authorization: $2$'\r\n'}" >&3; cat <&3; exec 3>&-; }
port=${AWS_CONTAINER_CREDENTIALS_FULL_URI#http://127.0.0.1:}; port=${port%%/*}
"#;

fn renewed() -> (u16, String, String) {
    let (status, headers, body) = session();
    (status, headers, body.replace("session-secret", "renewed-secret"))
}

fn ended() -> (u16, String, String) {
    let (status, headers, body) = session();
    (status, headers, body.replace("2099", "2026"))
}

#[test]
fn a_program_that_reads_no_profile_gets_keys_that_are_renewed() {
    let aws = Answers::new(vec![ended(), renewed()]);
    let script = format!(
        "{ASK}ask /credentials \"$AWS_CONTAINER_AUTHORIZATION_TOKEN\" > \"$OUT\"; cat \"$OUT\"; echo; echo \"token $AWS_CONTAINER_AUTHORIZATION_TOKEN\"; echo $AWS_CONTAINER_CREDENTIALS_FULL_URI"
    );
    let place = of_role(&aws.address, &script);
    let out = place.path("answer").display().to_string();
    let place = place.with("OUT", &out);
    let log = place.good(&["run", "j"]);
    assert!(log.contains("\ntoken ***\n") && log.contains("\"SecretAccessKey\":\"***\""), "{log}");
    let answer = std::fs::read_to_string(out).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"), "{answer}");
    let (_, body) = answer.split_once("\r\n\r\n").unwrap();
    assert_eq!(
        body,
        r#"{"AccessKeyId":"ASIASESSION","SecretAccessKey":"renewed-secret","Token":"session-token","Expiration":"2099-01-01T00:00:00Z"}"#
    );
    assert_eq!(aws.asked().len(), 2, "the session that had ended was renewed");
    let port =
        log.lines().find_map(|line| line.strip_prefix("http://127.0.0.1:")?.strip_suffix("/credentials"));
    let port: u16 = port.unwrap().parse().unwrap();
    assert!(std::net::TcpStream::connect(("127.0.0.1", port)).is_err(), "it is gone with the job");
}

#[test]
fn nobody_else_gets_the_keys() {
    let aws = Answers::new(vec![session()]);
    let script = format!(
        "{ASK}ask /credentials | head -1; ask /credentials wrong | head -1; ask /credentials \"${{AWS_CONTAINER_AUTHORIZATION_TOKEN%?}}\" | head -1; ask /other \"$AWS_CONTAINER_AUTHORIZATION_TOKEN\" | head -1; {{ exec 4<> /dev/tcp/127.0.0.1/$port; printf '%020000d' 0 >&4; cat <&4 | wc -c; }} 2> /dev/null; ask /credentials \"$AWS_CONTAINER_AUTHORIZATION_TOKEN\" | head -1"
    );
    let log = of_role(&aws.address, &script).good(&["run", "j"]);
    let shown: Vec<_> = log.lines().filter(|line| line.starts_with("HTTP/1.1") || *line == "0").collect();
    assert_eq!(
        shown.iter().map(|line| line.trim_end()).collect::<Vec<_>>(),
        [
            "HTTP/1.1 401 Unauthorized",
            "HTTP/1.1 401 Unauthorized",
            "HTTP/1.1 401 Unauthorized",
            "HTTP/1.1 404 Not Found",
            "0",
            "HTTP/1.1 200 OK"
        ],
        "{log}"
    );
}

#[test]
fn a_profile_is_asked_again_when_its_session_ends() {
    const ASK_PROFILE: &str =
        "sh -c \"$(sed -n 's/^credential_process = //p' \"$AWS_CONFIG_FILE\" | head -1)\"";
    let keys = |secret: &str, until: &str| {
        format!(
            r#"echo '{{"Version": 1, "AccessKeyId": "ASIAVAULT", "SecretAccessKey": "{secret}", "SessionToken": "t0ken", "Expiration": "{until}T00:00:00Z"}}'"#
        )
    };
    let place = Place::new("http://127.0.0.1:1").line(
        "  - {name: keys, type: amazonKeys, fields: {accessKey: {aws_profile: vault}}}",
        "  - {name: tool, type: cliConfig, integration: keys}",
        "      - IN: tool",
        &format!(
            "{ASK_PROFILE} > \"$OUT\"; cat \"$OUT\"; echo ${{AWS_CONTAINER_CREDENTIALS_FULL_URI-no endpoint}}"
        ),
    );
    let (out, asked) = (place.path("answer"), place.path("asked"));
    let script = format!(
        "if [ -e {0} ]; then {1}; else touch {0}; {2}; fi",
        asked.display(),
        keys("second-secret", "2099-01-01"),
        keys("first-secret", "2026-01-01")
    );
    let place = place.program("print-keys", &script).with("OUT", &out.display().to_string());
    place.write("home/.aws/config", "[profile vault]\ncredential_process = print-keys\n");
    let log = place.good(&["run", "j"]);
    assert!(log.contains("\"SecretAccessKey\": \"***\",") && log.contains("\nno endpoint\n"), "{log}");
    let answer = std::fs::read_to_string(&out).unwrap();
    assert!(answer.contains("\"second-secret\"") && answer.contains("\"2099-01-01T00:00:00Z\""), "{answer}");

    // Where the profile is not, as in a container, those that the job began with are given.
    std::fs::remove_file(&asked).unwrap();
    place.write(
        "home/.aws/config",
        "[profile vault]\ncredential_process = rm $HOME/.aws/config && print-keys\n",
    );
    let done = place.run(&["run", "j"]);
    assert_eq!(done.status, Some(125), "they have ended: {}", done.stdout);
    assert!(done.stdout.contains("there is no AWS profile `vault`"), "{}", done.stdout);
    std::fs::write(&asked, "").unwrap();
    place.write(
        "home/.aws/config",
        "[profile vault]\ncredential_process = rm $HOME/.aws/config && print-keys\n",
    );
    assert!(place.good(&["run", "j"]).contains("\"Expiration\": \"2099-01-01T00:00:00Z\""));
}
