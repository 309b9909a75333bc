//! U+0085, U+2028 and U+2029 are characters like any other since YAML 1.2. The library takes them for line breaks, as
//! YAML 1.1 did, so it is given others in their place, of the same length, that the text has nowhere.

use std::borrow::Cow;

const BREAKS: [char; 3] = ['\u{85}', '\u{2028}', '\u{2029}'];

/// Which characters stand for which.
#[derive(Debug, Default)]
pub(super) struct Breaks(Vec<(char, char)>);

impl Breaks {
    /// A text that the library reads as YAML 1.2, and how to get its characters back.
    pub(super) fn hidden(text: Cow<'_, str>) -> (Cow<'_, str>, Breaks) {
        // They begin with one of these two bytes, which most texts have not.
        if !text.bytes().any(|byte| matches!(byte, 0xc2 | 0xe2)) {
            return (text, Breaks::default());
        }
        let mut pairs: Vec<(char, char)> = Vec::new();
        for character in BREAKS.into_iter().filter(|character| text.contains(*character)) {
            let free =
                |other: &char| !pairs.iter().any(|(_, taken)| taken == other) && is_free(&text, *other);
            let other = match character {
                '\u{85}' => ('\u{700}'..'\u{7ff}').find(free),
                _ => ('\u{e000}'..'\u{f8ff}').find(free),
            };
            pairs.extend(other.map(|other| (character, other)));
        }
        if pairs.is_empty() {
            return (text, Breaks(pairs));
        }
        let other =
            |c: char| pairs.iter().find(|(character, _)| *character == c).map_or(c, |(_, other)| *other);
        (text.chars().map(other).collect(), Breaks(pairs))
    }

    /// What a text of the tree was in the file.
    pub(super) fn restore(&self, text: &str) -> String {
        let character =
            |c: char| self.0.iter().find(|(_, other)| *other == c).map_or(c, |(character, _)| *character);
        if self.0.is_empty() { text.to_owned() } else { text.chars().map(character).collect() }
    }
}

/// Whether neither a character nor an escape that means it is in a text.
fn is_free(text: &str, character: char) -> bool {
    let code = format!("{:04x}", u32::from(character));
    !text.contains(character) && !text.contains(&code) && !text.contains(&code.to_uppercase())
}
