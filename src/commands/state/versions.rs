//! The table of `shipctl state versions`.

use super::show::maker;
use crate::model::files::Line;
use crate::output::table;
use crate::state::{Version, rfc3339};

/// Versions of a job or resource, for people.
pub(super) fn versions_table(versions: &[Version], line: &Line) -> String {
    let mut rows = vec![["VERSION", "NAME", "MADE", "BY"].map(str::to_owned)];
    rows.extend(versions.iter().map(|version| {
        let called = version.version_name.clone().unwrap_or_default();
        [version.number.to_string(), called, rfc3339(version.created), maker(version, line)]
    }));
    table(&rows)
}
