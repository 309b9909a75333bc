//! The program as its users see it: one module for each behaviour, inputs beside the outputs they must have.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod again;
mod audit;
mod bad_input;
mod characters;
mod check;
mod ci;
mod complete;
mod damaged;
mod defaults;
mod dry;
mod edit;
mod env;
mod export;
mod files;
mod graph;
mod history;
#[path = "../shared/homes.rs"]
mod homes;
mod init;
mod integrations;
mod job;
mod jobless;
mod kubernetes;
mod line;
mod lines;
mod logs;
mod lookup;
mod managed;
mod mask;
mod newcomer;
mod old_paths;
mod readme;
mod rooms;
mod rules;
mod scan;
mod schema;
mod secure;
mod sources;
mod ssh_keys;
mod standalone;
mod state;
mod support;
mod terminal;
mod trace;
mod upgrade;
mod watch;
mod workspace;
