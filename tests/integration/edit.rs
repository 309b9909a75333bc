//! Changes to the YAML leave the rest of it alone: random lines, changed there and back.

use std::path::Path;

use shipctl::edit::{Draft, Replacement, map_node, replace, text_node};
use shipctl::model::files;
use shipctl::source::{SourceId, Sources};

/// Numbers that look random and are the same each time.
struct Dice(u64);

impl Dice {
    fn below(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % sides as u64) as usize
    }

    fn of<'a>(&mut self, choices: &[&'a str]) -> &'a str {
        choices[self.below(choices.len())]
    }
}

const COMMENTS: &[&str] = &["", "", "", " # why", "\t#\ttab", " # é: [ { \" '"];

/// Lines that may stand between items: none, blank ones, comments of any indentation.
fn between(dice: &mut Dice, out: &mut String) {
    for _ in 0..dice.below(3) {
        out.push_str(dice.of(&[
            "\n",
            "\n",
            "# flush: [\n",
            "  # two\n",
            "    # four\n",
            "   \n",
            "  # - name: old\n",
        ]));
    }
}

/// One item, its dash in column `indent`.
fn item(dice: &mut Dice, indent: usize, number: usize) -> String {
    let pad = " ".repeat(indent);
    let comment = dice.of(COMMENTS);
    let name = match dice.below(4) {
        0 => format!("'n{number}'"),
        1 => format!("\"n{number}\""),
        _ => format!("n{number}"),
    };
    match dice.below(6) {
        0 => format!(
            "{pad}- {{name: {name}, type: slackKey, fields: {{webhookUrl: \"a]}}, #b\"}}}}{comment}\n"
        ),
        1 => format!(
            "{pad}- {{name: {name}, type: Slack,\n{pad}   fields: {{webhookUrl: 'it''s'}}\n{pad}  }}{comment}\n"
        ),
        2 => format!(
            "{pad}-\n{pad}    name: {name}{comment}\n{pad}    type: pemKey\n{pad}    fields:\n{pad}        key: |\n{pad}          # not a comment\n\n{pad}          - neither\n{pad}            an item\n"
        ),
        3 => format!(
            "{pad}-   name: {name}\n{pad}    type: slackKey{comment}\n{pad}    fields:\n{pad}      webhookUrl: \"two\n{pad}       lines # of\n\n{pad}       text\"\n"
        ),
        4 => format!(
            "{pad}- type: keyValuePair\n{pad}  name: {name}\n{pad}  fields:{comment}\n{pad}    envs: {{A{number}: &a{number} é, B: *a{number}}}\n"
        ),
        _ => format!(
            "{pad}- name: {name}{comment}\n{pad}  type: slackKey\n{pad}  fields:\n{pad}    webhookUrl: {{env: HOOK}}\n"
        ),
    }
}

/// A line with `count` integrations, and resources and jobs that use them.
fn line(dice: &mut Dice, count: usize) -> String {
    let users = |dice: &mut Dice, out: &mut String| {
        out.push_str("resources:\n");
        for number in 0..count {
            let quote = dice.of(&["", "'", "\""]);
            let comment = dice.of(COMMENTS);
            out.push_str(&format!(
                "- name: r{number}\n  type: integration\n  integration: {quote}n{number}{quote}{comment}\n"
            ));
        }
        out.push_str("jobs:\n  - name: j\n    type: runSh\n    integrations: [n0, \"n1\"]\n    steps:\n      - TASK:\n          script:\n            - echo '[' # n0\n");
    };
    let mut out = dice.of(&["", "", "---\n", "# top\n\n"]).to_owned();
    let before = dice.below(2) == 0;
    if before {
        users(dice, &mut out);
        between(dice, &mut out);
    }
    if dice.below(5) == 0 {
        let items: Vec<_> = (0..count)
            .map(|n| format!("{{name: n{n}, type: slackKey, fields: {{webhookUrl: x}}}}"))
            .collect();
        let comma = dice.of(&[", ", ",\n    ", " ,", ",   # why, [\n  "]);
        let end = dice.of(&["", " ", ",", "\n  "]);
        out.push_str(&format!("integrations: [{}{end}]{}\n", items.join(comma), dice.of(COMMENTS)));
    } else {
        let key =
            dice.of(&["integrations:", "\"integrations\" :", "integrations: &all", "integrations: !!seq"]);
        out.push_str(&format!("{key}{}\n", dice.of(COMMENTS)));
        let indent = dice.below(3) * 2;
        for number in 0..count {
            between(dice, &mut out);
            out.push_str(&item(dice, indent, number));
        }
    }
    between(dice, &mut out);
    if !before {
        users(dice, &mut out);
    }
    if dice.below(4) == 0 {
        out.truncate(out.trim_end().len());
    }
    if dice.below(3) == 0 { out.replace('\n', "\r\n") } else { out }
}

/// Changes a text, which must be possible.
fn changed(text: &str, change: impl FnOnce(&mut Draft, SourceId, &Sources)) -> Result<String, String> {
    let mut sources = Sources::default();
    let id = sources.add("x.yml".into(), text.to_owned()).unwrap();
    let mut draft = Draft::new(&sources).unwrap_or_else(|problems| panic!("{problems:?}\n{text}"));
    change(&mut draft, id, &sources);
    let edited = draft.finish().map_err(|refusal| refusal.why)?;
    Ok(edited.into_iter().next().map_or_else(|| text.to_owned(), |edited| edited.text))
}

fn add(text: &str, name: &str) -> Result<String, String> {
    changed(text, |draft, file, _| {
        let fields =
            map_node(file, [("webhookUrl".to_owned(), text_node(file, "x: 'y' \"z\" \\ \u{2028}\n"))]);
        let entries =
            [("name", text_node(file, name)), ("type", text_node(file, "slackKey")), ("fields", fields)];
        let item = map_node(file, entries.map(|(key, node)| (key.to_owned(), node)));
        draft.add(file, item).unwrap_or_else(|refusal| panic!("{}\n{text}", refusal.why));
    })
}

fn remove(text: &str, name: &str) -> Result<String, String> {
    changed(text, |draft, _, sources| {
        let pipeline = files::pipeline(sources, Path::new("."), &mut Vec::new());
        let place = pipeline.integrations[name].name.place;
        draft.remove(place).unwrap_or_else(|refusal| panic!("{}\n{text}", refusal.why));
    })
}

fn rename(text: &str, old: &str, new: &str) -> Result<String, String> {
    changed(text, |draft, _, _| {
        draft.rename(old, new).unwrap_or_else(|refusal| panic!("{}\n{text}", refusal.why));
    })
}

/// Makes a change. A block at the very end of a text, without a line end, would hold another text once something
/// follows it or no longer does: such a text is refused, and is taken once its last line is ended.
fn done(seed: u64, text: &mut String, change: impl Fn(&str) -> Result<String, String>) -> String {
    let first = change(text);
    match first {
        Err(why) if !text.ends_with('\n') => {
            assert!(why.contains("end its last line"), "seed {seed}: {why}\n{text}");
            text.push('\n');
            change(text)
        }
        first => first,
    }
    .unwrap_or_else(|why| panic!("seed {seed}: {why}\n{text}"))
}

/// How many lines are tried.
fn rounds() -> u64 {
    std::env::var("SHIPCTL_TEST_ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(500)
}

#[test]
fn what_is_added_and_removed_leaves_no_trace() {
    for seed in 1..=rounds() {
        let dice = &mut Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let count = 2 + dice.below(3);
        let mut text = line(dice, count);
        let added = done(seed, &mut text, |text| add(text, "new"));
        assert!(added.contains("new"));
        let removed = remove(&added, "new").unwrap_or_else(|why| panic!("seed {seed}: {why}\n{added}"));
        assert_eq!(removed, text, "seed {seed}");
    }
}

#[test]
fn what_is_renamed_there_and_back_is_as_it_was() {
    for seed in 1..=rounds() {
        let dice = &mut Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let text = line(dice, 3);
        let there =
            rename(&text, "n1", "an-other.1").unwrap_or_else(|why| panic!("seed {seed}: {why}\n{text}"));
        assert_eq!(there.matches("an-other.1").count(), 3, "seed {seed}\n{there}");
        let back =
            rename(&there, "an-other.1", "n1").unwrap_or_else(|why| panic!("seed {seed}: {why}\n{there}"));
        assert_eq!(back, text, "seed {seed}");
    }
}

#[test]
fn removing_one_after_the_other_leaves_the_rest_of_the_lines() {
    for seed in 1..=rounds() / 3 {
        let dice = &mut Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let mut text = line(dice, 4);
        let mut names = vec!["n0", "n1", "n2", "n3"];
        while !names.is_empty() {
            let name = names.remove(dice.below(names.len()));
            let shorter = done(seed, &mut text, |text| remove(text, name));
            let mut lines = text.lines();
            let kept = |line: &str| lines.any(|other| other == line);
            let odd: Vec<_> = shorter.lines().filter(|line| !line.contains("integrations")).collect();
            assert!(
                odd.into_iter().all(kept) || text.contains("integrations: ["),
                "seed {seed}\n{text}\n{shorter}"
            );
            text = shorter;
        }
        assert!(text.contains("[]"), "seed {seed}\n{text}");
        let again = add(&text, "new").unwrap_or_else(|why| panic!("seed {seed}: {why}\n{text}"));
        assert!(again.contains("name: new"));
    }
}

#[test]
fn an_anchor_that_names_something_else_too_is_refused() {
    let text = "resources:\n- name: &n x\n  type: integration\n  integration: *n\nintegrations:\n- name: x\n  type: slackKey\n  fields: {webhookUrl: y}\n";
    assert!(rename(text, "x", "y").unwrap_err().contains("nothing was written"));
    let shared = "any: &i x\nresources:\n- {name: r, type: integration, integration: *i}\nintegrations:\n- name: *i\n  type: slackKey\n  fields: {webhookUrl: y}\n";
    assert_eq!(rename(shared, "x", "z").unwrap(), shared.replace("&i x", "&i z"));
}

#[test]
fn the_lists_of_the_ci_section_are_renamed_too() {
    let text = "build: {ci: [echo]}\nintegrations:\n  hub:\n    - integrationName: 'reg'\n      type: docker\nresources: [{name: r, type: image, integration: reg}]\n";
    assert_eq!(
        rename(text, "reg", "hub2").unwrap(),
        text.replace("'reg'", "'hub2'").replace("integration: reg", "integration: hub2")
    );
}

#[test]
fn a_file_that_somebody_else_changes_meanwhile_is_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    let [one, two] = ["one", "two"].map(|name| directory.path().join(name));
    std::fs::write(&one, "a").unwrap();
    std::fs::write(&two, "theirs").unwrap();
    let of = |path, before, after| Replacement { path, before, after };
    let error = replace(&[of(&one, "a", "b"), of(&two, "mine", "b")]).unwrap_err();
    assert!(error.to_string().ends_with("has been changed in the meantime; nothing was written"), "{error}");
    assert_eq!(std::fs::read_to_string(&one).unwrap(), "a", "not the one without the other");
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 2, "nothing is left beside them");
}
