//! `exec`: everything but the environment is the command's own.

use std::io::Write as _;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Command, Stdio};

use nix::sys::signal::{Signal, kill};

use crate::support::{Job, Ran, Running, state, wait_gone, wait_until};

/// A job that is not run itself.
fn job() -> Job {
    Job::new(&[":"])
}

fn start(words: &[&str]) -> Running {
    job().exec(words, |_| {})
}

fn run(words: &[&str]) -> Ran {
    start(words).finish()
}

#[test]
fn the_exit_status_is_the_commands() {
    for status in [0, 1, 2, 77, 255] {
        run(&["sh", "-c", &format!("exit {status}")]).is(status, &[]);
    }
    let ran = run(&["sh", "-c", "kill -9 $$"]);
    assert_eq!((ran.status.code(), ran.status.signal()), (Some(137), None));
}

#[test]
fn arguments_and_streams_are_the_commands() {
    let words = ["sh", "-c", "echo \"$1|$2\"; cat; echo err >&2", "sh", "a  b", "$x'\""];
    let mut running = job().exec(&words, |command| {
        command.stdin(Stdio::piped());
    });
    running.stdin().write_all(b"in\xff\n").unwrap();
    let ran = running.finish();
    assert_eq!((ran.stdout.as_slice(), ran.stderr.as_str()), (b"a  b|$x'\"\nin\xff\n".as_slice(), "err\n"));
}

#[test]
fn a_command_that_cannot_run_says_why() {
    let directory = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str, mode: u32| {
        let path = directory.path().join(name);
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        path.to_str().unwrap().to_owned()
    };
    for (command, code, message) in [
        ("nosuch_command".to_owned(), 127, "nosuch_command: command not found"),
        ("/no/such/file".to_owned(), 127, "/no/such/file: command not found"),
        (String::new(), 127, "command not found"),
        (file("plain", "echo no", 0o644), 126, "Permission denied"),
        (file("lost", "#!/no/such/interpreter\n", 0o755), 126, "interpreter does not exist"),
        ("/tmp".to_owned(), 126, "Permission denied"),
    ] {
        let ran = run(&[&command]);
        ran.is(code, &[]);
        assert!(ran.stderr.contains(message), "{command}: {}", ran.stderr);
    }
    // As everywhere, a script that does not name its interpreter is one for sh.
    run(&[&file("script", "echo \"@$1 ${0##*/}\"\n", 0o755), "a b"]).is(0, &["a b script"]);
}

#[test]
fn the_path_is_that_of_the_new_environment() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("greet");
    std::fs::write(&path, "#!/bin/sh\necho @hello\n").unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    let new_path = format!("/nowhere:{}", directory.path().display());
    job().option("-e", &format!("PATH={new_path}")).exec(&["greet"], |_| {}).finish().is(0, &["hello"]);
}

#[test]
fn every_signal_reaches_the_command() {
    for signal in Signal::iterator() {
        let own = [
            Signal::SIGKILL,
            Signal::SIGSTOP,
            Signal::SIGCHLD,
            Signal::SIGPIPE,
            Signal::SIGSEGV,
            Signal::SIGBUS,
            Signal::SIGFPE,
            Signal::SIGILL,
            Signal::SIGTRAP,
            Signal::SIGABRT,
            Signal::SIGSYS,
        ];
        // The first two are blocked, so that the terminal is written to in the background; the last is ignored.
        let unheard = [Signal::SIGTTIN, Signal::SIGTTOU, Signal::SIGXFSZ];
        if own.contains(&signal) || cfg!(feature = "posix") && unheard.contains(&signal) {
            continue;
        }
        let name = signal.as_str().trim_start_matches("SIG");
        let script = format!("trap 'echo @{name}; exit 5' {name}; echo @ready; while :; do sleep 0.01; done");
        let running = start(&["bash", "-c", &script]);
        running.wait_for("@ready");
        running.signal(signal);
        running.finish().is(5, &["ready", name]);
    }
}

#[test]
fn a_signal_ends_command_and_program() {
    for (signal, code) in [(Signal::SIGTERM, 143), (Signal::SIGUSR1, 138), (Signal::SIGINT, 130)] {
        let running = start(&["sh", "-c", "echo @$$; exec sleep 1000"]);
        let command = running.number("@");
        running.signal(signal);
        assert_eq!(running.finish().code(), code);
        assert_eq!(state(command), None);
    }
}

#[test]
#[cfg_attr(feature = "posix", ignore = "only Linux tells children of the death of their parent")]
fn the_command_dies_with_the_program() {
    let running = start(&["sh", "-c", "echo @$$; exec sleep 1000"]);
    let command = running.number("@");
    running.signal(Signal::SIGKILL);
    running.finish();
    wait_gone(command);
}

#[test]
fn a_command_that_stops_stops_the_program() {
    let running = start(&["bash", "-c", "echo @$$; kill -STOP $$; echo @end; exit 3"]);
    let command = running.number("@");
    wait_until(|| state(running.pid()) == Some('T'), || "the program to stop".to_owned());
    assert_eq!(state(command), Some('T'));
    running.signal(Signal::SIGCONT);
    running.finish().is(3, &[&command.to_string(), "end"]);
}

#[test]
fn a_command_that_signals_its_group_gets_it_once() {
    let script = "trap 'n=$((n+1)); echo @$n' USR1; kill -USR1 0; sleep 0.2; exit 0";
    let group = |command: &mut Command| {
        command.process_group(0);
    };
    job().exec(&["bash", "-c", script], group).finish().is(0, &["1"]);
}

#[test]
fn ignored_signals_stay_ignored() {
    let words = ["sh", "-c", "echo @ready; kill -HUP $$; kill -HUP $PPID; echo @end"];
    // SAFETY: `signal` is async-signal-safe.
    let ignore = |command: &mut Command| unsafe {
        command.pre_exec(|| {
            nix::libc::signal(nix::libc::SIGHUP, nix::libc::SIG_IGN);
            Ok(())
        });
    };
    job().exec(&words, ignore).finish().is(0, &["ready", "end"]);
}

#[test]
fn the_command_has_the_signals_and_the_group_of_the_caller() {
    let script = "grep -E 'SigBlk|SigIgn' /proc/self/status | tr -d '\\t' | sed s/^/@/; ps -o pgid= $$ $PPID | uniq | wc -l | sed 's/ *//;s/^/@/'";
    let mut plain = Command::new("sh");
    plain.args(["-c", script]).process_group(0);
    let plain = String::from_utf8(plain.output().unwrap().stdout).unwrap();
    let plain: Vec<&str> = plain.lines().map(|line| &line[1..]).take(2).chain(["1"]).collect();
    run(&["sh", "-c", script]).is(0, &plain);
}

#[test]
fn masked_streams_stay_apart_and_the_status_stays() {
    let script = "echo out hunter2; echo err hunter2 >&2; exit 6";
    let ran = job().secret("hunter2").flag("--mask").exec(&["sh", "-c", script], |_| {}).finish();
    assert_eq!((ran.code(), ran.text().as_str(), ran.stderr.as_str()), (6, "out ***\n", "err ***\n"));
}

#[test]
fn a_process_that_holds_a_masked_stream_does_not_hold_up_the_program() {
    let script = "setsid sleep 1000 & echo $!; head -c 200000 /dev/zero";
    let ran = job().flag("--mask").exec(&["sh", "-c", script], |_| {}).finish();
    let text = ran.text();
    let pid = text.lines().next().unwrap().parse().unwrap();
    assert_eq!(ran.stdout.iter().filter(|b| **b == 0).count(), 200_000);
    kill(nix::unistd::Pid::from_raw(pid), Signal::SIGKILL).unwrap();
}

#[test]
fn a_masked_command_learns_that_nobody_reads() {
    let words = ["sh", "-c", "yes; echo $? >\"$HERE/status\""];
    let mut log = None;
    let running = job().flag("--mask").exec(&words, |command| {
        let (reader, writer) = std::io::pipe().unwrap();
        log = Some(reader);
        command.stdout(Stdio::from(writer));
    });
    drop(log);
    let ran = running.finish();
    assert_eq!(ran.stderr, "");
    assert_eq!(std::fs::read_to_string(ran.path().join("status")).unwrap(), "141\n");
}

#[test]
#[cfg_attr(feature = "posix", ignore = "only Linux tells who reads from a pipe")]
fn what_stands_behind_a_process_substitution_of_a_masked_command_is_waited_for() {
    let script = "mkfifo f; exec 8<> f; exec > >(read -t 0.5 -u 8; sed 's/^/@/'); echo one";
    job().flag("--mask").exec(&["bash", "-c", script], |_| ()).finish().is(0, &["one"]);
}

#[test]
fn output_that_cannot_be_written_is_an_error() {
    let full = || std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let ran =
        Job::new(&[]).flag("--mask").exec(&["echo", "hi"], |command| _ = command.stdout(full())).finish();
    ran.is(125, &[]).complains("cannot write what the command printed");
}

#[test]
fn a_signal_reaches_the_command_while_nobody_reads_its_output() {
    let job = Job::new(&[]).flag("--mask");
    let got = job.path().join("got");
    let script = format!("trap 'echo > {}; exit 7' TERM; yes & wait", got.display());
    let (reader, writer) = std::io::pipe().unwrap();
    let running = job.exec(&["bash", "-c", &script], |command| _ = command.stdout(writer));
    // The pipe is full once there is as much in it as it holds.
    let mut polled =
        [nix::poll::PollFd::new(std::os::fd::AsFd::as_fd(&reader), nix::poll::PollFlags::POLLIN)];
    nix::poll::poll(&mut polled, nix::poll::PollTimeout::NONE).unwrap();
    nix::sys::signal::kill(running.pid(), nix::sys::signal::Signal::SIGTERM).unwrap();
    while !got.exists() {
        std::thread::yield_now();
    }
    drop(reader);
    running.finish().is(7, &[]);
}
