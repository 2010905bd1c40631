//! What every call to Marketo must pass: a valid token in the header, the quotas, the size limits.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::error::InternalError;
use actix_web::http::{Method, StatusCode, header};
use actix_web::{FromRequest, HttpRequest, HttpResponse, web};

use super::error::Refusal;
use super::tokens::Validity;
use crate::sandbox::state::SandboxState;

/// Longest address of a GET.
const LONGEST_URI: usize = 8 * 1024;
/// Largest body, imports aside.
const LARGEST_BODY: usize = 1024 * 1024;

/// One of the ten places for calls under way; given back when dropped.
#[derive(Debug)]
pub struct Slot(Option<web::Data<SandboxState>>);

impl Drop for Slot {
    fn drop(&mut self) {
        if let Some(sandbox) = &self.0 {
            sandbox.marketo().quota.leave();
        }
    }
}

/// A call to the REST or bulk API that may go ahead.
#[derive(Debug)]
pub struct Call {
    pub sandbox: web::Data<SandboxState>,
    pub slot: Slot,
}

/// A call for which no permission is needed.
#[derive(Debug)]
pub struct PlainCall {
    pub sandbox: web::Data<SandboxState>,
    _slot: Slot,
}

/// A call to user management that may go ahead.
#[derive(Debug)]
pub struct UserManagementCall {
    pub sandbox: web::Data<SandboxState>,
    _slot: Slot,
}

fn check_size(request: &HttpRequest) -> Result<(), HttpResponse> {
    if request.method() == Method::GET && request.uri().to_string().len() > LONGEST_URI {
        return Err(HttpResponse::build(StatusCode::URI_TOO_LONG).content_type("text/plain").body("Request-URI Too Long"));
    }
    let length = request.headers().get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()).and_then(|text| text.parse().ok());
    if length.is_some_and(|length: usize| length > LARGEST_BODY) {
        return Err(HttpResponse::PayloadTooLarge().content_type("text/plain").body("Request Entity Too Large"));
    }
    Ok(())
}

fn check_token(request: &HttpRequest, sandbox: &SandboxState) -> Result<(), Refusal> {
    let token = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).and_then(|text| {
        let (scheme, token) = text.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then_some(token.trim())
    });
    // The query parameter `access_token` is no longer looked at.
    if !sandbox.marketo().address_allowed {
        return Err(Refusal::new("603", "Access denied"));
    }
    match token {
        None => Err(Refusal::new("600", "Empty access token")),
        Some(token) => match sandbox.marketo().tokens.validity(token, sandbox.now()) {
            Validity::Valid => Ok(()),
            Validity::Expired => Err(Refusal::new("602", "Access token expired")),
            Validity::Unknown => Err(Refusal::new("601", "Access token invalid")),
        },
    }
}

fn enter(sandbox: &web::Data<SandboxState>) -> Result<Slot, Refusal> {
    let millis = i64::try_from(sandbox.clock.now().unix_timestamp_nanos() / 1_000_000).unwrap_or(i64::MAX);
    if !sandbox.settings.throttles {
        sandbox.marketo().quota.observe(millis);
        sandbox.usage().count_call(sandbox.now());
        return Ok(Slot(None));
    }
    sandbox.marketo().quota.enter(millis)?;
    sandbox.usage().count_call(sandbox.now());
    Ok(Slot(Some(sandbox.clone())))
}

fn sandbox_of(request: &HttpRequest) -> Option<web::Data<SandboxState>> {
    request.app_data::<web::Data<SandboxState>>().cloned()
}

fn refuse<T>(response: HttpResponse) -> Result<T, actix_web::Error> {
    Err(InternalError::from_response("refused", response).into())
}

fn admit(request: &HttpRequest, permitted: impl Fn(&SandboxState) -> bool) -> Result<(web::Data<SandboxState>, Slot), actix_web::Error> {
    let Some(sandbox) = sandbox_of(request) else { return refuse(HttpResponse::InternalServerError().finish()) };
    if let Err(response) = check_size(request) {
        return refuse(response);
    }
    let slot = check_token(request, &sandbox)
        .and_then(|()| enter(&sandbox))
        .and_then(|slot| if permitted(&sandbox) { Ok(slot) } else { Err(Refusal::new("603", "Access denied")) });
    match slot {
        Ok(slot) => Ok((sandbox, slot)),
        Err(refusal) => refuse(refusal.envelope(&sandbox)),
    }
}

impl FromRequest for Call {
    type Error = actix_web::Error;
    type Future = Ready<Result<Self, actix_web::Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(admit(request, |sandbox| sandbox.marketo().read_leads).map(|(sandbox, slot)| Self { sandbox, slot }))
    }
}

impl FromRequest for PlainCall {
    type Error = actix_web::Error;
    type Future = Ready<Result<Self, actix_web::Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(admit(request, |_| true).map(|(sandbox, slot)| Self { sandbox, _slot: slot }))
    }
}

impl FromRequest for UserManagementCall {
    type Error = actix_web::Error;
    type Future = Ready<Result<Self, actix_web::Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let Some(sandbox) = sandbox_of(request) else { return ready(refuse(HttpResponse::InternalServerError().finish())) };
        ready(match check_token(request, &sandbox) {
            Err(refusal) => {
                let status = if refusal.code == "603" { StatusCode::FORBIDDEN } else { StatusCode::UNAUTHORIZED };
                refuse(refusal.user_management(&sandbox, status))
            }
            Ok(()) => match enter(&sandbox) {
                Err(refusal) => refuse(refusal.user_management(&sandbox, StatusCode::TOO_MANY_REQUESTS)),
                Ok(_) if !sandbox.marketo().user_management => {
                    refuse(Refusal::new("603", "Access denied").user_management(&sandbox, StatusCode::FORBIDDEN))
                }
                Ok(slot) => Ok(Self { sandbox, _slot: slot }),
            },
        })
    }
}
