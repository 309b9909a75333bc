//! The masker once more, as slow and as plain as can be.

/// The output of a masker for a whole text. Knows the forms that have no characters but those of the secret.
pub fn mask(secrets: &[&str], text: &[u8]) -> Vec<u8> {
    mask_until(secrets, text, text.len())
}

/// The same if what starts after `held` is not known yet.
pub fn mask_until(secrets: &[&str], text: &[u8], held: usize) -> Vec<u8> {
    let forms: Vec<Vec<u8>> = secrets.iter().flat_map(|secret| forms(secret)).collect();
    let (mut out, mut done) = (Vec::new(), 0);
    for start in 0..text.len().min(held + 1) {
        let Some(end) = forms.iter().filter_map(|form| end(form, text, start)).max() else { continue };
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
/// the wraps of the text.
fn end(form: &[u8], text: &[u8], start: usize) -> Option<usize> {
    let through = |wraps: bool| {
        let mut at = start;
        for byte in form {
            if wraps && at > start {
                at += wrap(text, at);
            }
            if text.get(at) != Some(byte) {
                return None;
            }
            at += 1;
        }
        Some(at)
    };
    through(false).max(through(true))
}

/// The length of the line end at `at` if it is a wrap: if 60 characters of base64 are before it.
fn wrap(text: &[u8], at: usize) -> usize {
    let is_base64 = |byte: &u8| byte.is_ascii_alphanumeric() || b"+/".contains(byte);
    let line_end = [&b"\n"[..], b"\r\n"].into_iter().find(|line_end| text[at..].starts_with(line_end));
    match line_end {
        Some(line_end) if at >= 60 && text[at - 60..at].iter().all(is_base64) => {
            let after = &text[at + line_end.len()..];
            line_end.len() + after.iter().take(16).take_while(|byte| b" \t".contains(byte)).count()
        }
        _ => 0,
    }
}

fn forms(secret: &str) -> Vec<Vec<u8>> {
    let inner = secret.trim_matches(['\r', '\n']);
    let whole = if inner.len() < 3 { secret } else { inner };
    let mut forms = vec![whole.to_owned()];
    if whole.contains('\n') {
        let unix = whole.replace("\r\n", "\n");
        forms.extend([unix.replace('\n', "\r\n"), unix]);
    }
    if whole.contains(['\r', '\n']) {
        for line in whole.split(['\r', '\n']).filter(|line| !line.trim().is_empty()) {
            forms.extend([line.to_owned(), line.trim().to_owned()]);
        }
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
