use actix_web::HttpResponse;
use actix_web::web::Data;
use serde::Serialize;

use super::connection_admin;
use crate::clock::Timestamp;
use crate::connections::Connections;
use crate::connections::marketo::store::MarketoAccessRow;
use crate::http::problem::ProblemBody;
use crate::http::{Authorized, Code, Listing, PathParams, Problem, Routes, route};
use crate::ids::MemberId;
use crate::permissions::scope::{ConnectionsRead, ConnectionsWrite};

pub(super) fn routes(routes: &mut Routes<'_>) {
    routes.add(route!(list_access)).add(route!(grant_access)).add(route!(withdraw_access));
}

/// An admin who may use the Marketo connection that another one owns.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct MarketoAccess {
    member_id: MemberId,
    email: String,
    /// Who granted it: `client:ID` or `member:ID`.
    granted_by: String,
    granted_at: Timestamp,
}

impl From<MarketoAccessRow> for MarketoAccess {
    fn from(row: MarketoAccessRow) -> Self {
        Self { member_id: row.member_id, email: row.email, granted_by: row.granted_by, granted_at: row.granted_at }
    }
}

/// List who may use the Marketo connection
///
/// Besides its owner, by address. There are no more than the instance has seats, so the list is not paged.
#[utoipa::path(get, path = "/v1/connections/marketo/access", operation_id = "listMarketoAccess", tag = "Connections", responses(
    (status = 200, description = "The admins with access.", body = Listing<MarketoAccess>),
    (status = 404, description = "There is no connection.", body = ProblemBody, content_type = "application/problem+json"),
))]
async fn list_access(caller: Authorized<ConnectionsRead>, connections: Data<Connections>) -> Result<HttpResponse, Problem> {
    let data: Vec<_> = connections.marketo_access(caller.instance).await?.into_iter().map(MarketoAccess::from).collect();
    Ok(HttpResponse::Ok().json(Listing { data, next_cursor: None }))
}

/// Grant an admin access to the Marketo connection
///
/// Its owner does. Once more does no harm.
#[utoipa::path(
    put, path = "/v1/connections/marketo/access/{member_id}",
    operation_id = "grantMarketoAccess", tag = "Connections", params(("member_id" = MemberId, Path)), responses(
    (status = 204, description = "Granted."),
    (status = 403, description = "The connection belongs to somebody else.", body = ProblemBody, content_type = "application/problem+json"),
    (status = 404, description = "There is no connection.", body = ProblemBody, content_type = "application/problem+json"),
    (status = 409, description = "This is no active admin of the instance.", body = ProblemBody, content_type = "application/problem+json"),
))]
async fn grant_access(
    caller: Authorized<ConnectionsWrite>,
    connections: Data<Connections>,
    PathParams(member): PathParams<MemberId>,
) -> Result<HttpResponse, Problem> {
    connections.grant_marketo_access(caller.instance, &connection_admin(&caller), member).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Withdraw an admin's access to the Marketo connection
#[utoipa::path(
    delete, path = "/v1/connections/marketo/access/{member_id}",
    operation_id = "withdrawMarketoAccess", tag = "Connections", params(("member_id" = MemberId, Path)), responses(
    (status = 204, description = "Withdrawn."),
    (status = 403, description = "The connection belongs to somebody else.", body = ProblemBody, content_type = "application/problem+json"),
    (status = 404, description = "There is no connection, or nobody of this id has access.", body = ProblemBody, content_type = "application/problem+json"),
))]
async fn withdraw_access(
    caller: Authorized<ConnectionsWrite>,
    connections: Data<Connections>,
    PathParams(member): PathParams<MemberId>,
) -> Result<HttpResponse, Problem> {
    if connections.withdraw_marketo_access(caller.instance, &connection_admin(&caller), member).await? {
        Ok(HttpResponse::NoContent().finish())
    } else {
        Err(Problem::new(Code::NotFound, "Nobody of this id has access to the connection."))
    }
}
