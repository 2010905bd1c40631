//! The HTTP tests: the real service on a port of its own, a real database of its own for each test, driven as a caller would.
//! Every test that stores anything runs on SQLite and on PostgreSQL (`on_both_engines!`).

mod support;

mod activation;
mod architecture;
mod auth;
mod cli;
mod connections;
mod diagnostics;
mod edge;
mod instances;
mod invite_imports;
mod invites;
mod package;
mod passage;
mod people;
mod quotas;
mod schema;
mod sync;
mod sync_faults;
