//! Whose policy is asked for.

use super::need::Need;

/// Why no integration of a job is the one whose policy is asked for.
#[derive(Debug, thiserror::Error)]
pub enum NotChosen {
    /// The job has none of AWS.
    #[error("job `{job}` has no integration of AWS")]
    NoneOfAws {
        /// The job.
        job: String,
    },
    /// The job has not this one.
    #[error("job `{job}` has no AWS integration `{name}`; it has: {known}")]
    Unknown {
        /// The job.
        job: String,
        /// The integration that was asked for.
        name: String,
        /// Those that there are.
        known: String,
    },
    /// The job has several.
    #[error("job `{job}` has several AWS integrations; add one with --integration: {known}")]
    Several {
        /// The job.
        job: String,
        /// Those that there are.
        known: String,
    },
}

/// The needs of the integration that is meant: of the only one where none is named.
///
/// # Errors
///
/// When the job does not have it, or has several.
pub fn choose<'n>(needs: &'n [Need], job: &str, name: Option<&str>) -> Result<&'n Need, NotChosen> {
    let job = job.to_owned();
    let known = || needs.iter().map(|need| need.integration.as_str()).collect::<Vec<_>>().join(", ");
    match (name, needs) {
        (_, []) => Err(NotChosen::NoneOfAws { job }),
        (Some(name), needs) => match needs.iter().find(|need| need.integration == name) {
            Some(need) => Ok(need),
            None => Err(NotChosen::Unknown { job, name: name.to_owned(), known: known() }),
        },
        (None, [only]) => Ok(only),
        (None, _) => Err(NotChosen::Several { job, known: known() }),
    }
}
