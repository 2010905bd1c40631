//! The edge shared by all features: problem documents, the gate every request passes, extractors, paging, the OpenAPI document.

pub(crate) mod body;
mod browser;
pub mod context;
pub mod gate;
pub mod openapi;
mod page;
pub mod paging;
pub mod problem;

pub use body::{Body, OptionalBody, PathParams, QueryParams, unreadable};
pub use browser::{problem_or_page, session_cookie, wants_json};
pub use context::{Authenticate, Context, Credentials, InstanceCaller, PublicUrl};
pub use page::{Page, PageField, PageForm};
pub use paging::{Cursor, Listing, PageParams};
pub use problem::{AsProblem, Code, InputFault, Problem};
