//! Starting the service for a test, and calling it.

mod answer;
mod app;
pub mod canaries;
mod clients;
mod database;
mod guide;
mod issuer;
mod mailbox;
pub mod person;
mod process;
pub mod reference;
mod raw;
pub mod scim;
mod smtp;
mod sync;

pub use answer::Answer;
pub use app::{TestApp, eventually};
pub use database::{Engine, TestDatabase};
pub use guide::{FIRST_USER, MUNCHKIN_ID, WayBack};
pub use issuer::{IssuerKey, IssuerServer};
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
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap().block_on(test);
    canaries::assert_silence();
}
