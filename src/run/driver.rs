//! What bash reads: how one shell is led through a script without the script noticing.
//!
//! - Every entry is a file, run by `.` at the top level of the shell: `declare` is global, `return` ends the entry, line
//!   numbers count from its first line, `set -e` works. The file is written when its turn comes, so that a script that
//!   empties the workspace does not take the next entry with it.
//! - The driver is one `{ …; }` that bash reads before it runs anything of it. It holds no loop, so a stray `break` finds
//!   none to break.
//! - The shell begins with the first entry, which it finds written. Between two entries it *asks*: it says the last status, its options and its EXIT trap, and evaluates what it
//!   is told, mostly nothing. Meanwhile `shipctl` has read all the output of the entry, so that headings and output keep
//!   their order.
//! - An EXIT trap asks too, so that `exit`, a failed command under `set -e` or a signal do not take the script's variables
//!   from the sections: the shell forks a copy of itself, which waits until the shell has ended, and leads on. A script's
//!   own EXIT trap takes the place of ours until the entry ends; then it is kept for when the script ends.
//! - How a shell ended is seen from its process alone. One that never asks (`exec`, `kill -9 $$`, an EXIT trap and `exit`
//!   in one entry) is judged all the same; a fresh shell takes its place then. So a script can end its shell, but it
//!   cannot print a result.
//! - `\builtin` guards against functions and aliases of the script that are called `read` or `exit`. All output of the
//!   driver goes to `/dev/null`, its own trace (`set -x`, `set -v`) included; both options and the DEBUG trap are off while
//!   it works.
//!   (`builtin .` would not do: bash then forgets that `set -e` is to be ignored in front of `||`.)

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, FileExt, MetadataExt as _, OpenOptionsExt};
use std::path::{Path, PathBuf};

use memchr::memmem;
use nix::fcntl::OFlag;
use nix::unistd::Pid;

use super::Error;
use super::control::Control;
use crate::exit;

/// Asks, and does as told.
const ASK: &str = r#"{ _shipctl="between $? $-"; \builtin eval "$_shipctl_ask"; } >/dev/null 2>&1; \builtin eval "$_shipctl""#;

/// The EXIT trap. A signal can make a child that bash has just forked run it too, which is none of its business.
const TRAP: &str = r#"{ _shipctl="leaving $? $-"; [[ $BASHPID == "$_shipctl_pid" ]] && \builtin eval "$_shipctl_ask" || _shipctl=; } >/dev/null 2>&1; \builtin eval "$_shipctl""#;

/// Runs what is in front of it as a section runs: whatever fails in it, the shell goes on.
const GO_ON: &str = r#" && { _shipctl="between 0 $-"; } >/dev/null 2>&1 || { _shipctl="between $? $-"; } >/dev/null 2>&1
{ \builtin eval "$_shipctl_ask"; } >/dev/null 2>&1; \builtin eval "$_shipctl""#;

/// The end of a task that nothing follows in its shell: if it has gone well and no EXIT trap of an earlier entry is due,
/// there is nothing to ask, which takes longer than many a script. A trap that the last entry has set runs by itself.
const END: &str = r#"{ _shipctl=$?; \builtin trap - DEBUG; \builtin set +vx; [[ $_shipctl$_shipctl_more == 0 ]] && _shipctl_pid= _shipctl= || { _shipctl="between $_shipctl $-"; \builtin eval "$_shipctl_ask"; }; } >/dev/null 2>&1; \builtin eval "$_shipctl""#;

/// What comes before an entry under `set -v`.
const VERBOSE: &str = r"\builtin set -v";

/// Leaves a copy of the shell behind. Without the redirection bash would take stdin from it.
pub(super) fn copy() -> String {
    let ask = ASK.replace("between $?", "copy $BASHPID");
    format!("( {{ _shipctl_pid=$BASHPID; {}; }} >/dev/null 2>&1; {ask} ) <&0 &", arm())
}

/// The end of a shell that nothing more is wanted of.
pub(super) const LEAVE: &str = r"\builtin trap - EXIT; \builtin exit 0";

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
    /// The file of the entry that was written last, and its name.
    page: Option<Page>,
}

/// The file of an entry, which becomes that of the next one under a new name: bash reads an entry whole before it runs it.
/// To make a thousand files and remove them again, or to truncate one a thousand times, costs some file systems a
/// millisecond each time; so what is left of a longer entry is overwritten with blank lines, unless the shell may show them.
struct Page {
    file: File,
    path: PathBuf,
    length: usize,
}

/// An entry longer than this gets a file of its own.
const LONG_PAGE: usize = 16 * 1024;

impl Page {
    /// The page under a new name; `None` if the script has removed it.
    fn rename(self, path: &Path) -> Option<Page> {
        fs::rename(&self.path, path).ok()?;
        Some(Page { path: path.to_owned(), ..self })
    }

    /// Writes a text; blank lines behind it may be `shown`.
    fn write(&mut self, text: String, shown: bool) -> io::Result<()> {
        let mut text = text.into_bytes();
        if text.len() < self.length && shown {
            self.file.set_len(text.len() as u64)?;
        } else if text.len() < self.length {
            text.resize(self.length, b'\n');
        }
        self.length = text.len();
        self.file.write_all_at(&text, 0)
    }
}

impl<'a> Scripts<'a> {
    /// The scripts of the part called `name`.
    pub(super) fn new(directory: &'a Path, name: &str) -> Scripts<'a> {
        Scripts { directory, stem: stem(name), page: None }
    }

    /// Goes on to the part called `name`.
    pub(super) fn turn_to(&mut self, name: &str) {
        self.stem = stem(name);
    }

    /// The driver of a shell that runs `entries` entries as a task. A shell without entries asks what to do; in the end it
    /// asks again, unless it is known that nothing follows (`is_last`).
    pub(super) fn task(&self, control: &Control, entries: usize, is_last: bool) -> String {
        if !asks(entries, is_last) {
            // There is nothing to ask, whatever becomes of it. To read all of the below takes longer than many a script.
            return format!("\\builtin set -e\n{}\n", self.source(&self.entry_name(1)));
        }
        let quoted = |path: PathBuf| quote(&path.to_string_lossy());
        let (questions, answers) = (quoted(control.questions()), quoted(control.answers()));
        let (us, killed) = (Pid::this(), exit::of_signal(nix::libc::SIGKILL));
        // Without `shipctl`, or a way to it, there is nobody to go on for. A signal may cut a question short: the next one
        // begins with a NUL byte, and only a whole one ends with a full stop. The answer repeats the number of the question: one that a signal has kept the shell from reading is skipped.
        let ask = format!(
            r#"\builtin trap - DEBUG; \builtin set +vx
(( _shipctl_number += 1 ))
[[ -d /proc/{us} && -p {questions} ]] || \builtin exit {killed}
{{ \builtin printf "\0%s\n" "$_shipctl_number $_shipctl"; \builtin trap -p EXIT; \builtin printf ".\0"; }} >|{questions}
_shipctl=
while [[ $_shipctl != "$_shipctl_number "* ]] && IFS= \builtin read -r -d "" _shipctl <{answers}; do [[ 1 ]]; done
[[ $_shipctl == "$_shipctl_number "* ]] && _shipctl=${{_shipctl#* }} || _shipctl="#
        );
        let mut text = format!(
            "{{\n{{ _shipctl= _shipctl_number=0 _shipctl_more= _shipctl_pid=$BASHPID _shipctl_ask={}; {}; \\builtin set -e; }} >/dev/null 2>&1\n",
            quote(&ask),
            arm()
        );
        if entries == 0 {
            text.push_str(ASK);
            text.push('\n');
        }
        for entry in 1..=entries {
            let then = if entry == entries && is_last { END } else { ASK };
            text.push_str(&format!("{}\n{then}\n", self.source(&self.entry_name(entry))));
        }
        text.push_str("}\n");
        text
    }

    /// Writes the driver of a section of `entries` entries, and returns the code that runs it.
    /// `before` is what the shell must do before it comes to the first of them.
    pub(super) fn write_section(&self, entries: usize, before: &str) -> Result<String, Error> {
        let mut text = format!("{{\n{before}\n");
        for entry in 1..=entries {
            text.push_str(&format!("{}{GO_ON}\n", self.source(&self.entry_name(entry))));
        }
        text.push_str("}\n");
        self.write(&self.stem, text.as_bytes())?;
        Ok(self.source(&self.stem))
    }

    /// Writes an entry, and returns what the shell must do before it comes to it. The options that the shell had to
    /// give up while it asked come back with it: `-x` on its first line, as the driver must not be traced; `-v` before
    /// that line is read.
    pub(super) fn write_entry(
        &mut self,
        entry: usize,
        script: &str,
        options: &str,
    ) -> Result<&'static str, Error> {
        let mut text = String::with_capacity(script.len() + 1);
        if options.contains('x') {
            text.push_str(r"\builtin set -x; ");
        }
        text.push_str(script);
        if !script.ends_with('\n') {
            text.push('\n');
        }
        let path = self.directory.join(self.entry_name(entry));
        let page = self.page.take().filter(|page| page.length <= LONG_PAGE);
        let page = page.and_then(|page| page.rename(&path));
        let mut page = match page.or_else(|| blank_page(&path)) {
            Some(page) => page,
            None => Page { file: self.create(&path)?, path, length: 0 },
        };
        // With `-v` the shell shows what it reads. The script itself may turn that on.
        let shown =
            options.contains('v') || ["set ", "set\t", "verbose"].iter().any(|word| text.contains(word));
        page.write(text, shown)
            .map_err(Error::system(format!("write the script {}", page.path.display())))?;
        self.page = Some(page);
        Ok(if options.contains('v') { VERBOSE } else { "" })
    }

    /// Writes what runs a script's own EXIT trap, given as `trap -p` printed it, with `$?` as at the end of the script;
    /// returns the code that runs it.
    pub(super) fn write_trap(&self, trap: &[u8], status: u8) -> Result<String, Error> {
        let name = format!("{}[exit]", self.stem);
        // As words of an array the printed command is taken apart by bash itself: the third is the script's text.
        let mut text = b"_shipctl_trap=( ".to_vec();
        // A script that extends the trap it finds has ours in its own: it must not ask in the middle of it.
        let extended = memmem::find(trap, b"_shipctl_ask").is_some();
        text.extend_from_slice(trap.trim_ascii_end());
        text.extend_from_slice(b" )\n");
        if extended {
            text.extend_from_slice(b"_shipctl_kept=$_shipctl_ask _shipctl_ask='_shipctl='\n");
        }
        if status != 0 {
            text.extend_from_slice(format!(r"( \builtin exit {status} ) || ").as_bytes());
        }
        text.extend_from_slice(b"\\builtin eval \"${_shipctl_trap[2]}\"\n");
        if extended {
            text.extend_from_slice(b"_shipctl_ask=$_shipctl_kept\n");
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
        format!(r"\. {}", quote(&self.path(name)))
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

/// The page that the last run of the job has left, with nothing in it but blank lines: to make a new one takes longer.
fn blank_page(path: &Path) -> Option<Page> {
    let flags = OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK;
    let file = OpenOptions::new().read(true).write(true).custom_flags(flags.bits()).open(path).ok()?;
    let there = file.metadata().ok()?;
    let length = usize::try_from(there.len()).ok().filter(|length| *length <= LONG_PAGE)?;
    let mut old = vec![0; length];
    file.read_exact_at(&mut old, 0).ok()?;
    let is_blank = there.is_file() && there.nlink() == 1 && old.iter().all(|byte| *byte == b'\n');
    is_blank.then(|| Page { file, path: path.to_owned(), length })
}

fn entry_name(stem: &str, entry: usize) -> String {
    format!("{stem}[{entry}]")
}

/// What the file of the first entry of the part called `name` is called.
pub fn page_name(name: &str) -> String {
    entry_name(&stem(name), 1)
}

/// Whether a shell that runs `entries` entries as a task, and perhaps nothing after it, asks anything.
pub(super) fn asks(entries: usize, is_last: bool) -> bool {
    (entries, is_last) != (1, true)
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
    if section { format!("{code}{GO_ON}") } else { format!("{code}\n{ASK}") }
}

/// The first line of a shell, which waits until the rest of its script is written.
pub(super) fn wait(answers: &Path) -> String {
    format!("IFS= \\builtin read -r -d \"\" _shipctl <{}\n", quote(&answers.to_string_lossy()))
}

/// The code that makes our EXIT trap the shell's.
pub(super) fn arm() -> String {
    format!(r"\builtin trap {} EXIT", quote(TRAP))
}

/// Says whether an EXIT trap of the script is kept for its end.
pub(super) fn more(kept: bool) -> &'static str {
    if kept { "_shipctl_more=1" } else { "_shipctl_more=" }
}

/// Our EXIT trap as bash prints it.
pub(super) fn our_trap() -> String {
    format!("trap -- {} EXIT\n", quote(TRAP))
}

/// A word that bash reads as exactly this text.
fn quote(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}
