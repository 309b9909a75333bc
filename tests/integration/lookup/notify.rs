//! `notify`, against servers on this machine.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use serde_json::{Value, json};

use crate::support::{Call, shipctl};

/// What a server was sent.
struct Request {
    line: String,
    headers: Vec<String>,
    body: Value,
}

impl Request {
    fn read(stream: impl Read) -> Request {
        let mut stream = BufReader::new(stream);
        let mut lines = Vec::new();
        loop {
            let mut line = String::new();
            stream.read_line(&mut line).unwrap();
            match line.trim_end() {
                "" => break,
                line => lines.push(line.to_owned()),
            }
        }
        let length =
            lines.iter().find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
        let mut body = vec![0; length.unwrap_or(0)];
        stream.read_exact(&mut body).unwrap();
        let body = serde_json::from_slice(&body).unwrap_or_default();
        Request { line: lines.remove(0), headers: lines, body }
    }

    fn header(&self, name: &str) -> Option<&str> {
        let same = |line: &&String| line.to_lowercase().starts_with(&format!("{name}: "));
        self.headers.iter().find(same).map(|line| &line[name.len() + 2..])
    }
}

/// A server that gives these answers, one to each connection, and then the requests.
fn server(answers: Vec<(&'static str, &'static str)>) -> (String, JoinHandle<Vec<Request>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let serve = move |(status, body): (&str, &str)| {
        let (mut stream, _) = listener.accept().unwrap();
        let request = Request::read(&stream);
        answer(&mut stream, status, body);
        request
    };
    (url, thread::spawn(move || answers.into_iter().map(serve).collect()))
}

fn answer(stream: &mut impl Write, status: &str, body: &str) {
    let length = body.len();
    let head = format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}");
    stream.write_all(head.as_bytes()).unwrap();
    stream.flush().unwrap();
}

/// `notify r`, with a resource whose integration is of this kind.
fn notify(kind: &str) -> Call {
    shipctl("notify")
        .arg("r")
        .in_job()
        .env("R_TYPE", "notification")
        .env("R_META", "{WORK}/IN/r")
        .env("BUILD_NUMBER", "12")
        .env("BUILD_URL", "https://ci.example.org/12")
        .file("IN/r/integration.json", format!("{{\"masterName\": \"{kind}\"}}"))
}

#[test]
fn slack_gets_a_message_for_each_recipient() {
    let (url, requests) = server(vec![("200 OK", "ok"), ("200 OK", "ok")]);
    notify("slackKey")
        .env("R_INTEGRATION_WEBHOOKURL", url + "/services/T/B/secret")
        .env("R_POINTER_RECIPIENTS_0", "#beta")
        .env("R_POINTER_RECIPIENTS_1", "@botnot")
        .stderr("notify: sent to Slack (#beta, @botnot)\n")
        .run();
    let requests = requests.join().unwrap();
    for (request, channel) in requests.iter().zip(["#beta", "@botnot"]) {
        assert_eq!(request.line, "POST /services/T/B/secret HTTP/1.1");
        assert_eq!(request.header("content-type"), Some("application/json"));
        let mut body = request.body.clone();
        assert!(body["attachments"][0]["ts"].take().is_u64());
        let attachment = json!({
            "fallback": "my_job #12 https://ci.example.org/12",
            "text": "<https://ci.example.org/12|my_job #12>",
            "color": "#65cea7",
            "ts": null,
        });
        assert_eq!(body, json!({"channel": channel, "username": "shipctl", "attachments": [attachment]}));
    }
}

#[test]
fn what_slack_gets_can_be_said_in_options() {
    let (url, requests) = server(vec![("200 OK", "ok")]);
    notify("slackKey")
        .env("R_INTEGRATION_WEBHOOKURL", url)
        .env("R_POINTER_RECIPIENTS_0", "#beta")
        .env("NOTIFY_COLOR", "#FF3333")
        .args("--recipient=#support --icon_url=https://x/i.png --pretext p --username u")
        .arg("--text=a \"quoted\" text\nin two lines")
        .stderr("notify: sent to Slack (#support)\n")
        .run();
    let body = &requests.join().unwrap()[0].body;
    assert_eq!((&body["channel"], &body["username"]), (&json!("#support"), &json!("u")));
    assert_eq!(body["icon_url"], "https://x/i.png");
    let attachment = &body["attachments"][0];
    assert_eq!((&attachment["color"], &attachment["pretext"]), (&json!("#FF3333"), &json!("p")));
    assert_eq!(attachment["text"], "a \"quoted\" text\nin two lines");
}

#[test]
fn a_payload_is_sent_as_it_is() {
    for kind in ["slackKey", "webhookV2"] {
        let (url, requests) = server(vec![("200 OK", "ok")]);
        let name = if kind == "slackKey" { "Slack" } else { "the webhook" };
        notify(kind)
            .env("R_INTEGRATION_WEBHOOKURL", url)
            .args("--payload=p.json")
            .file("p.json", "{\"any\": [1, \"$HOME\"]}")
            .stderr(&format!("notify: sent to {name}\n"))
            .run();
        assert_eq!(requests.join().unwrap()[0].body, json!({"any": [1, "$HOME"]}));
    }
    let (url, requests) = server(vec![("200 OK", "ok")]);
    notify("webhookV2")
        .env("R_INTEGRATION_WEBHOOKURL", url)
        .args("--field a=b=c --text t --field")
        .arg("d e=\"f\"")
        .stderr("notify: sent to the webhook\n")
        .run();
    assert_eq!(requests.join().unwrap()[0].body, json!({"a": "b=c", "d e": "\"f\""}));
    notify("slackKey")
        .env("R_INTEGRATION_WEBHOOKURL", "http://127.0.0.1:9")
        .args("--field a=b")
        .fails("shipctl: notify r: --field is for webhooks: --text says something to the others\n");
    notify("slackKey")
        .env("R_INTEGRATION_WEBHOOKURL", "http://127.0.0.1:9")
        .args("--payload p.json")
        .file("p.json", "{secret")
        .fails("shipctl: notify: p.json (--payload) is not valid JSON (key must be a string at line 1 column 2)\n");
}

#[test]
fn a_webhook_gets_the_job_and_its_authorization() {
    let (url, requests) = server(vec![("204 No Content", "")]);
    notify("webhookV2")
        .env("R_INTEGRATION_WEBHOOKURL", url + "/hook")
        .env("R_INTEGRATION_AUTHORIZATION", "Bearer token")
        .args("--version=v4")
        .stderr("notify: sent to the webhook\n")
        .run();
    let mut request = requests.join().unwrap().remove(0);
    assert_eq!(
        (request.line.as_str(), request.header("authorization")),
        ("POST /hook HTTP/1.1", Some("Bearer token"))
    );
    assert!(request.body["timestamp"].take().is_u64());
    let expected = json!({
        "jobName": "my_job",
        "buildNumber": "12",
        "buildUrl": "https://ci.example.org/12",
        "text": "my_job #12 https://ci.example.org/12",
        "timestamp": null,
        "version": "v4",
    });
    assert_eq!(request.body, expected);
}

#[test]
fn airbrake_is_told_of_a_deploy() {
    let (url, requests) = server(vec![("201 Created", "{}")]);
    notify("airBrakeKey")
        .env("R_INTEGRATION_URL", url + "/")
        .env("R_INTEGRATION_TOKEN", "k&y")
        .args("--project-id=12345 --type=deploy --environment=prod --username=admin --revision=abc --version=v4")
        .stderr("notify: told Airbrake of a deploy\n")
        .run();
    let request = &requests.join().unwrap()[0];
    assert_eq!(request.line, "POST /api/v4/projects/12345/deploys?key=k%26y HTTP/1.1");
    assert_eq!(
        request.body,
        json!({"environment": "prod", "username": "admin", "revision": "abc", "version": "v4"})
    );
    notify("airBrakeKey").fails("shipctl: notify r: which project? --project-id=ID or a recipient says so\n");
}

#[test]
fn new_relic_is_told_of_a_deployment_of_an_application() {
    let found = r#"{"applications": [{"id": 7, "name": "other"}, {"id": 42, "name": "my app"}]}"#;
    let (url, requests) = server(vec![("200 OK", found), ("201 Created", "{}")]);
    notify("newRelicKey")
        .env("R_INTEGRATION_URL", url + "/v2")
        .env("R_INTEGRATION_TOKEN", "token")
        .arg("--appName=my app")
        .args("--revision abc --description d --username me")
        .stderr("notify: told New Relic of a deployment\n")
        .run();
    let requests = requests.join().unwrap();
    assert_eq!(requests[0].line, "GET /v2/applications.json?filter[name]=my%20app HTTP/1.1");
    assert_eq!(requests[1].line, "POST /v2/applications/42/deployments.json HTTP/1.1");
    assert!(requests.iter().all(|request| request.header("x-api-key") == Some("token")));
    assert_eq!(
        requests[1].body,
        json!({"deployment": {"revision": "abc", "description": "d", "user": "me"}})
    );
}

#[test]
fn jira_gets_an_issue() {
    let (url, requests) = server(vec![("201 Created", r#"{"key": "OPS-1"}"#)]);
    notify("jira")
        .env("R_INTEGRATION_URL", url)
        .env("R_INTEGRATION_USERNAME", "me@example.org")
        .env("R_INTEGRATION_TOKEN", "token")
        .args("--project-id=OPS --type=Bug --summary=broken")
        .stderr("notify: made the Jira issue OPS-1\n")
        .run();
    let request = &requests.join().unwrap()[0];
    assert_eq!(request.line, "POST /rest/api/2/issue HTTP/1.1");
    assert_eq!(request.header("authorization"), Some("Basic bWVAZXhhbXBsZS5vcmc6dG9rZW4="));
    let fields = json!({
        "project": {"key": "OPS"},
        "issuetype": {"name": "Bug"},
        "summary": "broken",
        "description": "my_job #12 https://ci.example.org/12",
    });
    assert_eq!(request.body, json!({ "fields": fields }));
}

/// An IRC server for one client: it pings, says that the first nick is taken, and closes after QUIT.
fn irc_server(refusal: Option<&'static str>) -> (String, JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let serve = move || {
        let (stream, _) = listener.accept().unwrap();
        let mut lines = Vec::new();
        for line in BufReader::new(&stream).lines().map_while(Result::ok) {
            let answer = match line.split(' ').next() {
                Some("USER") => ":irc PING :x\r\n:irc 433 * shipctl :Nickname is already in use\r\n",
                Some("NICK") if line.ends_with('_') => {
                    ":irc 001 shipctl_ :Welcome\r\n:irc 422 shipctl_ :No MOTD\r\n"
                }
                Some("JOIN") => {
                    refusal.unwrap_or(":me JOIN #beta\r\n:irc 366 shipctl_ #beta :End of /NAMES list.\r\n")
                }
                _ => "",
            };
            (&stream).write_all(answer.replace(":irc PING", "PING").as_bytes()).unwrap();
            let last = line.starts_with("QUIT");
            lines.push(line);
            if last {
                break;
            }
        }
        lines
    };
    (address, thread::spawn(serve))
}

fn irc(address: &str) -> Call {
    shipctl("notify")
        .arg("r")
        .in_job()
        .env("R_TYPE", "notification")
        .env("R_POINTER_METHOD", "irc")
        .env("R_POINTER_RECIPIENTS_0", format!("{address}#beta"))
}

#[test]
fn irc_gets_each_line_as_a_message() {
    let (address, lines) = irc_server(None);
    irc(&address)
        .arg("--text=one\r\n\nJOIN #two")
        .stderr(&format!("notify: sent to IRC ({address}#beta)\n"))
        .run();
    let expected = [
        "NICK shipctl",
        "USER shipctl 0 * :shipctl",
        "PONG :x",
        "NICK shipctl_",
        "JOIN #beta",
        "PRIVMSG #beta :one",
        "PRIVMSG #beta :JOIN #two",
        "QUIT :",
    ];
    assert_eq!(lines.join().unwrap(), expected);
}

#[test]
fn what_an_irc_server_has_against_it_is_said() {
    let (address, lines) = irc_server(Some(":irc 474 shipctl_ #beta :Cannot join channel (+b)\r\n"));
    irc(&address).fails(&format!(
        "shipctl: notify r: IRC ({address}#beta): the server says 474 Cannot join channel (+b)\n"
    ));
    lines.join().unwrap();
}

#[test]
fn a_failure_says_what_the_service_answered_and_never_the_address() {
    let (url, requests) = server(vec![("403 Forbidden", "invalid_token\nmore")]);
    notify("slackKey").env("R_INTEGRATION_WEBHOOKURL", url + "/secret").fails(
        "shipctl: notify r: could not be sent to the address in the integration's field webhookUrl: \
         it answered 403 Forbidden: invalid_token\n",
    );
    requests.join().unwrap();
    let (url, requests) = server(vec![("404 Not Found", "no such thing: /services/T/B/x")]);
    notify("slackKey").env("R_INTEGRATION_WEBHOOKURL", url + "/services/T/B/x").fails(
        "shipctl: notify r: could not be sent to the address in the integration's field webhookUrl: \
         it answered 404 Not Found: no such thing: /***\n",
    );
    requests.join().unwrap();
    let (url, requests) = server(vec![("302 Found\r\nLocation: http://127.0.0.1:9/", "")]);
    notify("slackKey").env("R_INTEGRATION_WEBHOOKURL", url).fails(
        "shipctl: notify r: could not be sent to the address in the integration's field webhookUrl: \
         it answered 302 Found\n",
    );
    requests.join().unwrap();
    for secret in ["secret", "http://", "ftp://secret.example/x", "http://secret value/"] {
        notify("slackKey").env("R_INTEGRATION_WEBHOOKURL", secret).fails(
            "shipctl: notify r: could not be sent to the address in the integration's field webhookUrl: \
             it is not a valid http(s) URL\n",
        );
    }
}

#[test]
fn a_service_that_does_not_answer_is_not_waited_for_for_ever() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    notify("slackKey")
        .env("R_INTEGRATION_WEBHOOKURL", format!("http://{address}/"))
        .args("--timeout 0.2")
        .fails(
            "shipctl: notify r: could not be sent to the address in the integration's field webhookUrl: \
         no answer within 0.2 s\n",
        );
    irc(&address.to_string())
        .args("--timeout=0.2")
        .fails(&format!("shipctl: notify r: IRC ({address}#beta): no answer within 0.2 s\n"));
}

#[test]
fn a_resource_that_cannot_be_notified_is_named() {
    shipctl("notify").fails("Usage: shipctl notify RESOURCE [OPTIONS]\n");
    shipctl("notify")
        .in_job()
        .arg("slack")
        .env("S_OPERATION", "IN")
        .fails("shipctl: Error: resource data not found for slack; the resources of this job: S\n");
    shipctl("notify")
        .arg("r")
        .env("R_TYPE", "image")
        .fails("shipctl: Error: resource r is not of type 'notification'\n");
    notify("hipchatKey").fails(
        "shipctl: notify r: notify cannot use `hipchatKey`: \
         it knows Slack, webhooks, IRC, e-mail, Airbrake, New Relic and Jira\n",
    );
    notify("slackKey").fails("shipctl: notify r: its integration has no field webhookUrl, or it is empty\n");
    let output = notify("slackKey").args("--colour=x").output();
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(
        error.starts_with("shipctl: notify: there is no option --colour; there are: app-id, "),
        "{error}"
    );
    assert!(error.ends_with("; did you mean `color`?\n"), "{error}");
}

/// A server with a certificate of its own, for `localhost`; gives the certificate too.
fn tls_server() -> (String, String, JoinHandle<Option<Request>>) {
    let certified = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let pem = certified.cert.pem();
    let key = rustls::pki_types::PrivateKeyDer::try_from(certified.signing_key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certified.cert.der().clone()], key)
        .unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://localhost:{}/", listener.local_addr().unwrap().port());
    let serve = move || {
        let (mut socket, _): (TcpStream, _) = listener.accept().unwrap();
        let mut connection = rustls::ServerConnection::new(Arc::new(config)).unwrap();
        // A client that does not trust the certificate ends it here.
        connection.complete_io(&mut socket).ok()?;
        let mut stream = rustls::Stream::new(&mut connection, &mut socket);
        let request = Request::read(&mut stream);
        answer(&mut stream, "200 OK", "ok");
        Some(request)
    };
    (url, pem, thread::spawn(serve))
}

#[test]
fn https_is_spoken_with_those_whose_certificate_is_trusted() {
    let (url, pem, request) = tls_server();
    notify("slackKey")
        .env("R_INTEGRATION_WEBHOOKURL", url)
        .env("SSL_CERT_FILE", "{WORK}/ca.pem")
        .file("ca.pem", pem)
        .stderr("notify: sent to Slack\n")
        .run();
    assert_eq!(request.join().unwrap().unwrap().line, "POST / HTTP/1.1");
}

#[test]
fn https_is_not_spoken_with_strangers() {
    let (url, _, request) = tls_server();
    let (_, other, _) = tls_server();
    let output = notify("slackKey")
        .env("R_INTEGRATION_WEBHOOKURL", url)
        .env("SSL_CERT_FILE", "{WORK}/ca.pem")
        .file("ca.pem", other)
        .output();
    assert_eq!(output.status.code(), Some(99));
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(error.contains("webhookUrl: its certificate is not trusted: "), "{error}");
    assert!(request.join().unwrap().is_none());
}

#[test]
fn a_run_sends_what_the_yaml_asks_for_if_it_is_to() {
    let yaml = |url: &str| {
        format!(
            "integrations: [{{name: hooks, type: webhook, fields: {{webhookURL: {url:?}}}}}]
resources: [{{name: it's me, type: notification, integration: hooks}}]
jobs:
  - name: job
    type: runSh
    steps:
      - TASK: echo first
      - NOTIFY: it's me
      - TASK: echo second
    on_success: {{NOTIFY: it's me}}
    on_failure: {{NOTIFY: it's me}}
"
        )
    };
    let (url, requests) = server(vec![("200 OK", "{}"), ("500 Oops", "{}")]);
    let call = shipctl("run").file("shippable.yml", yaml(&url)).file("tmp/", "").env("TMPDIR", "{WORK}/tmp");
    let shown = |args: &str| {
        let output = call.also(args).output().unwrap();
        assert_eq!((output.status.code(), String::from_utf8_lossy(&output.stderr).as_ref()), (Some(0), ""));
        String::from_utf8(output.stdout).unwrap()
    };
    assert!(shown("run job").contains("\n✓ job succeeded"));
    let plan = shown("run job -n");
    assert!(plan.contains("2. NOTIFY it's me (not sent; --notify sends it)"), "{plan}");
    assert!(plan.contains("\n  on_success: it's me\n  on_failure: it's me\n"), "{plan}");
    let log = shown("run job --notify");
    let requests = requests.join().unwrap();
    assert_eq!(requests.len(), 2);
    let order = ["first\n", "▸ notify it's me", "second\n", "▸ on_success"];
    let found = order.map(|what| log.find(what).unwrap_or_else(|| panic!("no {what:?} in {log}")));
    assert!(found.is_sorted(), "{log}");
    assert!(
        log.contains("! on_success      1 entry failed"),
        "what cannot be sent is seen, and no more: {log}"
    );
    assert!(log.contains("▸ Task 1\n"), "{log}");
}

#[test]
fn a_job_without_scripts_sends_its_notifications_too() {
    let yaml = |url: &str| {
        format!(
            "integrations: [{{name: hooks, type: webhook, fields: {{webhookURL: {url:?}}}}}]
resources:
  - {{name: news, type: notification, integration: hooks}}
  - {{name: web, type: image, pointer: {{sourceName: web}}}}
jobs:
  - {{name: man, type: manifest, steps: [IN: web], on_start: [NOTIFY: news], on_success: [NOTIFY: news], on_failure: [NOTIFY: news]}}
"
        )
    };
    let (url, requests) = server(vec![("200 OK", "{}"), ("500 Oops", "{}")]);
    let call = shipctl("run").file("shippable.yml", yaml(&url)).file("tmp/", "").env("TMPDIR", "{WORK}/tmp");
    let log = |args: &str| {
        let output = call.also(args).output().unwrap();
        assert_eq!((output.status.code(), String::from_utf8_lossy(&output.stderr).as_ref()), (Some(0), ""));
        String::from_utf8(output.stdout).unwrap()
    };
    assert!(!log("run man").contains("notify"));
    let log = log("run man --notify");
    assert_eq!(requests.join().unwrap().len(), 2);
    assert!(log.contains("notify: sent to the webhook\nimage web: web"), "{log}");
    assert!(log.contains("500") && log.contains("✓ man succeeded"), "{log}");
}

/// A server of SMTP that takes one message, or refuses its recipients; then all that it was told.
#[cfg(feature = "full")]
fn mail_server(takes: bool) -> (String, JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let serve = move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
        let mut told = String::new();
        let mut say = |text: &str| stream.write_all(format!("{text}\r\n").as_bytes()).unwrap();
        say("220 mail");
        let mut in_message = false;
        while let Some(Ok(line)) = lines.next() {
            told += &format!("{line}\n");
            match line.split([' ', ':']).next().unwrap() {
                "." => {
                    in_message = false;
                    say("250 taken");
                }
                _ if in_message => {}
                "EHLO" => say("250-mail\r\n250 AUTH PLAIN"),
                "AUTH" => say("235 welcome"),
                "RCPT" if !takes => say("550 no such user, hunter2"),
                "DATA" => {
                    in_message = true;
                    say("354 go on");
                }
                "QUIT" => break,
                _ => say("250 ok"),
            }
        }
        told
    };
    (address, thread::spawn(serve))
}

#[cfg(feature = "full")]
#[test]
fn e_mail_goes_to_all_recipients_at_once() {
    let (address, told) = mail_server(true);
    notify("")
        .env("R_POINTER_METHOD", "email")
        .env("R_POINTER_RECIPIENTS_0", "foo@example.org")
        .env("R_POINTER_RECIPIENTS_1", "boo@example.org")
        .env("SHIPCTL_SMTP", format!("smtp://ann@{address}"))
        .env("SHIPCTL_SMTP_PASSWORD", "hunter2")
        .env("SHIPCTL_SMTP_FROM", "ci@example.org")
        .stderr("notify: sent by e-mail (foo@example.org, boo@example.org)\n")
        .run();
    let told = told.join().unwrap();
    for line in [
        "MAIL FROM:<ci@example.org>",
        "RCPT TO:<foo@example.org>",
        "RCPT TO:<boo@example.org>",
        "Subject: my_job #12 https://ci.example.org/12",
        "my_job #12 https://ci.example.org/12",
    ] {
        assert!(told.lines().any(|told| told == line), "no {line:?} in {told}");
    }
}

#[cfg(feature = "full")]
#[test]
fn what_keeps_e_mail_from_being_sent_is_said_without_the_password() {
    let email = || notify("").env("R_POINTER_METHOD", "email");
    email().fails("shipctl: notify r: to whom? --recipient=name@example.org or a recipient says so\n");
    email()
        .env("R_POINTER_RECIPIENTS_0", "--last_committer")
        .fails("shipctl: notify r: the address of --last_committer is not known here: name one\n");
    let to = || email().env("R_POINTER_RECIPIENTS_0", "foo@example.org");
    to().fails("shipctl: notify r: no server is set to hand e-mail over to: SHIPCTL_SMTP=smtp://user@host:port says so, with SHIPCTL_SMTP_PASSWORD and SHIPCTL_SMTP_FROM\n");
    to().env("SHIPCTL_SMTP", "smtp://a:hunter2@mail").fails(
        "shipctl: notify r: SHIPCTL_SMTP: the password does not belong there: it goes into SHIPCTL_SMTP_PASSWORD\n",
    );
    let (address, _told) = mail_server(false);
    let output = to()
        .env("SHIPCTL_SMTP", format!("smtp://ann@{address}"))
        .env("SHIPCTL_SMTP_PASSWORD", "hunter2")
        .output();
    let error = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(99));
    assert!(error.contains("did not take it: ") && error.contains("no such user, ***"), "{error}");
}

/// Runs a line that sends to this address, and gives stdout and stderr.
fn run_line(yaml: &str, args: &str) -> (String, String) {
    let call = shipctl("run").file("shippable.yml", yaml).file("tmp/", "").env("TMPDIR", "{WORK}/tmp");
    let output = call.also(args).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    let (stdout, stderr) = (text(output.stdout), text(output.stderr));
    assert_eq!(output.status.code(), Some(0), "{stdout}{stderr}");
    (stdout, stderr)
}

#[test]
fn whom_a_notify_names_may_stand_in_a_map() {
    let (url, requests) = server(vec![("200 OK", "{}"), ("200 OK", "{}"), ("200 OK", "{}")]);
    let yaml = format!(
        "integrations: [{{name: hooks, type: webhook, fields: {{webhookURL: {url:?}}}}}]
resources: [{{name: one, type: notification, integration: hooks}}, {{name: two, type: notification, integration: hooks}}]
jobs:
  - name: job
    type: runSh
    steps:
      - NOTIFY: {{name: one}}
      - TASK: echo
    on_success: {{NOTIFY: [{{name: one, sendFailingSnippet: true}}, {{name: two}}]}}
"
    );
    let (_, stderr) = run_line(&yaml, "run job --notify");
    assert_eq!(requests.join().unwrap().len(), 3);
    assert!(
        stderr.starts_with("warning: `sendFailingSnippet` has no effect: no log is sent along\n"),
        "{stderr}"
    );
}

#[test]
fn a_notify_that_cannot_be_sent_stops_nothing() {
    let (url, requests) = server(vec![("200 OK", "{}")]);
    let yaml = format!(
        "integrations: [{{name: hooks, type: webhook, fields: {{webhookURL: {url:?}}}}}, {{name: unset, type: webhook, fields: {{webhookURL: {{env: NOBODY_SET_THIS}}}}}}]
resources:
  - {{name: good, type: notification, integration: hooks}}
  - {{name: alone, type: notification, integration: nowhere}}
  - {{name: blank, type: notification, integration: unset}}
  - {{name: other, type: state}}
jobs:
  - {{name: a, type: runSh, steps: [{{NOTIFY: nobody}}, {{NOTIFY: alone}}, {{NOTIFY: other}}, {{NOTIFY: blank}}, {{TASK: echo}}]}}
  - {{name: b, type: runSh, steps: [{{TASK: echo}}, {{NOTIFY: good}}]}}
"
    );
    let (_, stderr) = run_line(&yaml, "run --all --notify -j 1");
    assert_eq!(requests.join().unwrap().len(), 1);
    let warnings: Vec<_> = stderr.lines().filter(|line| line.starts_with("warning: ")).collect();
    assert_eq!(
        warnings,
        [
            "warning: job `a` does not notify `nobody`: it is declared nowhere",
            "warning: job `a` does not notify `alone`: its integration `nowhere` is declared nowhere",
            "warning: job `a` does not notify `other`: it is of type `state`, and not `notification`",
            "warning: job `a` does not notify `blank`: integration `unset`, field `webhookURL`: $NOBODY_SET_THIS is not set",
        ]
    );
}

#[test]
fn the_notifications_of_a_ci_section_are_sent_when_it_says() {
    let (url, requests) = server(vec![("200 OK", "{}"); 4]);
    let yaml = |more: &str, script: &str| {
        format!(
            "integrations: {{notifications: [{{integrationName: hooks, type: webhook{more}}}]}}\nbuild: {{ci: ['{script}']}}\njobs: [{{name: app_runCI, type: runCI}}]\n"
        )
    };
    let hooks = format!("integrations: [{{name: hooks, type: webhook, fields: {{webhookURL: {url:?}}}}}]\n");
    let call = shipctl("run").file("hooks.yml", &hooks).file("tmp/", "").env("TMPDIR", "{WORK}/tmp");
    for args in [
        ["init", "-q", "-b", "main"].as_slice(),
        &["-c", "user.name=A", "-c", "user.email=a@x", "commit", "-q", "--allow-empty", "-m", "one"],
    ] {
        assert!(
            std::process::Command::new("git")
                .args(args)
                .current_dir(call.path(""))
                .status()
                .unwrap()
                .success()
        );
    }
    let run = |yaml: &str, status| {
        std::fs::write(call.path("shippable.yml"), yaml).unwrap();
        let output = call.also("run app_runCI --notify -i hooks.yml").output().unwrap();
        assert_eq!(output.status.code(), Some(status), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().matches("notify: sent to the webhook").count()
    };
    assert_eq!(run(&yaml("", "true"), 0), 1, "nothing is known of a run before");
    assert_eq!(run(&yaml("", "true"), 0), 0, "it succeeded before");
    assert_eq!(run(&yaml("", "exit 3"), 3), 1);
    assert_eq!(run(&yaml(", on_success: never, on_failure: never", "true"), 0), 0);
    assert_eq!(run(&yaml(", on_success: always, branches: {only: [release/*, dev]}", "true"), 0), 0);
    assert_eq!(run(&yaml(", on_success: always, branches: {except: [release/*]}", "true"), 0), 1);
    let payload = ", on_success: always, payload: ['title=\"$JOB_NAME\" $(true) `true` ${BRANCH}', versionName=$BRANCH.$BUILD_NUMBER, 'none=$UNSET $']";
    assert_eq!(run(&yaml(payload, "set -u"), 0), 1);
    let requests = requests.join().unwrap();
    assert_eq!(
        requests[3].body,
        json!({"title": "\"app_runCI\" $(true) `true` main", "versionName": "main.7", "none": " $"})
    );
    let texts: Vec<_> = requests[..3].iter().map(|request| request.body["text"].clone()).collect();
    assert_eq!(
        texts,
        ["app_runCI #1 of main succeeded", "app_runCI #3 of main failed", "app_runCI #6 of main succeeded"]
    );
}

#[test]
fn the_password_of_the_mail_server_is_masked_in_a_log() {
    let yaml = "jobs: [{name: j, type: runSh, steps: [{TASK: ['echo $SHIPCTL_SMTP_PASSWORD']}]}]\n";
    let call = shipctl("run").file("shippable.yml", yaml).file("tmp/", "").env("TMPDIR", "{WORK}/tmp");
    let output = call.also("run j").env("SHIPCTL_SMTP_PASSWORD", "hunter22").output().unwrap();
    let log = String::from_utf8(output.stdout).unwrap();
    assert!(log.contains("\n***\n") && !log.contains("hunter22"), "{log}");
}
