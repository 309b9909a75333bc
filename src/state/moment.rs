//! Moments as text.

use std::time::SystemTime;

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::version::millis;

/// A moment in universal time, to the second: `2026-02-28T13:59:07Z`.
pub fn rfc3339(moment: SystemTime) -> String {
    let seconds = millis(moment).div_euclid(1000);
    let date = OffsetDateTime::from_unix_timestamp(seconds).ok().and_then(|date| date.format(&Rfc3339).ok());
    // Only a database that somebody has altered has a year after 9999.
    date.unwrap_or_else(|| format!("@{seconds}"))
}

#[cfg(test)]
mod tests {
    use super::super::version::time;
    use super::*;

    #[test]
    fn leap_days_and_the_ends_of_years() {
        for (seconds, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (-1, "1969-12-31T23:59:59Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (951_868_800, "2000-03-01T00:00:00Z"),
            (1_767_225_599, "2025-12-31T23:59:59Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
            (999_999_999_999, "@999999999999"),
        ] {
            assert_eq!(rfc3339(time(seconds * 1000)), text);
        }
    }
}
