//! Jobs to run, and the program that runs them.

use std::fs;
use std::io::Read;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Map, Value, json};
use tempfile::TempDir;

use crate::homes::Homes;

/// How long to wait for something that must come.
const PATIENCE: Duration = Duration::from_secs(30);

/// The program under test.
pub const PROGRAM: &str = env!("CARGO_BIN_EXE_shipctl");

/// A job that is being put together.
#[must_use]
pub struct Job {
    fields: Map<String, Value>,
    steps: Vec<Value>,
    options: Vec<String>,
    variables: Vec<(String, String)>,
    secret: Option<String>,
    directory: Directory,
}

/// The directory of a job, and where its temporary files lie.
struct Directory {
    own: TempDir,
    homes: Homes,
}

impl Directory {
    fn path(&self) -> &Path {
        self.own.path()
    }
}

impl Job {
    /// A job with one task of these entries.
    pub fn new(entries: &[&str]) -> Job {
        let directory = Directory { own: tempfile::tempdir().unwrap(), homes: Homes::new() };
        let job = Job {
            fields: Map::new(),
            steps: Vec::new(),
            options: Vec::new(),
            variables: vec![("HERE".into(), directory.path().to_str().unwrap().into())],
            secret: None,
            directory,
        };
        job.task(entries)
    }

    /// One more task.
    pub fn task(mut self, entries: &[&str]) -> Job {
        self.steps.push(json!({"TASK": {"script": entries}}));
        self
    }

    /// A section: `on_success`, `always` …
    pub fn section(mut self, name: &str, entries: &[&str]) -> Job {
        self.fields.insert(name.to_owned(), json!({"script": entries}));
        self
    }

    /// All sections; each prints its name behind an `@`.
    pub fn sections(mut self) -> Job {
        for name in ["on_success", "on_failure", "on_cancel", "always"] {
            self = self.section(name, &[&format!("echo @{name}")]);
        }
        self
    }

    /// An option of the command line that takes no value.
    pub fn flag(mut self, name: &str) -> Job {
        self.options.push(name.to_owned());
        self
    }

    /// An option of the command line.
    pub fn option(mut self, name: &str, value: &str) -> Job {
        self.options.extend([name.to_owned(), value.to_owned()]);
        self
    }

    /// A variable in the environment.
    pub fn variable(mut self, name: &str, value: &str) -> Job {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    /// A secret that the job has.
    pub fn secret(mut self, value: &str) -> Job {
        self.fields.insert("integrations".to_owned(), json!(["vault"]));
        self.secret = Some(value.to_owned());
        self
    }

    /// Has all tasks run in an image.
    pub fn in_image(mut self, name: &str, options: &str) -> Job {
        let options = json!({"imageName": name, "options": options});
        self.fields.insert("runtime".to_owned(), json!({"container": true, "options": options}));
        self
    }

    /// Has the last task run in an image.
    pub fn last_in_image(mut self, name: &str) -> Job {
        self.steps.last_mut().unwrap()["TASK"]["runtime"] = json!({"options": {"imageName": name}});
        self
    }

    /// Has the last task run in an image that a task before it builds.
    pub fn last_in_built_image(mut self, name: &str) -> Job {
        self.steps.last_mut().unwrap()["TASK"]["runtime"] =
            json!({"options": {"imageName": name, "pull": false}});
        self
    }

    /// The directory that the job's scripts know as `$HERE`.
    pub fn path(&self) -> &Path {
        self.directory.path()
    }

    /// Has all tasks run in an image, unless the test has said where, with the directory of the job at the same path.
    fn run_in(&mut self, image: &str) {
        let here = self.path().display();
        let options = format!("--network=none --env HERE={here} --volume {here}:{here}");
        let runtime = json!({"options": {"imageName": image, "options": options}});
        self.fields.entry("runtime").or_insert(runtime);
    }

    /// `shipctl <verb> job` with the options of the job.
    fn command(&mut self, verb: &str) -> Command {
        if let Ok(image) = std::env::var("SHIPCTL_TEST_IMAGE") {
            self.run_in(&image);
        }
        self.fields.insert("name".to_owned(), json!("job"));
        self.fields.insert("type".to_owned(), json!("runSh"));
        self.fields.insert("steps".to_owned(), json!(self.steps));
        let mut line = json!({"jobs": [self.fields]});
        if let Some(secret) = &self.secret {
            let fields = json!({"envs": {"SECRET": secret}});
            line["integrations"] = json!([{"name": "vault", "type": "keyValuePair", "fields": fields}]);
        }
        let file = self.path().join("shippable.json.yml");
        fs::write(&file, line.to_string()).unwrap();
        let mut command = Command::new(PROGRAM);
        command.args([verb, "job", "-f"]).arg(&file);
        command.arg("--workspace").arg(self.path().join("root"));
        self.directory.homes.give(&mut command);
        command.envs(self.variables.iter().cloned()).stdin(Stdio::null());
        command
    }

    /// Starts the job.
    pub fn start(self) -> Running {
        self.start_with(|_| {})
    }

    /// Starts the job with a command changed by `change`.
    pub fn start_with(mut self, change: impl FnOnce(&mut Command)) -> Running {
        let mut command = self.command("run");
        command.args(&self.options);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        change(&mut command);
        Running::new(command.spawn().unwrap(), self.directory)
    }

    /// Starts a command in the environment of the job, with a command line changed by `change`.
    pub fn exec(mut self, words: &[&str], change: impl FnOnce(&mut Command)) -> Running {
        let mut command = self.command("exec");
        command.args(&self.options).arg("--").args(words);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        change(&mut command);
        Running::new(command.spawn().unwrap(), self.directory)
    }

    /// Has `doctor` look at the job.
    pub fn doctor(mut self) -> Ran {
        let mut command = self.command("doctor");
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        Running::new(command.spawn().unwrap(), self.directory).finish()
    }

    /// Runs the job to its end.
    pub fn run(self) -> Ran {
        self.start().finish()
    }
}

/// A program that runs.
pub struct Running {
    child: Child,
    stdout: Arc<Mutex<Vec<u8>>>,
    readers: Vec<JoinHandle<()>>,
    stderr: Arc<Mutex<Vec<u8>>>,
    directory: Directory,
}

impl Running {
    fn new(mut child: Child, directory: Directory) -> Running {
        let mut readers = Vec::new();
        let mut collect = |stream: Option<Box<dyn Read + Send>>| {
            let bytes = Arc::new(Mutex::new(Vec::new()));
            let sink = Arc::clone(&bytes);
            if let Some(mut stream) = stream {
                readers.push(thread::spawn(move || {
                    let mut buffer = [0; 65536];
                    while let Ok(n @ 1..) = stream.read(&mut buffer) {
                        sink.lock().unwrap().extend_from_slice(&buffer[..n]);
                    }
                }));
            }
            bytes
        };
        let stdout = collect(child.stdout.take().map(|s| Box::new(s) as Box<dyn Read + Send>));
        let stderr = collect(child.stderr.take().map(|s| Box::new(s) as Box<dyn Read + Send>));
        Running { child, stdout, stderr, readers, directory }
    }

    /// The process.
    pub fn pid(&self) -> Pid {
        Pid::from_raw(i32::try_from(self.child.id()).unwrap())
    }

    /// The directory that the job's scripts know as `$HERE`.
    pub fn path(&self) -> &Path {
        self.directory.path()
    }

    /// What has been printed so far.
    pub fn printed(&self) -> String {
        String::from_utf8_lossy(&self.stdout.lock().unwrap()).into_owned()
    }

    /// Waits until something has been printed; what begins with `@`, as a line of its own.
    pub fn wait_for(&self, text: &str) {
        let has = |printed: &str| match text.strip_prefix('@') {
            Some(_) => printed.split_inclusive('\n').any(|line| line.strip_suffix('\n') == Some(text)),
            None => printed.contains(text),
        };
        wait_until(|| has(&self.printed()), || format!("{text:?} in {:?}", self.printed()));
    }

    /// Waits for a line `<mark>N` and returns the number.
    pub fn number(&self, mark: &str) -> Pid {
        let find = || {
            let printed = self.printed();
            let line =
                printed.split_inclusive('\n').find_map(|line| line.strip_prefix(mark)?.strip_suffix('\n'));
            line.and_then(|number| number.trim().parse().ok())
        };
        wait_until(|| find().is_some(), || format!("a number behind {mark:?} in {:?}", self.printed()));
        Pid::from_raw(find().unwrap())
    }

    /// The program's stdin, once.
    pub fn stdin(&mut self) -> ChildStdin {
        self.child.stdin.take().unwrap()
    }

    /// Sends a signal to the program.
    pub fn signal(&self, signal: Signal) {
        kill(self.pid(), signal).unwrap();
    }

    /// Waits for the end of the program.
    pub fn finish(mut self) -> Ran {
        let end = Instant::now() + PATIENCE;
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            if Instant::now() > end {
                let _ = self.child.kill();
                panic!("no end in time; printed: {}", self.printed());
            }
            thread::sleep(Duration::from_millis(2));
        };
        for reader in self.readers {
            reader.join().unwrap();
        }
        let take = |bytes: &Mutex<Vec<u8>>| std::mem::take(&mut *bytes.lock().unwrap());
        let (stdout, stderr) = (take(&self.stdout), take(&self.stderr));
        Ran {
            stdout,
            stderr: String::from_utf8_lossy(&stderr).into_owned(),
            status,
            directory: self.directory,
        }
    }
}

/// A program that has ended.
pub struct Ran {
    pub stdout: Vec<u8>,
    pub stderr: String,
    pub status: ExitStatus,
    directory: Directory,
}

impl Ran {
    /// The directory that the job's scripts knew as `$HERE`.
    pub fn path(&self) -> &Path {
        self.directory.path()
    }

    /// The exit status; 128 + N if a signal ended the program itself.
    pub fn code(&self) -> i32 {
        self.status.code().unwrap_or_else(|| 128 + self.status.signal().unwrap())
    }

    /// All that was printed to stdout.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }

    /// The lines that begin with `@`, without it.
    pub fn marks(&self) -> Vec<String> {
        self.text().lines().filter_map(|line| line.strip_prefix('@')).map(str::to_owned).collect()
    }

    /// Asserts the exit status and the marks, in order.
    #[track_caller]
    pub fn is(&self, code: i32, marks: &[&str]) -> &Ran {
        assert_eq!(
            (self.code(), self.marks().join(" ")),
            (code, marks.join(" ")),
            "{}{}",
            self.text(),
            self.stderr
        );
        self
    }

    /// Asserts that the text appears nowhere.
    #[track_caller]
    pub fn never_shows(&self, text: &str) -> &Ran {
        assert!(!self.text().contains(text) && !self.stderr.contains(text), "{}{}", self.text(), self.stderr);
        self
    }

    /// Asserts that the text appears.
    #[track_caller]
    pub fn shows(&self, text: &str) -> &Ran {
        assert!(self.text().contains(text), "no {text:?} in\n{}{}", self.text(), self.stderr);
        self
    }

    /// Asserts that the text appears on stderr.
    #[track_caller]
    pub fn complains(&self, text: &str) -> &Ran {
        assert!(self.stderr.contains(text), "no {text:?} in\n{}", self.stderr);
        self
    }

    /// The events of a JSON log.
    pub fn events(&self) -> Vec<Value> {
        self.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

/// Waits until something holds; says what was awaited if it never does.
#[track_caller]
pub fn wait_until(mut condition: impl FnMut() -> bool, awaited: impl Fn() -> String) {
    let end = Instant::now() + PATIENCE;
    while !condition() {
        assert!(Instant::now() < end, "waited in vain for {}", awaited());
        thread::sleep(Duration::from_millis(2));
    }
}

/// The state of a process: `None` if it has ended.
pub fn state(pid: Pid) -> Option<char> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat[stat.rfind(')')? + 1..].trim_start().chars().next().filter(|state| *state != 'Z')
}

/// Waits until a process has ended.
#[track_caller]
pub fn wait_gone(pid: Pid) {
    wait_until(|| state(pid).is_none(), || format!("the end of {pid}"));
}
