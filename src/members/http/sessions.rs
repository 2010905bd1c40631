//! Sessions, seen and ended: one's own and, for admins, a member's.

use actix_web::{HttpRequest, HttpResponse};
use serde::Serialize;

use super::{acting, find_member};
use crate::auth::{self, Session, SessionMethod};
use crate::clock::Timestamp;
use crate::context::Context;
use crate::crypto::SecretHash;
use crate::http::problem::ProblemBody;
use crate::http::{Authorized, InstanceCaller, Listing, PathParams, Problem, Routes, route, session_of};
use crate::ids::{MemberId, SessionId};
use crate::members::{end_other_sessions, end_session, sign_out};
use crate::permissions::scope::{MembersOwn, MembersWrite};

pub(super) fn routes(routes: &mut Routes<'_>) {
    routes
        .add(route!(list_own))
        .add(route!(end_others))
        .add(route!(end_own))
        .add(route!(list_of_member))
        .add(route!(end_all))
        .add(route!(end_one));
}

/// A session of the console that has not expired.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = Session)]
struct SessionView {
    id: SessionId,
    /// How it was begun; absent when that is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    method: Option<SessionMethod>,
    created_at: Timestamp,
    expires_at: Timestamp,
    /// IP address from which it was begun.
    #[serde(skip_serializing_if = "Option::is_none")]
    address: Option<String>,
    /// The browser with which it was begun.
    #[serde(skip_serializing_if = "Option::is_none")]
    user_agent: Option<String>,
    /// Whether this request came with it.
    is_current: bool,
}

/// The hash of the session that a request came with.
fn current(request: &HttpRequest) -> Option<SecretHash> {
    session_of(request).map(|token| SecretHash::of_secret(&token))
}

async fn listed(context: &Context, caller: &InstanceCaller, member: MemberId, request: &HttpRequest) -> Result<HttpResponse, Problem> {
    let current = current(request);
    let view = |session: Session| SessionView {
        is_current: current.as_ref() == Some(&session.token_hash),
        id: session.id,
        method: session.method,
        created_at: session.created_at,
        expires_at: session.expires_at,
        address: session.address,
        user_agent: session.user_agent,
    };
    let sessions = auth::list_sessions(&context.db, caller.instance, member, context.clock.timestamp()).await?;
    Ok(HttpResponse::Ok().json(Listing { data: sessions.into_iter().map(view).collect::<Vec<_>>(), next_cursor: None }))
}

/// How many sessions ended.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct EndedSessions {
    #[schema(minimum = 0)]
    ended: u64,
}

/// List one's own sessions
///
/// The newest first. A member has at most 20; another login ends the oldest.
#[utoipa::path(get, path = "/v1/members/me/sessions", operation_id = "listOwnSessions", tag = "Members", responses(
    (status = 200, description = "The sessions.", body = Listing<SessionView>),
    (status = 403, description = "The caller is a program.", body = ProblemBody, content_type = "application/problem+json"),
))]
async fn list_own(context: Context, caller: Authorized<MembersOwn>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    listed(&context, &caller, caller.member()?, &request).await
}

/// End one's other sessions
///
/// All but the one that the request came with.
#[utoipa::path(delete, path = "/v1/members/me/sessions", operation_id = "endOtherSessions", tag = "Members", responses(
    (status = 200, description = "How many ended.", body = EndedSessions),
    (status = 403, description = "The caller is a program.", body = ProblemBody, content_type = "application/problem+json"),
))]
async fn end_others(context: Context, caller: Authorized<MembersOwn>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let (me, current_session) = (caller.member()?, current(&request));
    let ended = end_other_sessions(&context.db, &acting(&context, &caller), me, current_session.as_ref()).await?;
    Ok(HttpResponse::Ok().json(EndedSessions { ended }))
}

/// End one of one's own sessions
#[utoipa::path(
    delete, path = "/v1/members/me/sessions/{session_id}",
    operation_id = "endOwnSession", tag = "Members", params(("session_id" = SessionId, Path, description = "The session's id.")),
    responses(
        (status = 204, description = "Ended."),
        (status = 403, description = "The caller is a program.", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
async fn end_own(context: Context, caller: Authorized<MembersOwn>, PathParams(id): PathParams<SessionId>) -> Result<HttpResponse, Problem> {
    end_session(&context.db, &acting(&context, &caller), caller.member()?, id).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// List a member's sessions
///
/// The newest first.
#[utoipa::path(
    get, path = "/v1/members/{member_id}/sessions",
    operation_id = "listMemberSessions", tag = "Members", params(("member_id" = MemberId, Path, description = "The member's id.")),
    responses((status = 200, description = "The sessions.", body = Listing<SessionView>))
)]
async fn list_of_member(
    context: Context,
    caller: Authorized<MembersWrite>,
    request: HttpRequest,
    PathParams(id): PathParams<MemberId>,
) -> Result<HttpResponse, Problem> {
    find_member(&context, caller.instance, id).await?;
    listed(&context, &caller, id, &request).await
}

/// Log a member out everywhere
///
/// Ends every session and refuses every token that was issued to the member, in every process at once. They can log in again.
#[utoipa::path(
    delete, path = "/v1/members/{member_id}/sessions",
    operation_id = "endMemberSessions", tag = "Members", params(("member_id" = MemberId, Path, description = "The member's id.")),
    responses((status = 200, description = "How many sessions ended.", body = EndedSessions))
)]
async fn end_all(
    context: Context,
    caller: Authorized<MembersWrite>,
    PathParams(id): PathParams<MemberId>,
) -> Result<HttpResponse, Problem> {
    let ended = sign_out(&context.db, &acting(&context, &caller), id).await?;
    Ok(HttpResponse::Ok().json(EndedSessions { ended }))
}

/// End one of a member's sessions
#[utoipa::path(
    delete, path = "/v1/members/{member_id}/sessions/{session_id}", operation_id = "endMemberSession", tag = "Members",
    params(
        ("member_id" = MemberId, Path, description = "The member's id."),
        ("session_id" = SessionId, Path, description = "The session's id."),
    ),
    responses((status = 204, description = "Ended."))
)]
async fn end_one(
    context: Context,
    caller: Authorized<MembersWrite>,
    PathParams((member, id)): PathParams<(MemberId, SessionId)>,
) -> Result<HttpResponse, Problem> {
    end_session(&context.db, &acting(&context, &caller), member, id).await?;
    Ok(HttpResponse::NoContent().finish())
}
