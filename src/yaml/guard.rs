//! Refuses what the YAML library would take very long to read.
//!
//! Its scanner looks at every open flow collection for every token, so that `{a: {a: {a: …` takes time quadratic in
//! its depth. This counts the depth beforehand, with just enough of YAML's grammar to tell a bracket that opens a
//! collection from one in a script.

/// How deep flow collections may be nested. Behind it waits the library's own limit of 128 levels of any kind,
/// whose error is the better one; this is only for what would not end in time.
const MAX_DEPTH: usize = 512;

/// The offset of the bracket that is nested too deep, if there is one.
pub fn too_deep(text: &str) -> Option<usize> {
    // Most files have not even so many brackets.
    if text.bytes().filter(|byte| matches!(byte, b'[' | b'{')).count() <= MAX_DEPTH {
        return None;
    }
    let mut scanner = Scanner::new(text);
    while scanner.at < scanner.bytes.len() {
        if let Some(offset) = scanner.line() {
            return Some(offset);
        }
    }
    None
}

pub(super) struct Scanner<'a> {
    bytes: &'a [u8],
    pub(super) at: usize,
    pub(super) depth: usize,
}

impl<'a> Scanner<'a> {
    pub(super) fn new(text: &'a str) -> Scanner<'a> {
        Scanner { bytes: text.as_bytes(), at: 0, depth: 0 }
    }

    /// Goes through one line, and through what begins in it and spans more: a quoted scalar, a block scalar.
    pub(super) fn line(&mut self) -> Option<usize> {
        let line_start = self.at;
        let mut token_start = true;
        let mut block = false;
        while let Some(&byte) = self.bytes.get(self.at) {
            match byte {
                b'\n' => {
                    self.at += 1;
                    if block && self.depth == 0 {
                        self.skip_block(parent_indent(&self.bytes[line_start..]));
                    }
                    return None;
                }
                b' ' | b'\t' | b'\r' => {}
                b'#' if self.at == line_start || is_blank(self.bytes[self.at - 1]) => {
                    self.skip_until(b'\n');
                    continue;
                }
                b'[' | b'{' if token_start || self.depth > 0 => {
                    self.depth += 1;
                    if self.depth > MAX_DEPTH {
                        return Some(self.at);
                    }
                    token_start = true;
                }
                b']' | b'}' if self.depth > 0 => self.depth -= 1,
                b',' if self.depth > 0 => token_start = true,
                b'"' | b'\'' if token_start => {
                    self.skip_quoted(byte);
                    token_start = false;
                    continue;
                }
                b':' | b'-' | b'?' if self.depth > 0 || self.followed_by_blank() => token_start = true,
                b'|' | b'>' if token_start => {
                    block = true;
                    token_start = false;
                }
                // A tag or an anchor: what it belongs to is yet to come.
                b'!' | b'&' if token_start => {
                    let rest = &self.bytes[self.at + 1..];
                    self.at +=
                        rest.iter().take_while(|b| !b.is_ascii_whitespace() && !b"[{".contains(b)).count();
                }
                _ => token_start = false,
            }
            self.at += 1;
        }
        None
    }

    fn followed_by_blank(&self) -> bool {
        self.bytes.get(self.at + 1).is_none_or(u8::is_ascii_whitespace)
    }

    /// Leaves `at` on the next `byte`, or at the end.
    fn skip_until(&mut self, byte: u8) {
        self.at = memchr::memchr(byte, &self.bytes[self.at..]).map_or(self.bytes.len(), |i| self.at + i);
    }

    /// From an opening quote to behind the closing one.
    fn skip_quoted(&mut self, quote: u8) {
        self.at += 1;
        while let Some(&byte) = self.bytes.get(self.at) {
            self.at += if byte == b'\\' && quote == b'"' { 2 } else { 1 };
            if byte == quote {
                if quote == b'\'' && self.bytes.get(self.at) == Some(&b'\'') {
                    self.at += 1;
                    continue;
                }
                return;
            }
        }
        self.at = self.at.min(self.bytes.len());
    }

    /// Skips the lines of a block scalar: those that are blank or indented deeper than its parent.
    fn skip_block(&mut self, parent: usize) {
        while self.at < self.bytes.len() {
            let line = &self.bytes[self.at..];
            let indent = line.iter().take_while(|b| **b == b' ').count();
            let blank = line[indent..].iter().take_while(|b| **b != b'\n').all(u8::is_ascii_whitespace);
            if !blank && indent <= parent {
                return;
            }
            self.skip_until(b'\n');
            self.at = (self.at + 1).min(self.bytes.len());
        }
    }
}

/// The column of what a block scalar that begins in this line belongs to: of its key, or of the dash before it.
fn parent_indent(line: &[u8]) -> usize {
    let mut column = line.iter().take_while(|b| **b == b' ').count();
    loop {
        let rest = &line[column..];
        if !rest.starts_with(b"- ") {
            return column;
        }
        let next = 1 + rest[1..].iter().take_while(|b| **b == b' ').count();
        if matches!(rest.get(next), Some(b'|' | b'>' | b'!' | b'&')) {
            return column;
        }
        column += next;
    }
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

#[cfg(test)]
mod tests {
    use super::too_deep;

    #[test]
    fn refuses_deep_flow_collections() {
        assert_eq!(too_deep(&"{a: ".repeat(600)), Some(4 * 512));
        assert!(too_deep(&"[\n".repeat(600)).is_some());
        assert!(too_deep(&format!("a: !x {}", "[".repeat(600))).is_some());
        assert!(too_deep(&"? [".repeat(600)).is_some());
        assert!(too_deep(&format!("- a: |\n      x\n  b: {}", "{a: ".repeat(600))).is_some());
    }

    #[test]
    fn leaves_scripts_alone() {
        let colours = "      echo \"\\033[1m\\033[2m {{ [[ \"\n      [[ x\n".repeat(1000);
        assert_eq!(too_deep(&format!("a:\n  - |\n{colours}b: 1\n")), None);
        assert_eq!(too_deep(&format!("a:\n  - b: |\n{colours}b: 1\n")), None);
        let plain = "  - echo [ [ [ { \n".repeat(1000);
        assert_eq!(too_deep(&format!("a:\n{plain}")), None);
        let quoted = "  - \"[ [ [ \\\" { \"\n  - '[ '' [ ['\n".repeat(1000);
        assert_eq!(too_deep(&format!("a:\n{quoted}")), None);
        let comments = "# [ [ [ {\nb: [1, 2] # [\n".repeat(1000);
        assert_eq!(too_deep(&comments), None);
    }
}
