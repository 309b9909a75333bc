//! A lookup is called hundreds of times: what it depends on stays small.

use std::fs;
use std::path::Path;

#[test]
fn lookups_import_nothing_of_the_program_but_names_and_statuses() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = vec![source.join("lookup.rs")];
    for directory in ["lookup", "lookup/notify", "contract"] {
        let found = fs::read_dir(source.join(directory)).unwrap().map(|entry| entry.unwrap().path());
        files.extend(found.filter(|path| path.is_file()));
    }
    assert!(files.len() > 20);
    for file in files {
        let text = fs::read_to_string(&file).unwrap();
        for import in text.split("crate::").skip(1) {
            // What ureq says is told in one place, here for `notify`.
            let allowed = ["contract", "exit", "file", "http::", "nearest", "printable"]
                .iter()
                .any(|room| import.starts_with(room));
            assert!(allowed, "{} imports crate::{}", file.display(), import.lines().next().unwrap());
        }
        for name in ["clap", "serde_yaml"] {
            assert!(!text.contains(&format!("{name}::")), "{} uses {name}", file.display());
        }
    }
}
