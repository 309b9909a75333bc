//! The version of a release: how many pipelines there were takes the place of how many releases there were.

use semver::Version;

/// A version as a shell makes it.
pub(super) struct Counted {
    /// What a shell makes it of, between double quotes.
    pub(super) version: String,
    /// What is different from what the line says.
    pub(super) differs: Option<String>,
}

/// The version after one that is known where the pipeline runs; `last` is what a shell makes that of.
pub(super) fn after(last: &str, bump: &str) -> Counted {
    Counted {
        version: format!("$(shipctl bump_version \"{last}\" {bump})"),
        differs: Some(format!(
            "its version is the next {bump} version after the one that goes in, whatever the last pipeline made"
        )),
    }
}

/// The version that is bumped once for each pipeline, from a seed that `release` has read.
pub(super) fn of_seed(seed: &str, bump: &str) -> Counted {
    const NUMBER: &str = "BUILD_NUMBER";
    let (v, numbers) = seed.strip_prefix('v').map_or(("", seed), |numbers| ("v", numbers));
    let Ok(Version { major, minor, patch, pre, .. }) = Version::parse(numbers) else {
        return after(seed, bump);
    };
    let count = |from: u64| match from {
        0 => format!("${NUMBER}"),
        _ => format!("$(({from} + {NUMBER}))"),
    };
    let numbers = format!("{major}.{minor}.{patch}");
    let version = match bump {
        "major" => format!("{}.0.0", count(major)),
        "minor" => format!("{major}.{}.0", count(minor)),
        "patch" => format!("{major}.{minor}.{}", count(patch)),
        "final" => numbers,
        _ => {
            let past = pre
                .strip_prefix(bump)
                .map(|number| number.strip_prefix('.').and_then(|text| text.parse().ok()));
            match past {
                // The first has no number, and the second is the first.
                None => format!("{numbers}-{bump}$([ ${NUMBER} = 1 ] || echo .$(({NUMBER} - 1)))"),
                Some(past) => format!("{numbers}-{bump}.{}", count(past.unwrap_or(0))),
            }
        }
    };
    let differs = (bump != "final")
        .then(|| "its version counts pipelines: a number is skipped where one fails before it".to_owned());
    Counted { version: format!("{v}{version}"), differs }
}
