//! What every call to Marketo is checked for: size, a valid token in the header, the quotas, the permission.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::error::InternalError;
use actix_web::http::{Method, StatusCode, header};
use actix_web::{FromRequest, HttpRequest, HttpResponse, web};

use super::error::MarketoApiError;
use super::tokens::TokenValidity;
use crate::sandbox::state::SandboxState;

/// Longest address of a GET, in bytes.
const MAX_URI_BYTES: usize = 8 * 1024;
/// Largest body, in bytes.
const MAX_BODY_BYTES: usize = 1024 * 1024;

/// One of the ten slots for concurrent calls, given back when dropped; `None` when quotas aren't enforced.
#[derive(Debug)]
pub struct ConcurrencySlot(Option<web::Data<SandboxState>>);

impl Drop for ConcurrencySlot {
    fn drop(&mut self) {
        if let Some(sandbox) = &self.0 {
            sandbox.marketo().quota.end_call();
        }
    }
}

/// A call to the REST or bulk API that passed every check.
#[derive(Debug)]
pub struct MarketoCall {
    pub sandbox: web::Data<SandboxState>,
    pub slot: ConcurrencySlot,
}

/// A call that needs no permission and passed every other check.
#[derive(Debug)]
pub struct PermissionlessCall {
    pub sandbox: web::Data<SandboxState>,
    _slot: ConcurrencySlot,
}

/// A call to user management that passed every check.
#[derive(Debug)]
pub struct UserManagementCall {
    pub sandbox: web::Data<SandboxState>,
    _slot: ConcurrencySlot,
}

fn check_size(request: &HttpRequest) -> Result<(), HttpResponse> {
    if request.method() == Method::GET && request.uri().to_string().len() > MAX_URI_BYTES {
        return Err(HttpResponse::build(StatusCode::URI_TOO_LONG).content_type("text/plain").body("Request-URI Too Long"));
    }
    let length = request.headers().get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()).and_then(|text| text.parse().ok());
    if length.is_some_and(|length: usize| length > MAX_BODY_BYTES) {
        return Err(HttpResponse::PayloadTooLarge().content_type("text/plain").body("Request Entity Too Large"));
    }
    Ok(())
}

fn check_token(request: &HttpRequest, sandbox: &SandboxState) -> Result<(), MarketoApiError> {
    let token = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).and_then(|text| {
        let (scheme, token) = text.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then_some(token.trim())
    });
    // Marketo no longer reads the query parameter `access_token`.
    if !sandbox.marketo().allows_address {
        return Err(MarketoApiError::new("603", "Access denied"));
    }
    match token {
        None => Err(MarketoApiError::new("600", "Empty access token")),
        Some(token) => match sandbox.marketo().tokens.check(token, sandbox.now()) {
            TokenValidity::Valid => Ok(()),
            TokenValidity::Expired => Err(MarketoApiError::new("602", "Access token expired")),
            TokenValidity::Unknown => Err(MarketoApiError::new("601", "Access token invalid")),
        },
    }
}

fn take_slot(sandbox: &web::Data<SandboxState>) -> Result<ConcurrencySlot, MarketoApiError> {
    let millis = i64::try_from(sandbox.clock.now().unix_timestamp_nanos() / 1_000_000).unwrap_or(i64::MAX);
    if !sandbox.settings.throttles {
        sandbox.marketo().quota.record_call(millis);
        sandbox.usage().count_call(sandbox.now());
        return Ok(ConcurrencySlot(None));
    }
    sandbox.marketo().quota.begin_call(millis)?;
    sandbox.usage().count_call(sandbox.now());
    Ok(ConcurrencySlot(Some(sandbox.clone())))
}

fn sandbox_of(request: &HttpRequest) -> Option<web::Data<SandboxState>> {
    request.app_data::<web::Data<SandboxState>>().cloned()
}

fn refuse<T>(response: HttpResponse) -> Result<T, actix_web::Error> {
    Err(InternalError::from_response("refused", response).into())
}

fn check_call(
    request: &HttpRequest,
    is_permitted: impl Fn(&SandboxState) -> bool,
) -> Result<(web::Data<SandboxState>, ConcurrencySlot), actix_web::Error> {
    let Some(sandbox) = sandbox_of(request) else { return refuse(HttpResponse::InternalServerError().finish()) };
    if let Err(response) = check_size(request) {
        return refuse(response);
    }
    let slot = check_token(request, &sandbox)
        .and_then(|()| take_slot(&sandbox))
        .and_then(|slot| if is_permitted(&sandbox) { Ok(slot) } else { Err(MarketoApiError::new("603", "Access denied")) });
    match slot {
        Ok(slot) => Ok((sandbox, slot)),
        Err(error) => refuse(error.to_response(&sandbox)),
    }
}

impl FromRequest for MarketoCall {
    type Error = actix_web::Error;
    type Future = Ready<Result<Self, actix_web::Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(check_call(request, |sandbox| sandbox.marketo().can_read_leads).map(|(sandbox, slot)| Self { sandbox, slot }))
    }
}

impl FromRequest for PermissionlessCall {
    type Error = actix_web::Error;
    type Future = Ready<Result<Self, actix_web::Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(check_call(request, |_| true).map(|(sandbox, slot)| Self { sandbox, _slot: slot }))
    }
}

impl FromRequest for UserManagementCall {
    type Error = actix_web::Error;
    type Future = Ready<Result<Self, actix_web::Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let Some(sandbox) = sandbox_of(request) else { return ready(refuse(HttpResponse::InternalServerError().finish())) };
        ready(match check_token(request, &sandbox) {
            Err(error) => {
                let status = if error.code == "603" { StatusCode::FORBIDDEN } else { StatusCode::UNAUTHORIZED };
                refuse(error.to_user_management_response(&sandbox, status))
            }
            Ok(()) => match take_slot(&sandbox) {
                Err(error) => refuse(error.to_user_management_response(&sandbox, StatusCode::TOO_MANY_REQUESTS)),
                Ok(_) if !sandbox.marketo().can_manage_users => {
                    refuse(MarketoApiError::new("603", "Access denied").to_user_management_response(&sandbox, StatusCode::FORBIDDEN))
                }
                Ok(slot) => Ok(Self { sandbox, _slot: slot }),
            },
        })
    }
}
