//! Where Salesforce sends people back to, whatever they left for.

use std::sync::Arc;

use actix_web::http::{StatusCode, header};
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use secrecy::SecretString;
use serde::Deserialize;

use super::callback_page::connected;
use crate::audit::ChangeOrigin;
use crate::auth::Actor;
use crate::connections::{
    ActivatedMember, ActivationByLogin, AuthorizationPurpose, BrowserBinding, BrowserCookies, ConnectionError, Connections,
    SalesforceLogin, TestResult, active_page,
};
use crate::context::Context;
use crate::http::problem::ProblemBody;
use crate::http::{
    AnyCaller, Audience, Code, Problem, QueryParams, Routes, SharedLimit, authorization_cookie, authorization_cookie_of, problem_or_page,
    route, session_cookie, session_of,
};
use crate::instances;
use crate::language::Language;

pub(super) fn routes(routes: &mut Routes<'_>) {
    routes.add(route!(start_salesforce).limited_by(SharedLimit::Links)).add(route!(salesforce_callback).limited_by(SharedLimit::Links));
}

/// What the browser brings.
fn cookies_of(request: &HttpRequest) -> BrowserCookies {
    BrowserCookies { binding: authorization_cookie_of(request).map(BrowserBinding), session: session_of(request) }
}

/// Names the authorization.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct Start {
    /// As in the address that was given out.
    state: Option<String>,
}

/// Where an authorization begins in the browser
///
/// Leaves a cookie and sends the browser on to Salesforce. Only the browser with that cookie can complete the authorization; one that
/// connects a member's own Salesforce user also needs that member's session, here and when it comes back.
#[utoipa::path(
    get, path = "/oauth/salesforce/start",
    operation_id = "startSalesforceAuthorization", tag = "Connections", params(Start), responses(
    (status = 302, description = "Off to Salesforce.", headers(("Location" = String, description = "Salesforce's authorization address."))),
    (status = 403, description = "A page: it was not begun here, too long ago, or in another browser; or it is a member's own, who is not logged in in this one.", content((ProblemBody = "application/problem+json"), (String = "text/html"))),
    (status = 409, description = "A page: the service's Salesforce app is not configured.", content((ProblemBody = "application/problem+json"), (String = "text/html"))),
    (status = 429, description = "Too many requests from this address; Retry-After says how long to wait.", content((ProblemBody = "application/problem+json"), (String = "text/html"))),
))]
async fn start_salesforce(
    _: AnyCaller,
    request: HttpRequest,
    context: Context,
    connections: Data<Connections>,
    activation: Data<Arc<dyn ActivationByLogin>>,
    QueryParams(start): QueryParams<Start>,
) -> Result<HttpResponse, Problem> {
    let reader = reader(&request, &context, &connections, activation.get_ref().as_ref(), start.state.as_deref()).await;
    let begun = async {
        let state: SecretString = start.state.ok_or(ConnectionError::StateInvalid)?.into();
        connections.start_authorization(&state, cookies_of(&request)).await
    };
    let answer = begun.await.map_err(Problem::from).map(|(url, browser)| {
        let mut answer = HttpResponse::Found();
        answer.insert_header((header::LOCATION, url.as_str())).insert_header((header::CACHE_CONTROL, "no-store"));
        answer.cookie(authorization_cookie(&browser.0, &context.public_url)).finish()
    });
    problem_or_page(answer, reader)
}

/// What Salesforce sends along.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct Callback {
    /// Names the authorization.
    state: Option<String>,
    /// Present when the person agreed.
    code: Option<String>,
    /// Present when they did not, or Salesforce refused.
    error: Option<String>,
    /// Salesforce's text.
    error_description: Option<String>,
}

/// Where Salesforce sends people back to
///
/// Answers with a page for the person, or with JSON problems when asked with `Accept: application/json`. A `state` works once, in
/// the browser that began it.
#[utoipa::path(
    get, path = "/oauth/salesforce/callback",
    operation_id = "completeSalesforceAuthorization", tag = "Connections", params(Callback), responses(
    (status = 200, description = "A page that says what was done.", body = String, content_type = "text/html"),
    (status = 403, description = "A page: the authorization was not begun here, was completed already or is too old; it was refused at Salesforce; it is a member's own, who is not logged in in this browser; or the e-mail address is another than the invited one.", content((ProblemBody = "application/problem+json"), (String = "text/html"))),
    (status = 409, description = "A page: it can't be completed as things are.", content((ProblemBody = "application/problem+json"), (String = "text/html"))),
    (status = 410, description = "A page: the invitation was used or has expired.", content((ProblemBody = "application/problem+json"), (String = "text/html"))),
    (status = 429, description = "Too many requests from this address; Retry-After says how long to wait.", content((ProblemBody = "application/problem+json"), (String = "text/html"))),
))]
async fn salesforce_callback(
    _: AnyCaller,
    request: HttpRequest,
    context: Context,
    origin: ChangeOrigin,
    connections: Data<Connections>,
    activation: Data<Arc<dyn ActivationByLogin>>,
    QueryParams(callback): QueryParams<Callback>,
) -> Result<HttpResponse, Problem> {
    let activation = activation.get_ref().as_ref();
    let reader = reader(&request, &context, &connections, activation, callback.state.as_deref()).await;
    let browser = cookies_of(&request);
    // A program that comes this way, which none does but to try it, reads the page in English.
    let language = if let Audience::Person(language) = reader { language } else { Language::En };
    let answer = match complete(&connections, activation, callback, &browser, &origin).await {
        Ok(FinishedCallback::Connected(result)) => connected(&result, language).respond(StatusCode::OK),
        Ok(FinishedCallback::Activated(member)) => activated_page(&context, &member, language),
        Err(problem) => Err(problem),
    };
    problem_or_page(answer, reader)
}

/// Who reads the answer: a person in the language of the invitation or the instance that the authorization is for, as long as that is
/// known.
async fn reader(
    request: &HttpRequest,
    context: &Context,
    connections: &Connections,
    activation: &dyn ActivationByLogin,
    state: Option<&str>,
) -> Audience {
    let reader = Audience::of_request(request);
    let (Audience::Person(_), Some(state)) = (reader, state) else { return reader };
    // A page in another language is better than none.
    let known = match connections.find_purpose(&state.into()).await {
        Ok(Some((instance, AuthorizationPurpose::Activation { invite }))) => activation.language(instance, invite).await,
        Ok(Some((instance, _))) => instances::find(&context.db, instance).await.ok().flatten().map(|found| found.language),
        _ => None,
    };
    reader.written_to_in(known)
}

enum FinishedCallback {
    Connected(TestResult),
    Activated(ActivatedMember),
}

async fn complete(
    connections: &Connections,
    activation: &dyn ActivationByLogin,
    callback: Callback,
    browser: &BrowserCookies,
    origin: &ChangeOrigin,
) -> Result<FinishedCallback, Problem> {
    let state: SecretString = callback.state.ok_or(ConnectionError::StateInvalid)?.into();
    let refusal = callback.error_description.or(callback.error).unwrap_or_else(|| "it sent neither a code nor a reason".into());
    // Only letters that belong in a sentence are shown again; the text comes from outside.
    let refusal: String = refusal.chars().filter(|one| !one.is_control()).take(200).collect();
    let authorized = connections.complete_authorization(&state, browser, callback.code.as_deref().ok_or(refusal)).await?;
    match &authorized.purpose {
        AuthorizationPurpose::Instance { begun_by, .. } => {
            Ok(FinishedCallback::Connected(connections.adopt_authorization(&authorized, None, &origin.acting_as(begun_by)).await?))
        }
        AuthorizationPurpose::Member { member } => {
            let origin = origin.acting_as(&Actor::Member(*member));
            Ok(FinishedCallback::Connected(connections.adopt_authorization(&authorized, Some(*member), &origin).await?))
        }
        AuthorizationPurpose::Activation { invite } => {
            let login = SalesforceLogin {
                organization_id: authorized.identity.organization_id.clone(),
                user_id: authorized.identity.user_id.clone(),
                username: authorized.identity.username.clone(),
                email: authorized.identity.email.clone(),
            };
            let member = activation.activate(authorized.instance, *invite, &login, origin).await?;
            let origin = origin.acting_as(&Actor::Member(member.member));
            connections.adopt_authorization(&authorized, Some(member.member), &origin).await?;
            Ok(FinishedCallback::Activated(member))
        }
    }
}

fn activated_page(context: &Context, member: &ActivatedMember, language: Language) -> Result<HttpResponse, Problem> {
    let mut response = active_page(&member.email, language).respond(StatusCode::OK)?;
    let cookie = session_cookie(&member.session.token, member.session.expires_at, &context.public_url);
    response.add_cookie(&cookie).map_err(|_| Problem::new(Code::Internal, "The session can't be begun."))?;
    Ok(response)
}
