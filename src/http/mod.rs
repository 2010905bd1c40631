//! The edge shared by all features: problem documents, the middleware every request passes, extractors, paging, the OpenAPI document.

mod authenticate;
pub(crate) mod body;
mod browser;
mod callers;
mod cells;
pub mod conditional;
mod echo;
mod event_stream;
mod framework_error;
pub mod idempotency;
pub mod middleware;
mod middleware_config;
mod names;
mod ongoing_access;
pub mod openapi;
mod origin;
mod page;
pub mod paging;
pub mod problem;
pub mod rate_limit;
mod request_span;
mod route;
mod same_origin;
mod scim_error;
mod security_headers;
mod storage_problems;

pub use authenticate::{Authenticate, Credentials};
pub use body::{Body, OptionalBody, PathParams, QueryParams, unreadable};
pub use browser::{
    Audience, authorization_cookie, authorization_cookie_of, ended_session_cookie, problem_or_page, session_cookie, session_of,
};
pub use callers::{AnyCaller, Authorized, AuthorizedInstance, AuthorizedOperator, InstanceCaller, UnboundOperator};
pub use cells::{harmless_cell, harmless_cell_in};
pub use echo::{echo, excerpt};
pub use event_stream::{EventStreams, Observation};
pub use middleware_config::MiddlewareConfig;
pub use names::read_display_name;
pub use ongoing_access::OngoingAccess;
pub use origin::{ChangeOrigin, network_of, network_of_request};
pub use page::{Page, PageField, PageForm};
pub use paging::{Cursor, Listing, PageParams};
pub use problem::{AsProblem, Code, Problem, ValidationError};
pub use rate_limit::{RateExceeded, RateLimit, RateLimits};
pub use request_span::RequestSpan;
pub(crate) use route::route;
pub use route::{ApiDescription, HandlerArgument, HandlerArguments, METHODS, Route, RouteRule, RouteTable, Routes, SharedLimit};
pub use same_origin::refuse_cross_site;
pub use scim_error::{SCIM_ROOT, ScimErrorBody};
