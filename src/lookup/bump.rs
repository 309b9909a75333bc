//! `bump_version`: the next semantic version.

use super::{Call, Failure};

/// Which argument is wrong, in the original's words.
#[derive(Debug, thiserror::Error)]
enum Invalid {
    #[error("Invalid semantics given in the argument.")]
    Version,
    #[error("Invalid action given in the argument.")]
    Action,
}

/// `bump_version VERSION ACTION`: VERSION is `1.2.3`, `v1.2.3` or either with a pre-release behind a `-`.
pub(super) fn bump(call: &Call) -> Result<Vec<u8>, Failure> {
    let (version, action) = (call.text(0), call.text(1));
    let next = next(&version, &action).map_err(|invalid| {
        let why = match invalid {
            Invalid::Version => format!("`{version}` is not of the form 1.2.3, v1.2.3 or 1.2.3-rc.1"),
            Invalid::Action => {
                format!("`{action}` is none of: major, minor, patch, rc, alpha, beta, final")
            }
        };
        Failure::Failed(format!("{invalid} {why}"))
    })?;
    Ok((next + "\n").into_bytes())
}

fn next(version: &str, action: &str) -> Result<String, Invalid> {
    if !matches!(action, "major" | "minor" | "patch" | "rc" | "alpha" | "beta" | "final") {
        return Err(Invalid::Action);
    }
    let (v, numbers) = version.strip_prefix('v').map_or(("", version), |numbers| ("v", numbers));
    let (numbers, pre_release) = match numbers.split_once('-') {
        Some((_, "")) => return Err(Invalid::Version),
        Some((numbers, pre_release)) => (numbers, Some(pre_release)),
        None => (numbers, None),
    };
    let numbers: Vec<&str> = numbers.split('.').collect();
    let &[major, minor, patch] = numbers.as_slice() else { return Err(Invalid::Version) };
    if [major, minor, patch].iter().any(|number| !is_number(number)) {
        return Err(Invalid::Version);
    }
    Ok(match action {
        "major" => format!("{v}{}.0.0", plus_one(major)),
        "minor" => format!("{v}{major}.{}.0", plus_one(minor)),
        "patch" => format!("{v}{major}.{minor}.{}", plus_one(patch)),
        "final" => format!("{v}{major}.{minor}.{patch}"),
        kind => format!("{v}{major}.{minor}.{patch}-{}", next_pre_release(pre_release, kind)),
    })
}

/// `rc`, then `rc.1`, then `rc.2`; another kind begins anew.
fn next_pre_release(current: Option<&str>, kind: &str) -> String {
    match current.and_then(|current| current.strip_prefix(kind)) {
        None => kind.to_owned(),
        Some(count) => match count.strip_prefix('.') {
            Some(count) if is_number(count) => format!("{kind}.{}", plus_one(count)),
            _ => format!("{kind}.1"),
        },
    }
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

/// One more, in decimal and of any length: `08` and numbers too large for the original's shell arithmetic too.
fn plus_one(number: &str) -> String {
    let mut digits = number.trim_start_matches('0').as_bytes().to_vec();
    for digit in digits.iter_mut().rev() {
        if *digit < b'9' {
            *digit += 1;
            return String::from_utf8_lossy(&digits).into_owned();
        }
        *digit = b'0';
    }
    digits.insert(0, b'1');
    String::from_utf8_lossy(&digits).into_owned()
}
