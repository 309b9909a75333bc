//! The masker once more, as slow and as plain as can be.

/// The output of a masker for a whole text. Knows the forms that have no characters but those of the secret.
pub fn mask(secrets: &[&str], text: &[u8]) -> Vec<u8> {
    mask_until(secrets, text, text.len())
}

/// The same if what starts after `held` is not known yet.
pub fn mask_until(secrets: &[&str], text: &[u8], held: usize) -> Vec<u8> {
    let forms: Vec<Vec<u8>> = secrets.iter().flat_map(|secret| forms(secret)).collect();
    let mut joined = (0..text.len()).collect::<Vec<_>>();
    for wrap in wraps(text) {
        joined.retain(|place| !wrap.contains(place));
    }
    let (mut out, mut done) = (Vec::new(), 0);
    for start in 0..text.len().min(held + 1) {
        let Some(end) = forms.iter().filter_map(|form| end(form, text, &joined, start)).max() else {
            continue;
        };
        if start >= done {
            out.extend(&text[done..start]);
            out.extend(b"***");
        }
        done = done.max(end);
    }
    out.extend(text.get(done..held).unwrap_or_default());
    out
}

/// Where the form ends that starts at `start`, if one does: the farther end if it can be read with and without
/// the wraps of the text, without which there are the `joined` places.
fn end(form: &[u8], text: &[u8], joined: &[usize], start: usize) -> Option<usize> {
    let plain = text[start..].starts_with(form).then_some(start + form.len());
    let from = joined.binary_search(&start).ok();
    let joined = from.and_then(|from| {
        let through = joined.get(from..from + form.len())?;
        through
            .iter()
            .zip(form)
            .all(|(&place, byte)| text[place] == *byte)
            .then(|| through[form.len() - 1] + 1)
    });
    plain.max(joined)
}

/// The line ends after 16 characters of base64, each with what is before the base64 of the next line.
fn wraps(text: &[u8]) -> Vec<std::ops::Range<usize>> {
    let text = String::from_utf8(text.to_vec()).unwrap();
    let is_base64 = |char: char| char.is_ascii_alphanumeric() || "+/".contains(char);
    let (mut wraps, mut start) = (Vec::new(), 0);
    for line in text.split_inclusive('\n') {
        let next = start + line.len();
        if let Some(line) = line.strip_suffix('\n') {
            let line = line.strip_suffix('\r').unwrap_or(line);
            let prefix = line.trim_end_matches(is_base64);
            if line.len() - prefix.len() >= 16 {
                let known = if prefix.len() > 128 { "" } else { prefix };
                wraps.push(start + line.len()..next + indent(known, &text[next..]));
            }
        }
        start = next;
    }
    wraps
}

/// How much stands before the base64 of `line`: whole words as in `prefix`, and up to 16 blanks.
fn indent(prefix: &str, line: &str) -> usize {
    // Longest first: each beginning of the line that ends where a word can begin.
    let ends = (0..=line.len().min(256)).rev().filter(|&end| {
        line.is_char_boundary(end)
            && !line[..end].ends_with(|char: char| char.is_ascii_alphanumeric() || "+/".contains(char))
    });
    let blank = [' ', '\t'];
    let like = |end: &usize| {
        let (shape, whole) = (shape(&line[..*end]), shape(prefix));
        // Half of a row of blanks is not like a row of blanks, unless the line ends there.
        let cut = line[..*end].ends_with(blank) && line[*end..].starts_with(blank) && *end < 256;
        whole.starts_with(&shape) && !cut
    };
    let known = ends.into_iter().find(like).unwrap_or(0);
    known + line[known..].chars().take(16).take_while(|char| blank.contains(char)).count()
}

/// A text in which each number is `0`, and each row of blanks is one.
fn shape(text: &str) -> String {
    let mut shape = String::new();
    for char in text.chars() {
        let char = if char.is_ascii_digit() {
            '0'
        } else {
            char.to_string().replace('\t', " ").chars().next().unwrap()
        };
        if !("0 ".contains(char) && shape.ends_with(char)) {
            shape.push(char);
        }
    }
    shape
}

fn forms(secret: &str) -> Vec<Vec<u8>> {
    let inner = secret.trim_matches(['\r', '\n']);
    let whole = if inner.len() < 3 { secret } else { inner };
    let mut forms = vec![whole.to_owned()];
    if whole.contains('\n') {
        let unix = whole.replace("\r\n", "\n");
        forms.extend([unix.replace('\n', "\r\n"), unix]);
    }
    for line in whole.split(['\r', '\n']).filter(|line| !line.trim().is_empty()) {
        let split = line.split_whitespace().collect::<Vec<_>>().join(" ");
        forms.extend([line.to_owned(), line.trim().to_owned(), split]);
    }
    forms.into_iter().filter(|form| form.len() >= 3).map(String::into_bytes).collect()
}

/// What encoders make of a secret, written down independently of the tables of the masker.
pub fn encodings(secret: &str) -> Vec<Vec<u8>> {
    let mut all = vec![secret.to_owned()];
    let escaped = serde_json::to_string(secret).unwrap();
    let json = &escaped[1..escaped.len() - 1];
    all.push(json.to_owned());
    all.push(json.replace('/', "\\/"));
    all.push(
        json.chars()
            .map(|char| match char.is_ascii() {
                true => char.to_string(),
                false => char.encode_utf16(&mut [0; 2]).iter().map(|unit| format!("\\u{unit:04x}")).collect(),
            })
            .collect(),
    );
    all.push(json.replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026"));
    for kept in ["-._~", "-_.!~*'()", "-._~/"] {
        let percent = |format: fn(&u8) -> String| -> String {
            let one = |byte: u8| match byte.is_ascii_alphanumeric() || kept.as_bytes().contains(&byte) {
                true => char::from(byte).to_string(),
                false => format(&byte),
            };
            secret.bytes().map(one).collect()
        };
        let upper = percent(|byte| format!("%{byte:02X}"));
        all.extend([upper.replace("%20", "+"), upper, percent(|byte| format!("%{byte:02x}"))]);
    }
    all.push(secret.replace('\'', "'\\''"));
    all.push(secret.replace('\'', "'\"'\"'"));
    all.push(
        secret
            .replace('\\', "\\\\")
            .replace('\'', "\\'")
            .replace('\n', "\\n")
            .replace('\t', "\\t")
            .replace('\u{1b}', "\\E"),
    );
    let mut all: Vec<Vec<u8>> = all.into_iter().map(String::into_bytes).collect();
    let trimmed = secret.trim_matches(['\r', '\n']);
    let text = if trimmed.len() < 3 { secret } else { trimmed }.as_bytes();
    for before in 0..3_usize {
        let padded: Vec<u8> = std::iter::repeat_n(0, before).chain(text.iter().copied()).collect();
        let encoded = base64(&padded);
        // The characters that no bit of a neighbour is in.
        let inner = &encoded[[0, 2, 3][before]..padded.len() * 8 / 6];
        for spelling in [["+", "/"], ["-", "_"], ["%2B", "%2F"]] {
            all.push(
                inner.replace('+', "\0").replace('/', spelling[1]).replace('\0', spelling[0]).into_bytes(),
            );
        }
    }
    if trimmed != secret {
        // Line ends around a value may be shown, in whatever form.
        all.retain(|form| {
            let text = String::from_utf8_lossy(form);
            !text.starts_with(['\n', '\\', '%'])
                && !text.ends_with(['\n'])
                && !text.ends_with("\\n")
                && !text.to_ascii_lowercase().ends_with("%0a")
        });
    }
    all
}

fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let bits: String = bytes.iter().map(|byte| format!("{byte:08b}")).collect();
    let sextets = bits.as_bytes().chunks(6).map(|bits| {
        let bits = format!("{:0<6}", str::from_utf8(bits).unwrap());
        char::from(ALPHABET[usize::from_str_radix(&bits, 2).unwrap()])
    });
    sextets.collect()
}
