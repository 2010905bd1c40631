//! The HTTP tests: the real service on a port of its own, a real database of its own for each test, driven as a caller would.
//! Every test that stores anything runs on SQLite and on PostgreSQL (`on_both_engines!`).

#![allow(clippy::disallowed_methods, clippy::unwrap_used)] // what a test waits for has no clock of its own

mod support;

mod activation;
mod architecture;
mod assertions;
mod audit;
mod audit_chain;
mod auth;
mod broker;
mod broker_processes;
mod circles;
mod cli;
mod client_secrets;
mod connections;
mod dead_letters;
mod demo;
mod diagnostics;
mod edge;
mod edge_security;
mod event_streams;
mod idempotency;
mod instances;
mod invite_changes;
mod invite_imports;
mod invite_imports_files;
mod invite_imports_kills;
mod invite_imports_limits;
mod invite_imports_replicas;
mod invite_messages;
mod invites;
mod invites_elsewhere;
mod jobs;
mod lost_updates;
mod mail;
mod members;
mod names;
mod outages;
mod owners;
mod package;
mod passwords;
mod people;
mod people_export;
mod people_feed;
mod people_lookup;
mod permissions;
mod poolers;
mod private_files;
mod proxy;
mod proxy_rules;
mod quotas;
mod rate_limits;
mod retention;
mod schema;
mod scim;
mod sealing;
mod sessions;
mod signing_keys;
#[cfg(debug_assertions)] // release builds show no statements
mod statements;
mod sync;
mod sync_control;
mod sync_differential;
mod sync_faults;
mod sync_gaps;
mod sync_incremental;
mod sync_kills;
mod sync_kills_incremental;
mod sync_load;
mod sync_usage;
mod table_owners;
mod teams;
mod token_exchange;
mod tokens;
