//! The values of options.

use std::path::PathBuf;
use std::time::Duration;

use crate::environment::is_variable_name;

/// What is wrong with a value.
#[derive(Debug, thiserror::Error)]
pub(super) enum ValueError {
    #[error("write KEY=VALUE")]
    KeyValue,
    #[error("`{0}` cannot be the name of a variable")]
    VariableName(String),
    #[error("write NAME=PATH, with the name of a resource")]
    NamePath,
    #[error("write FIELD=…, with the name of a field")]
    Field,
    #[error("write a number and perhaps a unit, such as 15m")]
    Number,
    #[error("the unit is s, m or h")]
    Unit,
    #[error("the time is above 0")]
    NoTime,
    #[error("write 2026-11-30 or 2026-11-30T12:00:00Z")]
    Date,
}

/// `KEY=VALUE`, for a variable.
pub(super) fn key_value(text: &str) -> Result<(String, String), ValueError> {
    let (key, value) = text.split_once('=').ok_or(ValueError::KeyValue)?;
    match is_variable_name(key) {
        true => Ok((key.to_owned(), value.to_owned())),
        false => Err(ValueError::VariableName(key.to_owned())),
    }
}

/// `NAME=PATH`, for a resource.
pub(super) fn name_path(text: &str) -> Result<(String, PathBuf), ValueError> {
    match text.split_once('=') {
        Some((name, path)) if !name.is_empty() && !path.is_empty() => Ok((name.to_owned(), path.into())),
        _ => Err(ValueError::NamePath),
    }
}

/// `FIELD=…`, for a field of an integration.
pub(super) fn field(text: &str) -> Result<(String, String), ValueError> {
    match text.split_once('=') {
        Some((field, value)) if !field.is_empty() => Ok((field.to_owned(), value.to_owned())),
        _ => Err(ValueError::Field),
    }
}

/// `90`, `1.5h`: a time above 0, in seconds unless a unit is given.
pub(super) fn duration(text: &str) -> Result<Duration, ValueError> {
    let (number, unit) = text.split_at(text.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(text.len()));
    let seconds = match unit {
        "" | "s" => 1.0,
        "m" => 60.0,
        "h" => 3600.0,
        _ => return Err(ValueError::Unit),
    };
    let number: f64 = number.parse().map_err(|_| ValueError::Number)?;
    let time = Duration::try_from_secs_f64(number * seconds).ok();
    time.filter(|time| !time.is_zero()).ok_or(ValueError::NoTime)
}

/// A time as the log has it, or the beginning of one.
pub(super) fn since(text: &str) -> Result<String, ValueError> {
    let form = "dddd-dd-ddTdd:dd:ddZ";
    let fits = text.chars().zip(form.chars()).all(|(c, form)| match form {
        'd' => c.is_ascii_digit(),
        form => c == form,
    });
    let is_whole = [4, 7, 10, 16, 20].contains(&text.len());
    if fits && is_whole { Ok(text.to_owned()) } else { Err(ValueError::Date) }
}
