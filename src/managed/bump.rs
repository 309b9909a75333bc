//! The next semantic version.

use std::fmt;

use semver::{BuildMetadata, Prerelease, Version};

/// What is counted up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bump {
    /// 1.0.0 → 2.0.0
    Major,
    /// 1.0.0 → 1.1.0
    Minor,
    /// 1.0.0 → 1.0.1
    Patch,
    /// 1.0.0 → 1.0.0-alpha → 1.0.0-alpha.1, or the same with `beta` and `rc`
    PreRelease(&'static str),
    /// 1.0.0-rc.5 → 1.0.0
    Final,
}

/// A version as people write it: with a `v` in front, or without.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Semantic {
    v: &'static str,
    version: Version,
}

/// Reads a version.
///
/// # Errors
///
/// Why it is none.
pub fn parse(text: &str) -> Result<Semantic, semver::Error> {
    let text = text.trim();
    let (v, numbers) = text.strip_prefix('v').map_or(("", text), |numbers| ("v", numbers));
    Ok(Semantic { v, version: Version::parse(numbers)? })
}

impl Semantic {
    /// Whether it comes after another.
    pub fn is_greater(&self, other: &Semantic) -> bool {
        self.version.cmp_precedence(&other.version).is_gt()
    }

    /// The next one.
    pub fn bumped(&self, bump: Bump) -> Semantic {
        let Version { major, minor, patch, .. } = self.version;
        let next = |number: u64| number.saturating_add(1);
        let mut version = match bump {
            Bump::Major => Version::new(next(major), 0, 0),
            Bump::Minor => Version::new(major, next(minor), 0),
            Bump::Patch => Version::new(major, minor, next(patch)),
            Bump::PreRelease(_) | Bump::Final => Version::new(major, minor, patch),
        };
        if let Bump::PreRelease(kind) = bump {
            version.pre = next_pre_release(&self.version.pre, kind);
        }
        version.build = BuildMetadata::EMPTY;
        Semantic { v: self.v, version }
    }
}

/// `rc`, then `rc.1`, then `rc.2`; another kind begins anew.
fn next_pre_release(current: &Prerelease, kind: &str) -> Prerelease {
    let text = match current.as_str().strip_prefix(kind) {
        None => kind.to_owned(),
        Some(count) => {
            let count = count.strip_prefix('.').and_then(|count| count.parse::<u64>().ok());
            format!("{kind}.{}", count.map_or(1, |count| count.saturating_add(1)))
        }
    };
    // A word and a number are always one.
    Prerelease::new(&text).unwrap_or(Prerelease::EMPTY)
}

impl fmt::Display for Semantic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.v, self.version)
    }
}

impl Bump {
    /// What a `bump:` says.
    pub fn parse(text: &str) -> Option<Bump> {
        Some(match text {
            "major" => Bump::Major,
            "minor" => Bump::Minor,
            "patch" => Bump::Patch,
            "alpha" => Bump::PreRelease("alpha"),
            "beta" => Bump::PreRelease("beta"),
            "rc" => Bump::PreRelease("rc"),
            "final" => Bump::Final,
            _ => return None,
        })
    }
}

impl fmt::Display for Bump {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Bump::Major => "major",
            Bump::Minor => "minor",
            Bump::Patch => "patch",
            Bump::PreRelease(kind) => kind,
            Bump::Final => "final",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn twice(seed: &str, bump: &str) -> [String; 2] {
        let bump = Bump::parse(bump).unwrap();
        let first = parse(seed).unwrap().bumped(bump);
        [first.to_string(), first.bumped(bump).to_string()]
    }

    #[test]
    fn versions_are_bumped_as_documented() {
        for (seed, bump, expected) in [
            ("v1.0.0", "major", ["v2.0.0", "v3.0.0"]),
            ("v1.0.0", "minor", ["v1.1.0", "v1.2.0"]),
            ("v1.0.0", "patch", ["v1.0.1", "v1.0.2"]),
            ("v1.0.0", "alpha", ["v1.0.0-alpha", "v1.0.0-alpha.1"]),
            ("v1.0.0", "beta", ["v1.0.0-beta", "v1.0.0-beta.1"]),
            ("v1.0.0", "rc", ["v1.0.0-rc", "v1.0.0-rc.1"]),
            ("v4.0.0-rc.5", "final", ["v4.0.0", "v4.0.0"]),
            ("0.0.0-rc", "rc", ["0.0.0-rc.1", "0.0.0-rc.2"]),
            ("0.0.0-alpha", "beta", ["0.0.0-beta", "0.0.0-beta.1"]),
            ("1.2.3-rc.9", "minor", ["1.3.0", "1.4.0"]),
            ("1.0.5-alpha.beta", "alpha", ["1.0.5-alpha.1", "1.0.5-alpha.2"]),
            ("1.0.0+build.7", "patch", ["1.0.1", "1.0.2"]),
        ] {
            assert_eq!(twice(seed, bump), expected, "{seed} {bump}");
        }
        for text in ["", "1.0", "latest", "01.0.0", "1.0.0-"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
