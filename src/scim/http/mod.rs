//! Routes of SCIM. Whatever goes wrong is told in SCIM's own form (RFC 7644, section 3.12), which the middleware writes for all of
//! `/scim/v2`.

mod body;
mod discovery;
mod groups;
mod listing;
mod tokens;
mod users;

use actix_web::http::{StatusCode, header};
use actix_web::{HttpRequest, HttpResponse};
use serde_json::Value;

use super::protocol::projection::Projection;
use super::protocol::schema::Schema;
use super::service::Directory;
use super::{ScimError, ScimRefusal, version_matches};
use crate::context::Context;
use crate::http::{AsProblem, Code, InstanceCaller, Problem, Routes, SCIM_ROOT};

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
    let base = context.public_url.of(SCIM_ROOT);
    Directory { context, caller, base }
}

fn header_of(request: &HttpRequest, name: header::HeaderName) -> Option<String> {
    request.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
}

/// The answer with a resource: its version as entity tag, its address, and of it what was asked for.
fn answer(status: StatusCode, schema: &Schema, projection: &Projection, resource: Value) -> HttpResponse {
    let mut answer = HttpResponse::build(status);
    if let Some(version) = resource["meta"]["version"].as_str() {
        answer.insert_header((header::ETAG, version));
    }
    if let (StatusCode::CREATED, Some(location)) = (status, resource["meta"]["location"].as_str()) {
        answer.insert_header((header::LOCATION, location));
    }
    answer.content_type(MEDIA_TYPE).body(projection.of_resource(schema, resource).to_string())
}

/// The answer to reading a resource: 304 when the caller has this version.
fn answer_read(request: &HttpRequest, schema: &Schema, projection: &Projection, resource: Value) -> HttpResponse {
    let known = header_of(request, header::IF_NONE_MATCH);
    if known.is_some() && version_matches(known.as_deref(), &resource) {
        let mut answer = HttpResponse::NotModified();
        if let Some(version) = resource["meta"]["version"].as_str() {
            answer.insert_header((header::ETAG, version));
        }
        return answer.finish();
    }
    answer(StatusCode::OK, schema, projection, resource)
}
