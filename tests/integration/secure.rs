//! Encrypted values: keys, recipients, and what a job gets of them.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

use crate::homes::Homes;
use crate::terminal::Terminal;

const LINE: &str = "# the line
integrations:
  - name: my_aws   # ours
    type: amazonKeys
    fields:
      accessKey: AKIA
      secretKey:
        SECURE
resources:
  - {name: aws, type: integration, integration: my_aws}
jobs:
  - {name: j, type: runSh, steps: [IN: aws, TASK: [echo]]}
";

/// People with a line; each has a configuration directory, and with it a key.
struct Team {
    directory: TempDir,
    homes: Homes,
}

impl Team {
    /// With keys for some people.
    fn of(people: &[&str]) -> Team {
        let team = Team { directory: TempDir::with_prefix("shipctl-test-").unwrap(), homes: Homes::new() };
        for person in people {
            team.good(person, &["key", "new"], "");
        }
        team
    }

    fn path(&self) -> &Path {
        self.directory.path()
    }

    fn command(&self, person: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_shipctl"));
        command.current_dir(self.path()).env_clear().env("PATH", std::env::var_os("PATH").unwrap());
        command.env("XDG_CONFIG_HOME", self.path().join(person));
        self.homes.give(&mut command);
        command
    }

    /// What a person's call gives, with this on stdin.
    fn call(&self, person: &str, args: &[&str], stdin: &str) -> Output {
        let mut command = self.command(person);
        let mut child = command
            .args(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // One that refuses does not read.
        let _ = child.stdin.take().unwrap().write_all(stdin.as_bytes());
        child.wait_with_output().unwrap()
    }

    /// What a call that succeeds prints.
    #[track_caller]
    fn good(&self, person: &str, args: &[&str], stdin: &str) -> String {
        let output = self.call(person, args, stdin);
        assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// What a call that fails says.
    #[track_caller]
    fn bad(&self, person: &str, args: &[&str], stdin: &str) -> String {
        let output = self.call(person, args, stdin);
        assert!(!output.status.success() && output.stdout.is_empty(), "{args:?}");
        String::from_utf8(output.stderr).unwrap()
    }

    fn recipient(&self, person: &str) -> String {
        self.good(person, &["key", "show"], "").trim().to_owned()
    }

    /// Writes the line, with a value that this person encrypted.
    fn line(&self, person: &str, value: &str) {
        let secure = self.good(person, &["encrypt"], value);
        let yaml = LINE.replace("SECURE", secure.trim_end().replace('\n', "\n        ").as_str());
        fs::write(self.path().join("shippable.yml"), yaml).unwrap();
    }

    fn text(&self) -> String {
        fs::read_to_string(self.path().join("shippable.yml")).unwrap()
    }
}

const SHOW: &[&str] = &["exec", "j", "--", "printenv", "AWS_INTEGRATION_SECRETKEY"];

#[test]
fn what_one_encrypts_all_recipients_open() {
    let team = Team::of(&["ann", "ben", "eve"]);
    fs::write(team.path().join("shippable.yml"), "jobs: []\n").unwrap();
    for person in ["ann", "ben"] {
        let recipient = team.recipient(person);
        let said = team.good(person, &["key", "add-recipient", &recipient, "--name", person], "");
        assert_eq!(said, format!("added {person} to the recipients of shippable.integrations.yml\n"));
    }
    team.line("ann", "tr\u{fc}cky\n\n 'x' $y");
    for person in ["ann", "ben"] {
        assert_eq!(team.good(person, SHOW, ""), "tr\u{fc}cky\n\n 'x' $y\n");
    }
    let eve = team.recipient("eve");
    let (ann, ben) = (team.recipient("ann"), team.recipient("ben"));
    let key = team.path().join("eve/shipctl/key.txt").display().to_string();
    assert_eq!(
        team.bad("eve", &["run", "j"], ""),
        format!(
            "error: integration `my_aws`, field `secretKey`: the value was encrypted to other keys than yours: {eve} ({key})
  --> shippable.yml:8:9
   8 |         secure: ***
     |         ^^^^^^
  hint: use another key, or have one of those who can open it run `shipctl key add-recipient {eve}` and `shipctl key rotate`. The line lists ann ({ann}), ben ({ben})
"
        )
    );
    let no_key = team.bad("nobody", &["run", "j"], "");
    assert!(
        no_key.starts_with(
            "error: integration `my_aws`, field `secretKey`: the value is encrypted, and you have no key\n"
        ),
        "{no_key}"
    );
    assert!(no_key.contains("shipctl key new"), "{no_key}");
}

#[test]
fn check_reminds_of_a_rotation() {
    let team = Team::of(&["ann", "ben"]);
    fs::write(team.path().join("shippable.yml"), "jobs: []\n").unwrap();
    team.good("ann", &["key", "add-recipient", &team.recipient("ann")], "");
    team.line("ann", "hunter2");
    let mild = |said: &str| !said.contains("recipients");
    assert!(mild(&team.good("ann", &["check"], "")));
    team.good("ann", &["key", "add-recipient", &team.recipient("ben")], "");
    let said = team.good("ann", &["check"], "");
    let warning = "warning: 1 key opens `secretKey` of `my_aws`, and the line lists 2 recipients\n  --> shippable.yml:8:9\n";
    assert!(said.contains(warning) && said.contains("  hint: `shipctl key rotate` encrypts"), "{said}");
    team.good("ann", &["key", "rotate"], "");
    assert!(mild(&team.good("ann", &["check"], "")));
}

#[test]
fn a_recipient_is_taken_out_by_name_or_key() {
    let team = Team::of(&["ann", "ben", "eve"]);
    fs::write(team.path().join("shippable.yml"), "jobs: []\n").unwrap();
    for person in ["ann", "ben", "eve"] {
        team.good("ann", &["key", "add-recipient", &team.recipient(person), "--name", person], "");
    }
    team.line("ann", "hunter2");
    let (ben, eve) = (team.recipient("ben"), team.recipient("eve"));
    let said = team.good("ann", &["key", "remove-recipient", "eve"], "");
    assert_eq!(said, format!("removed eve ({eve}) from the recipients of shippable.integrations.yml\n"));
    team.good("ann", &["key", "rotate"], "");
    assert_eq!(team.good("ben", SHOW, ""), "hunter2\n");
    assert!(team.bad("eve", SHOW, "").contains("the value was encrypted to other keys than yours"));
    let said = team.bad("ann", &["key", "remove-recipient", "eve"], "");
    assert!(said.starts_with("error: eve is no recipient of the line; it lists ann ("), "{said}");
    team.good("ann", &["key", "remove-recipient", &ben], "");
    let file = fs::read_to_string(team.path().join("shippable.integrations.yml")).unwrap();
    assert!(file.contains("name: ann") && !file.contains(&ben) && !file.contains(&eve), "{file}");
}

#[test]
fn rotation_touches_nothing_but_the_encrypted_texts() {
    let team = Team::of(&["ann", "ci"]);
    team.line("ann", "hunter2\n");
    let before = team.text().replace('\n', "\r\n");
    fs::write(team.path().join("shippable.yml"), &before).unwrap();
    fs::set_permissions(team.path().join("shippable.yml"), fs::Permissions::from_mode(0o640)).unwrap();
    let one_line = team.good("ann", &["encrypt", "--one-line"], "other");
    let one_line = one_line.trim().strip_prefix("secure: ").unwrap().to_owned();
    let params = format!(
        "resources:\n- name: p # {{}}\n  type: params\n  version: {{params: {{A: {{secure: '{one_line}'}}, B: 1}}}}\n- name: q\n  type: params\n  version: {{params: {{secure: \"shippables/own+text==\"}}}}"
    );
    fs::write(team.path().join("shippable.resources.yml"), &params).unwrap();
    for person in ["ann", "ci"] {
        let recipient = team.recipient(person);
        team.good("ann", &["key", "add-recipient", &recipient], "");
    }
    assert_eq!(
        team.good("ann", &["key", "rotate"], ""),
        "encrypted 2 values in shippable.resources.yml, shippable.yml to 2 recipients\n"
    );
    let outside = |text: &str| -> String {
        let begin = text.find("-----BEGIN").unwrap();
        let end = text.find("-----END").unwrap();
        format!("{}{}", &text[..begin], &text[end..])
    };
    let after = team.text();
    assert!(outside(&after).starts_with(outside(&before).trim_end()), "{after}");
    assert!(!after.replace("\r\n", "").contains('\n') && after != before);
    let mode = fs::metadata(team.path().join("shippable.yml")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o640);
    let now = fs::read_to_string(team.path().join("shippable.resources.yml")).unwrap();
    let (from, to) = (now.find("'YWdl").unwrap() + 1, now.find("'}, B").unwrap());
    assert_eq!(format!("{}{one_line}{}", &now[..from], &now[to..]), params);
    assert_eq!(team.good("ci", SHOW, ""), "hunter2\n");
}

#[test]
fn rotation_changes_nothing_if_it_cannot_open_everything() {
    let team = Team::of(&["ann", "ben"]);
    team.line("ann", "hunter2");
    let other = team.good("ben", &["encrypt", "--one-line"], "x");
    let yaml = format!(
        "resources:\n- name: p\n  type: params\n  version: {{params: {{A: {{{}}}}}}}\n",
        other.trim()
    );
    fs::write(team.path().join("shippable.resources.yml"), yaml).unwrap();
    let before = team.text();
    let said = team.bad("ann", &["key", "rotate"], "");
    assert!(
        said.contains("--> shippable.resources.yml:4:") && said.ends_with("shipctl: nothing was written\n"),
        "{said}"
    );
    assert_eq!(team.text(), before);
}

#[test]
fn a_new_key_takes_the_place_of_the_old_one() {
    let team = Team::of(&["ann", "ben"]);
    team.line("ann", "hunter2");
    let (ann, ben) = (team.recipient("ann"), team.recipient("ben"));
    team.good("ann", &["key", "add-recipient", &ann, "--name", "ann"], "");
    team.good("ann", &["key", "add-recipient", &ben, "--name", "ben"], "");
    let old = fs::read_to_string(team.path().join("ann/shipctl/key.txt")).unwrap();
    team.good("ann", &["key", "rotate", "--new-key"], "");
    assert!(!team.text().contains(&ann) && team.text().contains(&ben));
    for person in ["ann", "ben"] {
        assert_eq!(team.good(person, SHOW, ""), "hunter2\n");
    }
    let file = team.path().join("ann/shipctl/key.txt");
    let new = fs::read_to_string(&file).unwrap();
    assert!(new.ends_with(&old) && new.len() > old.len());
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    fs::write(&file, old).unwrap();
    assert!(team.bad("ann", &["run", "j"], "").contains("encrypted to other keys than yours"));
}

#[test]
fn a_key_that_was_replaced_opens_nothing_that_is_encrypted_afterwards() {
    let team = Team::of(&["ann"]);
    team.line("ann", "hunter2");
    let file = team.path().join("ann/shipctl/key.txt");
    let (old, to_old) = (fs::read_to_string(&file).unwrap(), team.recipient("ann"));
    let before = team.good("ann", &["encrypt"], "old value");
    team.good("ann", &["key", "rotate", "--new-key"], "");
    let shown = team.call("ann", &["key", "show"], "");
    let new = fs::read_to_string(&file).unwrap();
    let to_new = new.lines().next().unwrap().strip_prefix("# public key: ").unwrap();
    assert_eq!(String::from_utf8(shown.stdout).unwrap(), format!("{to_new}\n"));
    assert_eq!(
        String::from_utf8(shown.stderr).unwrap(),
        format!(
            "shipctl: from {}\nshipctl: an older key stands behind it, which opens but is not encrypted to: {to_old}\n",
            file.display()
        )
    );
    let after = team.good("ann", &["encrypt"], "new value");
    assert_eq!(team.good("ann", &["decrypt-value"], &before), "old value\n");
    assert_eq!(team.good("ann", &["decrypt-value"], &after), "new value\n");
    team.good("ann", &["key", "rotate"], "");
    assert_eq!(team.good("ann", SHOW, ""), "hunter2\n");
    fs::write(&file, old).unwrap();
    assert!(team.bad("ann", &["decrypt-value"], &after).contains("encrypted to other keys than yours"));
    assert!(team.bad("ann", SHOW, "").contains("encrypted to other keys than yours"));
}

#[test]
fn a_rotation_that_would_lock_yourself_out_is_refused() {
    let team = Team::of(&["ann", "ben"]);
    team.line("ann", "hunter2");
    let ben = team.recipient("ben");
    team.good("ann", &["key", "add-recipient", &ben], "");
    let before = team.text();
    let said = team.bad("ann", &["key", "rotate"], "");
    let ann = team.recipient("ann");
    assert_eq!(
        said,
        format!(
            "error: you are none of the recipients of the line: you could not open its values any more; nothing was written
  hint: `shipctl key add-recipient {ann}` adds you; `shipctl key rotate --force` goes on without you
"
        )
    );
    assert_eq!(team.text(), before);
    assert_eq!(team.good("ann", SHOW, ""), "hunter2\n");
    team.good("ann", &["key", "rotate", "--force"], "");
    assert!(team.bad("ann", SHOW, "").contains("encrypted to other keys than yours"));
    assert_eq!(team.good("ben", SHOW, ""), "hunter2\n");
}

#[test]
fn a_text_that_was_cut_or_altered_says_so_and_where() {
    let team = Team::of(&["ann"]);
    team.line("ann", "hunter2");
    let good = team.text();
    let armour: Vec<_> = good.lines().filter(|line| line.starts_with("          ")).collect();
    let altered = armour[3].replace(|c: char| c.is_ascii_lowercase(), "A");
    for (damaged, why) in [
        (good.replace(&format!("{}\n", armour[3]), ""), "the encrypted text is damaged: "),
        (good.replace(armour[3], &altered), "the encrypted text is damaged: "),
        (
            good.replace("          -----END AGE ENCRYPTED FILE-----\n", ""),
            "the encrypted text is damaged: its last line is missing",
        ),
        (
            good.replace("AGE ENCRYPTED FILE", "PGP MESSAGE"),
            "what `secure:` holds is no text in the age format",
        ),
    ] {
        assert_ne!(damaged, good);
        fs::write(team.path().join("shippable.yml"), damaged).unwrap();
        let said = team.bad("ann", &["run", "j"], "");
        assert!(
            said.starts_with(&format!("error: integration `my_aws`, field `secretKey`: {why}")),
            "{said}"
        );
        assert!(said.contains("--> shippable.yml:8:9\n") && said.contains("hint: "), "{said}");
    }
}

#[test]
fn only_what_the_job_needs_is_opened() {
    let team = Team::of(&["ann"]);
    team.line("ann", "hunter2");
    let yaml = team.text().replace("IN: aws, ", "");
    fs::write(team.path().join("shippable.yml"), yaml).unwrap();
    assert_eq!(team.good("nobody", &["exec", "j", "--", "echo", "fine"], ""), "fine\n");
}

#[test]
fn encrypted_params_are_secret_variables() {
    let team = Team::of(&["ann"]);
    let bag = team.good("ann", &["encrypt"], "USER=ann PASSWORD=\"two words\" QUOTE='it'\\''s'\n");
    let one = team.good("ann", &["encrypt", "--one-line"], "t0ken");
    let bag = bag.trim_end().replace('\n', "\n      ");
    let yaml = |rest: &str| {
        format!(
            "resources:\n- name: p\n  type: params\n  version:\n    params:\n      A: open\n{rest}jobs:\n- {{name: j, type: runSh, steps: [IN: p, TASK: [echo]]}}\n"
        )
    };
    let good = yaml(&format!("      TOKEN: {{{}}}\n      {bag}\n", one.trim()));
    fs::write(team.path().join("shippable.yml"), &good).unwrap();
    let script = "echo $A $TOKEN $USER $PASSWORD $QUOTE $P_PARAMS_TOKEN $P_PARAMS_PASSWORD ${SHIPCTL_KEY-none} ${SHIPCTL_KEY_FILE-none}";
    let key = team.path().join("ann/shipctl/key.txt");
    for (variable, value) in
        [("SHIPCTL_KEY", fs::read_to_string(&key).unwrap()), ("SHIPCTL_KEY_FILE", key.display().to_string())]
    {
        let output = team
            .command("nobody")
            .args(["exec", "j", "--", "bash", "-c", script])
            .env(variable, value)
            .output()
            .unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stderr), "");
        assert_eq!(
            String::from_utf8_lossy(&output.stdout),
            "open t0ken ann two words it's t0ken two words none none\n"
        );
    }
    for args in [&["env", "j"][..], &["run", "j", "--dry-run"]] {
        let shown = team.good("ann", args, "");
        assert!(shown.contains("***") && !shown.contains("t0ken") && !shown.contains("two words"), "{shown}");
    }
    let bad = team.good("ann", &["encrypt", "--one-line"], "A=1 hunter2");
    fs::write(team.path().join("shippable.yml"), yaml(&format!("      {bad}"))).unwrap();
    let said = team.bad("ann", &["run", "j"], "");
    assert!(said.starts_with("error: params `p`, key `secure`: word 2 of it is not written KEY=value\n  --> shippable.yml:7:7\n"), "{said}");
    assert!(!said.contains("hunter2"));
    fs::write(team.path().join("shippable.yml"), yaml("      secure: c2hpcHBhYmxl+own/text==\n")).unwrap();
    let output = team.call("nobody", &["exec", "j", "--", "true"], "");
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(
        output.status.success() && said.starts_with("warning: the encrypted params of `p` cannot be opened"),
        "{said}"
    );
}

#[test]
fn a_key_is_made_for_its_owner_alone_and_only_once() {
    let team = Team::of(&["ann"]);
    let mode = |path: &str| fs::metadata(team.path().join(path)).unwrap().permissions().mode() & 0o777;
    assert_eq!([mode("ann"), mode("ann/shipctl"), mode("ann/shipctl/key.txt")], [0o700, 0o700, 0o600]);
    let before = fs::read(team.path().join("ann/shipctl/key.txt")).unwrap();
    assert!(team.bad("ann", &["key", "new"], "").starts_with("error: there is a key in "));
    assert_eq!(fs::read(team.path().join("ann/shipctl/key.txt")).unwrap(), before);
    let shown = team.call("ann", &["key", "show"], "");
    for text in [shown.stdout, shown.stderr] {
        assert!(!String::from_utf8(text).unwrap().contains("SECRET"));
    }
    fs::set_permissions(team.path().join("ann/shipctl/key.txt"), fs::Permissions::from_mode(0o640)).unwrap();
    let said = team.bad("ann", &["key", "show"], "");
    assert!(
        said.contains("may be read or changed by others (mode 0640)") && said.contains("chmod 600"),
        "{said}"
    );
}

#[test]
fn a_key_file_that_is_mounted_for_all_to_read_is_usable() {
    let team = Team::of(&["ann"]);
    team.line("ann", "hunter2");
    let file = team.path().join("ann/shipctl/key.txt");
    let show = |mode: u32| {
        fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
        team.command("nobody").args(SHOW).env("SHIPCTL_KEY_FILE", &file).output().unwrap()
    };
    for mode in [0o444, 0o644] {
        let output = show(mode);
        assert_eq!(String::from_utf8_lossy(&output.stdout), "hunter2\n");
        let warning =
            format!("shipctl: the key file {} may be read by others (mode {mode:04o})\n", file.display());
        assert_eq!(String::from_utf8_lossy(&output.stderr), warning);
    }
    for mode in [0o664, 0o602] {
        let output = show(mode);
        assert!(!output.status.success());
        assert!(String::from_utf8_lossy(&output.stderr).contains("may be read or changed by others"));
    }
}

#[test]
fn a_key_that_became_one_line_in_a_variable_is_taken() {
    let team = Team::of(&["ann"]);
    team.line("ann", "hunter2");
    let key = fs::read_to_string(team.path().join("ann/shipctl/key.txt")).unwrap();
    let with = |value: &str| team.command("nobody").args(SHOW).env("SHIPCTL_KEY", value).output().unwrap();
    let one_line = format!("# created: 2026-01-01T00:00:00Z {}", key.replace('\n', " "));
    for value in [one_line.as_str(), one_line.trim_end(), &key, &key.replace('\n', "\r\n")] {
        assert_eq!(String::from_utf8_lossy(&with(value).stdout), "hunter2\n");
    }
    let said = String::from_utf8(with("/home/ann/key.txt").stderr).unwrap();
    assert!(said.contains("hint: it looks like the path of a file: that is for SHIPCTL_KEY_FILE"), "{said}");
    let said = String::from_utf8(with("hunter3").stderr).unwrap();
    assert!(
        said.contains("hint: set it to the text AGE-SECRET-KEY-1…") && !said.contains("hunter3"),
        "{said}"
    );
    // A file keeps its lines: what is a comment there stays one.
    let file = team.path().join("commented.txt");
    fs::write(&file, one_line).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    let output = team.command("nobody").args(SHOW).env("SHIPCTL_KEY_FILE", &file).output().unwrap();
    assert!(String::from_utf8_lossy(&output.stderr).contains("there is no key in it"));
}

#[test]
fn a_key_that_git_would_track_is_told() {
    let team = Team::of(&[]);
    let new = |file: &str| {
        let output = team.command("ann").args(["key", "new"]).env("SHIPCTL_KEY_FILE", file).output().unwrap();
        assert!(output.status.success());
        String::from_utf8(output.stderr).unwrap().contains("shipctl: git would track it there")
    };
    assert!(!new("before.key"));
    let git = Command::new("git").args(["init", "-q"]).current_dir(team.path()).status().unwrap();
    assert!(git.success());
    assert!(new("ci.key") && new("new/ci.key"));
    fs::write(team.path().join(".gitignore"), "*.secret\n").unwrap();
    assert!(!new("ci.secret"));
}

#[test]
fn values_and_secret_keys_are_refused_as_arguments() {
    let team = Team::of(&["ann"]);
    let said = team.bad("ann", &["encrypt", "hunter2"], "");
    assert!(
        said.starts_with("error: encrypt takes no value as an argument") && !said.contains("hunter2"),
        "{said}"
    );
    let key = fs::read_to_string(team.path().join("ann/shipctl/key.txt")).unwrap();
    let key = key.lines().last().unwrap();
    let said = team.bad("ann", &["key", "add-recipient", key], "");
    assert!(said.starts_with("error: this is a secret key") && !said.contains(key), "{said}");
}

#[test]
fn a_value_comes_back_byte_for_byte() {
    let team = Team::of(&["ann"]);
    for (value, back) in
        [("x\n", "x"), ("x\n\n", "x\n"), ("", ""), (" \t'\"\\ $x\r\n\u{1f980}", " \t'\"\\ $x\r\n\u{1f980}")]
    {
        for args in [&["encrypt"][..], &["encrypt", "--one-line"]] {
            let yaml = team.good("ann", args, value);
            assert!(yaml.starts_with("secure: "));
            assert_eq!(team.good("ann", &["decrypt-value"], &yaml), format!("{back}\n"));
        }
    }
}

#[test]
fn a_key_may_have_a_passphrase_which_is_asked_for_on_the_terminal() {
    let team = Team::of(&[]);
    // `setsid --ctty` makes it the terminal that /dev/tty stands for.
    let on_terminal = |args: &[&str]| {
        let shipctl = team.command("ann");
        let mut command = Command::new("setsid");
        command.args(["--ctty", "--wait"]).arg(shipctl.get_program()).args(args).current_dir(team.path());
        command.env_clear().envs(shipctl.get_envs().filter_map(|(name, value)| Some((name, value?))));
        Terminal::start(&mut command)
    };
    let mut terminal = on_terminal(&["key", "new", "--passphrase"]);
    terminal.wait_for("Passphrase (not shown): ");
    terminal.types("open sesame\r");
    terminal.wait_for("Once more (not shown): ");
    terminal.types("open sesame\r");
    let (shown, status) = terminal.end();
    assert!(status.success() && !shown.contains("sesame"), "{shown}");
    let recipient =
        shown.lines().find_map(|line| line.find("age1").map(|at| line[at..at + 62].to_owned())).unwrap();
    let yaml = team.good("ann", &["encrypt", "-r", &recipient], "hunter2");
    fs::write(
        team.path().join("shippable.yml"),
        LINE.replace("SECURE", yaml.trim_end().replace('\n', "\n        ").as_str()),
    )
    .unwrap();
    let mut terminal = on_terminal(SHOW);
    terminal.wait_for("key.txt (not shown): ");
    terminal.types("open sesame\r");
    terminal.wait_for("hunter2");
    assert!(terminal.end().1.success());
    let mut terminal = on_terminal(SHOW);
    terminal.wait_for("(not shown): ");
    terminal.types("wrong\r");
    terminal.wait_for("the passphrase is wrong");
    assert_eq!(terminal.end().1.code(), Some(125));
    let mut alone = Command::new("setsid");
    let shipctl = team.command("ann");
    alone.arg("--wait").arg(shipctl.get_program()).args(["run", "j"]).current_dir(team.path());
    alone
        .env_clear()
        .envs(shipctl.get_envs().filter_map(|(name, value)| Some((name, value?))))
        .stdin(Stdio::null());
    let said = String::from_utf8(alone.output().unwrap().stderr).unwrap();
    assert!(said.contains("has a passphrase: there is no terminal to ask for it"), "{said}");
}

#[test]
fn a_manifest_keeps_encrypted_params_encrypted() {
    let team = Team::of(&["ann", "ben"]);
    let alone = team.good("ann", &["encrypt", "--one-line"], "alone-5ecret");
    let together = team.good("ann", &["encrypt", "--one-line"], "A=bag-5ecret B=other-5ecret");
    let yaml = format!(
        "integrations:
- {{name: aws, type: amazonKeys, fields: {{accessKey: AKIA, secretKey: made-up-key}}}}
resources:
- {{name: web, type: image, pointer: {{sourceName: shop/web}}}}
- {{name: one, type: params, version: {{params: {{X: {{{}}}, B: 1}}}}}}
- {{name: bag, type: params, version: {{params: {{{}}}}}}}
- {{name: last, type: params, version: {{params: {{A: plain}}}}}}
- {{name: shop, type: cluster, integration: aws, pointer: {{sourceName: shop, region: eu-west-1}}}}
jobs:
- {{name: man, type: manifest, steps: [IN: web, IN: one, IN: bag, IN: last]}}
- {{name: ship, type: deploy, steps: [IN: man, IN: shop]}}
",
        alone.trim(),
        together.trim()
    );
    fs::write(team.path().join("shippable.yml"), yaml).unwrap();
    let log = team.good("ann", &["run", "man"], "");
    assert!(log.contains("  params: X B A\n"), "{log}");
    let plan = team.good("ann", &["run", "man", "--dry-run"], "");
    assert!(plan.contains("  params: X=*** B=*** A=plain\n"), "{plan}");
    let plan = team.good("ann", &["run", "ship", "--dry-run"], "");
    let plain: String = plan.split_whitespace().collect();
    assert!(plain.contains("{\"name\":\"X\",\"value\":\"***\"}"), "{plan}");
    let stored = team.good("ann", &["state", "show", "man", "--format", "json"], "");
    for text in [&log, &plan, &stored] {
        assert!(!text.contains("5ecret"), "{text}");
    }
    // Who has no key cannot deploy what is encrypted.
    let said = team.bad("ben", &["run", "ship"], "");
    assert!(
        said.contains("error: variable `X` of `web`: the value was encrypted to other keys than yours"),
        "{said}"
    );
}
