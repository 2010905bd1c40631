//! What admins do to members: `PATCH` and `DELETE /v1/members/{member_id}`, `POST …/deactivate` and `…/reactivate`.

use actix_web::HttpResponse;
use actix_web::web::Data;
use serde::{Deserialize, Serialize};

use super::{MemberView, acting, to_view};
use crate::auth::Role;
use crate::connections::Connections;
use crate::context::Context;
use crate::http::problem::ProblemBody;
use crate::http::{Authorized, Body, PathParams, Problem, Routes, read_display_name, route};
use crate::ids::MemberId;
use crate::members::{
    FieldChange, MemberChange, Names, PassedOn, change_member, deactivate as deactivate_member, reactivate as reactivate_member,
    revoke_and_remove,
};
use crate::permissions::scope::MembersWrite;

pub(super) fn routes(routes: &mut Routes<'_>) {
    routes.add(route!(patch_member)).add(route!(deactivate)).add(route!(reactivate)).add(route!(delete_member));
}

/// Reads names; spaces around them are dropped.
pub(super) fn read_names(first_name: FieldChange<String>, last_name: FieldChange<String>) -> Result<Names, Problem> {
    let mut errors = Vec::new();
    let mut read = |pointer: &str, name: FieldChange<String>| match name {
        FieldChange::Set(text) => read_display_name(&mut errors, pointer, &text).map_or(FieldChange::Keep, FieldChange::Set),
        FieldChange::Clear => FieldChange::Clear,
        FieldChange::Keep => FieldChange::Keep,
    };
    let names = Names { first_name: read("/first_name", first_name), last_name: read("/last_name", last_name) };
    if errors.is_empty() { Ok(names) } else { Err(Problem::invalid(errors)) }
}

/// What is to be changed; what is left out stays.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct UpdateMember {
    /// No control characters, line separators or marks of direction; spaces around it are dropped. Null takes it away.
    #[serde(default)]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 100, pattern = r"^ *[^\u0000-\u0020\u007f-\u009f\u2028-\u202e\u2066-\u2069][^\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]*$")]
    first_name: FieldChange<String>,
    /// As the first name.
    #[serde(default)]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 100, pattern = r"^ *[^\u0000-\u0020\u007f-\u009f\u2028-\u202e\u2066-\u2069][^\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]*$")]
    last_name: FieldChange<String>,
    role: Option<Role>,
}

/// Change a member
///
/// Names and role, all or nothing. A new role holds from the member's next request on. Who becomes a user loses access to the
/// Marketo connection; one that they own passes to the caller.
#[utoipa::path(
    patch, path = "/v1/members/{member_id}", operation_id = "updateMember", tag = "Members", request_body = UpdateMember,
    params(("member_id" = MemberId, Path, description = "The member's id.")),
    responses(
        (status = 200, description = "The member as they are now.", body = MemberView),
        (status = 409, description = "The original user and the last admin stay admins.", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
async fn patch_member(
    context: Context,
    caller: Authorized<MembersWrite>,
    PathParams(id): PathParams<MemberId>,
    Body(wanted): Body<UpdateMember>,
) -> Result<HttpResponse, Problem> {
    let names = read_names(wanted.first_name, wanted.last_name)?;
    let change = MemberChange { names, role: wanted.role };
    let member = change_member(&context.db, &acting(&context, &caller), id, change).await?;
    Ok(HttpResponse::Ok().json(to_view(&context, caller.instance, member).await?))
}

/// Deactivate a member
///
/// Their sessions and tokens end at once, and nothing lets them in until they are reactivated. Seat, teams and what they own stay
/// theirs. Once more does no harm.
#[utoipa::path(
    post, path = "/v1/members/{member_id}/deactivate", operation_id = "deactivateMember", tag = "Members",
    params(("member_id" = MemberId, Path, description = "The member's id.")),
    responses(
        (status = 200, description = "The member as they are now.", body = MemberView),
        (status = 409, description = "The original user, the last admin and oneself stay active; who is only invited is removed instead.", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
async fn deactivate(
    context: Context,
    caller: Authorized<MembersWrite>,
    PathParams(id): PathParams<MemberId>,
) -> Result<HttpResponse, Problem> {
    let mut tx = context.db.begin().await?;
    let member = deactivate_member(&mut tx, &acting(&context, &caller), id).await?;
    tx.commit().await?;
    Ok(HttpResponse::Ok().json(to_view(&context, caller.instance, member).await?))
}

/// Reactivate a member
///
/// They can log in again, as before. Once more does no harm.
#[utoipa::path(
    post, path = "/v1/members/{member_id}/reactivate", operation_id = "reactivateMember", tag = "Members",
    params(("member_id" = MemberId, Path, description = "The member's id.")),
    responses((status = 200, description = "The member as they are now.", body = MemberView))
)]
async fn reactivate(
    context: Context,
    caller: Authorized<MembersWrite>,
    PathParams(id): PathParams<MemberId>,
) -> Result<HttpResponse, Problem> {
    let mut tx = context.db.begin().await?;
    let member = reactivate_member(&mut tx, &acting(&context, &caller), id).await?;
    tx.commit().await?;
    Ok(HttpResponse::Ok().json(to_view(&context, caller.instance, member).await?))
}

/// What of a removed member passed to whoever removed them.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct RemovedMember {
    /// Who has it now: `client:ID` or `member:ID`.
    reassigned_to: String,
    /// Whether the Marketo connection, or the one that waits to follow it, was theirs.
    marketo_connection: bool,
    /// Invitations they had made.
    #[schema(minimum = 0)]
    invitations: u64,
    /// Imports of invitations they had made.
    #[schema(minimum = 0)]
    imports: u64,
}

impl From<PassedOn> for RemovedMember {
    fn from(passed: PassedOn) -> Self {
        Self {
            reassigned_to: passed.to,
            marketo_connection: passed.marketo_connection,
            invitations: passed.invitations,
            imports: passed.imports,
        }
    }
}

/// Remove a member
///
/// Whether invited, active or deactivated. Their sessions and tokens end at once, their own Salesforce connection is revoked, seat
/// and address are free again, and what they own passes to the caller. When Salesforce can't be reached to revoke, nothing is done.
#[utoipa::path(
    delete, path = "/v1/members/{member_id}", operation_id = "deleteMember", tag = "Members",
    params(("member_id" = MemberId, Path, description = "The member's id.")),
    responses(
        (status = 200, description = "Removed; what passed to the caller.", body = RemovedMember),
        (status = 409, description = "The original user, the last admin and oneself stay, or Salesforce refused.", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
async fn delete_member(
    context: Context,
    caller: Authorized<MembersWrite>,
    connections: Data<Connections>,
    PathParams(id): PathParams<MemberId>,
) -> Result<HttpResponse, Problem> {
    let passed = revoke_and_remove(&context.db, &connections, &acting(&context, &caller), id).await?;
    Ok(HttpResponse::Ok().json(RemovedMember::from(passed)))
}
