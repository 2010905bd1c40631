//! What every API call is checked for: a known API version, a live session of an active user who may use the API, the daily limit.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::error::InternalError;
use actix_web::http::{StatusCode, header};
use actix_web::{FromRequest, HttpRequest, HttpResponse, HttpResponseBuilder, web};
use serde_json::Value;

use super::errors::SalesforceApiError;
use super::org_snapshot::OrgSnapshot;
use super::users::SalesforceUser;
use crate::sandbox::state::SandboxState;

/// The API versions that are answered, oldest to newest.
pub const API_VERSIONS: std::ops::RangeInclusive<u32> = 50..=67;

/// A call that passed every check.
#[derive(Debug)]
pub struct ApiCall {
    pub sandbox: web::Data<SandboxState>,
    pub user: SalesforceUser,
    /// As in the path, for example `v66.0`; empty for calls without one.
    pub version: String,
    /// The value of the header `Sforce-Limit-Info`.
    limit_info: String,
}

impl ApiCall {
    /// An answer under construction, with the usage header.
    pub fn response_builder(&self, status: StatusCode) -> HttpResponseBuilder {
        let mut builder = HttpResponse::build(status);
        builder.insert_header(("Sforce-Limit-Info", self.limit_info.as_str()));
        builder
    }

    /// 200 with JSON, or the error.
    pub fn respond(&self, outcome: Result<Value, SalesforceApiError>) -> HttpResponse {
        match outcome {
            Ok(body) => self.response_builder(StatusCode::OK).json(body),
            Err(error) => error.to_response(),
        }
    }
}

/// The org at this moment.
pub fn snapshot_org(sandbox: &SandboxState) -> OrgSnapshot<'_> {
    let (users, is_bin_emptied, stored_records) = {
        let salesforce = sandbox.salesforce();
        (salesforce.users.clone(), salesforce.is_bin_emptied, salesforce.stored_records.clone())
    };
    OrgSnapshot { people: &sandbox.people, users, created_at: sandbox.people.earliest_at(), is_bin_emptied, stored_records }
}

/// The token in the Authorization header. Salesforce also takes its older scheme name, `OAuth`.
pub fn bearer_token(request: &HttpRequest) -> Option<&str> {
    let (scheme, token) = request.headers().get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    (scheme.eq_ignore_ascii_case("bearer") || scheme.eq_ignore_ascii_case("oauth")).then_some(token.trim())
}

/// Whether a version, as written in a path, is answered.
pub fn is_known_version(version: &str) -> bool {
    let number = version.strip_prefix('v').and_then(|rest| rest.strip_suffix(".0")).and_then(|number| number.parse().ok());
    number.is_some_and(|number| API_VERSIONS.contains(&number))
}

fn check_call(request: &HttpRequest, sandbox: &web::Data<SandboxState>) -> Result<ApiCall, SalesforceApiError> {
    let version = request.match_info().get("version").unwrap_or_default().to_owned();
    if !version.is_empty() && !is_known_version(&version) {
        return Err(SalesforceApiError::not_found());
    }
    let token = bearer_token(request).ok_or_else(SalesforceApiError::no_session)?;
    let mut salesforce = sandbox.salesforce();
    let session = salesforce.grants.find_session(token, sandbox.now()).ok_or_else(SalesforceApiError::no_session)?;
    let user = salesforce.find_user(&session.user_id).filter(|user| user.active).cloned().ok_or_else(SalesforceApiError::no_session)?;
    let has_api_scope = session.scope.split(' ').any(|part| part == "api" || part == "full");
    if !user.api_enabled {
        return Err(SalesforceApiError::new(StatusCode::FORBIDDEN, "API_CURRENTLY_DISABLED", "API is disabled for this User"));
    }
    if !has_api_scope {
        return Err(SalesforceApiError::new(
            StatusCode::FORBIDDEN,
            "API_DISABLED_FOR_ORG",
            "This session is not valid for use with the REST API",
        ));
    }
    if salesforce.api_calls >= salesforce.api_limit {
        return Err(SalesforceApiError::new(StatusCode::FORBIDDEN, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded."));
    }
    salesforce.api_calls += 1;
    let limit_info = format!("api-usage={}/{}", salesforce.api_calls, salesforce.api_limit);
    drop(salesforce);
    Ok(ApiCall { sandbox: sandbox.clone(), user, version, limit_info })
}

impl FromRequest for ApiCall {
    type Error = actix_web::Error;
    type Future = Ready<Result<Self, actix_web::Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let Some(sandbox) = request.app_data::<web::Data<SandboxState>>() else {
            return ready(Err(InternalError::from_response("no sandbox state", HttpResponse::InternalServerError().finish()).into()));
        };
        ready(check_call(request, sandbox).map_err(|error| InternalError::from_response("refused", error.to_response()).into()))
    }
}
