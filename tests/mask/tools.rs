//! The forms that the tools of a script really print: bash and base64 are asked.

use std::io::Write;
use std::process::{Command, Stdio};

use crate::{masked, patterns};

const SECRETS: &[&str] = &[
    "plain0words",
    "it's $HOME \"or\" `so` \\n",
    "p@ss/w+rd!{a,b}~#[x]*?<y>|;&()%=^",
    "tab\there",
    "esc\u{1b}[0m and bell\u{7}",
    "über€uro 🔑 key",
    "'''",
    "  two  blanks ",
    "\u{1}\u{2}\u{3}\u{4}\u{5}\u{6}\u{7}\u{8}\u{b}\u{c}\u{e}\u{f}\u{10}\u{1a}\u{1b}\u{1c}\u{1f}\u{7f}x",
    "first line\nit's second\r\n\tthree: \u{7f}\u{e9}\\",
    "-n leading dash",
    "~tilde#mark",
    "a=b",
    "p4ss=~w0rd;x:~y",
    "\u{a0}\u{2028}\u{feff}\u{85}quiet é",
    "-----BEGIN KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASC+/AoIBAQC7\nqN'x\n-----END KEY-----\n",
];

/// What bash prints to stdout and stderr when it runs `script` with the secret in `SECRET`.
fn bash(script: &str, secret: &str, locale: &str) -> Vec<u8> {
    let output = Command::new("bash")
        .args(["-c", script])
        // A shell prints its directory, which could hold a word of a secret.
        .current_dir("/")
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap())
        .env("SECRET", secret)
        .env("LC_ALL", locale)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    [output.stdout, output.stderr].concat()
}

/// Asserts that nothing is left of the secret in what `script` prints but quotes, a backslash and line ends around it.
#[track_caller]
fn assert_hidden(script: &str) {
    for secret in SECRETS {
        for locale in ["C", "C.UTF-8"] {
            let printed = bash(script, secret, locale);
            let shown = masked(&[secret], &printed);
            let rest: String = shown.split("***").collect();
            let rest =
                rest.replace("declare -x SECRET=", "").replace("export SECRET=", "").replace("+ : ", "");
            let harmless = rest.chars().all(|char| "$'\"\\n\n ".contains(char));
            assert!(
                harmless && shown.contains("***"),
                "{script}: {}\n{shown}",
                String::from_utf8_lossy(&printed)
            );
        }
    }
}

#[test]
fn as_it_is() {
    assert_hidden("printf '%s\\n' \"$SECRET\"");
}

#[test]
fn quoted_by_printf() {
    assert_hidden("printf '%q\\n' \"$SECRET\"");
}

#[test]
fn traced() {
    assert_hidden("set -x; : \"$SECRET\"");
}

#[test]
fn quoted_by_an_expansion() {
    assert_hidden("echo \"${SECRET@Q}\"");
}

#[test]
fn declared() {
    assert_hidden("declare -p SECRET");
}

/// Asserts that among what `script` prints no word of the secret is left.
#[track_caller]
fn assert_words_hidden(script: &str) {
    for secret in SECRETS {
        for locale in ["C", "C.UTF-8"] {
            let printed = bash(script, secret, locale);
            let shown = masked(&[secret], &printed);
            let words =
                secret.split(|char: char| !char.is_ascii_alphanumeric()).filter(|word| word.len() > 3);
            let left: Vec<_> = words.filter(|word| shown.contains(word)).collect();
            assert!(left.is_empty() && shown.contains("***"), "{script}: {left:?} in {shown}");
        }
    }
}

#[test]
fn declared_in_an_array() {
    assert_words_hidden(
        "declare -A a=([x]=\"$SECRET\"); b=(\"$SECRET\"); declare -p a b; echo \"${b[*]@A}\"",
    );
}

#[test]
fn exported() {
    assert_words_hidden("export -p; export SECRET=$SECRET; export -p");
}

#[test]
fn traced_wherever_it_stands() {
    assert_words_hidden("set -x; x=$SECRET; cat <<<\"$SECRET\"; case $x in a) ;; esac");
}

#[test]
fn traced_as_a_pattern() {
    // In a pattern, bash has a meaning of its own for two of the control characters.
    for secret in SECRETS.iter().filter(|secret| !secret.contains(['\u{1}', '\u{7f}'])) {
        for locale in ["C", "C.UTF-8"] {
            let script = "set -x; [[ _ == \"$SECRET\"* ]]; [[ _ =~ ^\"$SECRET\" ]]";
            let shown = masked(&[secret], bash(script, secret, locale));
            let rest = shown.replace("***", "").replace("+ [[ _ == ", "").replace("+ [[ _ =~ ", "");
            assert!(rest.chars().all(|char| "\\\r\n*^] ".contains(char)), "{secret:?}: {shown}");
        }
    }
}

#[test]
fn quoted_by_the_gnu_tools() {
    assert_words_hidden("printf '%s\\0' \"$SECRET\" | xargs -0 -t true; cat \"/none/$SECRET/\"");
}

#[test]
fn split_into_words() {
    assert_words_hidden("set -f; printf '%s ' $SECRET");
}

#[test]
fn listed_by_set() {
    assert_words_hidden("x=$SECRET; set; trap \"$SECRET\" USR1; trap -p; alias x=\"$SECRET\"; alias");
}

#[test]
fn printed_by_env() {
    assert_words_hidden("env -0; env; cat /proc/self/environ");
}

#[test]
fn exported_by_a_posix_shell() {
    assert_hidden(r#"env -i SECRET="$SECRET" sh -c 'export -p' | grep -v 'PWD\|SHLVL\| _='"#);
}

#[test]
fn encoded_and_wrapped_at_any_place() {
    for secret in SECRETS {
        let patterns = patterns(&[secret]);
        let widths = ["60", "32", "64", "16", "76", "48", "50", "57", "61"];
        for (before, width) in (0..60).step_by(7).chain(50..60).zip(widths.into_iter().cycle()) {
            let text = format!("{}{secret}{}", "?".repeat(before), "?".repeat(90));
            let wrapped = base64(&text, width);
            let shown: String = masked(&[secret], &wrapped).lines().collect();
            let whole: String = wrapped.lines().collect();
            assert_eq!(shown.as_bytes(), patterns.mask(whole.as_bytes()), "{wrapped}");
            // With a prefix on each line: nothing of the text may be left that is not left without.
            for prefix in ["web-1  | ", "[2026-05-01T12:00:0# INFO] "] {
                let lines = wrapped.lines().enumerate();
                let prefixed: String = lines
                    .map(|(n, line)| format!("{}{line}\n", prefix.replace('#', &n.to_string())))
                    .collect();
                let shown: String = masked(&[secret], &prefixed)
                    .lines()
                    .map(|line| line.rsplit(' ').next().unwrap())
                    .collect();
                assert_eq!(shown.as_bytes(), patterns.mask(whole.as_bytes()), "{prefixed}");
            }
        }
    }
}

#[test]
fn the_last_line_of_base64_is_no_prefix_because_it_begins_like_one() {
    // The first line stands behind `MjI/ `, and the last one, `MjI`, has neither that nor a line end.
    let shown = masked(&["hunter22"], "MjI/ 0123456789abcdefaHVudGVy\nMjI");
    assert_eq!(shown, "MjI/ 0123456789abcdef***");
}

#[test]
fn the_character_after_base64_that_holds_bits_of_the_secret() {
    // More than one piece long, so that the end of the form is not the beginning of the one with padding.
    let secret: String = (0..400).map(|number| number.to_string()).collect();
    let text = format!("{secret}~~");
    assert_eq!(text.len() % 3, 0);
    let encoded = base64(&text, "0");
    let (_, rest) = encoded.split_at(8 * secret.len() / 6 + 1);
    assert_eq!(masked(&[&secret], &encoded), format!("***{rest}"));
}

fn base64(text: &str, width: &str) -> String {
    let mut child = Command::new("base64")
        .args(["-w", width])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap()
}
