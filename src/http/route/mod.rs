//! Routes: how they are declared, what is known of them, and which one a request is for.
//!
//! A route is declared once. The attribute of its handler says method, path and document; the handler's signature says whom it lets in
//! ([`Authorized`](super::Authorized) and its like); its feature adds it with [`route!`], and says there what else is special about it.
//! Everything else is derived: the permission checks, the OpenAPI document, `docs/permissions.md`.

mod arguments;
mod declaration;
mod description;
mod matched;
mod routes;
mod table;

pub use arguments::{HandlerArgument, HandlerArguments};
pub use declaration::{Route, SharedLimit};
pub use description::ApiDescription;
pub(super) use matched::{MatchedRoute, name_of, operation, route_of};
pub use routes::Routes;
pub use table::{METHODS, RouteRule, RouteTable};

/// The route of a handler in scope that has `#[utoipa::path]`: `route!(list_people)`.
macro_rules! route {
    ($handler:ident) => {
        pastey::paste! { $crate::http::Route::new([<__path_ $handler>], $handler) }
    };
}
pub(crate) use route;
