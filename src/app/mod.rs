//! The composition root: wires everything once, starts it in order, stops it in the opposite order. Nothing imports it but the
//! command line, the demo and the tests.

mod database;
mod error;
mod features;
mod health;
mod listener;
mod metrics_listener;
mod permissions_page;
mod problem_catalog;
mod routes;
mod running;
mod sealed_columns;
mod start;

pub use database::{open_database, open_existing_database};
pub use error::StartError;
pub use features::dead_letters;
pub use permissions_page::render_permissions_page;
pub use problem_catalog::render_problem_catalog;
pub use routes::{openapi_document, route_table};
pub use running::RunningApp;
pub use sealed_columns::sealed_columns;
pub use start::{start, start_with};
