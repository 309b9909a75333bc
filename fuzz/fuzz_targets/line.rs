//! Reading and resolving a line: whatever the file holds, no panic and no hang.
//!
//! CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_LINKER=cc RUSTC_BOOTSTRAP=1 cargo fuzz run line -- -dict=fuzz/line.dict

#![no_main]

use libfuzzer_sys::fuzz_target;
use shipctl::credentials::Credentials;
use shipctl::paint::Paint;
use shipctl::edit::Draft;
use shipctl::environment::{self, Build};
use shipctl::model::Pipeline;
use shipctl::secure::{Keys, is_age};
use shipctl::source::Sources;
use shipctl::{check, resolve, workspace, yaml};

/// A key that opens nothing.
const KEY: &str = "AGE-SECRET-KEY-1ZG8MGDA26JYXAHTJC03A2EV4J7JZJV9RP39LZNNHM5ZZE8A0NYRSXJLTL5";

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    // The first line may end the templates.
    let (templates, text) = text.split_once("\n%%\n").map_or((None, text), |(t, rest)| (Some(t), rest));
    let mut sources = Sources::default();
    let mut diagnostics = Vec::new();
    let templates = templates.and_then(|text| sources.add("t.yml".into(), text.to_owned()).ok());
    let Ok(file) = sources.add("x.yml".into(), text.to_owned()) else { return };
    let mut pipeline = Pipeline::default();
    if let Some(root) = yaml::parse(&sources, file, templates, &mut diagnostics) {
        pipeline.read(root, &sources, &mut diagnostics);
    }
    pipeline.check_names(&mut diagnostics);
    check::check(&pipeline, &mut diagnostics);
    let build = Build { root: "/w".into(), number: 1, max_environment: 1 << 20, ..Build::default() };
    for name in pipeline.jobs.keys() {
        let plan = match resolve::resolve(&pipeline, name) {
            Ok(plan) => plan,
            Err(problems) => {
                diagnostics.extend(problems);
                continue;
            }
        };
        let credentials = Credentials::new();
        match environment::build(&plan, &credentials, &build) {
            Ok(built) => {
                diagnostics.extend(built.warnings);
                let _ = workspace::render(&plan, &built.environment, &credentials, &build);
                for (index, task) in plan.tasks.iter().enumerate() {
                    let _ = environment::of_task(task, index, &build);
                }
            }
            Err(problems) => diagnostics.extend(problems),
        }
    }
    // Encrypted values are opened, and get other texts: what else the file says stays what it was.
    if let (Ok(mut draft), Ok(keys)) = (Draft::new(&sources), Keys::parse(KEY, String::new())) {
        let anew = draft.encrypt_anew(&mut |text, _| {
            let _ = keys.open(text);
            is_age(text).then(|| text.to_uppercase())
        });
        if anew.is_ok() {
            let _ = draft.finish();
        }
    }
    for diagnostic in &diagnostics {
        let _ = diagnostic.render(&sources, Paint::Coloured);
        let _ = diagnostic.to_json(&sources);
    }
});
