//! Starting the service for a test, and calling it.

mod app;
mod database;
mod guide;
mod issuer;
mod mailbox;
mod sync;

pub use app::{Answer, TestApp, eventually};
pub use database::{Engine, TestDatabase};
pub use guide::{FIRST_USER, MUNCHKIN_ID};
pub use issuer::{IssuerKey, IssuerServer};

/// Makes a test for each engine from one `async fn name(engine: Engine)`.
macro_rules! on_both_engines {
    ($($(#[$attribute:meta])* async fn $name:ident($engine:ident: Engine) $body:block)+) => {$(
        mod $name {
            #[allow(unused_imports)]
            use super::*;

            async fn on($engine: crate::support::Engine) $body

            #[test]
            $(#[$attribute])*
            fn sqlite() {
                crate::support::run(on(crate::support::Engine::Sqlite));
            }

            #[test]
            $(#[$attribute])*
            fn postgres() {
                crate::support::run(on(crate::support::Engine::Postgres));
            }
        }
    )+};
}

pub(crate) use on_both_engines;

/// Runs one test to its end on a runtime of its own.
pub fn run(test: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap().block_on(test);
}
