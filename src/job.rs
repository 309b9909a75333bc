//! The engine of a job: from a line that was read to the end of a run, and what is stored of it.
//!
//! | step | gives |
//! |---|---|
//! | [`session`] | a [`Session`]: a line that was read for some jobs |
//! | [`prepare`] | a plan of one job; with all that it needs, a [`Fetched`]; with its environment, a [`Ready`] and a workspace |
//! | [`execute`] | its run by an [`Executor`], and how that has [ended](execute::Done) |
//! | [`record`], [`outputs`], [`audit`], [`log`], [`results`] | what is stored of it |
//! | [`dry_run`] | all of that as text, where nothing runs |

pub(crate) mod add_mask;
pub(crate) mod assigned;
pub(crate) mod audit;
pub(crate) mod ci_inputs;
pub(crate) mod containers;
pub(crate) mod credentials_endpoint;
pub(crate) mod dry_run;
pub(crate) mod exec;
pub(crate) mod execute;
mod executor;
pub(crate) mod function;
pub(crate) mod given;
pub(crate) mod host;
pub(crate) mod jobless;
pub(crate) mod languages;
pub(crate) mod log;
pub(crate) mod matrix;
pub(crate) mod messages;
pub(crate) mod notifications;
pub(crate) mod old_paths;
pub(crate) mod outputs;
pub(crate) mod params;
pub(crate) mod prepare;
pub(crate) mod record;
pub(crate) mod remote;
pub(crate) mod report;
pub(crate) mod repositories;
pub(crate) mod results;
pub(crate) mod run;
pub(crate) mod script_commands;
pub(crate) mod session;
pub(crate) mod shell;
pub(crate) mod ssh_keys;
mod survey;
pub(crate) mod tools;
pub(crate) mod versions;
pub(crate) mod warnings;

pub(crate) use executor::Executor;
pub(crate) use prepare::{FetchPolicy, Fetched, Ready, chosen_task, masking};
pub(crate) use session::Session;
