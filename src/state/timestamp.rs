//! Times as text.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// A time in universal time, to the second: `2026-02-28T13:59:07Z`.
pub fn rfc3339(time: SystemTime) -> String {
    let seconds = millis(time).div_euclid(1000);
    let date = OffsetDateTime::from_unix_timestamp(seconds).ok().and_then(|date| date.format(&Rfc3339).ok());
    // Only a database that was altered has a year after 9999.
    date.unwrap_or_else(|| format!("@{seconds}"))
}

/// The time that such a text means.
pub(super) fn parse(text: &str) -> Option<SystemTime> {
    let numbers: Vec<i64> =
        text.strip_suffix('Z')?.split(['-', 'T', ':']).map_while(|part| part.parse().ok()).collect();
    let [year, month, day, hour, minute, second] = numbers.try_into().ok()?;
    let month = time::Month::try_from(u8::try_from(month).ok()?).ok()?;
    let date =
        time::Date::from_calendar_date(i32::try_from(year).ok()?, month, u8::try_from(day).ok()?).ok()?;
    let part = |number: i64| u8::try_from(number).ok();
    let clock = time::Time::from_hms(part(hour)?, part(minute)?, part(second)?).ok()?;
    Some(time(time::PrimitiveDateTime::new(date, clock).assume_utc().unix_timestamp() * 1000))
}

/// A time from milliseconds since 1970.
pub(super) fn time(millis: i64) -> SystemTime {
    let distance = Duration::from_millis(millis.unsigned_abs());
    let time = if millis < 0 { UNIX_EPOCH.checked_sub(distance) } else { UNIX_EPOCH.checked_add(distance) };
    time.unwrap_or(UNIX_EPOCH)
}

/// Milliseconds since 1970.
pub(super) fn millis(time: SystemTime) -> i64 {
    let clamp = |distance: Duration| i64::try_from(distance.as_millis()).unwrap_or(i64::MAX);
    match time.duration_since(UNIX_EPOCH) {
        Ok(after) => clamp(after),
        Err(before) => -clamp(before.duration()),
    }
}

#[cfg(test)]
mod tests {
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
            assert_eq!(parse(text), text.ends_with('Z').then(|| time(seconds * 1000)));
        }
    }
}
