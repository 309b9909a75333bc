//! AWS as its users see it. Where something has to be refused, slow or late, a socket of the test answers for AWS; the
//! rest talks to an emulation, with the real AWS CLI as the client. That needs `tests/aws/setup.sh` to have been run, so
//! those tests are ignored unless they are asked for: `cargo test --test aws -- --include-ignored`.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod answers;
mod base;
mod cli_config;
mod deploy;
mod doctor;
mod endpoint;
mod endpoints;
mod failures;
mod keys;
mod moto;
mod other_ci;
mod place;
mod policy;
mod profile;
mod role;
mod stages;
mod state;
