//! What a CI run leaves of its tests: results in the form of JUnit, coverage in that of Cobertura. Nothing is read here.

use std::fmt::Write as _;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// The results of tests.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Tests {
    /// The tests, in order.
    pub cases: Vec<Case>,
}

/// One test.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub struct Case {
    /// What it belongs to, where that is said: its class, or its suite.
    pub class: Option<String>,
    /// Its name.
    pub name: String,
    /// How long it took, as far as that is said.
    pub took: Duration,
    /// How it ended.
    pub verdict: Verdict,
}

/// How a test ended.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub enum Verdict {
    /// Well.
    Passed,
    /// Badly: in a word, and in full.
    Failed(String, String),
    /// It was left out, and why.
    Skipped(String),
}

impl Case {
    /// `suite.name`
    fn full_name(&self) -> String {
        match &self.class {
            Some(class) => format!("{class}.{}", self.name),
            None => self.name.clone(),
        }
    }
}

/// How many names a summary has.
const NAMED: usize = 10;

/// The tests of a file; `None` if it is none of JUnit.
pub fn tests(text: &str) -> Option<Tests> {
    let document = roxmltree::Document::parse(text).ok()?;
    if !matches!(document.root_element().tag_name().name(), "testsuite" | "testsuites") {
        return None;
    }
    let cases = document.descendants().filter(|node| node.has_tag_name("testcase")).map(|case| {
        let text = |node: &roxmltree::Node, name: &str| {
            node.attribute(name).filter(|text| !text.is_empty()).map(str::to_owned)
        };
        let child = |names: &[&str]| case.children().find(|child| names.contains(&child.tag_name().name()));
        let verdict = if let Some(failure) = child(&["failure", "error"]) {
            let message = text(&failure, "message").or_else(|| text(&failure, "type")).unwrap_or_default();
            Verdict::Failed(message, failure.text().unwrap_or_default().to_owned())
        } else if let Some(skipped) = child(&["skipped"]) {
            Verdict::Skipped(text(&skipped, "message").unwrap_or_default())
        } else {
            Verdict::Passed
        };
        let seconds = case.attribute("time").and_then(|time| time.parse().ok());
        Case {
            class: text(&case, "classname"),
            name: text(&case, "name").unwrap_or_else(|| "?".to_owned()),
            took: seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()).unwrap_or_default(),
            verdict,
        }
    });
    Some(Tests { cases: cases.collect() })
}

/// How many lines a file of coverage says are covered, and of how many; `None` if it is none of Cobertura.
pub fn coverage(text: &str) -> Option<(u64, u64)> {
    let document = roxmltree::Document::parse(text).ok()?;
    let root = document.root_element();
    if root.tag_name().name() != "coverage" {
        return None;
    }
    let number = |name: &str| root.attribute(name)?.parse().ok();
    if let (Some(covered), Some(valid)) = (number("lines-covered"), number("lines-valid")) {
        return Some((covered, valid));
    }
    let lines = || document.descendants().filter(|node| node.has_tag_name("line"));
    let is_hit = |line: &roxmltree::Node| line.attribute("hits").is_some_and(|hits| hits != "0");
    Some((lines().filter(is_hit).count() as u64, lines().count() as u64))
}

impl Tests {
    /// Adds those of another file.
    pub fn add(&mut self, mut other: Tests) {
        self.cases.append(&mut other.cases);
    }

    /// The names of those that failed.
    pub fn failed(&self) -> Vec<String> {
        let failed = self.cases.iter().filter(|case| matches!(case.verdict, Verdict::Failed(..)));
        failed.map(Case::full_name).collect()
    }

    /// How many were left out.
    pub fn skipped(&self) -> usize {
        self.cases.iter().filter(|case| matches!(case.verdict, Verdict::Skipped(_))).count()
    }

    /// `12 tests, 1 failed: suite.name`
    pub fn summary(&self) -> String {
        let (count, skipped, failed) = (self.cases.len(), self.skipped(), self.failed());
        let mut text = format!("{count} test{}", if count == 1 { "" } else { "s" });
        if skipped > 0 {
            let _ = write!(text, ", {skipped} skipped");
        }
        if failed.is_empty() {
            return text + ", none failed";
        }
        let named = failed.iter().take(NAMED).map(String::as_str).collect::<Vec<_>>().join(", ");
        let more = if failed.len() > NAMED { ", …" } else { "" };
        let _ = write!(text, ", {} failed: {named}{more}", failed.len());
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_suites_of_a_file_count() {
        let text = "<testsuites><testsuite><testcase classname='a' name='one'/><testcase name='two' time='1.5'><failure message='no'>at\nline 2</failure></testcase></testsuite>\
                    <testsuite><testcase classname='b' name='three'><error/></testcase><testcase name='x'><skipped/></testcase></testsuite></testsuites>";
        let found = tests(text).unwrap();
        assert_eq!(found.cases[1].took, Duration::from_millis(1500));
        assert_eq!(found.cases[1].verdict, Verdict::Failed("no".into(), "at\nline 2".into()));
        assert_eq!(found.summary(), "4 tests, 1 skipped, 2 failed: two, b.three");
        assert_eq!(
            tests("<testsuite><testcase name='x'/></testsuite>").unwrap().summary(),
            "1 test, none failed"
        );
        assert!(tests("<html/>").is_none() && tests("no XML").is_none());
        assert_eq!(coverage("<coverage lines-covered='7' lines-valid='8'/>"), Some((7, 8)));
        assert_eq!(
            coverage("<coverage line-rate='0.5'><line hits='1'/><line hits='0'/></coverage>"),
            Some((1, 2))
        );
        assert_eq!(coverage("<testsuite/>"), None);
    }
}
