//! Encoders of XML and HTML.

use super::buffer::Buffer;

/// A way to write text in XML or HTML.
pub(super) struct Markup {
    /// What becomes what.
    entities: &'static [(char, &'static str)],
    /// Whether characters outside ASCII are written by number, as `&#233;`.
    ascii: bool,
}

const AND: (char, &str) = ('&', "&amp;");
const LESS: (char, &str) = ('<', "&lt;");
const MORE: (char, &str) = ('>', "&gt;");
const QUOTE: (char, &str) = ('"', "&quot;");

const fn markup(entities: &'static [(char, &'static str)]) -> Markup {
    Markup { entities, ascii: false }
}

/// XML and HTML.
pub(super) const MARKUP: &[Markup] = &[
    // Text: Python's xml.sax.saxutils.escape, libxml; with the line ends that XML would lose.
    markup(&[AND, LESS, MORE]),
    markup(&[AND, LESS, MORE, ('\r', "&#13;")]),
    Markup { entities: &[AND, LESS, MORE], ascii: true },
    markup(&[AND, LESS]),
    // Attributes: DOM, Java, libxml.
    markup(&[AND, QUOTE]),
    markup(&[AND, LESS, QUOTE]),
    markup(&[AND, LESS, MORE, QUOTE]),
    markup(&[AND, LESS, MORE, QUOTE, ('\t', "&#9;"), ('\n', "&#10;"), ('\r', "&#13;")]),
    markup(&[AND, LESS, MORE, QUOTE, ('\t', "&#09;"), ('\n', "&#10;"), ('\r', "&#13;")]),
    markup(&[AND, LESS, QUOTE, ('\t', "&#9;"), ('\n', "&#10;"), ('\r', "&#13;")]),
    markup(&[AND, LESS, QUOTE, ('\t', "&#x9;"), ('\n', "&#xA;"), ('\r', "&#xD;")]),
    Markup { entities: &[AND, LESS, MORE, QUOTE], ascii: true },
    // Both quotes: Ruby, Jinja, lodash; PHP; Python's html.escape; XML's own name (.NET, jq has &#39;).
    markup(&[AND, LESS, MORE, QUOTE, ('\'', "&#39;")]),
    markup(&[AND, LESS, MORE, QUOTE, ('\'', "&#039;")]),
    markup(&[AND, LESS, MORE, QUOTE, ('\'', "&#x27;")]),
    markup(&[AND, LESS, MORE, QUOTE, ('\'', "&apos;")]),
    Markup { entities: &[AND, LESS, MORE, QUOTE, ('\'', "&#39;")], ascii: true },
    // .NET's HtmlEncoder, and WebUtility.
    Markup {
        entities: &[AND, LESS, MORE, QUOTE, ('\'', "&#x27;"), ('+', "&#x2B;"), ('`', "&#x60;")],
        ascii: false,
    },
    // Go's html/template and EscapeString; encoding/xml.
    markup(&[AND, LESS, MORE, ('"', "&#34;"), ('\'', "&#39;")]),
    markup(&[AND, LESS, MORE, ('"', "&#34;"), ('\'', "&#39;"), ('+', "&#43;")]),
    markup(&[
        AND,
        LESS,
        MORE,
        ('"', "&#34;"),
        ('\'', "&#39;"),
        ('\t', "&#x9;"),
        ('\n', "&#xA;"),
        ('\r', "&#xD;"),
    ]),
    // Mustache, Handlebars, OWASP's encoders.
    markup(&[AND, LESS, MORE, QUOTE, ('\'', "&#39;"), ('/', "&#x2F;"), ('`', "&#x60;"), ('=', "&#x3D;")]),
    markup(&[AND, LESS, MORE, QUOTE, ('\'', "&#x27;"), ('`', "&#x60;"), ('=', "&#x3D;")]),
    markup(&[AND, LESS, MORE, QUOTE, ('\'', "&#x27;"), ('/', "&#x2F;")]),
    markup(&[AND, LESS, MORE, QUOTE, ('\'', "&#39;"), ('/', "&#x2F;")]),
];

impl Markup {
    /// Appends `text`, encoded.
    pub(super) fn encode(&self, text: &str, out: &mut Buffer) {
        for char in text.chars() {
            if let Some((_, entity)) = self.entities.iter().find(|(plain, _)| *plain == char) {
                out.extend(entity.as_bytes());
            } else if self.ascii && !char.is_ascii() {
                out.extend(b"&#");
                decimal(u32::from(char), out);
                out.push(b';');
            } else {
                out.extend(char.encode_utf8(&mut [0; 4]).as_bytes());
            }
        }
    }
}

fn decimal(number: u32, out: &mut Buffer) {
    if number >= 10 {
        decimal(number / 10, out);
    }
    out.push(b'0' + (number % 10) as u8);
}
