//! A member's own Salesforce connection: everybody may have one, admin or not.

use actix_web::HttpResponse;
use actix_web::web::Data;
use serde::Deserialize;

use super::salesforce::{SalesforceAuthorization, SalesforceConnection};
use super::{HostName, find_instance, parse_host};
use crate::connections::salesforce::store;
use crate::connections::{ConnectionError, Connections, SalesforceHost, TestResult};
use crate::context::Context;
use crate::http::problem::ProblemBody;
use crate::http::{Authorized, Body, InstanceCaller, Problem, Routes, route};
use crate::ids::MemberId;
use crate::permissions::scope::ConnectionsOwn;

const LINK: &str = "/v1/members/me/salesforce-connection";

pub(super) fn routes(routes: &mut Routes<'_>) {
    routes.add(route!(begin_own)).add(route!(get_own)).add(route!(test_own)).add(route!(disconnect_own));
}

fn member_of(caller: &InstanceCaller) -> Result<MemberId, Problem> {
    caller.member()
}

/// How to begin connecting one's own Salesforce user.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct ConnectOwnSalesforce {
    /// `production`, `sandbox`, or the organization's My Domain host. Production unless given.
    #[schema(inline)]
    host: Option<HostName>,
}

/// Connect one's own Salesforce user
///
/// It must belong to the instance's organization. The address works only in a browser in which the member is logged in.
#[utoipa::path(
    post, path = "/v1/members/me/salesforce-connection",
    operation_id = "beginOwnSalesforceConnection", tag = "Connections", request_body = ConnectOwnSalesforce, responses(
    (status = 201, description = "Open the address.", body = SalesforceAuthorization),
    (status = 403, description = "The caller is a program.", body = ProblemBody, content_type = "application/problem+json"),
    (status = 409, description = "Connected already, a prerequisite is unmet, or the service's Salesforce app is not configured.", body = ProblemBody, content_type = "application/problem+json"),
))]
async fn begin_own(
    context: Context,
    caller: Authorized<ConnectionsOwn>,
    connections: Data<Connections>,
    Body(body): Body<ConnectOwnSalesforce>,
) -> Result<HttpResponse, Problem> {
    let member = member_of(&caller)?;
    let mut errors = Vec::new();
    let host = parse_host(body.host.as_ref(), &mut errors).unwrap_or(SalesforceHost::Production);
    if !errors.is_empty() {
        return Err(Problem::invalid(errors));
    }
    find_instance(&context, &caller).await?.prerequisites.check()?;
    let (url, expires_at) = connections.begin_own_salesforce(caller.instance, member, &host).await?;
    let begun = SalesforceAuthorization { authorization_url: url.into(), expires_at };
    Ok(HttpResponse::Created().insert_header(("location", context.public_url.join(LINK))).json(begun))
}

/// See one's own Salesforce connection
#[utoipa::path(
    get, path = "/v1/members/me/salesforce-connection",
    operation_id = "getOwnSalesforceConnection", tag = "Connections", responses(
    (status = 200, description = "The connection.", body = SalesforceConnection),
    (status = 403, description = "The caller is a program.", body = ProblemBody, content_type = "application/problem+json"),
    (status = 404, description = "There is none yet.", body = ProblemBody, content_type = "application/problem+json"),
))]
async fn get_own(context: Context, caller: Authorized<ConnectionsOwn>) -> Result<HttpResponse, Problem> {
    let row = store::find_salesforce(&context.db, caller.instance, Some(member_of(&caller)?)).await?;
    let row = row.ok_or(ConnectionError::NotConnected { vendor: "Salesforce", link: LINK })?;
    Ok(HttpResponse::Ok().json(SalesforceConnection::from(row)))
}

/// Test one's own Salesforce connection
#[utoipa::path(
    post, path = "/v1/members/me/salesforce-connection/test",
    operation_id = "testOwnSalesforceConnection", tag = "Connections", responses(
    (status = 200, description = "What the call found.", body = TestResult),
    (status = 403, description = "The caller is a program.", body = ProblemBody, content_type = "application/problem+json"),
    (status = 404, description = "There is no connection yet.", body = ProblemBody, content_type = "application/problem+json"),
))]
async fn test_own(caller: Authorized<ConnectionsOwn>, connections: Data<Connections>) -> Result<HttpResponse, Problem> {
    let member = member_of(&caller)?;
    Ok(HttpResponse::Ok().json(connections.test_salesforce(caller.instance, Some(member)).await?))
}

/// Disconnect one's own Salesforce user
///
/// Revokes the grant at Salesforce, then deletes it.
#[utoipa::path(
    delete, path = "/v1/members/me/salesforce-connection",
    operation_id = "deleteOwnSalesforceConnection", tag = "Connections", responses(
    (status = 204, description = "Disconnected."),
    (status = 403, description = "The caller is a program.", body = ProblemBody, content_type = "application/problem+json"),
    (status = 404, description = "There is no connection.", body = ProblemBody, content_type = "application/problem+json"),
))]
async fn disconnect_own(caller: Authorized<ConnectionsOwn>, connections: Data<Connections>) -> Result<HttpResponse, Problem> {
    let member = member_of(&caller)?;
    connections.disconnect_salesforce(caller.instance, Some(member), &caller.origin).await?;
    Ok(HttpResponse::NoContent().finish())
}
