use actix_web::HttpRequest;
use actix_web::web::Data;

use super::form::{OAuthForm, authentication};
use crate::auth::{AuthError, AuthenticatedClient, authenticate_client};
use crate::context::Context;
use crate::http::{RateLimit, RateLimits, network_of_request};

/// The client that makes a request. Wrong secrets are limited by the network that they come from, and whoever has the right one is let in
/// all the same.
///
/// # Errors
/// [`AuthError::InvalidClient`]; [`AuthError::TooManyRequests`] in its place after many of them; [`AuthError::InvalidRequest`].
pub(super) async fn authenticate_request(
    request: &HttpRequest,
    form: &OAuthForm,
    context: &Context,
    limits: &Data<RateLimits>,
) -> Result<AuthenticatedClient, AuthError> {
    let authenticated = match authentication(request, form) {
        Ok(authentication) => authenticate_client(&context.db, &*context.clock, &authentication).await,
        Err(error) => Err(error),
    };
    if matches!(authenticated, Err(AuthError::InvalidClient)) {
        limits.check(RateLimit::WrongSecretsByAddress, network_of_request(request))?;
    }
    authenticated
}
