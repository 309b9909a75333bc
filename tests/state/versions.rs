//! What a change makes of the latest version.

use serde_json::json;
use shipctl::state::{Base, Change, Entries, Files, Seed, StateErrorKind, Store, VersionRef};

use crate::support::{bag, build, entries, line, put};

fn params(text: &str) -> Entries {
    Entries::parse(text.as_bytes(), "res", "params").unwrap()
}

fn seed(json: serde_json::Value) -> Option<Seed> {
    Some(Seed { version_name: Some("from yml".to_owned()), bag: json.as_object().unwrap().clone() })
}

#[test]
fn key_values_are_merged_and_numbers_count_from_1() {
    let line = line();
    let mut store = Store::open(line.path()).unwrap();
    assert!(store.latest("res").unwrap().is_none());
    assert_eq!(build(&mut store, "job", &[put("res", "versionName=one\nb=1\na=2\n")]), [Some(1)]);
    assert_eq!(build(&mut store, "job", &[put("res", "c=3\nb=9\n")]), [Some(2)]);

    let latest = store.latest("res").unwrap().unwrap();
    assert_eq!((latest.number, latest.version_name.as_deref()), (2, Some("one")));
    assert_eq!(bag(&latest), r#"{"b":"9","a":"2","c":"3"}"#);
    assert_eq!(latest.build.unwrap().to_string(), "job #2");
    assert_eq!(bag(&store.by_number("res", 1).unwrap().unwrap()), r#"{"b":"1","a":"2"}"#);
    assert_eq!(store.versions("res", 10).unwrap().len(), 2);
    assert!(store.by_number("res", 3).unwrap().is_none());
    assert!(store.latest("other").unwrap().is_none());
}

#[test]
fn nothing_changed_is_no_new_version() {
    let line = line();
    let mut store = Store::open(line.path()).unwrap();
    build(&mut store, "job", &[put("res", "a=1\n")]);
    assert_eq!(build(&mut store, "job", &[put("res", "a=1\n")]), [None]);
    assert_eq!(build(&mut store, "job", &[put("res", "")]), [None]);
    assert_eq!(build(&mut store, "job", &[put("nothing", "")]), [None]);
    assert_eq!(build(&mut store, "job", &[put("res", "versionName=x\n")]), [Some(2)]);
    let anyway = Change { even_unchanged: true, ..put("res", "") };
    assert_eq!(build(&mut store, "job", &[anyway]), [Some(3)]);
}

#[test]
fn a_version_is_found_by_its_name_the_last_of_several() {
    let line = line();
    let mut store = Store::open(line.path()).unwrap();
    for text in [
        "versionName=blue\nn=1\n",
        "versionName=green\nn=2\n",
        "versionName=blue\nn=3\n",
        "versionName=red\n",
    ] {
        build(&mut store, "job", &[put("res", text)]);
    }
    assert_eq!(store.by_name("res", "blue").unwrap().unwrap().number, 3);
    assert_eq!(store.by_name("res", "green").unwrap().unwrap().number, 2);
    assert!(store.by_name("res", "black").unwrap().is_none());
    assert!(store.by_name("other", "blue").unwrap().is_none());
}

#[test]
fn params_keep_the_rest_of_their_bag() {
    let line = line();
    let mut store = Store::open(line.path()).unwrap();
    let yml = seed(json!({"params": {"PORT": 80, "HOST": "a"}}));
    let change = Change { seed: yml.clone(), ..Change::merge("p", params("HOST=b\nversionName=two\n")) };
    // The YAML's own version is the first one.
    assert_eq!(build(&mut store, "job", &[change]), [Some(2)]);
    let first = store.by_number("p", 1).unwrap().unwrap();
    assert_eq!((first.version_name.as_deref(), first.build.is_none()), (Some("from yml"), true));
    assert_eq!(bag(&first), r#"{"params":{"PORT":80,"HOST":"a"}}"#);
    assert_eq!(bag(&store.latest("p").unwrap().unwrap()), r#"{"params":{"PORT":80,"HOST":"b"}}"#);
    let same = Change { seed: yml, ..Change::merge("p", params("PORT=80\n")) };
    assert_eq!(build(&mut store, "job", &[same]), [None]);
}

#[test]
fn a_seed_alone_is_not_stored() {
    let line = line();
    let mut store = Store::open(line.path()).unwrap();
    let change = Change { seed: seed(json!({"a": "1"})), ..put("res", "a=1\n") };
    assert_eq!(build(&mut store, "job", &[change]), [None]);
    assert!(store.latest("res").unwrap().is_none());
}

#[test]
fn overwrite_starts_from_nothing_and_replicate_from_another() {
    let line = line();
    let mut store = Store::open(line.path()).unwrap();
    build(&mut store, "job", &[put("res", "versionName=old\na=1\nb=2\n")]);
    let overwrite = Change { base: Base::Empty, ..put("res", "b=2\n") };
    assert_eq!(build(&mut store, "job", std::slice::from_ref(&overwrite)), [Some(2)]);
    assert_eq!(build(&mut store, "job", &[overwrite]), [None]);
    let latest = store.latest("res").unwrap().unwrap();
    assert_eq!((bag(&latest).as_str(), latest.version_name), (r#"{"b":"2"}"#, None));

    let given = Base::Given {
        version_name: Some("copied".to_owned()),
        bag: json!({"x": {"y": [1]}}).as_object().unwrap().clone(),
    };
    let replicate = Change { base: given, ..put("res", "z=1\n") };
    assert_eq!(build(&mut store, "job", &[replicate]), [Some(3)]);
    let latest = store.latest("res").unwrap().unwrap();
    assert_eq!(
        (bag(&latest).as_str(), latest.version_name.as_deref()),
        (r#"{"x":{"y":[1]},"z":"1"}"#, Some("copied"))
    );
}

#[test]
fn two_changes_of_one_name_in_one_run_follow_each_other() {
    let line = line();
    let mut store = Store::open(line.path()).unwrap();
    assert_eq!(build(&mut store, "job", &[put("res", "a=1\n"), put("res", "b=2\n")]), [Some(1), Some(2)]);
    assert_eq!(bag(&store.latest("res").unwrap().unwrap()), r#"{"a":"1","b":"2"}"#);
}

#[test]
fn all_or_none() {
    let line = line();
    let mut store = Store::open(line.path()).unwrap();
    let build = store.begin_build("job", &[]).unwrap();
    let gone = VersionRef { name: "src".to_owned(), number: 7 };
    let changes = [put("a", "x=1\n"), Change { files: Files::Of(gone), ..put("b", "x=1\n") }];
    let error = store.finish(&build, shipctl::state::Ending::Success, 0, &changes).unwrap_err();
    assert_eq!(error.kind(), StateErrorKind::Missing);
    assert_eq!(error.to_string(), "cannot copy the files of src #7: there is no such version");
    assert!(store.latest("a").unwrap().is_none());
    // The build goes on, and can be ended otherwise.
    let made = store.finish(&build, shipctl::state::Ending::Failure, 3, &changes[..1]).unwrap();
    assert_eq!(made, [Some(1)]);
}

#[test]
fn any_text_is_a_name_a_key_and_a_value() {
    let line = line();
    let mut store = Store::open(line.path()).unwrap();
    let name = "naïve'; DROP TABLE version; --\u{0}";
    let mut odd = entries("");
    odd.version_name = Some("\"quoted\"\n".to_owned());
    odd.properties.insert("kéy\"'\u{1f}".to_owned(), json!("\u{0}\u{7f}\\ü\n"));
    build(&mut store, name, &[Change::merge(name, odd.clone())]);
    let found = store.by_name(name, "\"quoted\"\n").unwrap().unwrap();
    assert_eq!((found.name.as_str(), &found.bag), (name, &odd.properties));
    assert_eq!(store.all_latest().unwrap().len(), 1);
}
