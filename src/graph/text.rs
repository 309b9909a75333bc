//! Text in a picture: how wide it is, and what is left of it in a small box.

/// The size of names, in pixels.
pub(super) const NAME: f64 = 13.0;
/// How much wider names of jobs are, which are bold.
pub(super) const BOLD: f64 = 1.1;
/// The size of what is written below them.
pub(super) const DETAIL: f64 = 11.0;

/// About how wide a text is in pixels, in a wide one of the usual fonts. It is not known which font will be there.
pub(super) fn width(text: &str, size: f64) -> f64 {
    text.chars().map(advance).sum::<f64>() * size
}

/// The width of a character, as a part of the font's size.
fn advance(c: char) -> f64 {
    match c {
        'i' | 'j' | 'l' | 'I' | '.' | ',' | ':' | ';' | '\'' | '|' | '!' | ' ' => 0.34,
        'f' | 't' | 'r' | '(' | ')' | '[' | ']' | '/' | '-' => 0.42,
        'm' | 'w' | 'M' | 'W' | '@' | '%' => 0.96,
        '_' => 0.52,
        'A'..='Z' | '&' | '<' | '>' => 0.7,
        ' '..='~' => 0.6,
        '\u{300}'..='\u{36f}' | '\u{200b}'..='\u{200f}' => 0.0,
        '\u{1100}'..='\u{115f}'
        | '\u{2e80}'..='\u{a4cf}'
        | '\u{ac00}'..='\u{d7a3}'
        | '\u{f900}'..='\u{faff}' => 1.0,
        '\u{fe30}'..='\u{fe6f}' | '\u{ff00}'..='\u{ff60}' | '\u{1f000}'.. => 1.2,
        _ => 0.64,
    }
}

/// The text if there is room for it, or its beginning and end: names of one line often differ at their ends alone.
pub(super) fn shortened(text: &str, size: f64, room: f64) -> String {
    if width(text, size) <= room {
        return text.to_owned();
    }
    let half = (room / size - 1.0) / 2.0;
    let fits = |used: &mut f64, c: &char| {
        *used += advance(*c);
        Some(*c).filter(|_| *used <= half)
    };
    let beginning: String = text.chars().scan(0.0, |used, c| fits(used, &c)).collect();
    let mut end: Vec<char> = text.chars().rev().scan(0.0, |used, c| fits(used, &c)).collect();
    end.reverse();
    beginning + "…" + &end.into_iter().collect::<String>()
}

/// A number of pixels, to a tenth.
pub(super) fn px(number: f64) -> f64 {
    // Adding zero makes a negative zero positive.
    (number * 10.0).round() / 10.0 + 0.0
}
