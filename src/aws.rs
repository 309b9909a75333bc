//! AWS, as far as a job needs it before it starts: whom some keys belong to, a role, a registry, a permission.
//!
//! A [`Client`] signs a request, sends it to the endpoint that the [`Settings`] name and tries again where that may
//! help. Everything it says of a failure is an [`Error`]: typed, and without a secret in it.

mod arn;
mod call;
mod endpoint;
mod error;
mod http;
mod no_proxy;
mod profile;
mod settings;
mod sign;
mod web_identity;
mod xml;

pub mod ecr;
pub mod ecs;
pub mod iam;
pub mod renewal;
pub mod s3;
pub mod sts;

use crate::secret::Secret;

pub use arn::Arn;
pub use call::{Client, NoToken};
pub use endpoint::{Partition, Service};
pub use error::{Error, Problem};
pub use profile::{CredentialSource, ProfileError, Profiles, are_in_environment, chosen as chosen_profile};
pub use settings::Settings;
pub use web_identity::{AUDIENCE, Token};

/// The keys of an AWS user or of a session.
#[derive(Clone, Debug)]
pub struct Keys {
    /// `AKIA…`, or `ASIA…` for a session.
    pub access_key: Secret,
    /// The secret that belongs to it.
    pub secret_key: Secret,
    /// What a session has besides.
    pub session_token: Option<Secret>,
}
