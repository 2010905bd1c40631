//! Replacing a forgotten password: `POST /v1/password-resets`, and the page behind the link in the message.

use actix_web::http::{StatusCode, header};
use actix_web::web::Bytes;
use actix_web::{HttpRequest, HttpResponse};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use super::reset_page::{done, page};
use crate::audit::ChangeOrigin;
use crate::context::Context;
use crate::http::body::read_json_or_form;
use crate::http::problem::ProblemBody;
use crate::http::{
    AnyCaller, AsProblem, Audience, Body, Code, PathParams, Problem, Routes, SharedLimit, ValidationError, problem_or_page,
    refuse_cross_site, route,
};
use crate::members::reset_job::request_reset;
use crate::members::{EmailAddress, MIN_PASSWORD_LENGTH, PasswordError, complete_reset, open_reset, passwords};

pub(super) fn routes(routes: &mut Routes<'_>) {
    routes
        .add(route!(post_reset).limited_by(SharedLimit::Logins))
        .add(route!(get_link).limited_by(SharedLimit::Links))
        .add(route!(post_link).limited_by(SharedLimit::Links));
}

/// Whose password was forgotten.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct RequestPasswordReset {
    #[schema(min_length = 1, max_length = 1000, example = "ann@example.com")]
    email: String,
}

/// Ask for a link for a new password
///
/// The link comes by e-mail and works once, within an hour. The answer is the same whether or not anybody has the address, and
/// says nothing of them. No message is sent to whom no password could help: people who have not activated, are deactivated, or
/// whose instance is set to Salesforce Only. Asked again and again for one address from one network, it takes longer and longer until there is
/// another message.
#[utoipa::path(
    post, path = "/v1/password-resets", operation_id = "requestPasswordReset", tag = "Sessions", request_body = RequestPasswordReset,
    responses(
        (status = 202, description = "If a member with a password has this address, a message is on its way."),
        (status = 429, description = "Too many requests from this address; Retry-After says how long to wait.", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
async fn post_reset(
    _: AnyCaller,
    context: Context,
    origin: ChangeOrigin,
    Body(wanted): Body<RequestPasswordReset>,
) -> Result<HttpResponse, Problem> {
    if !(1..=1000).contains(&wanted.email.chars().count()) {
        return Err(Problem::invalid(vec![ValidationError::new("/email", "out_of_range", "An address has 1 to 1000 characters.")]));
    }
    // What is no address, nobody has.
    let Ok(email) = EmailAddress::parse(&wanted.email) else { return Ok(HttpResponse::Accepted().finish()) };
    request_reset(&context.db, context.clock.as_ref(), &email, &origin).await?;
    Ok(HttpResponse::Accepted().finish())
}

/// What the link is for.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = PasswordReset)]
struct ResetView {
    /// Whose password it replaces.
    email: String,
    /// Fewest characters of a password.
    min_password_length: usize,
}

/// See a link for a new password
///
/// The page behind the link. Ask with `Accept: application/json` for its facts instead.
#[utoipa::path(
    get, path = "/reset-password/{token}",
    operation_id = "getPasswordReset", tag = "Sessions", params(("token" = String, Path, description = "The secret of the link.")),
    responses(
        (status = 200, description = "The page, or what the link is for.", content((ResetView = "application/json"), (String = "text/html"))),
        (status = 403, description = "The instance is set to Salesforce Only.", content((ProblemBody = "application/problem+json"), (String = "text/html"))),
        (status = 404, description = "The link is not known, was used, or is older than an hour.", content((ProblemBody = "application/problem+json"), (String = "text/html"))),
        (status = 429, description = "Too many requests with this link, or with links from this address; Retry-After says how long to wait.", content((ProblemBody = "application/problem+json"), (String = "text/html"))),
        (status = 503, description = "The service or its database can't answer right now.", content((ProblemBody = "application/problem+json"), (String = "text/html"))),
    )
)]
async fn get_link(
    _: AnyCaller,
    request: HttpRequest,
    context: Context,
    PathParams(token): PathParams<String>,
) -> Result<HttpResponse, Problem> {
    let reader = reader(&request, &context, &token).await;
    let shown = async {
        let (_, member) = open_reset(&context.db, context.clock.as_ref(), &token.clone().into()).await?;
        match reader {
            Audience::Program => {
                let view = ResetView { email: member.email.as_str().to_owned(), min_password_length: MIN_PASSWORD_LENGTH };
                Ok(HttpResponse::Ok().insert_header((header::CACHE_CONTROL, "no-store")).json(view))
            }
            Audience::Person(language) => page(member.email.as_str(), &token, language).respond(StatusCode::OK),
        }
    };
    problem_or_page(shown.await, reader)
}

/// Who reads the answer: a person in the language of the link's message, as long as the link is known.
async fn reader(request: &HttpRequest, context: &Context, token: &str) -> Audience {
    match Audience::of_request(request) {
        Audience::Program => Audience::Program,
        person => person.written_to_in(passwords::language_of_reset(&context.db, context.clock.as_ref(), &token.into()).await),
    }
}

/// The new password, in JSON or as a form.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct SetPassword {
    #[schema(value_type = String, format = Password, min_length = 12, max_length = 1024)]
    password: SecretString,
}

/// Choose a new password
///
/// The link is used up, every session and token of the member ends, and failed logins are forgotten. Passwords that would be
/// guessed among the first are refused (`guessable`); the link can be used again then.
#[utoipa::path(
    post, path = "/reset-password/{token}",
    operation_id = "completePasswordReset", tag = "Sessions", params(("token" = String, Path, description = "The secret of the link.")),
    request_body(content((SetPassword = "application/json"), (SetPassword = "application/x-www-form-urlencoded"))),
    responses(
        (status = 200, description = "A page: the password is set.", content((String = "text/html"))),
        (status = 204, description = "The password is set."),
        (status = 400, description = "The body can't be read.", content((ProblemBody = "application/problem+json"), (String = "text/html"))),
        (status = 403, description = "The instance is set to Salesforce Only, or a page of another site has sent the request.", content((ProblemBody = "application/problem+json"), (String = "text/html"))),
        (status = 404, description = "The link is not known, was used, or is older than an hour.", content((ProblemBody = "application/problem+json"), (String = "text/html"))),
        (status = 413, description = "The body is too large.", content((ProblemBody = "application/problem+json"), (String = "text/html"))),
        (status = 415, description = "The media type is not supported.", content((ProblemBody = "application/problem+json"), (String = "text/html"))),
        (status = 422, description = "The password is too short, too long or too easily guessed.", content((ProblemBody = "application/problem+json"), (String = "text/html"))),
        (status = 429, description = "Too many requests with this link, or with links from this address; Retry-After says how long to wait.", content((ProblemBody = "application/problem+json"), (String = "text/html"))),
        (status = 503, description = "The service or its database can't answer right now.", content((ProblemBody = "application/problem+json"), (String = "text/html"))),
    )
)]
async fn post_link(
    _: AnyCaller,
    request: HttpRequest,
    context: Context,
    origin: ChangeOrigin,
    PathParams(token): PathParams<String>,
    body: Result<Bytes, actix_web::Error>,
) -> Result<HttpResponse, Problem> {
    let reader = reader(&request, &context, &token).await;
    let set = async {
        refuse_cross_site(&request, &context.public_url)?;
        let wanted = read(&request, &body.map_err(|error| crate::http::unreadable(&error))?)?;
        complete_reset(&context.db, context.clock.as_ref(), &origin, &token.clone().into(), wanted.password).await?;
        match reader {
            Audience::Program => Ok(HttpResponse::NoContent().finish()),
            Audience::Person(language) => done(language).respond(StatusCode::OK),
        }
    };
    let set: Result<_, Problem> = set.await;
    match (set, reader) {
        // The person is at the form: show it again, with what is wrong.
        (Err(problem), Audience::Person(language)) if problem.code() == Code::InvalidInput => {
            match open_reset(&context.db, context.clock.as_ref(), &token.clone().into()).await {
                Ok((_, member)) => {
                    page(member.email.as_str(), &token, language).with_error(&problem).respond(StatusCode::UNPROCESSABLE_ENTITY)
                }
                Err(_) => problem_or_page(Err(problem), reader),
            }
        }
        (set, _) => problem_or_page(set, reader),
    }
}

fn read(request: &HttpRequest, bytes: &[u8]) -> Result<SetPassword, Problem> {
    read_json_or_form(request.headers(), bytes, |_| PasswordError::Length.as_problem())
}
