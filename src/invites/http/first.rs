use actix_web::HttpResponse;
use actix_web::http::header;
use actix_web::web::Data;
use serde::Deserialize;

use super::{InviteView, ProblemBody};
use crate::connections::Connections;
use crate::context::Context;
use crate::http::body::not_null;
use crate::http::{Authorized, Body, Code, Problem, Routes, ValidationError, route};
use crate::invites::context::InviteContext;
use crate::invites::first_user::{FirstUserChoice, invite_first_user};
use crate::invites::store;
use crate::members::EmailAddress;
use crate::permissions::scope::{MembersRead, MembersWrite};

pub(super) fn routes(routes: &mut Routes<'_>) {
    routes.add(route!(post_first_invite).idempotent()).add(route!(get_first_invite));
}

/// Most characters of a Marketo user id. Marketo documents no bound; its user ids look like e-mail addresses.
const MAX_USER_ID_LENGTH: usize = 255;

/// The Marketo admin to invite, named by exactly one of the two.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(min_properties = 1, max_properties = 1)]
struct FirstInviteRequest {
    /// The admin's e-mail address in Marketo; case doesn't matter.
    #[serde(default, deserialize_with = "not_null")]
    #[schema(value_type = Option<String>, nullable = false, format = "email", max_length = 254)]
    email: Option<String>,
    /// The admin's `user_id`, as GET /v1/marketo/admins lists it.
    #[serde(default, deserialize_with = "not_null")]
    #[schema(value_type = Option<String>, nullable = false, min_length = 1, max_length = 255)]
    marketo_user_id: Option<String>,
}

impl FirstInviteRequest {
    fn read(self) -> Result<FirstUserChoice, Problem> {
        let error = |pointer, code, detail: String| Problem::invalid(vec![ValidationError::new(pointer, code, detail)]);
        match (self.email, self.marketo_user_id) {
            (Some(email), None) => EmailAddress::parse(&email)
                .map(FirstUserChoice::Email)
                .map_err(|why| error("/email", "no_email_address", format!("{why}."))),
            (None, Some(id)) if (1..=MAX_USER_ID_LENGTH).contains(&id.chars().count()) => Ok(FirstUserChoice::UserId(id)),
            (None, Some(_)) => {
                Err(error("/marketo_user_id", "out_of_range", format!("A Marketo user id has 1 to {MAX_USER_ID_LENGTH} characters.")))
            }
            _ => Err(error("", "one_of", "Give exactly one of email and marketo_user_id.".to_owned())),
        }
    }
}

/// Invite the first user
///
/// Step 1 of the set-up guide. The person must be a Marketo admin of the subscription; they become the instance's original
/// user, an admin. From then on the instance has credentials: see GET /v1/instance/integration-information.
#[utoipa::path(
    post, path = "/v1/invites/first", operation_id = "inviteFirstUser", tag = "Invitations", request_body = FirstInviteRequest,
    responses(
        (status = 201, description = "The invitation; the message is on its way.", body = InviteView, headers(("Location" = String, description = "The invitation."))),
        (status = 409, description = "A prerequisite is not met, somebody was invited already, the person is no Marketo admin, or Marketo refused.", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
async fn post_first_invite(
    context: Context,
    caller: Authorized<MembersWrite>,
    connections: Data<Connections>,
    Body(wanted): Body<FirstInviteRequest>,
) -> Result<HttpResponse, Problem> {
    let cx = InviteContext::new(&context, caller.instance, &caller.origin.actor, &caller.origin);
    let invited = invite_first_user(&cx, &connections, &wanted.read()?).await?;
    let location = context.public_url.join(&format!("/v1/invites/{}", invited.id));
    let view = InviteView::new(invited, context.clock.timestamp());
    Ok(HttpResponse::Created().insert_header((header::LOCATION, location)).json(view))
}

/// See the first user's invitation
#[utoipa::path(
    get, path = "/v1/invites/first", operation_id = "getFirstInvite", tag = "Invitations",
    responses(
        (status = 200, description = "The invitation.", body = InviteView),
        (status = 404, description = "Nobody has been invited yet.", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
async fn get_first_invite(context: Context, caller: Authorized<MembersRead>) -> Result<HttpResponse, Problem> {
    let found = store::find_first(&context.db, caller.instance).await?;
    let found = found.ok_or_else(|| Problem::new(Code::NotFound, "The first user has not been invited yet; do it with POST."))?;
    Ok(HttpResponse::Ok().json(InviteView::new(found, context.clock.timestamp())))
}
