//! Starting the service for a test, and calling it.

mod answer;
mod app;
pub mod canaries;
mod chance;
mod clients;
mod database;
pub mod findings;
mod guide;
mod issuer;
mod mailbox;
pub mod outage;
pub mod person;
mod port;
mod process;
mod raw;
pub mod reference;
pub mod scim;
mod smtp;
mod sync;

pub use answer::Answer;
pub use app::{TestApp, eventually};
pub use chance::RandomChoices;
pub use clients::instance_of;
pub use database::{Engine, TestDatabase};
pub use guide::{FIRST_USER, MUNCHKIN_ID, WayBack};
pub use issuer::{IssuerKeyPair, IssuerServer};
pub use port::reserve_port;
pub use process::{Server, binary};
pub use smtp::{MailServer, authority as mail_authority, link_path};

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
    let watched = findings::WatchedTest::begin();
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    runtime.worker_threads(2).enable_all().on_thread_start(watched.on_thread_start()).build().unwrap().block_on(test);
    watched.end();
}

/// Runs one test with a service of its own on SQLite: what it is about doesn't depend on the engine.
pub fn on_sqlite(test: impl AsyncFnOnce(TestApp)) {
    run(async { test(TestApp::start(Engine::Sqlite).await).await });
}
