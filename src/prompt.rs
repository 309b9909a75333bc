//! Questions on the terminal.

use std::fs::{File, OpenOptions};
use std::io::{self, IsTerminal as _, Read, Write as _};
use std::os::fd::{AsFd as _, OwnedFd};

use anyhow::anyhow;
use nix::sys::termios::{LocalFlags, SetArg, SpecialCharacterIndices, Termios, tcgetattr, tcsetattr};
use zeroize::Zeroizing;

use crate::exit;
use crate::output::Failure;
use crate::secret::Secret;
use crate::secure::NoAnswer;

/// Whether there is a terminal to ask on.
pub fn can_ask() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// Asks for a line.
pub fn ask(question: &str) -> Result<String, Failure> {
    eprint!("{question}: ");
    io::stderr().flush()?;
    let mut answer = String::new();
    if io::stdin().read_line(&mut answer)? == 0 {
        eprintln!();
        return Err(anyhow!("there is no answer; nothing was written").into());
    }
    Ok(answer.trim_end_matches(['\n', '\r']).to_owned())
}

/// Asks a question that Enter answers with yes.
pub fn agrees(question: &str) -> Result<bool, Failure> {
    loop {
        match ask(&format!("{question} [Y/n]"))?.trim().to_ascii_lowercase().as_str() {
            "" | "y" | "yes" => return Ok(true),
            "n" | "no" => return Ok(false),
            _ => eprintln!("answer y or n"),
        }
    }
}

/// Asks for a secret, without echo. What is pasted may have several lines, on terminals that tell pasting from typing.
pub fn ask_secret(question: &str) -> Result<Secret, Failure> {
    let own = |stream: io::Result<OwnedFd>| stream.map(File::from);
    let input = own(io::stdin().as_fd().try_clone_to_owned())?;
    // Before the question: who answers at once is not shown either.
    let quiet = Quiet::begin(input, own(io::stderr().as_fd().try_clone_to_owned())?)?;
    eprint!("{question} (not shown): ");
    let answer = read_quietly(io::stdin().lock());
    drop(quiet);
    eprintln!();
    match answer? {
        Typed::Line(bytes) => {
            let text = std::str::from_utf8(&bytes)
                .map_err(|_| anyhow!("this is not UTF-8 text; nothing was written"))?;
            Ok(Secret::new(text.to_owned()))
        }
        Typed::Interrupted => Err(Failure {
            status: exit::of_signal(nix::libc::SIGINT),
            message: "shipctl: nothing was written\n".to_owned(),
        }),
        Typed::End => Err(anyhow!("there is no answer; nothing was written").into()),
    }
}

/// Asks for a secret on the terminal of this process, wherever stdin and stderr go. Why there is no answer, in words.
pub fn ask_on_terminal(question: &str) -> Result<Secret, NoAnswer> {
    let no_terminal = |_| NoAnswer("there is no terminal to ask for it".to_owned());
    let terminal = OpenOptions::new().read(true).write(true).open("/dev/tty").map_err(no_terminal)?;
    let copy = || terminal.try_clone().map_err(no_terminal);
    let quiet = Quiet::begin(copy()?, copy()?).map_err(|failure| NoAnswer(failure.message))?;
    write!(&terminal, "{question} (not shown): ").map_err(no_terminal)?;
    let answer = read_quietly(&terminal);
    drop(quiet);
    let _ = writeln!(&terminal);
    match answer.map_err(|failure| NoAnswer(failure.message))? {
        Typed::Line(bytes) => match std::str::from_utf8(&bytes) {
            Ok(text) => Ok(Secret::new(text.to_owned())),
            Err(_) => Err(NoAnswer("what was typed is not UTF-8 text".to_owned())),
        },
        Typed::Interrupted | Typed::End => Err(NoAnswer("nothing was typed".to_owned())),
    }
}

enum Typed {
    Line(Zeroizing<Vec<u8>>),
    Interrupted,
    End,
}

const PASTE_BEGINS: &[u8] = b"\x1b[200~";
const PASTE_ENDS: &[u8] = b"\x1b[201~";

/// The longest secret that is taken, in bytes. Room for all of it is there from the beginning: what grows leaves a
/// copy behind.
const MAX_SECRET: usize = 64 << 10;

fn read_quietly(mut input: impl Read) -> Result<Typed, Failure> {
    let mut line = Zeroizing::new(Vec::with_capacity(MAX_SECRET));
    let mut pasting = false;
    // One at a time: what is behind the line is not ours, and a buffer would be another copy.
    let mut byte = Zeroizing::new([0]);
    while input.read(&mut *byte)? > 0 {
        match byte[0] {
            b'\n' | b'\r' if !pasting => return Ok(Typed::Line(line)),
            // Ctrl-C, Ctrl-D, Ctrl-U and the two that mean "take one back".
            3 => return Ok(Typed::Interrupted),
            4 if line.is_empty() => return Ok(Typed::End),
            21 => line.clear(),
            8 | 127 => while line.pop().is_some_and(|byte| byte & 0xc0 == 0x80) {},
            _ if line.len() == MAX_SECRET => {
                return Err(anyhow!("this is longer than {MAX_SECRET} bytes").into());
            }
            b'\r' => line.push(b'\n'),
            byte => line.push(byte),
        }
        for (mark, begins) in [(PASTE_BEGINS, true), (PASTE_ENDS, false)] {
            if line.ends_with(mark) {
                let before = line.len() - mark.len();
                line.truncate(before);
                pasting = begins;
                if !begins && line.ends_with(b"\n") {
                    line.pop();
                }
            }
        }
    }
    Ok(Typed::End)
}

/// A terminal that shows nothing of what is typed, and leaves signals to the reader: one that ended this process
/// would leave the terminal as it is.
struct Quiet {
    input: File,
    output: File,
    before: Termios,
}

impl Quiet {
    fn begin(input: File, output: File) -> Result<Quiet, Failure> {
        let before = tcgetattr(&input).map_err(io::Error::from)?;
        let mut quiet = before.clone();
        quiet
            .local_flags
            .remove(LocalFlags::ECHO | LocalFlags::ICANON | LocalFlags::ISIG | LocalFlags::IEXTEN);
        quiet.control_chars[SpecialCharacterIndices::VMIN as usize] = 1;
        quiet.control_chars[SpecialCharacterIndices::VTIME as usize] = 0;
        tcsetattr(&input, SetArg::TCSADRAIN, &quiet).map_err(io::Error::from)?;
        let _ = (&output).write_all(b"\x1b[?2004h");
        Ok(Quiet { input, output, before })
    }
}

impl Drop for Quiet {
    fn drop(&mut self) {
        let _ = self.output.write_all(b"\x1b[?2004l");
        let _ = tcsetattr(&self.input, SetArg::TCSADRAIN, &self.before);
    }
}
