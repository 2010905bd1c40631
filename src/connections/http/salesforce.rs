use actix_web::HttpResponse;
use actix_web::web::Data;
use serde::{Deserialize, Serialize};

use super::{HostName, connection_admin, find_instance, parse_host, parse_organization_id};
use crate::clock::Timestamp;
use crate::connections::salesforce::NOT_CONNECTED;
use crate::connections::salesforce::store::{self, SalesforceRow};
use crate::connections::{ConnectionState, Connections, SalesforceHost, TestResult};
use crate::context::Context;
use crate::diagnostics::{RecentErrors, find_recent_errors};
use crate::http::problem::ProblemBody;
use crate::http::{Authorized, Body, Problem, Routes, route};
use crate::permissions::scope::{ConnectionsRead, ConnectionsWrite};
use crate::quotas::VendorLimits;

pub(super) fn routes(routes: &mut Routes<'_>) {
    routes
        .add(route!(begin_salesforce))
        .add(route!(get_salesforce))
        .add(route!(test_salesforce))
        .add(route!(disconnect_salesforce))
        .add(route!(get_salesforce_limits));
}

/// How to begin connecting Salesforce.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct ConnectSalesforce {
    /// `production`, `sandbox`, or the organization's My Domain host. Production unless given.
    #[schema(inline)]
    host: Option<HostName>,
    /// The organization that the instance is to move to, 18 characters. Only needed when it belongs to another one.
    #[schema(example = "00D5g00003QbnlqEAB", pattern = r"^00D[A-Za-z0-9]{15}$")]
    confirm_organization_id: Option<String>,
}

/// Where to send the admin.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(super) struct SalesforceAuthorization {
    /// Open this in the person's browser, which has to be the one that comes back. It comes back by itself.
    pub(super) authorization_url: String,
    /// Until when it can be completed.
    pub(super) expires_at: Timestamp,
}

/// Connect Salesforce
///
/// Step 2. Gives the address at which a Salesforce user authorizes this service; the connection exists once they come back, in
/// the same browser. Another organization than the one that the instance belongs to is refused until it is confirmed.
#[utoipa::path(
    post, path = "/v1/connections/salesforce",
    operation_id = "beginSalesforceConnection", tag = "Connections", request_body = ConnectSalesforce, responses(
    (status = 201, description = "Send the admin to the address.", body = SalesforceAuthorization),
    (status = 409, description = "Connected already, a prerequisite is unmet, or the service's Salesforce app is not configured.", body = ProblemBody, content_type = "application/problem+json"),
))]
async fn begin_salesforce(
    context: Context,
    caller: Authorized<ConnectionsWrite>,
    connections: Data<Connections>,
    Body(body): Body<ConnectSalesforce>,
) -> Result<HttpResponse, Problem> {
    let mut errors = Vec::new();
    let host = parse_host(body.host.as_ref(), &mut errors).unwrap_or(SalesforceHost::Production);
    let confirmed = parse_organization_id(body.confirm_organization_id, &mut errors);
    if !errors.is_empty() {
        return Err(Problem::invalid(errors));
    }
    find_instance(&context, &caller).await?.prerequisites.check()?;
    let (url, expires_at) = connections.begin_salesforce(caller.instance, &host, connection_admin(&caller).name(), confirmed).await?;
    let location = context.public_url.join("/v1/connections/salesforce");
    Ok(HttpResponse::Created()
        .insert_header(("location", location))
        .json(SalesforceAuthorization { authorization_url: url.into(), expires_at }))
}

/// A Salesforce connection. No token ever appears here.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(super) struct SalesforceConnection {
    state: ConnectionState,
    /// Base of the organization's APIs.
    instance_url: String,
    /// 18 characters.
    organization_id: String,
    /// 18 characters.
    user_id: String,
    username: String,
    /// Scopes granted, space separated.
    scopes: String,
    /// How its tokens are renewed.
    refreshed_by: RefreshedBy,
    connected_at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_tested_at: Option<Timestamp>,
    /// What went wrong last, by the vendor's code.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_error_code: Option<String>,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    remedy: Option<String>,
    /// What failed in the last 24 hours; absent when nothing did. See `GET /v1/diagnostics`.
    #[serde(skip_serializing_if = "Option::is_none")]
    recent_errors: Option<RecentErrors>,
}

/// How access tokens are refreshed.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
enum RefreshedBy {
    /// With a refresh token, which Salesforce replaces each time.
    RefreshToken,
    /// With assertions signed by the uploaded key (JWT bearer flow).
    Assertion,
    /// Not at all: Salesforce gave no refresh token.
    None,
}

impl From<SalesforceRow> for SalesforceConnection {
    fn from(row: SalesforceRow) -> Self {
        Self {
            state: row.state,
            instance_url: row.instance_url,
            organization_id: row.organization_id,
            user_id: row.user_id,
            username: row.username,
            scopes: row.scopes,
            refreshed_by: match (&row.sealed_jwt_key, &row.sealed_refresh_token) {
                (Some(_), _) => RefreshedBy::Assertion,
                (None, Some(_)) => RefreshedBy::RefreshToken,
                (None, None) => RefreshedBy::None,
            },
            connected_at: row.created_at,
            last_tested_at: row.last_tested_at,
            last_error_code: row.last_error_code,
            remedy: row.last_error,
            recent_errors: None,
        }
    }
}

/// See the Salesforce connection
#[utoipa::path(get, path = "/v1/connections/salesforce", operation_id = "getSalesforceConnection", tag = "Connections", responses(
    (status = 200, description = "The connection.", body = SalesforceConnection),
    (status = 404, description = "There is none yet.", body = ProblemBody, content_type = "application/problem+json"),
))]
async fn get_salesforce(context: Context, caller: Authorized<ConnectionsRead>) -> Result<HttpResponse, Problem> {
    let row = store::find_salesforce(&context.db, caller.instance, None).await?;
    let row = row.ok_or(NOT_CONNECTED)?;
    let recent_errors = find_recent_errors(&context.db, caller.instance, row.id, context.clock.timestamp()).await?;
    Ok(HttpResponse::Ok().json(SalesforceConnection { recent_errors, ..row.into() }))
}

/// Test the Salesforce connection
///
/// Makes a call and says what came of it; a failed call is an answer, not an error.
#[utoipa::path(post, path = "/v1/connections/salesforce/test", operation_id = "testSalesforceConnection", tag = "Connections", responses(
    (status = 200, description = "What the call found.", body = TestResult),
    (status = 404, description = "There is no connection yet.", body = ProblemBody, content_type = "application/problem+json"),
))]
async fn test_salesforce(caller: Authorized<ConnectionsWrite>, connections: Data<Connections>) -> Result<HttpResponse, Problem> {
    Ok(HttpResponse::Ok().json(connections.test_salesforce(caller.instance, None).await?))
}

/// See the Salesforce quotas
///
/// How much of the organization's quotas is used and left, by this service's share of them, and until when the vendor refuses.
#[utoipa::path(get, path = "/v1/connections/salesforce/limits", operation_id = "getSalesforceLimits", tag = "Connections", responses(
    (status = 200, description = "The quotas.", body = VendorLimits),
    (status = 404, description = "There is no connection yet.", body = ProblemBody, content_type = "application/problem+json"),
))]
async fn get_salesforce_limits(caller: Authorized<ConnectionsRead>, connections: Data<Connections>) -> Result<HttpResponse, Problem> {
    Ok(HttpResponse::Ok().json(connections.salesforce_limits(caller.instance).await?))
}

/// Disconnect Salesforce
///
/// Revokes the grant at Salesforce, then deletes it.
#[utoipa::path(delete, path = "/v1/connections/salesforce", operation_id = "deleteSalesforceConnection", tag = "Connections", responses(
    (status = 204, description = "Disconnected."),
    (status = 404, description = "There is no connection.", body = ProblemBody, content_type = "application/problem+json"),
))]
async fn disconnect_salesforce(caller: Authorized<ConnectionsWrite>, connections: Data<Connections>) -> Result<HttpResponse, Problem> {
    connections.disconnect_salesforce(caller.instance, None, &caller.origin).await?;
    Ok(HttpResponse::NoContent().finish())
}
