//! What a CI run leaves of its tests: results in the form of JUnit, coverage in that of Cobertura. Nothing is read here.

use std::fmt::Write as _;

/// The results of tests.
#[derive(Debug, Default, PartialEq)]
pub struct Tests {
    /// How many there were.
    pub count: usize,
    /// The names of those that failed.
    pub failed: Vec<String>,
    /// How many were left out.
    pub skipped: usize,
}

/// How many names a summary has.
const NAMED: usize = 10;

/// The tests of a file; `None` if it is none of JUnit.
pub fn tests(text: &str) -> Option<Tests> {
    let document = roxmltree::Document::parse(text).ok()?;
    if !matches!(document.root_element().tag_name().name(), "testsuite" | "testsuites") {
        return None;
    }
    let mut tests = Tests::default();
    for case in document.descendants().filter(|node| node.has_tag_name("testcase")) {
        tests.count += 1;
        let has = |name: &str| case.children().any(|child| child.has_tag_name(name));
        if has("failure") || has("error") {
            let name = case.attribute("name").unwrap_or("?");
            tests.failed.push(match case.attribute("classname").filter(|class| !class.is_empty()) {
                Some(class) => format!("{class}.{name}"),
                None => name.to_owned(),
            });
        } else if has("skipped") {
            tests.skipped += 1;
        }
    }
    Some(tests)
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
        self.count += other.count;
        self.failed.append(&mut other.failed);
        self.skipped += other.skipped;
    }

    /// `12 tests, 1 failed: suite.name`
    pub fn summary(&self) -> String {
        let mut text = format!("{} test{}", self.count, if self.count == 1 { "" } else { "s" });
        if self.skipped > 0 {
            let _ = write!(text, ", {} skipped", self.skipped);
        }
        if self.failed.is_empty() {
            return text + ", none failed";
        }
        let named = self.failed.iter().take(NAMED).map(String::as_str).collect::<Vec<_>>().join(", ");
        let more = if self.failed.len() > NAMED { ", …" } else { "" };
        let _ = write!(text, ", {} failed: {named}{more}", self.failed.len());
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_suites_of_a_file_count() {
        let text = "<testsuites><testsuite><testcase classname='a' name='one'/><testcase name='two'><failure/></testcase></testsuite>\
                    <testsuite><testcase classname='b' name='three'><error/></testcase><testcase name='x'><skipped/></testcase></testsuite></testsuites>";
        let found = tests(text).unwrap();
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
