use actix_web::HttpResponse;
use actix_web::web::Data;
use serde::{Deserialize, Serialize};

use super::{connection_admin, find_instance};
use crate::clock::Timestamp;
use crate::connections::marketo::NOT_CONNECTED;
use crate::connections::marketo::store::{self, MarketoRow};
use crate::connections::{ConnectionState, Connections, MarketoAdmin, PastedCredentials, TestResult};
use crate::context::Context;
use crate::diagnostics::{RecentErrors, find_recent_errors};
use crate::http::problem::ProblemBody;
use crate::http::{Authorized, Body, Listing, Problem, Routes, ValidationError, route};
use crate::instances::MarketoCredentials;
use crate::permissions::scope::{ConnectionsRead, ConnectionsWrite, MembersRead};
use crate::quotas::VendorLimits;

pub(super) fn routes(routes: &mut Routes<'_>) {
    routes
        .add(route!(connect_marketo).idempotent())
        .add(route!(get_marketo))
        .add(route!(test_marketo))
        .add(route!(disconnect_marketo))
        .add(route!(get_marketo_limits))
        .add(route!(list_marketo_admins));
}

/// Most characters of an address.
const MAX_ADDRESS_LENGTH: usize = 200;

/// How to connect Marketo: with the credentials provisioned for the instance, or with those sent along.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct ConnectMarketo {
    /// Credentials as shown in Actions Config; those provisioned for the instance unless given.
    credentials: Option<MarketoCredentials>,
    /// The subscription's address, to have it checked. It follows from the Munchkin id.
    #[schema(max_length = 200, example = "https://123-abc-456.mktorest.com")]
    base_url: Option<String>,
}

impl ConnectMarketo {
    fn read(self) -> Result<(Option<PastedCredentials>, Option<String>), Problem> {
        let mut errors = Vec::new();
        if let Some(credentials) = &self.credentials {
            credentials.check("/credentials", &mut errors);
        }
        if self.base_url.as_deref().is_some_and(|address| address.chars().count() > MAX_ADDRESS_LENGTH) {
            errors.push(ValidationError::new("/base_url", "length", format!("base_url has at most {MAX_ADDRESS_LENGTH} characters.")));
        }
        if !errors.is_empty() {
            return Err(Problem::invalid(errors));
        }
        let pasted = self.credentials.map(|MarketoCredentials { client_id, client_secret }| PastedCredentials { client_id, client_secret });
        Ok((pasted, self.base_url))
    }
}

/// The instance's Marketo connection. No secret and no token ever appears here.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct MarketoConnection {
    state: ConnectionState,
    /// Whether it waits: another admin's connection is in use, and this one follows when that one is disconnected.
    waits_to_follow: bool,
    /// Address of the subscription.
    base_url: String,
    client_id: String,
    /// Whether the credentials are those that the operator provisioned.
    provisioned: bool,
    /// The API user who owns the credentials.
    #[serde(skip_serializing_if = "Option::is_none")]
    api_user: Option<String>,
    /// The owner, who alone can disconnect it: `client:ID` or `member:ID`.
    connected_by: String,
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

impl From<MarketoRow> for MarketoConnection {
    fn from(row: MarketoRow) -> Self {
        Self {
            state: row.state,
            waits_to_follow: row.is_successor,
            base_url: row.base_url,
            client_id: row.client_id,
            provisioned: row.provisioned,
            api_user: row.api_user,
            connected_by: row.connected_by,
            connected_at: row.created_at,
            last_tested_at: row.last_tested_at,
            last_error_code: row.last_error_code,
            remedy: row.last_error,
            recent_errors: None,
        }
    }
}

/// Connect Marketo
///
/// Step 3. An empty object is the one-click connect with the credentials provisioned for the instance. Nothing is kept unless a
/// token was had and a test call succeeded. The caller owns the connection. While another admin's is in use, the new one waits
/// and follows when that one is disconnected, so that nobody is ever without; an admin who was granted access to the one in use
/// must be without that access first.
#[utoipa::path(
    post, path = "/v1/connections/marketo",
    operation_id = "connectMarketo", tag = "Connections", request_body = ConnectMarketo, responses(
    (status = 201, description = "Connected.", body = MarketoConnection),
    (status = 409, description = "Connected already, no credentials, or Marketo refuses them; the code says which of address, id and secret is wrong.", body = ProblemBody, content_type = "application/problem+json"),
))]
async fn connect_marketo(
    context: Context,
    caller: Authorized<ConnectionsWrite>,
    connections: Data<Connections>,
    Body(body): Body<ConnectMarketo>,
) -> Result<HttpResponse, Problem> {
    let (pasted, address) = body.read()?;
    let instance = find_instance(&context, &caller).await?;
    instance.prerequisites.check()?;
    let admin = connection_admin(&caller);
    let row = connections.connect_marketo(instance.id, &instance.munchkin_id, pasted, address.as_deref(), &admin).await?;
    let location = context.public_url.join("/v1/connections/marketo");
    Ok(HttpResponse::Created().insert_header(("location", location)).json(MarketoConnection::from(row)))
}

/// See the Marketo connection
#[utoipa::path(get, path = "/v1/connections/marketo", operation_id = "getMarketoConnection", tag = "Connections", responses(
    (status = 200, description = "The connection.", body = MarketoConnection),
    (status = 404, description = "There is none yet.", body = ProblemBody, content_type = "application/problem+json"),
))]
async fn get_marketo(context: Context, caller: Authorized<ConnectionsRead>) -> Result<HttpResponse, Problem> {
    let row = store::find_marketo(&context.db, caller.instance).await?;
    let row = row.ok_or(NOT_CONNECTED)?;
    let recent_errors = find_recent_errors(&context.db, caller.instance, row.id, context.clock.timestamp()).await?;
    Ok(HttpResponse::Ok().json(MarketoConnection { recent_errors, ..row.into() }))
}

/// Test the Marketo connection
///
/// Makes a call and says what came of it; a failed call is an answer, not an error.
#[utoipa::path(post, path = "/v1/connections/marketo/test", operation_id = "testMarketoConnection", tag = "Connections", responses(
    (status = 200, description = "What the call found.", body = TestResult),
    (status = 403, description = "The owner has not granted access.", body = ProblemBody, content_type = "application/problem+json"),
    (status = 404, description = "There is no connection yet.", body = ProblemBody, content_type = "application/problem+json"),
))]
async fn test_marketo(caller: Authorized<ConnectionsWrite>, connections: Data<Connections>) -> Result<HttpResponse, Problem> {
    connections.check_marketo_access(caller.instance, &connection_admin(&caller)).await?;
    Ok(HttpResponse::Ok().json(connections.test_marketo(caller.instance).await?))
}

/// See the Marketo quotas
///
/// How much of the subscription's quotas is used and left, by this service's share of them, and until when the vendor refuses.
#[utoipa::path(get, path = "/v1/connections/marketo/limits", operation_id = "getMarketoLimits", tag = "Connections", responses(
    (status = 200, description = "The quotas.", body = VendorLimits),
    (status = 404, description = "There is no connection yet.", body = ProblemBody, content_type = "application/problem+json"),
))]
async fn get_marketo_limits(caller: Authorized<ConnectionsRead>, connections: Data<Connections>) -> Result<HttpResponse, Problem> {
    Ok(HttpResponse::Ok().json(connections.marketo_limits(caller.instance).await?))
}

/// Disconnect Marketo
///
/// Only its owner can, or an operator. A connection that waits to follow takes its place at once.
#[utoipa::path(delete, path = "/v1/connections/marketo", operation_id = "deleteMarketoConnection", tag = "Connections", responses(
    (status = 204, description = "Disconnected."),
    (status = 403, description = "It belongs to somebody else.", body = ProblemBody, content_type = "application/problem+json"),
    (status = 404, description = "There is no connection.", body = ProblemBody, content_type = "application/problem+json"),
))]
async fn disconnect_marketo(caller: Authorized<ConnectionsWrite>, connections: Data<Connections>) -> Result<HttpResponse, Problem> {
    connections.disconnect_marketo(caller.instance, &connection_admin(&caller)).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// People who can be the first user
///
/// Step 1: the people with the Admin role in Marketo, without API-only users, by name.
#[utoipa::path(get, path = "/v1/marketo/admins", operation_id = "listMarketoAdmins", tag = "Set-up", responses(
    (status = 200, description = "The admins.", body = Listing<MarketoAdmin>),
    (status = 409, description = "No credentials, or Marketo refuses them.", body = ProblemBody, content_type = "application/problem+json"),
))]
async fn list_marketo_admins(
    context: Context,
    caller: Authorized<MembersRead>,
    connections: Data<Connections>,
) -> Result<HttpResponse, Problem> {
    let instance = find_instance(&context, &caller).await?;
    let data = connections.marketo_admins(instance.id, &instance.munchkin_id).await?;
    Ok(HttpResponse::Ok().json(Listing { data, next_cursor: None }))
}
