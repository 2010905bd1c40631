use std::sync::Arc;
use std::time::Duration;

use super::{Authenticate, RouteTable};

/// What the middleware needs to know. Stored as application data.
#[derive(Clone)]
pub struct MiddlewareConfig {
    /// Every route.
    pub routes: &'static RouteTable,
    /// Tells who is behind the credentials.
    pub authenticate: Arc<dyn Authenticate>,
    /// Longest time until the head of an answer.
    pub request_timeout: Duration,
    /// Callers come over TLS: `server.public_url` says so.
    pub is_over_tls: bool,
    /// How many reverse proxies of ours a request has passed; see `server.proxies`.
    pub proxies: usize,
}
