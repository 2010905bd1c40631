//! `POST` and `DELETE /v1/sessions`, `GET /v1/instance/login-management/consequences`.

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

use super::{MemberView, to_view};
use crate::audit::ChangeOrigin;
use crate::context::Context;
use crate::crypto::SecretHash;
use crate::http::problem::ProblemBody;
use crate::http::{
    AnyCaller, Authorized, Body, Code, Problem, QueryParams, Routes, SharedLimit, ended_session_cookie, refuse_cross_site, route,
    session_cookie, session_of,
};
use crate::instances::{self, InstanceError, LoginManagement};
use crate::members::{EmailAddress, LoginError, MAX_PASSWORD_LENGTH, log_in, log_out, store};
use crate::permissions::scope::InstanceWrite;

pub(super) fn routes(routes: &mut Routes<'_>) {
    routes.add(route!(post_session).limited_by(SharedLimit::Logins)).add(route!(delete_session)).add(route!(get_consequences));
}

/// Who wants to log in.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct LoginRequest {
    #[schema(min_length = 1, max_length = 1000, example = "ann@example.com")]
    email: String,
    #[schema(value_type = String, format = Password, min_length = 1, max_length = 1024)]
    password: SecretString,
}

/// Log in by password
///
/// Only in instances set to *All Login Methods*. The answer sets the session cookie. After five failures in a row with one
/// address from one network, a further attempt from there is refused for a second, with 429 and `Retry-After`; each further failure doubles
/// the time, up to 15 minutes. After a hundred failures from networks that the person has never logged in from, only the known ones get in
/// at once, and each other attempt waits 15 minutes. So nobody can keep somebody else out.
#[utoipa::path(
    post, path = "/v1/sessions", operation_id = "logIn", tag = "Sessions", request_body = LoginRequest,
    responses(
        (status = 201, description = "The member; the cookie is set.", body = MemberView),
        (status = 401, description = "The address or the password is wrong, or there is no password.", body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, description = "The password is right, but the account is deactivated or the instance is set to Salesforce Only; or a page of another site has sent the request.", body = ProblemBody, content_type = "application/problem+json"),
        (status = 429, description = "Too many failures with this address from there; Retry-After says how long to wait.", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
async fn post_session(
    _: AnyCaller,
    request: HttpRequest,
    context: Context,
    origin: ChangeOrigin,
    Body(wanted): Body<LoginRequest>,
) -> Result<HttpResponse, Problem> {
    refuse_cross_site(&request, &context.public_url)?;
    // What nobody can have as address or password is as wrong as any other.
    let email = EmailAddress::parse(&wanted.email).map_err(|_| LoginError::Refused)?;
    if wanted.password.expose_secret().chars().count() > MAX_PASSWORD_LENGTH {
        return Err(LoginError::Refused.into());
    }
    let done = log_in(&context.db, context.clock.as_ref(), &origin, &email, wanted.password).await?;
    let view = to_view(&context, done.instance, done.member).await?;
    let mut answer = HttpResponse::Created().insert_header((header::CACHE_CONTROL, "no-store")).json(view);
    let cookie = session_cookie(&done.session.token, done.session.expires_at, &context.public_url);
    answer.add_cookie(&cookie).map_err(|_| Problem::new(Code::Internal, "The session cookie can't be written."))?;
    Ok(answer)
}

/// Log out
///
/// Ends the session of the cookie, if there is one, and takes the cookie away.
#[utoipa::path(
    delete, path = "/v1/sessions", operation_id = "logOut", tag = "Sessions",
    responses((status = 204, description = "Logged out."))
)]
async fn delete_session(_: AnyCaller, request: HttpRequest, context: Context, origin: ChangeOrigin) -> Result<HttpResponse, Problem> {
    if let Some(token) = session_of(&request) {
        log_out(&context.db, context.clock.as_ref(), &origin, &SecretHash::of_secret(&token)).await?;
    }
    let mut answer = HttpResponse::NoContent().finish();
    let cookie = ended_session_cookie(&context.public_url);
    answer.add_cookie(&cookie).map_err(|_| Problem::new(Code::Internal, "The session cookie can't be taken away."))?;
    Ok(answer)
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ConsequencesParams {
    /// What it would be set to.
    #[param(inline)]
    login_management: LoginManagement,
}

/// What would follow for some members.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct LoginManagementConsequence {
    /// Stable name.
    #[schema(example = "password_login_lost")]
    code: &'static str,
    /// How many members, invitations or sessions it would meet.
    #[schema(minimum = 0)]
    count: i64,
    /// What it means for them.
    detail: &'static str,
}

/// What would follow from setting the way to log in.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct LoginManagementConsequences {
    /// What it is set to now.
    current: LoginManagement,
    /// What it would be set to.
    proposed: LoginManagement,
    /// Whether it is another way than today's.
    is_change: bool,
    /// Everything that somebody would notice; those that meet nobody are left out.
    consequences: Vec<LoginManagementConsequence>,
}

/// See what another way to log in would mean
///
/// Nothing is changed. `PATCH /v1/instance` with `login_management` changes it.
#[utoipa::path(
    get, path = "/v1/instance/login-management/consequences",
    operation_id = "getLoginManagementConsequences", tag = "Instances", params(ConsequencesParams),
    responses((status = 200, description = "What would follow.", body = LoginManagementConsequences))
)]
async fn get_consequences(
    context: Context,
    caller: Authorized<InstanceWrite>,
    QueryParams(params): QueryParams<ConsequencesParams>,
) -> Result<HttpResponse, Problem> {
    let instance = instances::find(&context.db, caller.instance).await?.ok_or(InstanceError::Unknown)?;
    let facts = store::login_facts(&context.db, caller.instance, context.clock.timestamp()).await?;
    let (current, proposed) = (instance.login_management, params.login_management);
    let is_change = current != proposed;
    let all: Vec<(&'static str, i64, &'static str)> = match proposed {
        _ if !is_change => Vec::new(),
        LoginManagement::SalesforceOnly => vec![
            ("password_login_lost", facts.with_password, "Active members who can log in by password today and could not any more."),
            (
                "login_lost",
                facts.only_password,
                "Of these, members who have never logged in at Salesforce: nothing would let them in until the setting is changed back, or they are removed and invited again.",
            ),
            ("password_sessions_ended", facts.password_sessions, "Sessions begun with a password, which would end at once."),
            ("activation_by_salesforce_only", facts.invited, "Invited people who could only activate by logging in at Salesforce."),
            ("auto_login_gained", facts.by_salesforce, "Members whom Salesforce would log in by itself."),
            (
                "no_admin_left",
                i64::from(facts.admins_by_salesforce == 0),
                "No active admin has ever logged in at Salesforce: no person could administer the instance any more.",
            ),
        ],
        LoginManagement::AllLoginMethods => vec![
            ("auto_login_lost", facts.by_salesforce, "Members whom Salesforce logs in by itself today and would not any more."),
            (
                "password_needed",
                facts.without_password,
                "Active members without a password, who would choose one by POST /v1/password-resets.",
            ),
            ("password_login_gained", facts.with_password, "Members whose password of before would work again."),
            ("activation_by_password_offered", facts.invited, "Invited people who could also activate with a password."),
        ],
    };
    let met = all.into_iter().filter(|(_, count, _)| *count > 0);
    let consequences = met.map(|(code, count, detail)| LoginManagementConsequence { code, count, detail }).collect();
    Ok(HttpResponse::Ok().json(LoginManagementConsequences { current, proposed, is_change, consequences }))
}
