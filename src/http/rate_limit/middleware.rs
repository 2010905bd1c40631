//! The limits of routes that anybody may call. A route is wrapped in them, so that no other pays for it.

use actix_web::Error;
use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header;
use actix_web::middleware::Next;
use actix_web::web::Data;

use super::{RateExceeded, RateLimit, RateLimits};
use crate::http::origin::network_of_request;
use crate::http::{Audience, Problem, problem_or_page};

/// Limits requests with a secret in their address, by network; and by link when the secret is the parameter `token` of the route. People
/// get a page.
///
/// # Errors
/// A problem, for programs beyond the limit; and those of the route.
pub async fn limit_links<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, Error> {
    let Err(refused) = check_link(&request) else { return Ok(next.call(request).await?.map_into_left_body()) };
    let problem = Problem::from(refused);
    let mut answer = problem_or_page(Err(problem), Audience::of_request(request.request()))?;
    answer.headers_mut().insert(header::RETRY_AFTER, refused.retry_after_seconds.into());
    Ok(request.into_response(answer).map_into_right_body())
}

fn check_link(request: &ServiceRequest) -> Result<(), RateExceeded> {
    let Some(limits) = request.app_data::<Data<RateLimits>>() else { return Ok(()) };
    limits.check(RateLimit::LinksByAddress, network_of_request(request.request()))?;
    request.match_info().get("token").map_or(Ok(()), |link| limits.check(RateLimit::LinksByLink, link))
}

/// Limits logins by password and requests for a new one, by network: each takes a processor tens of milliseconds, or sends a message.
///
/// # Errors
/// A problem beyond the limit; and those of the route.
pub async fn limit_logins<B: MessageBody>(request: ServiceRequest, next: Next<B>) -> Result<ServiceResponse<B>, Error> {
    if let Some(limits) = request.app_data::<Data<RateLimits>>() {
        limits.check(RateLimit::LoginsByAddress, network_of_request(request.request())).map_err(Problem::from)?;
    }
    next.call(request).await
}
