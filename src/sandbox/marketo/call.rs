//! What every call to Marketo must pass: a valid token in the header, the quotas, the size limits.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::error::InternalError;
use actix_web::http::{Method, StatusCode, header};
use actix_web::{FromRequest, HttpRequest, HttpResponse, web};

use super::error::Refusal;
use super::tokens::Validity;
use crate::sandbox::world::World;

/// Longest address of a GET.
const LONGEST_URI: usize = 8 * 1024;
/// Largest body, imports aside.
const LARGEST_BODY: usize = 1024 * 1024;

/// One of the ten places for calls under way; given back when dropped.
#[derive(Debug)]
pub struct Slot(Option<web::Data<World>>);

impl Drop for Slot {
    fn drop(&mut self) {
        if let Some(world) = &self.0 {
            world.marketo().quota.leave();
        }
    }
}

/// A call to the REST or bulk API that may go ahead.
#[derive(Debug)]
pub struct Call {
    pub world: web::Data<World>,
    pub slot: Slot,
}

/// A call for which no permission is needed.
#[derive(Debug)]
pub struct PlainCall {
    pub world: web::Data<World>,
    _slot: Slot,
}

/// A call to user management that may go ahead.
#[derive(Debug)]
pub struct UserManagementCall {
    pub world: web::Data<World>,
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

fn check_token(request: &HttpRequest, world: &World) -> Result<(), Refusal> {
    let token = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).and_then(|text| {
        let (scheme, token) = text.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then_some(token.trim())
    });
    // The query parameter `access_token` is no longer looked at.
    if !world.marketo().address_allowed {
        return Err(Refusal::new("603", "Access denied"));
    }
    match token {
        None => Err(Refusal::new("600", "Empty access token")),
        Some(token) => match world.marketo().tokens.validity(token, world.now()) {
            Validity::Valid => Ok(()),
            Validity::Expired => Err(Refusal::new("602", "Access token expired")),
            Validity::Unknown => Err(Refusal::new("601", "Access token invalid")),
        },
    }
}

fn enter(world: &web::Data<World>) -> Result<Slot, Refusal> {
    let millis = i64::try_from(world.clock.now().unix_timestamp_nanos() / 1_000_000).unwrap_or(i64::MAX);
    if !world.settings.throttles {
        world.marketo().quota.observe(millis);
        world.usage().count_call(world.now());
        return Ok(Slot(None));
    }
    world.marketo().quota.enter(millis)?;
    world.usage().count_call(world.now());
    Ok(Slot(Some(world.clone())))
}

fn world_of(request: &HttpRequest) -> Option<web::Data<World>> {
    request.app_data::<web::Data<World>>().cloned()
}

fn refuse<T>(response: HttpResponse) -> Result<T, actix_web::Error> {
    Err(InternalError::from_response("refused", response).into())
}

fn admit(request: &HttpRequest, permitted: impl Fn(&World) -> bool) -> Result<(web::Data<World>, Slot), actix_web::Error> {
    let Some(world) = world_of(request) else { return refuse(HttpResponse::InternalServerError().finish()) };
    if let Err(response) = check_size(request) {
        return refuse(response);
    }
    let slot = check_token(request, &world)
        .and_then(|()| enter(&world))
        .and_then(|slot| if permitted(&world) { Ok(slot) } else { Err(Refusal::new("603", "Access denied")) });
    match slot {
        Ok(slot) => Ok((world, slot)),
        Err(refusal) => refuse(refusal.envelope(&world)),
    }
}

impl FromRequest for Call {
    type Error = actix_web::Error;
    type Future = Ready<Result<Self, actix_web::Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(admit(request, |world| world.marketo().read_leads).map(|(world, slot)| Self { world, slot }))
    }
}

impl FromRequest for PlainCall {
    type Error = actix_web::Error;
    type Future = Ready<Result<Self, actix_web::Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(admit(request, |_| true).map(|(world, slot)| Self { world, _slot: slot }))
    }
}

impl FromRequest for UserManagementCall {
    type Error = actix_web::Error;
    type Future = Ready<Result<Self, actix_web::Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let Some(world) = world_of(request) else { return ready(refuse(HttpResponse::InternalServerError().finish())) };
        ready(match check_token(request, &world) {
            Err(refusal) => {
                let status = if refusal.code == "603" { StatusCode::FORBIDDEN } else { StatusCode::UNAUTHORIZED };
                refuse(refusal.user_management(&world, status))
            }
            Ok(()) => match enter(&world) {
                Err(refusal) => refuse(refusal.user_management(&world, StatusCode::TOO_MANY_REQUESTS)),
                Ok(_) if !world.marketo().user_management => {
                    refuse(Refusal::new("603", "Access denied").user_management(&world, StatusCode::FORBIDDEN))
                }
                Ok(slot) => Ok(Self { world, _slot: slot }),
            },
        })
    }
}
