//! Routes of SCIM. Whatever goes wrong is told in SCIM's own form (RFC 7644, section 3.12), which the middleware writes for all of
//! `/scim/v2`.

mod body;
mod discovery;
mod groups;
mod listing;
mod tokens;
mod users;

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::http::{StatusCode, header};
use actix_web::{FromRequest, HttpRequest, HttpResponse};
use serde_json::Value;

use self::listing::ShownParams;
use super::protocol::projection::Projection;
use super::protocol::schema::Schema;
use super::service::Directory;
use super::{ScimError, ScimRefusal, version_matches};
use crate::context::Context;
use crate::http::{AsProblem, Authorized, Code, HandlerArgument, InstanceCaller, Problem, QueryParams, Routes, SCIM_ROOT};
use crate::permissions::Access;
use crate::permissions::scope::Scim;

/// The media type (RFC 7644, section 8.1).
const MEDIA_TYPE: &str = "application/scim+json";

impl AsProblem for ScimError {
    fn as_problem(&self) -> Problem {
        let problem = |code| Problem::new(code, format!("{self}."));
        match self {
            Self::NotFound => problem(Code::NotFound),
            Self::Refused(refusal) => problem(match refusal {
                ScimRefusal::InvalidFilter(_) => Code::ScimInvalidFilter,
                ScimRefusal::InvalidPath(_) => Code::ScimInvalidPath,
                ScimRefusal::NoTarget(_) => Code::ScimNoTarget,
                ScimRefusal::InvalidValue(_) => Code::ScimInvalidValue,
                ScimRefusal::InvalidSyntax(_) => Code::ScimInvalidSyntax,
                ScimRefusal::Mutability(_) => Code::ScimMutability,
            }),
            Self::UserNameTaken => problem(Code::ScimUserNameTaken),
            Self::VersionMismatch => problem(Code::VersionMismatch),
            Self::Member(error) => error.as_problem(),
            Self::Invite(error) => error.as_problem(),
            Self::Db(error) => error.as_problem(),
        }
    }
}

/// The routes.
pub fn routes(routes: &mut Routes<'_>) {
    tokens::routes(routes);
    discovery::routes(routes);
    listing::routes(routes);
    users::routes(routes);
    groups::routes(routes);
}

fn directory(context: Context, caller: InstanceCaller) -> Directory {
    let base = context.public_url.join(SCIM_ROOT);
    Directory { context, caller, base }
}

fn header_of(request: &HttpRequest, name: header::HeaderName) -> Option<String> {
    request.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
}

/// A request for a resource by a caller with the scope of directories: their directory, which attributes the answer shows, and which
/// versions of the resource they know.
struct ScimRequest {
    directory: Directory,
    projection: Projection,
    if_match: Option<String>,
    if_none_match: Option<String>,
}

impl HandlerArgument for ScimRequest {
    const ACCESS: Option<Access> = Authorized::<Scim>::ACCESS;
}

impl FromRequest for ScimRequest {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        ready(Self::read(request, payload))
    }
}

impl ScimRequest {
    fn read(request: &HttpRequest, payload: &mut Payload) -> Result<Self, Problem> {
        let context = Context::from_request(request, payload).into_inner()?;
        let caller = Authorized::<Scim>::from_request(request, payload).into_inner()?.into_caller();
        let QueryParams(shown) = QueryParams::<ShownParams>::from_request(request, payload).into_inner()?;
        Ok(Self {
            directory: directory(context, caller),
            projection: shown.projection()?,
            if_match: header_of(request, header::IF_MATCH),
            if_none_match: header_of(request, header::IF_NONE_MATCH),
        })
    }

    /// The answer with a resource: its version as entity tag, its address, and of it what was asked for.
    fn answer(&self, status: StatusCode, schema: &Schema, resource: Value) -> HttpResponse {
        let mut answer = HttpResponse::build(status);
        if let Some(version) = resource["meta"]["version"].as_str() {
            answer.insert_header((header::ETAG, version));
        }
        if let (StatusCode::CREATED, Some(location)) = (status, resource["meta"]["location"].as_str()) {
            answer.insert_header((header::LOCATION, location));
        }
        answer.content_type(MEDIA_TYPE).body(self.projection.of_resource(schema, resource).to_string())
    }

    /// The answer to reading a resource: 304 when the caller has this version.
    fn answer_read(&self, schema: &Schema, resource: Value) -> HttpResponse {
        if self.if_none_match.is_some() && version_matches(self.if_none_match.as_deref(), &resource) {
            let mut answer = HttpResponse::NotModified();
            if let Some(version) = resource["meta"]["version"].as_str() {
                answer.insert_header((header::ETAG, version));
            }
            return answer.finish();
        }
        self.answer(StatusCode::OK, schema, resource)
    }
}
