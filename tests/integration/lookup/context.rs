//! The seam for `--job`: functions answer from an environment and files that someone else computed.

use std::borrow::Cow;
use std::ffi::{OsStr, OsString};
use std::io;
use std::path::Path;

use shipctl::lookup::{self, Context};

use crate::support::shipctl;

struct Memory {
    vars: &'static [(&'static str, &'static str)],
    files: &'static [(&'static str, &'static str)],
}

impl Context for Memory {
    fn var(&self, name: &str) -> Option<Cow<'_, OsStr>> {
        let (_, value) = self.vars.iter().find(|(there, _)| *there == name)?;
        Some(Cow::Borrowed(OsStr::new(value)))
    }

    fn names(&self) -> Vec<String> {
        self.vars.iter().map(|(name, _)| (*name).to_owned()).collect()
    }

    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        let found = self.files.iter().find(|(there, _)| Path::new(there) == path);
        found.map(|(_, content)| content.as_bytes().to_vec()).ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}

const WORLD: Memory = Memory {
    vars: &[
        ("JOB_NAME", "deploy"),
        ("MYAWS_OPERATION", "IN"),
        ("MYAWS_META", "/ws/IN/my-aws"),
        ("MYAWS_INTEGRATION_ACCESSKEY", "AK1"),
    ],
    files: &[("/ws/IN/my-aws/integration.env", "accessKey=\"AK1\"\n")],
};

fn ask(function: &str, args: &[&str]) -> (u8, String, String) {
    let function = lookup::find(OsStr::new(function)).unwrap();
    let args: Vec<OsString> = args.iter().map(Into::into).collect();
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let status = lookup::call(function, &args, &WORLD, &mut out, &mut err);
    (status, String::from_utf8(out).unwrap(), String::from_utf8(err).unwrap())
}

#[test]
fn a_job_that_does_not_run_can_be_asked() {
    let expected = (0, "AK1\n".to_owned(), String::new());
    assert_eq!(ask("get_integration_resource_field", &["my-aws", "accessKey"]), expected);
    let expected = (0, "accessKey\n".to_owned(), String::new());
    assert_eq!(ask("get_integration_resource_keys", &["my-aws"]), expected);
    let error = "shipctl: `nope` has no ID here ($NOPE_ID is not set); the resources of this job: MYAWS\n";
    assert_eq!(ask("get_resource_id", &["nope"]), (99, String::new(), error.to_owned()));
}

#[test]
fn the_quick_way_leaves_questions_about_a_job_to_the_yaml() {
    for args in ["--job deploy my-aws", "my-aws --job=deploy", "-C dir my-aws --job deploy"] {
        let args: Vec<OsString> =
            ["get_resource_id"].into_iter().chain(args.split(' ')).map(Into::into).collect();
        assert_eq!(lookup::main(&args), None);
    }
    shipctl("to_uppercase").arg("--job").stdout("--JOB\n").run();
}

#[test]
fn every_function_of_the_table_can_be_asked_how_it_is_used() {
    for function in lookup::FUNCTIONS {
        let usage = lookup::usage(function);
        assert!(usage.starts_with(&format!("Usage: shipctl {} ", function.name)), "{usage}");
        let args = [function.name.into(), "--help".into()];
        assert_eq!(lookup::main(&args), None, "{usage}");
    }
}

#[test]
fn the_help_of_a_function_that_needs_no_line_has_no_options_of_the_line() {
    shipctl("replace")
        .arg("--help")
        .stdout(
            "Fills in $NAME and ${NAME} in files.

  FILE...  The files, which are changed in place

Example: shipctl replace config.yml deployment.yml

Usage: shipctl replace FILE...

Options:
  -h, --help
          Print help (see a summary with '-h')

  -V, --version
          Print version
",
        )
        .run();
}

#[test]
fn options_of_the_line_before_a_function_are_taken_all_the_same() {
    shipctl("-C").args(". --color never to_uppercase abc").stdout("ABC\n").run();
}
