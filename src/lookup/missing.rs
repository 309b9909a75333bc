//! The message for what is not there: it says what there is instead. Names only, for values may be secret.

use std::fmt::Write;

use super::{Context, Failure};
use crate::contract::{self, suffix};
use crate::nearest::nearest;

/// More names than this are counted, not listed.
const LISTED: usize = 40;

/// `<PREFIX>_<KEY>`, or with a group `<PREFIX>_<GROUP>_<KEY>`, is not set; `name` is what the user wrote.
pub(super) fn variable(context: &dyn Context, name: &str, prefix: &str, group: &str, key: &str) -> Failure {
    let names = context.names();
    let start = if group.is_empty() { format!("{prefix}_") } else { format!("{prefix}_{group}_") };
    let mut message = match group {
        "" => format!("`{name}` has no {key} here"),
        suffix::PARAMS => format!("`{name}` has no param {key} here"),
        _ => format!("`{name}` has no integration field {key} here"),
    };
    _ = write!(message, " (${start}{key} is not set)");
    let resources = Resources::of(context, &names);
    let keys = resources.keys(&names, prefix, &start);
    if keys.is_empty() {
        message += &resources.instead(name, prefix, group, &names);
    } else {
        _ = write!(message, "; it has: {}{}", list(&keys), did_you_mean(key, keys.iter().copied()));
    }
    Failure::Missing(message)
}

/// No resource `name`, or none with the file that was to be read: `what` says which.
pub(super) fn resource(context: &dyn Context, name: &str, what: &str) -> Failure {
    let names = context.names();
    let prefix = contract::env_name(name).unwrap_or_default();
    let message = what.to_owned() + &Resources::of(context, &names).instead(name, &prefix, "", &names);
    Failure::Missing(message)
}

/// A variable of the job itself is not set, and the function changes something: there is no `--job` for that.
pub(super) fn outside(variable: &str) -> Failure {
    Failure::Failed(format!("${variable} is not set: this works inside a job only"))
}

/// ``a, b, c``, sorted.
pub(super) fn list(names: &[&str]) -> String {
    let mut names = names.to_vec();
    names.sort_unstable();
    let more = names.len().saturating_sub(LISTED);
    names.truncate(LISTED);
    let mut list = names.join(", ");
    if more > 0 {
        _ = write!(list, " and {more} more");
    }
    list
}

/// The resources of a job, as its environment shows them.
struct Resources {
    /// First part of the variables, and the name as written.
    found: Vec<(String, String)>,
}

impl Resources {
    fn of(context: &dyn Context, names: &[String]) -> Self {
        let written = |prefix: &str| {
            let name = context.var(&format!("{prefix}_{}", suffix::NAME))?;
            Some(name.to_string_lossy().into_owned())
        };
        let found = names
            .iter()
            .filter_map(|name| name.strip_suffix(suffix::OPERATION)?.strip_suffix('_'))
            .map(|prefix| (prefix.to_owned(), written(prefix).unwrap_or_else(|| prefix.to_owned())))
            .collect();
        Resources { found }
    }

    /// What stands behind `start` in the names of variables, without those of a resource whose own prefix begins
    /// like this one's (`my` and `my_key`).
    fn keys<'a>(&self, names: &'a [String], prefix: &str, start: &str) -> Vec<&'a str> {
        let longer: Vec<String> = self
            .found
            .iter()
            .filter(|(other, _)| other.len() > prefix.len() && other.starts_with(prefix))
            .map(|(other, _)| format!("{other}_"))
            .collect();
        let others = |name: &str| longer.iter().any(|other| name.starts_with(other.as_str()));
        names.iter().filter(|name| !others(name)).filter_map(|name| name.strip_prefix(start)).collect()
    }

    /// Which resources there are instead of `name`, or, if that one is there, which have what it lacks.
    fn instead(&self, name: &str, prefix: &str, group: &str, names: &[String]) -> String {
        let known = self.found.iter().any(|(found, _)| found == prefix);
        let has = |prefix: &str| !self.keys(names, prefix, &format!("{prefix}_{group}_")).is_empty();
        let fits = |prefix: &str| !known || (!group.is_empty() && has(prefix));
        let fitting: Vec<&str> =
            self.found.iter().filter(|(found, _)| fits(found)).map(|(_, name)| name.as_str()).collect();
        match (known, fitting.is_empty()) {
            (true, true) => String::new(),
            (true, false) => format!("; resources that have some: {}", list(&fitting)),
            (false, true) => String::new(),
            (false, false) => format!(
                "; the resources of this job: {}{}",
                list(&fitting),
                did_you_mean(name, fitting.iter().copied())
            ),
        }
    }
}

/// ``; did you mean `NAME`?`` with the candidate nearest to `wrong`, or nothing if none is near.
pub(super) fn did_you_mean<'a>(wrong: &str, candidates: impl IntoIterator<Item = &'a str>) -> String {
    nearest(wrong, candidates).map_or_else(String::new, |name| format!("; did you mean `{name}`?"))
}
