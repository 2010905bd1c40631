//! One's own profile: `GET` and `PATCH /v1/members/me`, `PUT /v1/members/me/password`.

use actix_web::{HttpRequest, HttpResponse};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use super::changes::read_names;
use super::{MemberView, acting, find_member, to_view};
use crate::context::Context;
use crate::crypto::SecretHash;
use crate::http::problem::ProblemBody;
use crate::http::{Authorized, Body, Problem, Routes, route, session_of};
use crate::members::{FieldChange, LoginError, MAX_PASSWORD_LENGTH, MemberChange, PasswordChange, change_member, change_password};
use crate::permissions::scope::MembersOwn;

pub(super) fn routes(routes: &mut Routes<'_>) {
    routes.add(route!(get_me)).add(route!(patch_me)).add(route!(put_password));
}

/// See one's own profile
#[utoipa::path(
    get, path = "/v1/members/me", operation_id = "getOwnProfile", tag = "Members",
    responses(
        (status = 200, description = "The caller.", body = MemberView),
        (status = 403, description = "The caller is a program.", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
async fn get_me(context: Context, caller: Authorized<MembersOwn>) -> Result<HttpResponse, Problem> {
    let member = find_member(&context, caller.instance, caller.member()?).await?;
    Ok(HttpResponse::Ok().json(to_view(&context, caller.instance, member).await?))
}

/// What is to be changed; what is left out stays.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct UpdateProfile {
    /// No control characters, line separators or marks of direction; spaces around it are dropped. Null takes it away.
    #[serde(default)]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 100, pattern = r"^ *[^\u0000-\u0020\u007f-\u009f\u2028-\u202e\u2066-\u2069][^\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]*$")]
    first_name: FieldChange<String>,
    /// As the first name.
    #[serde(default)]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 100, pattern = r"^ *[^\u0000-\u0020\u007f-\u009f\u2028-\u202e\u2066-\u2069][^\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]*$")]
    last_name: FieldChange<String>,
}

/// Change one's own profile
#[utoipa::path(
    patch, path = "/v1/members/me", operation_id = "updateOwnProfile", tag = "Members", request_body = UpdateProfile,
    responses(
        (status = 200, description = "The caller as they are now.", body = MemberView),
        (status = 403, description = "The caller is a program.", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
async fn patch_me(context: Context, caller: Authorized<MembersOwn>, Body(wanted): Body<UpdateProfile>) -> Result<HttpResponse, Problem> {
    let me = caller.member()?;
    let names = read_names(wanted.first_name, wanted.last_name)?;
    let change = MemberChange { names, role: None };
    let member = change_member(&context.db, &acting(&context, &caller), me, change).await?;
    Ok(HttpResponse::Ok().json(to_view(&context, caller.instance, member).await?))
}

/// The password of now, and the one to come.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct ChangePassword {
    #[schema(value_type = String, format = Password, min_length = 1, max_length = 1024)]
    current_password: SecretString,
    /// The new one.
    #[schema(value_type = String, format = Password, min_length = 12, max_length = 1024)]
    password: SecretString,
}

/// Change one's own password
///
/// Only in instances set to *All Login Methods*. One's other sessions end, as do links for a new password that are under way. The new
/// password must fit as everywhere: one that would be guessed among the first is refused (`guessable`). A wrong current password counts
/// as a failed login with one's address.
#[utoipa::path(
    put, path = "/v1/members/me/password", operation_id = "changeOwnPassword", tag = "Members", request_body = ChangePassword,
    responses(
        (status = 204, description = "The new password holds."),
        (status = 403, description = "The current password is another one, the instance is set to Salesforce Only, or the caller is a program.", body = ProblemBody, content_type = "application/problem+json"),
        (status = 409, description = "The caller has no password yet.", body = ProblemBody, content_type = "application/problem+json"),
        (status = 429, description = "Too many wrong current passwords; Retry-After says how long to wait.", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
async fn put_password(
    context: Context,
    caller: Authorized<MembersOwn>,
    request: HttpRequest,
    Body(wanted): Body<ChangePassword>,
) -> Result<HttpResponse, Problem> {
    let member = caller.member()?;
    // What nobody can have is as wrong as any other, and is not hashed.
    if wanted.current_password.expose_secret().chars().count() > MAX_PASSWORD_LENGTH {
        return Err(LoginError::CurrentWrong.into());
    }
    let change = PasswordChange {
        instance: caller.instance,
        member,
        current: wanted.current_password,
        new: wanted.password,
        current_session: session_of(&request).map(|token| SecretHash::of_secret(&token)),
    };
    change_password(&context.db, context.clock.as_ref(), &caller.origin, change).await?;
    Ok(HttpResponse::NoContent().finish())
}
