//! `POST /v1/invites/{invite_id}/resend`, `…/extend` and `…/revoke`.

use actix_web::HttpResponse;
use serde::Deserialize;

use super::{InviteView, ProblemBody};
use crate::context::Context;
use crate::http::{Authorized, OptionalBody, PathParams, Problem, Routes, ValidationError, route};
use crate::ids::InviteId;
use crate::invites::context::InviteContext;
use crate::invites::{LIFETIME, MAX_EXTENSION_DAYS, changes};
use crate::permissions::scope::MembersWrite;

/// The routes.
pub(super) fn routes(routes: &mut Routes<'_>) {
    routes.add(route!(resend_invite).idempotent()).add(route!(extend_invite)).add(route!(revoke_invite));
}

/// Resend an invitation
///
/// Sends another message with another link, which works for seven days; the link of the message before works no more. At most once in
/// ten minutes and five times in 24 hours, invitations of the person revoked since included, and not while the message before may still
/// leave.
#[utoipa::path(
    post, path = "/v1/invites/{invite_id}/resend",
    operation_id = "resendInvite", tag = "Invitations", params(("invite_id" = InviteId, Path, description = "The invitation's id.")),
    responses(
        (status = 200, description = "The invitation; another message is on its way.", body = InviteView),
        (status = 409, description = "The message before has not left yet, the person has activated or was invited again since, or the invitation was revoked.", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
async fn resend_invite(
    context: Context,
    caller: Authorized<MembersWrite>,
    PathParams(id): PathParams<InviteId>,
) -> Result<HttpResponse, Problem> {
    let cx = InviteContext::new(&context, caller.instance, &caller.origin.actor, &caller.origin);
    let invite = changes::resend(&cx, id).await?;
    Ok(HttpResponse::Ok().json(InviteView::new(invite, context.clock.timestamp())))
}

/// For how long.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct ExtendInvite {
    /// Days from now; seven unless given.
    // JSON's whole numbers may be written with a fraction of zero.
    #[schema(value_type = Option<i64>, minimum = 1, maximum = 30)]
    days: Option<f64>,
}

/// Extend an invitation
///
/// Lets the link that was sent work for some more days, counted from now, also when its time is over. No message is sent.
#[utoipa::path(
    post, path = "/v1/invites/{invite_id}/extend", operation_id = "extendInvite", tag = "Invitations", request_body = Option<ExtendInvite>,
    params(("invite_id" = InviteId, Path, description = "The invitation's id.")),
    responses(
        (status = 200, description = "The invitation.", body = InviteView),
        (status = 409, description = "No message has arrived, the person has activated or was invited again since, or the invitation was revoked.", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
async fn extend_invite(
    context: Context,
    caller: Authorized<MembersWrite>,
    PathParams(id): PathParams<InviteId>,
    OptionalBody(wanted): OptionalBody<ExtendInvite>,
) -> Result<HttpResponse, Problem> {
    let days = wanted.and_then(|wanted| wanted.days).map_or(Some(LIFETIME.whole_days()), whole_days);
    let days = days.ok_or_else(|| {
        let detail = format!("An invitation is extended by 1 to {MAX_EXTENSION_DAYS} whole days.");
        Problem::invalid(vec![ValidationError::new("/days", "out_of_range", detail)])
    })?;
    let cx = InviteContext::new(&context, caller.instance, &caller.origin.actor, &caller.origin);
    let invite = changes::extend(&cx, id, days).await?;
    Ok(HttpResponse::Ok().json(InviteView::new(invite, context.clock.timestamp())))
}

fn whole_days(days: f64) -> Option<i64> {
    (1..=MAX_EXTENSION_DAYS).find(|whole| {
        #[allow(clippy::cast_precision_loss)] // a small number
        let whole = *whole as f64;
        (whole - days).abs() < f64::EPSILON
    })
}

/// Revoke an invitation
///
/// Its link works no more, and its seat and address are free again. A message that has not left yet is not sent. The first user's
/// invitation can be revoked until data sync has started; another first user can be invited then.
#[utoipa::path(
    post, path = "/v1/invites/{invite_id}/revoke",
    operation_id = "revokeInvite", tag = "Invitations", params(("invite_id" = InviteId, Path, description = "The invitation's id.")),
    responses(
        (status = 200, description = "The invitation, revoked now or before.", body = InviteView),
        (status = 409, description = "The person has activated, or is the original user and data sync has started.", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
async fn revoke_invite(
    context: Context,
    caller: Authorized<MembersWrite>,
    PathParams(id): PathParams<InviteId>,
) -> Result<HttpResponse, Problem> {
    let cx = InviteContext::new(&context, caller.instance, &caller.origin.actor, &caller.origin);
    let invite = changes::revoke(&cx, id).await?;
    Ok(HttpResponse::Ok().json(InviteView::new(invite, context.clock.timestamp())))
}
