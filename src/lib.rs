//! Backend for Marketo Sales Insight Actions. `app` wires everything; each feature lives in a folder of its own with three
//! rooms: `mod.rs` (types and rules), `store.rs` (its SQL) and `http.rs` (its routes).

pub mod app;
pub mod audit;
pub mod auth;
pub mod cli;
pub mod clock;
pub mod config;
pub mod connections;
pub mod context;
pub mod crypto;
pub mod db;
pub mod dead_letters;
pub mod demo;
pub mod diagnostics;
pub mod display_name;
pub mod http;
pub mod ids;
pub mod imports;
pub mod instances;
pub mod invites;
pub mod jobs;
pub mod language;
mod locales;
pub mod mail;
pub mod marketo;
pub mod members;
pub mod onboarding;
pub mod package;
pub mod people;
pub mod permissions;
pub mod private_files;
pub mod proxy;
pub mod quotas;
pub mod salesforce;
pub mod sandbox;
pub mod scim;
pub mod sync;
pub mod tasks;
pub mod telemetry;
pub mod tokens;
pub mod upstream;
pub mod vault;
pub mod wiring;

#[cfg(test)]
mod http_stub;
