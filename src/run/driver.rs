//! What bash reads: how one shell is led through a script without the script noticing.
//!
//! - Every entry is a file, run by `.` at the top level of the shell: `declare` is global, `return` ends the entry, line
//!   numbers count from its first line, `set -e` works. The file is written when its turn comes, so that a script that
//!   empties the workspace does not take the next entry with it.
//! - The driver is one `{ …; }` that bash reads before it runs anything of it. It holds no loop, so a stray `break` finds
//!   none to break.
//! - The shell *asks* before the first entry, between two entries and after the last one: it says the last status, its
//!   options and its EXIT trap, and evaluates what it is told, mostly nothing. Meanwhile `shipctl` has read all the output of
//!   the entry, so that headings and output keep their order. A shell that has never asked has not begun, and one whose last
//!   entry has not been reported has not succeeded. A question is repeated until it is answered: a stranger who reads from
//!   the pipes costs a second.
//! - An EXIT trap asks too, so that `exit` or a failed command under `set -e` do not take the script's variables from the
//!   sections. The script's own EXIT trap runs first, in the shell that set it; then each section runs in a foreground
//!   subshell, so that an `exit` in one does not keep the next from running, and no process of ours is ever among the jobs
//!   of the script. A script's own EXIT trap takes the place of ours until the entry ends; then it is kept for when the
//!   script ends.
//! - How a shell ended is seen from its process alone. One that never asks (`exec`, `kill -9 $$`, an EXIT trap and `exit`
//!   in one entry) is judged all the same; a fresh shell takes its place then. So a script can end its shell, but it
//!   cannot print a result.
//! - `builtin` guards against functions and aliases of the script that are called `read` or `exit`; where a function of the
//!   script is called `builtin`, `command` does. The first thing that
//!   the driver does is to turn off `set -x`, `set -v`, `set -a` and the DEBUG trap, with all output going to `/dev/null`.
//!   The rest is silent without that: a trap of the script that a signal starts meanwhile writes to where it should.

use crate::contract::shell_quoted;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

use memchr::memmem;
use nix::unistd::Pid;

use super::Error;
use crate::exit;

/// The status of a shell that is no bash that scripts can have. In bash 3.2, which macOS has, a command that is not found
/// by `exec`, a syntax error and an unset variable end a script with status 0.
pub(super) const TOO_OLD: u8 = 97;

/// Ends a shell that is too old, or is called bash and is not.
fn refuse_old() -> String {
    format!("[[ ${{BASH_VERSINFO-0}} -ge 4 ]] 2>/dev/null || exit {TOO_OLD}")
}

/// Finds out how a builtin is called that the script may have put a function in front of, and silences the shell. Without the
/// quotes, the assignment would be one for `eval` alone under `set -k`.
const HUSH: &str = r#"_shipctl_by=command; \builtin eval "_shipctl_by=builtin" || _shipctl_by=command; "$_shipctl_by" eval "$_shipctl_hush""#;

/// Asks what is to be done, and does it; the shell is silent.
const DO_AS_TOLD: &str = r#""$_shipctl_by" eval "$_shipctl_ask"; "$_shipctl_by" eval "$_shipctl""#;

/// Asks, and does as told.
fn ask() -> String {
    format!("{{ _shipctl=\"between $? $-\"; {HUSH}; }} >/dev/null 2>&1\n{DO_AS_TOLD}")
}

/// The EXIT trap. A signal can make a child that bash has just forked run it too, which is none of its business. A shell
/// that leaves with status 0 and was not told to exit was ended by a signal, and ends with another status than that: bash
/// then still names the command that the signal met, where an `exit` has brought it back to ours, which runs the entry. If
/// the last word of the entry was `kill $$`, the two look alike, and how the shell ends has to be waited for. Where a script has
/// unset `BASHPID`, `/proc` tells such a child, if there is one. Before bash 5, `[[` changes what bash names, and an `exec` that
/// finds no command ends a shell that has an EXIT trap with status 0.
fn trap() -> String {
    format!(
        r#"{{ _shipctl="leaving $? $-" _shipctl_told=$_ _shipctl_met=$BASH_COMMAND; if [[ $_shipctl == "leaving 0 "* ]]; then if [[ $_shipctl_met == "exec "* ]]; then _shipctl="leaving 127 $-"; elif [[ $_shipctl_met != *exit* && $_shipctl_met != "\\. "* && $_shipctl_met != *_shipctl* ]]; then _shipctl="signalled${{_shipctl#leaving}}"; elif [[ $_shipctl_told == *$$ || $_shipctl_told == 0 ]]; then _shipctl="ended${{_shipctl#leaving}}"; fi; fi; if [[ ${{BASHPID-$_shipctl_pid}} == "$_shipctl_pid" && ( ${{BASHPID-}} || -z $_shipctl_pid || ! -e /proc/self || /proc/self -ef /proc/$_shipctl_pid ) ]]; then {HUSH}; else _shipctl=; fi; }} >/dev/null 2>&1; [[ -z $_shipctl ]] || {{ {DO_AS_TOLD}; }}"#
    )
}

/// Runs what is in front of it as a section runs: whatever fails in it, the shell goes on.
fn go_on() -> String {
    format!(
        r#" && {{ _shipctl="between 0 $-"; }} >/dev/null 2>&1 || {{ _shipctl="between $? $-"; }} >/dev/null 2>&1
{{ {HUSH}; }} >/dev/null 2>&1; {DO_AS_TOLD}"#
    )
}

/// Runs code in a foreground subshell, whatever fails in it, and asks on; the next question has this number.
pub(super) fn in_subshell(code: &str, next: u64) -> String {
    format!(
        r#"( _shipctl_pid=${{BASHPID-}}; {}
{code}
) && {{ _shipctl="between 0 $-"; }} >/dev/null 2>&1 || {{ _shipctl="between $? $-"; }} >/dev/null 2>&1
{}"#,
        arm(),
        ask_as(next)
    )
}

/// Asks on in an EXIT trap, what `_shipctl` says; the question has this number.
pub(super) fn ask_as(number: u64) -> String {
    // The number is one higher once the question is asked.
    format!("{{ _shipctl_number={}; {HUSH}; }} >/dev/null 2>&1; {DO_AS_TOLD}", number - 1)
}

/// The end of a shell that nothing more is wanted of.
pub(super) const LEAVE: &str = r#""$_shipctl_by" trap - EXIT; "$_shipctl_by" exit 0"#;

/// The end of a shell with a status.
pub(super) fn exit_with(status: u8) -> String {
    format!(r#""$_shipctl_by" exit {status}"#)
}

/// Makes the directory for the scripts, for the owner alone.
pub(super) fn make_directory(path: &Path) -> Result<(), Error> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .map_err(Error::system(format!("make the directory {}", path.display())))
}

/// The scripts of one part of a job: `Task 0` leads through `Task 0[1]`, `Task 0[2]` …, which is what bash calls them in
/// its messages.
pub(super) struct Scripts<'a> {
    directory: &'a Path,
    stem: String,
}

impl<'a> Scripts<'a> {
    /// The scripts of the part called `name`.
    pub(super) fn new(directory: &'a Path, name: &str) -> Scripts<'a> {
        Scripts { directory, stem: stem(name) }
    }

    /// Goes on to the part called `name`.
    pub(super) fn turn_to(&mut self, name: &str) {
        self.stem = stem(name);
    }

    /// The driver of a shell that runs `entries` entries as a task, behind its [`opening`], and then ends.
    pub(super) fn task(&self, entries: usize) -> String {
        let mut text = String::from("{\n");
        for entry in 1..=entries {
            text.push_str(&format!("{}\n{}\n", self.source(&self.entry_name(entry)), ask()));
        }
        text.push_str(&format!("{LEAVE}\n}}\n"));
        text
    }

    /// Writes the driver of a section of `entries` entries, and returns the code that runs it.
    /// `before` is what the shell must do before it comes to the first of them.
    pub(super) fn write_section(&self, entries: usize, before: &str) -> Result<String, Error> {
        let mut text = format!("{{\n{before}\n");
        for entry in 1..=entries {
            text.push_str(&format!("{}{}\n", self.source_in_list(&self.entry_name(entry)), go_on()));
        }
        text.push_str("}\n");
        self.write(&self.stem, text.as_bytes())?;
        Ok(self.source(&self.stem))
    }

    /// Writes an entry, and returns what the shell must do before it comes to it. The options that the shell had to
    /// give up while it asked come back with it: `-x` on its first line, as the driver must not be traced; `-v` before
    /// that line is read.
    pub(super) fn write_entry(
        &self,
        entry: usize,
        script: &str,
        options: &str,
        debug_trap: &str,
    ) -> Result<String, Error> {
        let mut text = String::with_capacity(script.len() + 1);
        text.push_str(debug_trap);
        text.push_str(traced(options));
        text.push_str(script);
        if !script.ends_with('\n') {
            text.push('\n');
        }
        self.write(&self.entry_name(entry), text.as_bytes())?;
        Ok(options.chars().filter_map(restored).collect())
    }

    /// Writes what runs a script's own EXIT trap, given as `trap -p` printed it, with `$?` as at the end of the script;
    /// returns the code that runs it. The options and the
    /// DEBUG trap that the script has set come back with it.
    pub(super) fn write_trap(
        &self,
        trap: &[u8],
        status: u8,
        options: &str,
        debug_trap: &str,
    ) -> Result<String, Error> {
        let name = format!("{}[exit]", self.stem);
        // As words of an array the printed command is taken apart by bash itself: the third is the script's text.
        let mut text = b"_shipctl_trap=( ".to_vec();
        // A script that extends the trap it finds has ours in its own: it must not ask in the middle of it.
        let extended = memmem::find(trap, b"_shipctl_ask").is_some();
        text.extend_from_slice(trap.trim_ascii_end());
        text.extend_from_slice(b" )\n");
        let before = [debug_trap, traced(options)].concat();
        if !before.is_empty() {
            let with_both = format!("_shipctl_trap[2]={}\"${{_shipctl_trap[2]}}\"\n", shell_quoted(&before));
            text.extend_from_slice(with_both.as_bytes());
        }
        if extended {
            text.extend_from_slice(b"_shipctl_kept=(\"$_shipctl_ask\" \"$_shipctl_hush\") _shipctl_ask='_shipctl=' _shipctl_hush=\n");
        }
        if status != 0 {
            text.extend_from_slice(format!(r#"( "$_shipctl_by" exit {status} ) || "#).as_bytes());
        }
        text.extend(options.chars().filter_map(restored).flat_map(str::bytes));
        text.extend_from_slice(b"\"$_shipctl_by\" eval \"${_shipctl_trap[2]}\"\n");
        if extended {
            text.extend_from_slice(b"_shipctl_ask=${_shipctl_kept[0]} _shipctl_hush=${_shipctl_kept[1]}\n");
        }
        self.write(&name, &text)?;
        Ok(self.source(&name))
    }

    fn entry_name(&self, entry: usize) -> String {
        entry_name(&self.stem, entry)
    }

    fn path(&self, name: &str) -> String {
        self.directory.join(name).to_string_lossy().into_owned()
    }

    fn source(&self, name: &str) -> String {
        format!(r#""$_shipctl_by" . {}"#, shell_quoted(&self.path(name)))
    }

    /// The same where `||` follows: behind `builtin` bash forgets that `set -e` is to be ignored there.
    fn source_in_list(&self, name: &str) -> String {
        format!(r"\. {}", shell_quoted(&self.path(name)))
    }

    fn write(&self, name: &str, text: &[u8]) -> Result<(), Error> {
        let path = self.directory.join(name);
        self.create(&path)?
            .write_all(text)
            .map_err(Error::system(format!("write the script {}", path.display())))
    }

    /// Makes a file of the owner's alone in place of what may be there; bash may still be reading that.
    fn create(&self, path: &Path) -> Result<File, Error> {
        let create = || OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
        create()
            .or_else(|error| match error.kind() {
                ErrorKind::AlreadyExists => fs::remove_file(path).and_then(|()| create()),
                // The script has emptied the workspace.
                ErrorKind::NotFound => {
                    make_directory(self.directory).map_err(|_| error).and_then(|()| create())
                }
                _ => Err(error),
            })
            .map_err(Error::system(format!("write the script {}", path.display())))
    }
}

fn entry_name(stem: &str, entry: usize) -> String {
    format!("{stem}[{entry}]")
}

/// What sets `-x` again, in front of the script's own text. With `-v` it is shown.
fn traced(options: &str) -> &'static str {
    match (options.contains('x'), options.contains('v')) {
        (true, true) => r"\builtin set -x; ",
        (true, false) => r#""$_shipctl_by" set -x; "#,
        (false, _) => "",
    }
}

/// What sets an option of the script again that the shell has to give up while it asks.
fn restored(option: char) -> Option<&'static str> {
    match option {
        'v' => Some(r#""$_shipctl_by" set -v; "#),
        'a' => Some(r#""$_shipctl_by" set -a; "#),
        _ => None,
    }
}

/// What the files of the part called `name` are called.
pub(super) fn stem(name: &str) -> String {
    let stem: String =
        name.chars().map(|c| if c == '/' || c.is_control() { '_' } else { c }).take(60).collect();
    if stem.is_empty() || stem.starts_with('.') { format!("_{stem}") } else { stem }
}

/// The same as [`Scripts::write_trap`] returned, followed by a question; in a task a command that fails ends the shell,
/// as it would in a trap.
pub(super) fn then_ask(code: &str, section: bool) -> String {
    // In braces, so that all of it is read before the trap turns on `set -v` again.
    let ask = if section { go_on() } else { format!("\n{}", ask()) };
    format!("{{ {code}{ask}\n}}")
}

/// How a shell begins: it asks, and is answered once the rest of its script is written. bash reads line by line, so that
/// may come behind this meanwhile. Where the process of `shipctl` can be seen, the shell looks whether it is there.
pub(super) fn opening(questions: &Path, answers: &Path, shipctl: Option<Pid>) -> String {
    let quoted = |path: &Path| shell_quoted(&path.to_string_lossy());
    let (questions, answers) = (quoted(questions), quoted(answers));
    let killed = exit::of_signal(nix::libc::SIGKILL);
    let is_there =
        shipctl.map_or_else(String::new, |pid| format!("\"$_shipctl_by\" kill -0 {pid} 2>/dev/null && "));
    // Without `shipctl`, or a way to it, there is nothing to go on for. A signal may cut a question short: the next one
    // begins with a NUL byte, and only a whole one ends with a full stop. The answer repeats the number of the question,
    // and ends in a comment: what `read` makes of the script's IFS changes no more than that. Both pipes are opened for
    // reading and writing, which never waits. A DEBUG trap is told before anything else, as its own output would be.
    let hush = format!(
        r#""$_shipctl_by" trap -p DEBUG 1<>{questions}; "$_shipctl_by" trap - DEBUG; "$_shipctl_by" set +vxa"#
    );
    let questions_and_answers = format!(
        r#"(( _shipctl_number += 1 ))
"$_shipctl_by" export -n _shipctl _shipctl_number _shipctl_ask _shipctl_hush _shipctl_by _shipctl_pid _shipctl_told _shipctl_met
_shipctl_told=
until [[ $_shipctl_told ]]; do
{is_there}[[ -p {questions} && -p {answers} ]] || "$_shipctl_by" exit {killed}
{{ "$_shipctl_by" printf "\0%s\n" "$_shipctl_number $_shipctl"; "$_shipctl_by" trap -p EXIT; "$_shipctl_by" printf ".\0"; }} 1<>{questions}
while "$_shipctl_by" read -t 2 -r -d "" _shipctl_told 0<>{answers}; do [[ $_shipctl_told == "$_shipctl_number "* ]] && "$_shipctl_by" break; done
[[ $_shipctl_told == "$_shipctl_number "* ]] || _shipctl_told=
done
_shipctl=${{_shipctl_told#* }}"#
    );
    format!(
        "{}\n{{ _shipctl= _shipctl_number=0 _shipctl_told= _shipctl_pid=$BASHPID _shipctl_by=builtin _shipctl_hush={} _shipctl_ask={}; {}; \"$_shipctl_by\" set -e; }} >/dev/null 2>&1\n{}\n",
        refuse_old(),
        shell_quoted(&hush),
        shell_quoted(&questions_and_answers),
        arm(),
        ask()
    )
}

/// The code that makes our EXIT trap the shell's.
pub(super) fn arm() -> String {
    format!(r#""$_shipctl_by" trap {} EXIT"#, shell_quoted(&trap()))
}

/// Our EXIT trap as bash prints it.
pub(super) fn our_trap() -> String {
    format!("trap -- {} EXIT\n", shell_quoted(&trap()))
}
