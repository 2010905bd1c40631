use actix_web::http::header;
use actix_web::web::{Bytes, Data};
use actix_web::{HttpRequest, HttpResponse, post};
use secrecy::ExposeSecret;
use serde::Serialize;

use super::form::{Form, authentication};
use super::refusal::{TokenRefusal, refuse};
use crate::auth::{AuthError, Client, RESOURCE_PREFIX, Scopes, TOKEN_LIFETIME, TokenIssuer, authenticate_client, store};
use crate::http::{Context, Problem};
use crate::ids::InstanceId;

/// The form a client posts. It has no null; what is not needed is left out.
#[derive(Debug, utoipa::ToSchema)]
#[allow(dead_code)] // read pair by pair, to tell a missing parameter from a repeated one
pub(super) struct TokenRequest {
    /// `client_credentials`.
    grant_type: GrantType,
    /// The client's id, unless sent as HTTP Basic user.
    #[schema(required = false)]
    client_id: String,
    /// The client's secret, unless sent as HTTP Basic password.
    #[schema(required = false)]
    client_secret: String,
    /// Scopes wanted, space separated; all that the client has unless given.
    #[schema(required = false, example = "people:read sync:read")]
    scope: String,
    /// `urn:msi-actions:instance:ID`, for an operator's client (RFC 8707).
    #[schema(required = false, example = "urn:msi-actions:instance:0198f2f0-0000-7000-8000-000000000000")]
    resource: String,
}

#[derive(Debug, utoipa::ToSchema)]
#[allow(dead_code)] // documents the one value
enum GrantType {
    #[schema(rename = "client_credentials")]
    ClientCredentials,
}

/// An access token.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct TokenAnswer {
    /// The token, a JWT (RFC 9068).
    access_token: String,
    /// Always `Bearer`.
    token_type: &'static str,
    /// Seconds it is valid.
    expires_in: i64,
    /// Scopes it has.
    scope: String,
}

/// Get an access token
///
/// Client credentials grant. Authenticate with HTTP Basic or with `client_id` and `client_secret` in the form.
///
/// After five failed authentications in a row the client id is refused for a second, with 429, `Retry-After` and the error
/// `invalid_client`; each further failure doubles the time, up to 15 minutes. Even the right secret is refused until then, and it
/// makes the failures forgotten afterwards.
#[utoipa::path(
    operation_id = "createToken", tag = "Authentication",
    request_body(content = TokenRequest, content_type = "application/x-www-form-urlencoded"),
    responses(
        (status = 200, description = "The token.", body = TokenAnswer),
        (status = 400, description = "The request is wrong.", body = TokenRefusal),
        (status = 401, description = "The client is not known or its secret is wrong.", body = TokenRefusal),
        (status = 429, description = "Too many failed authentications of this client id in a row; Retry-After says how long it is refused.", body = TokenRefusal),
    )
)]
#[post("/oauth/token")]
pub(super) async fn token(
    request: HttpRequest,
    form: Result<Bytes, actix_web::Error>,
    context: Context,
    issuer: Data<TokenIssuer>,
) -> Result<HttpResponse, Problem> {
    let form = form.map_err(|error| crate::http::unreadable(&error))?;
    match grant(&request, &form, &context, &issuer).await {
        Ok(answer) => Ok(HttpResponse::Ok().insert_header((header::CACHE_CONTROL, "no-store")).json(answer)),
        Err(error) => refuse(error),
    }
}

async fn grant(request: &HttpRequest, form: &[u8], context: &Context, issuer: &TokenIssuer) -> Result<TokenAnswer, AuthError> {
    let form = Form::read(request, form)?;
    let authentication = authentication(request, &form)?;
    let client = authenticate_client(&context.db, &*context.clock, &authentication).await?;
    match form.one("grant_type")? {
        Some("client_credentials") => {}
        Some(other) => return Err(AuthError::UnsupportedGrantType(other.to_owned())),
        None => return Err(AuthError::InvalidRequest("grant_type is missing".into())),
    }
    let instance = target(context, &client, form.one("resource")?).await?;
    let scopes = wanted_scopes(&client, form.one("scope")?)?;
    let issued = issuer.issue(&client, instance, scopes)?;
    Ok(TokenAnswer {
        access_token: issued.token.expose_secret().to_owned(),
        token_type: "Bearer",
        expires_in: TOKEN_LIFETIME,
        scope: issued.scopes.to_string(),
    })
}

async fn target(context: &Context, client: &Client, resource: Option<&str>) -> Result<Option<InstanceId>, AuthError> {
    let Some(resource) = resource else { return Ok(client.instance) };
    let wanted = resource.strip_prefix(RESOURCE_PREFIX).and_then(|id| id.parse::<InstanceId>().ok());
    let wanted = wanted.ok_or_else(|| AuthError::InvalidTarget(format!("resource must be {RESOURCE_PREFIX}ID")))?;
    let allowed = match client.instance {
        Some(own) => own == wanted,
        None => store::instance_exists(&context.db, wanted).await?,
    };
    if allowed { Ok(Some(wanted)) } else { Err(AuthError::InvalidTarget("there is no such instance for this client".into())) }
}

fn wanted_scopes(client: &Client, scope: Option<&str>) -> Result<Scopes, AuthError> {
    let Some(scope) = scope else { return Ok(client.scopes.clone()) };
    let wanted: Scopes = scope.parse().map_err(|error: crate::auth::permissions::UnknownScope| AuthError::InvalidScope(error.to_string()))?;
    match wanted.0.difference(&client.scopes.0).next() {
        Some(missing) => Err(AuthError::InvalidScope(format!("this client does not have the scope {missing}"))),
        None => Ok(wanted),
    }
}
