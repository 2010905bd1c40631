//! The HTTP tests: the real service on a port of its own, a real database of its own for each test, driven as a caller would.
//! Every test that stores anything runs on SQLite and on PostgreSQL (`on_both_engines!`).

mod support;

mod activation;
mod architecture;
mod assertions;
mod auth;
mod cli;
mod client_secrets;
mod connections;
mod edge;
mod instances;
mod invite_imports;
mod invites;
mod package;
mod people;
mod permissions;
mod schema;
mod sealing;
mod signing_keys;
mod sync;
mod sync_faults;
mod token_exchange;
mod tokens;
