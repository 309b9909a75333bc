//! Files of variables as people write them by hand: `.env`.

use super::is_variable_name;

/// Why a file cannot be read: the line, from 1, and what is wrong with it. What stands there is not repeated.
#[derive(Debug, PartialEq, Eq)]
pub struct Wrong {
    /// The line.
    pub line: usize,
    /// What is wrong.
    pub why: &'static str,
}

/// The variables of a `.env` file, in order: `NAME=value`, also behind `export`. A value between single quotes is as it
/// stands, one between double quotes has the escapes of a shell and `\n`; both may go over lines. Nothing is replaced.
///
/// # Errors
///
/// The first line that is none of these, no comment and not empty.
pub fn read(text: &str) -> Result<Vec<(String, String)>, Wrong> {
    let mut variables = Vec::new();
    let mut rest = text.strip_prefix('\u{feff}').unwrap_or(text);
    while !rest.is_empty() {
        let wrong = |why| Wrong { line: text[..text.len() - rest.len()].matches('\n').count() + 1, why };
        let (line, after) = rest.split_once('\n').unwrap_or((rest, ""));
        let content = line.trim();
        if content.is_empty() || content.starts_with('#') {
            rest = after;
            continue;
        }
        let Some((name, _)) = line.split_once('=') else { return Err(wrong("write NAME=value")) };
        let at = name.len() + 1;
        let name = name.trim().trim_start_matches("export ").trim();
        if !is_variable_name(name) {
            return Err(wrong("what stands before the `=` cannot be the name of a variable"));
        }
        let from = &rest[at..];
        let blanks = from.len() - from.trim_start_matches([' ', '\t']).len();
        let from = &from[blanks..];
        let (value, behind) = match from.chars().next() {
            Some('\'') => {
                let end = from[1..].find('\'').ok_or_else(|| wrong("its quote is not closed"))?;
                (from[1..=end].to_owned(), &from[end + 2..])
            }
            Some('"') => double_quoted(&from[1..]).ok_or_else(|| wrong("its quote is not closed"))?,
            _ => {
                let (value, _) = from.split_once('\n').unwrap_or((from, ""));
                let value = value.split_once(" #").map_or(value, |(value, _)| value);
                (value.trim_end().to_owned(), &from[value.len()..])
            }
        };
        let (left, after) = behind.split_once('\n').unwrap_or((behind, ""));
        let left = left.trim();
        if !(left.is_empty() || left.starts_with('#')) {
            return Err(wrong("something stands behind its closing quote"));
        }
        variables.push((name.to_owned(), value));
        rest = after;
    }
    Ok(variables)
}

/// The value up to the closing `"`, and what is behind that.
fn double_quoted(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return Some((value, &text[at + 1..])),
            '\\' => match chars.next()?.1 {
                'n' => value.push('\n'),
                'r' => value.push('\r'),
                't' => value.push('\t'),
                c @ ('"' | '\\' | '$' | '`') => value.push(c),
                '\n' => {}
                c => value.extend(['\\', c]),
            },
            c => value.push(c),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_read_as_people_write_them() {
        let text = "# a comment\nA=1\n\nexport B = two words  # said\nC='$x \"y\"\nz'\nD=\"a\\nb \\\"c\\\" \\$d\" # e\nE=\r\nF=a#b='c'\nG=";
        let expected = [
            ("A", "1"),
            ("B", "two words"),
            ("C", "$x \"y\"\nz"),
            ("D", "a\nb \"c\" $d"),
            ("E", ""),
            ("F", "a#b='c'"),
            ("G", ""),
        ];
        assert_eq!(
            read(text),
            Ok(expected.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec())
        );
        assert_eq!(read(""), Ok(Vec::new()));
    }

    #[test]
    fn what_is_wrong_is_said_with_its_line() {
        for (text, line, why) in [
            ("A=1\nhunter2\n", 2, "write NAME=value"),
            ("A='1\n2'\n1B=x", 3, "what stands before the `=` cannot be the name of a variable"),
            ("\nA='x", 2, "its quote is not closed"),
            ("A=\"x\\\"", 1, "its quote is not closed"),
            ("A='x'y", 1, "something stands behind its closing quote"),
        ] {
            assert_eq!(read(text), Err(Wrong { line, why }), "{text}");
        }
    }
}
