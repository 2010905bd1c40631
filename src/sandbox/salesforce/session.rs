//! What every API call must pass: a live session of an active user who may use the API, a known API version.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::error::InternalError;
use actix_web::http::{StatusCode, header};
use actix_web::{FromRequest, HttpRequest, HttpResponse, HttpResponseBuilder, web};
use serde_json::Value;

use super::errors::ApiError;
use super::records::Org;
use super::users::SalesforceUser;
use crate::sandbox::state::SandboxState;

/// Oldest and newest API version answered.
pub const VERSIONS: std::ops::RangeInclusive<u32> = 50..=67;

/// A call that may go ahead.
#[derive(Debug)]
pub struct ApiCall {
    pub sandbox: web::Data<SandboxState>,
    pub user: SalesforceUser,
    /// As in the path, for example `v66.0`; empty for calls without one.
    pub version: String,
    usage: String,
}

impl ApiCall {
    /// An answer that may be added to, with the usage header.
    pub fn builder(&self, status: StatusCode) -> HttpResponseBuilder {
        let mut builder = HttpResponse::build(status);
        builder.insert_header(("Sforce-Limit-Info", self.usage.as_str()));
        builder
    }

    /// 200 with JSON, or the error.
    pub fn answer(&self, outcome: Result<Value, ApiError>) -> HttpResponse {
        match outcome {
            Ok(body) => self.builder(StatusCode::OK).json(body),
            Err(error) => error.response(),
        }
    }
}

/// The org at this moment, for queries.
pub fn org(sandbox: &SandboxState) -> Org<'_> {
    let (users, bin_emptied, written) = {
        let salesforce = sandbox.salesforce();
        (salesforce.users.clone(), salesforce.bin_emptied, salesforce.written.clone())
    };
    Org { people: &sandbox.people, users, began: sandbox.people.earliest_at(), bin_emptied, written }
}

/// The token in the Authorization header. Salesforce also takes its older scheme name, `OAuth`.
pub fn bearer(request: &HttpRequest) -> Option<&str> {
    let (scheme, token) = request.headers().get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    (scheme.eq_ignore_ascii_case("bearer") || scheme.eq_ignore_ascii_case("oauth")).then_some(token.trim())
}

/// Whether a version, as written in a path, is answered.
pub fn is_known_version(version: &str) -> bool {
    let number = version.strip_prefix('v').and_then(|rest| rest.strip_suffix(".0")).and_then(|number| number.parse().ok());
    number.is_some_and(|number| VERSIONS.contains(&number))
}

fn enter(request: &HttpRequest, sandbox: &web::Data<SandboxState>) -> Result<ApiCall, ApiError> {
    let version = request.match_info().get("version").unwrap_or_default().to_owned();
    if !version.is_empty() && !is_known_version(&version) {
        return Err(ApiError::not_found());
    }
    let token = bearer(request).ok_or_else(ApiError::no_session)?;
    let mut salesforce = sandbox.salesforce();
    let session = salesforce.grants.session(token, sandbox.now()).ok_or_else(ApiError::no_session)?;
    let user = salesforce.user(&session.user_id).filter(|user| user.active).cloned().ok_or_else(ApiError::no_session)?;
    let scoped = session.scope.split(' ').any(|part| part == "api" || part == "full");
    if !user.api_enabled {
        return Err(ApiError::new(StatusCode::FORBIDDEN, "API_CURRENTLY_DISABLED", "API is disabled for this User"));
    }
    if !scoped {
        return Err(ApiError::new(StatusCode::FORBIDDEN, "API_DISABLED_FOR_ORG", "This session is not valid for use with the REST API"));
    }
    if salesforce.api_calls >= salesforce.api_limit {
        return Err(ApiError::new(StatusCode::FORBIDDEN, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded."));
    }
    salesforce.api_calls += 1;
    let usage = format!("api-usage={}/{}", salesforce.api_calls, salesforce.api_limit);
    drop(salesforce);
    Ok(ApiCall { sandbox: sandbox.clone(), user, version, usage })
}

impl FromRequest for ApiCall {
    type Error = actix_web::Error;
    type Future = Ready<Result<Self, actix_web::Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let Some(sandbox) = request.app_data::<web::Data<SandboxState>>() else {
            return ready(Err(InternalError::from_response("no sandbox state", HttpResponse::InternalServerError().finish()).into()));
        };
        ready(enter(request, sandbox).map_err(|error| InternalError::from_response("refused", error.response()).into()))
    }
}
