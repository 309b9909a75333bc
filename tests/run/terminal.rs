//! On a terminal: what is run has one too, and ours is as it was in the end.

use std::fs::File;
use std::io::{Read, Write as _};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::process::CommandExt as _;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;

use nix::pty::{Winsize, openpty};
use nix::sys::signal::Signal;
use nix::sys::termios::{LocalFlags, OutputFlags, tcgetattr};

use crate::containers;
use crate::support::{Job, Ran, Running, state, wait_until};

/// A terminal with somebody who looks at it and types.
struct Screen {
    /// The terminal itself.
    line: OwnedFd,
    keys: File,
    shown: Arc<Mutex<Vec<u8>>>,
}

impl Screen {
    fn new() -> Screen {
        let both = openpty(&size(24, 80), None).unwrap();
        let mut screen = File::from(both.master);
        let keys = screen.try_clone().unwrap();
        let shown = Arc::new(Mutex::new(Vec::new()));
        let sink = Arc::clone(&shown);
        thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(n @ 1..) = screen.read(&mut buffer) {
                sink.lock().unwrap().extend_from_slice(&buffer[..n]);
            }
        });
        Screen { line: both.slave, keys, shown }
    }

    /// Starts a command on it, as a terminal window does.
    fn seat(&self, command: &mut Command) {
        let end = || Stdio::from(self.line.try_clone().unwrap());
        command.stdin(end()).stdout(end()).stderr(end());
        self.control(command);
    }

    /// Makes it the controlling terminal of a command.
    fn control(&self, command: &mut Command) {
        command.env_remove("GITHUB_ACTIONS").env("TERM", "xterm");
        let line = self.line.as_raw_fd();
        // SAFETY: `setsid` and `ioctl` are async-signal-safe.
        unsafe {
            command.pre_exec(move || {
                nix::unistd::setsid()?;
                if nix::libc::ioctl(line, nix::libc::TIOCSCTTY as _, 0) < 0 {
                    return Err(std::io::Error::last_os_error());
                }
                Ok(())
            });
        }
    }

    /// What has been shown so far.
    fn shown(&self) -> String {
        String::from_utf8_lossy(&self.shown.lock().unwrap()).into_owned()
    }

    #[track_caller]
    fn wait_for(&self, text: &str) {
        wait_until(|| self.shown().contains(text), || format!("{text:?} in {:?}", self.shown()));
    }

    fn types(&self, keys: &str) {
        (&self.keys).write_all(keys.as_bytes()).unwrap();
    }

    fn resize(&self, rows: u16, columns: u16) {
        let size = size(rows, columns);
        // SAFETY: the kernel reads `size`, which is what it expects for this request.
        let done =
            unsafe { nix::libc::ioctl(self.keys.as_raw_fd(), nix::libc::TIOCSWINSZ as _, &raw const size) };
        assert_eq!(done, 0);
    }

    /// Whether it echoes, waits for whole lines and ends them as usual.
    fn is_usual(&self) -> bool {
        let settings = tcgetattr(self.line.as_fd()).unwrap();
        settings.local_flags.contains(LocalFlags::ECHO | LocalFlags::ICANON | LocalFlags::ISIG)
            && settings.output_flags.contains(OutputFlags::OPOST)
    }

    /// Waits for the end of a program, after which the terminal must be as it was.
    #[track_caller]
    fn finish(&self, running: Running) -> Ran {
        let ran = running.finish();
        assert!(self.is_usual(), "{}", self.shown());
        ran
    }
}

fn size(ws_row: u16, ws_col: u16) -> Winsize {
    Winsize { ws_row, ws_col, ws_xpixel: 0, ws_ypixel: 0 }
}

/// Runs a job of one entry on a terminal.
fn run(entry: &str) -> (Screen, Running) {
    start(Job::new(&[entry]).secret("hunter2"))
}

/// The same in a container.
fn contained(entry: &str) -> (Screen, Running) {
    start(containers::job(&[entry]).secret("hunter2"))
}

fn start(job: Job) -> (Screen, Running) {
    let screen = Screen::new();
    let running = job.start_with(|command| screen.seat(command));
    (screen, running)
}

/// Runs a masked command on a terminal.
fn exec(script: &str) -> (Screen, Running) {
    let screen = Screen::new();
    let job = Job::new(&[":"]).secret("hunter2").flag("--mask");
    let running = job.exec(&["bash", "-c", script], |command| screen.seat(command));
    (screen, running)
}

/// The same in a container.
fn exec_contained(script: &str) -> (Screen, Running) {
    let screen = Screen::new();
    let job = containers::job(&[":"]).secret("hunter2").flag("--mask").flag("--container");
    let running = job.exec(&["bash", "-c", script], |command| screen.seat(command));
    (screen, running)
}

/// A script as a job, and as a command, here and in a container.
fn everywhere(script: &str) -> [(Screen, Running); 4] {
    [run(script), exec(script), contained(script), exec_contained(script)]
}

const ASKS: &str =
    "test -t 0 && test -t 1 && test -t 2 && stty size && tput cols && : </dev/tty && echo all of it";

#[test]
fn a_script_finds_a_terminal_of_the_same_size() {
    for (screen, running) in everywhere(ASKS) {
        assert_eq!(screen.finish(running).code(), 0, "{}", screen.shown());
        assert!(screen.shown().contains("24 80\r\n80\r\nall of it\r\n"), "{}", screen.shown());
    }
}

#[test]
fn lines_end_once() {
    let (screen, running) = run("echo one; printf two; seq 3");
    screen.finish(running);
    let shown = screen.shown();
    assert!(shown.contains("\r\none\r\ntwo1\r\n2\r\n3\r\n") && !shown.contains("\r\r"), "{shown:?}");
    assert!(shown.lines().count() > 8 && !shown.replace("\r\n", "").contains('\n'), "{shown:?}");
}

#[test]
fn a_prompt_appears_at_once_and_gets_its_answer() {
    let script = "printf 'who''? '; read x; echo \"it is $x.\"";
    for (screen, running) in everywhere(script) {
        screen.wait_for("who? ");
        wait_until(|| !screen.is_usual(), || "a raw terminal".to_owned());
        screen.types("me\r");
        assert_eq!(screen.finish(running).code(), 0);
        // Echoed, once.
        assert!(screen.shown().contains("who? me\r\nit is me.\r\n"), "{:?}", screen.shown());
    }
}

#[test]
fn a_password_is_not_echoed() {
    let script = "read -s -p 'password''? ' x </dev/tty; echo; echo \"${#x} characters\"";
    for (screen, running) in everywhere(script) {
        screen.wait_for("password? ");
        screen.types("tiger\r");
        assert_eq!(screen.finish(running).code(), 0);
        let shown = screen.shown();
        assert!(shown.contains("password? \r\n5 characters\r\n") && !shown.contains("tiger"), "{shown:?}");
    }
}

#[test]
fn the_end_of_input_is_a_key() {
    let script = "echo ready; cat; echo the end";
    for (screen, running) in everywhere(script) {
        screen.wait_for("ready\r\n");
        screen.types("a line\r\u{4}");
        assert_eq!(screen.finish(running).code(), 0);
        assert!(screen.shown().contains("a line\r\na line\r\nthe end\r\n"), "{:?}", screen.shown());
    }
}

#[test]
fn secrets_are_masked_also_when_split() {
    let script =
        "x=hunt; printf \"$x\"; sleep 0.05; echo er2; echo \"$SECRET\" >&2; echo \"$SECRET\" >/dev/tty";
    for (screen, running) in everywhere(script) {
        screen.finish(running);
        let shown = screen.shown();
        assert!(shown.contains("***\r\n***\r\n***\r\n") && !shown.contains("hunter2"), "{shown:?}");
    }
}

#[test]
fn the_exit_status_stays() {
    let (screen, running) = run("exit 7");
    assert_eq!(screen.finish(running).code(), 7);
    let (screen, running) = exec("exit 7");
    assert_eq!(screen.finish(running).code(), 7);
    let (screen, running) = exec("kill -9 $$");
    assert_eq!(screen.finish(running).code(), 137);
    let job = Job::new(&[":"]).flag("--mask");
    let screen = Screen::new();
    let running = job.exec(&["nosuch"], |command| screen.seat(command));
    assert_eq!(screen.finish(running).code(), 127);
}

#[test]
fn ctrl_c_cancels_a_job() {
    let job = Job::new(&["echo ready''; sleep 1000"]).section("on_cancel", &["echo can''celled"]);
    let (screen, running) = start(job.section("always", &["tty -s; echo al''ways $?"]));
    screen.wait_for("ready\r\n");
    screen.types("\u{3}");
    assert_eq!(screen.finish(running).code(), 130);
    screen.wait_for("! cancelled by SIGINT");
    screen.wait_for("cancelled\r\n");
    screen.wait_for("always 0\r\n");
}

#[test]
fn ctrl_c_is_a_key_where_the_script_takes_it_for_one() {
    let (screen, running) = run("stty -isig -icanon; echo ready''; head -c 1 | od -An -tx1");
    screen.wait_for("ready\r\n");
    screen.types("\u{3}");
    assert_eq!(screen.finish(running).code(), 0);
    assert!(screen.shown().contains(" 03\r\n"));
}

#[test]
fn ctrl_c_interrupts_a_command() {
    let script = "trap 'echo caught; exit 3' INT; echo ready; while :; do sleep 0.01; done";
    for (screen, running) in [exec(script), exec_contained(script)] {
        screen.wait_for("ready\r\n");
        screen.types("\u{3}");
        assert_eq!(screen.finish(running).code(), 3);
        screen.wait_for("caught\r\n");
    }
    let script = "echo ready; exec sleep 1000";
    for (screen, running) in [exec(script), exec_contained(script)] {
        screen.wait_for("ready\r\n");
        screen.types("\u{3}");
        assert_eq!(screen.finish(running).code(), 130);
    }
}

#[test]
#[cfg_attr(feature = "posix", ignore = "keys stop nothing in a session that its own program leads")]
fn a_job_and_a_command_stop_with_us_and_go_on() {
    let script = "echo ready''; read x; echo \"went on: $x\"";
    for (screen, running) in [run(script), exec(script), contained(script)] {
        screen.wait_for("ready\r\n");
        screen.types("\u{1a}");
        wait_until(|| state(running.pid()) == Some('T'), || "the program to stop".to_owned());
        assert!(screen.is_usual());
        running.signal(Signal::SIGCONT);
        wait_until(|| !screen.is_usual(), || "a raw terminal".to_owned());
        screen.types("yes\r");
        screen.finish(running);
        screen.wait_for("went on: yes\r\n");
    }
}

#[test]
#[cfg_attr(feature = "posix", ignore = "keys stop nothing in a session that its own program leads")]
fn a_shell_stops_a_command_and_brings_it_back() {
    let screen = Screen::new();
    let job = Job::new(&[":"]).secret("hunter2").flag("--mask");
    // The shell of a user, who types the command line; `$0` and `$@` are that of the program.
    let running = job.exec(&["bash", "-c", "echo rea''dy; read x; echo \"$x: $SECRET\""], |command| {
        let mut shell = Command::new("bash");
        shell.args(["--norc", "--noprofile", "-i", "-s"]).arg(command.get_program()).args(command.get_args());
        shell.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?)))).env("PS1", "> ");
        screen.seat(&mut shell);
        *command = shell;
    });
    screen.wait_for("> ");
    screen.types("\"$@\"; echo \"status $?\"\r");
    screen.wait_for("ready\r\n");
    screen.types("\u{1a}");
    screen.wait_for("status 147");
    screen.types("fg\r");
    wait_until(|| !screen.is_usual(), || "a raw terminal".to_owned());
    screen.types("back\r");
    screen.wait_for("back: ***\r\n");
    // Keys that are typed before the program has ended are the program's.
    wait_until(|| screen.shown().ends_with("> "), || format!("a prompt behind {:?}", screen.shown()));
    screen.types("exit\r");
    running.finish();
}

#[test]
fn a_new_size_reaches_the_script() {
    let script = "trap 'stty size; exit 0' WINCH; echo ready; while :; do sleep 0.01; done";
    for (screen, running) in everywhere(script) {
        screen.wait_for("ready\r\n");
        screen.resize(30, 100);
        assert_eq!(screen.finish(running).code(), 0);
        assert!(screen.shown().contains("30 100\r\n"), "{:?}", screen.shown());
    }
}

#[test]
fn stdin_that_is_no_terminal_stays_what_it_is() {
    let script = "test -t 0 || echo no terminal; cat; read -p 'sure''? ' x </dev/tty; echo \"$x\"; test -t 1 && echo colours";
    let screen = Screen::new();
    let mut running = Job::new(&[script]).start_with(|command| {
        screen.seat(command);
        command.stdin(Stdio::piped());
    });
    running.stdin().write_all(b"from the pipe\n").unwrap();
    screen.wait_for("sure? ");
    screen.types("yes\r");
    assert_eq!(screen.finish(running).code(), 0);
    screen.wait_for("no terminal\r\nfrom the pipe\r\nsure? yes\r\nyes\r\ncolours\r\n");
}

#[test]
fn the_one_stream_that_is_a_terminal_stays_one() {
    let script = "test -t 1; echo \"out $? $SECRET\"; test -t 2; echo \"err $? $SECRET\" >&2";
    let job = Job::new(&[":"]).secret("hunter2").flag("--mask");
    let screen = Screen::new();
    let ran = job.exec(&["bash", "-c", script], |command| {
        screen.seat(command);
        command.stdout(Stdio::piped());
    });
    let ran = screen.finish(ran);
    assert_eq!((ran.text().as_str(), screen.shown().as_str()), ("out 1 ***\n", "err 0 ***\r\n"));
}

#[test]
fn what_holds_the_terminal_in_the_background_holds_nothing_up() {
    let (screen, running) = run("nohup setsid sleep 1000 & echo done");
    assert_eq!(screen.finish(running).code(), 0);
    let (screen, running) = exec("nohup sleep 1000 >/dev/null 2>&1 & echo $!");
    assert_eq!(screen.finish(running).code(), 0);
    let pid = screen.shown().trim().lines().last().unwrap().parse().unwrap();
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), Signal::SIGKILL).unwrap();
}

#[test]
fn all_that_was_printed_last_is_shown() {
    for (screen, running) in [run("seq 20000; exit 4"), exec("seq 20000; exit 4")] {
        assert_eq!(screen.finish(running).code(), 4);
        screen.wait_for("\r\n19999\r\n20000\r\n");
    }
}

#[test]
fn sections_after_a_failure_have_the_terminal_too() {
    let job = Job::new(&["trap 'echo hung up' HUP; false"]);
    let (screen, running) =
        start(job.section("on_failure", &["read -p 'why''? ' x </dev/tty; echo \"$x.\""]));
    screen.wait_for("why? ");
    screen.types("because\r");
    assert_eq!(screen.finish(running).code(), 1);
    assert!(screen.shown().contains("because.\r\n") && !screen.shown().contains("\r\nhung up"));
}

#[test]
fn a_terminal_is_restored_when_the_program_is_told_to_end() {
    for signal in [Signal::SIGTERM, Signal::SIGINT] {
        for (screen, running) in [run("echo ready''; sleep 1000"), exec("echo ready; exec sleep 1000")] {
            screen.wait_for("ready\r\n");
            wait_until(|| !screen.is_usual(), || "a raw terminal".to_owned());
            running.signal(signal);
            assert_eq!(screen.finish(running).code(), 128 + signal as i32);
        }
    }
}

#[test]
fn in_the_background_the_terminal_is_left_alone() {
    let screen = Screen::new();
    let job =
        Job::new(&["echo ready''; while [ ! -e $HERE/go ]; do sleep 0.01; done; tty -s && echo done''"]);
    let running = job.start_with(|command| {
        // With job control, what a shell runs in the background is not of the group in the foreground.
        let mut shell = Command::new("bash");
        shell
            .args(["-c", "set -m; \"$@\" & wait $!", "bash"])
            .arg(command.get_program())
            .args(command.get_args());
        shell.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
        screen.seat(&mut shell);
        *command = shell;
    });
    // Two carriage returns do no harm; whose terminal it is, they may have set it in any way.
    screen.wait_for("\nready\r");
    assert!(screen.is_usual());
    std::fs::write(running.path().join("go"), "").unwrap();
    assert_eq!(screen.finish(running).code(), 0);
    screen.wait_for("\ndone\r");
}

#[test]
fn a_task_that_failed_in_a_container_can_be_looked_at_there() {
    let (screen, running) = start(containers::job(&["X=1; exit 3"]).flag("--shell-on-failure"));
    screen.wait_for("a shell in the container of ");
    screen.types("echo \"in: $OF_IMAGE $TASK_NAME\"; [ $PWD = $JOB_PATH ] && exit\r");
    assert_eq!(screen.finish(running).code(), 3);
    screen.wait_for("in: yes Task 0\r\n");
}
