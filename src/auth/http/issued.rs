//! What may be done with a token once it is issued: revoking it, asking about it.

use actix_web::http::header;
use actix_web::web::{Bytes, Data};
use actix_web::{HttpRequest, HttpResponse};
use secrecy::SecretString;
use serde::Serialize;

use super::client::client_of;
use super::form::OAuthForm;
use super::refusal::{TokenRefusal, refuse};
use crate::auth::claims::AccessClaims;
use crate::auth::tokens::scopes_of_today;
use crate::auth::{AuthError, Client, Scope, TokenIssuer};
use crate::context::Context;
use crate::http::{AnyCaller, Problem, RateLimits, Routes, route};
use crate::ids::InstanceId;

/// The routes of this file.
pub(super) fn routes(routes: &mut Routes<'_>) {
    routes.add(route!(revoke)).add(route!(introspect));
}

/// The form with the token that is meant.
#[derive(Debug, utoipa::ToSchema)]
#[allow(dead_code)] // read pair by pair, to tell a missing parameter from a repeated one
struct IssuedTokenRequest {
    /// The access token.
    token: String,
    /// Not needed: there are access tokens only (RFC 7009, section 2.1).
    #[schema(required = false)]
    token_type_hint: String,
    /// The client's id, unless sent as HTTP Basic user.
    #[schema(required = false)]
    client_id: String,
    /// The client's secret, unless sent as HTTP Basic password.
    #[schema(required = false)]
    client_secret: String,
}

/// The client that asks, and the token it asks about.
async fn read_token_request(
    request: &HttpRequest,
    form: &[u8],
    context: &Context,
    limits: &Data<RateLimits>,
) -> Result<(Client, SecretString), AuthError> {
    let form = OAuthForm::read(request, form)?;
    let client = client_of(request, &form, context, limits).await?.client;
    let token = form.single_value("token")?.ok_or_else(|| AuthError::InvalidRequest("token is missing".into()))?;
    Ok((client, token.into()))
}

/// The token's claims; none when it is not in force.
async fn in_force(issuer: &TokenIssuer, token: &SecretString) -> Result<Option<AccessClaims>, AuthError> {
    match issuer.read_claims(token).await {
        Ok(claims) => Ok(Some(claims)),
        Err(AuthError::InvalidToken(_)) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Revoke an access token
///
/// RFC 7009. A client can revoke the tokens it was given. The process that answers refuses the token at once, every other one
/// within two seconds. A token that is not known or has run out counts as revoked.
#[utoipa::path(
    post, path = "/oauth/revoke", operation_id = "revokeToken", tag = "Authentication",
    request_body(content = IssuedTokenRequest, content_type = "application/x-www-form-urlencoded"),
    responses(
        (status = 200, description = "The token is refused from now on."),
        (status = 400, description = "The request is wrong, or the token was issued to another client (`invalid_grant`).", body = TokenRefusal),
        (status = 401, description = "The client is not known or its secret is wrong.", body = TokenRefusal),
        (status = 429, description = "Too many wrong secrets from this address; Retry-After says how long to wait.", body = TokenRefusal),
    )
)]
async fn revoke(
    _: AnyCaller,
    request: HttpRequest,
    form: Result<Bytes, actix_web::Error>,
    context: Context,
    issuer: Data<TokenIssuer>,
    limits: Data<RateLimits>,
) -> Result<HttpResponse, Problem> {
    let form = form.map_err(|error| crate::http::unreadable(&error))?;
    let revoked = async {
        let (client, token) = read_token_request(&request, &form, &context, &limits).await?;
        match in_force(&issuer, &token).await? {
            Some(claims) => issuer.revocations.revoke(&client, &claims).await,
            None => Ok(()),
        }
    };
    match revoked.await {
        Ok(()) => Ok(HttpResponse::Ok().insert_header((header::CACHE_CONTROL, "no-store")).finish()),
        Err(error) => refuse(error),
    }
}

/// What is known of a token (RFC 7662, section 2.2). Only `active` when it is not in force or not the caller's to ask about.
#[derive(Debug, Default, Serialize, utoipa::ToSchema)]
struct Introspection {
    /// Whether the token is in force.
    active: bool,
    /// Its scopes, space separated.
    #[serde(skip_serializing_if = "Option::is_none")]
    scope: Option<String>,
    /// The client that it was issued to.
    #[serde(skip_serializing_if = "Option::is_none")]
    client_id: Option<String>,
    /// Always `Bearer`.
    #[serde(skip_serializing_if = "Option::is_none")]
    token_type: Option<&'static str>,
    /// When it runs out, in seconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    exp: Option<i64>,
    /// When it was issued, in seconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    iat: Option<i64>,
    /// Who acts with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    sub: Option<String>,
    /// Whom it is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    aud: Option<String>,
    /// Who issued it.
    #[serde(skip_serializing_if = "Option::is_none")]
    iss: Option<String>,
    /// Its own id.
    #[serde(skip_serializing_if = "Option::is_none")]
    jti: Option<String>,
    /// The instance it is bound to.
    #[serde(skip_serializing_if = "Option::is_none")]
    instance: Option<InstanceId>,
}

impl Introspection {
    fn from_claims(claims: AccessClaims) -> Self {
        Self {
            active: true,
            scope: Some(claims.scope),
            client_id: Some(claims.client_id),
            token_type: Some("Bearer"),
            exp: Some(claims.exp),
            iat: Some(claims.iat),
            sub: Some(claims.sub),
            aud: Some(claims.aud),
            iss: Some(claims.iss),
            jti: Some(claims.jti.to_string()),
            instance: claims.instance,
        }
    }
}

/// Ask about an access token
///
/// RFC 7662. A client sees the tokens it was given; an operator's client with the scope `instances:manage` sees all. Any other
/// token is `{"active": false}`. A revocation shows at once in the process that made it, within two seconds in every other.
#[utoipa::path(
    post, path = "/oauth/introspect", operation_id = "introspectToken", tag = "Authentication",
    request_body(content = IssuedTokenRequest, content_type = "application/x-www-form-urlencoded"),
    responses(
        (status = 200, description = "What is known of the token.", body = Introspection),
        (status = 400, description = "The request is wrong.", body = TokenRefusal),
        (status = 401, description = "The client is not known or its secret is wrong.", body = TokenRefusal),
        (status = 429, description = "Too many wrong secrets from this address; Retry-After says how long to wait.", body = TokenRefusal),
    )
)]
async fn introspect(
    _: AnyCaller,
    request: HttpRequest,
    form: Result<Bytes, actix_web::Error>,
    context: Context,
    issuer: Data<TokenIssuer>,
    limits: Data<RateLimits>,
) -> Result<HttpResponse, Problem> {
    let form = form.map_err(|error| crate::http::unreadable(&error))?;
    let shown = async {
        let (client, token) = read_token_request(&request, &form, &context, &limits).await?;
        let claims = in_force(&issuer, &token).await?;
        let sees_all = client.instance.is_none() && client.scopes.0.contains(&Scope::InstancesManage);
        let mut visible = claims.filter(|claims| sees_all || claims.client_id == client.client_id);
        if let Some(claims) = &mut visible {
            let scopes = claims.scope.parse().unwrap_or_default();
            match scopes_of_today(&context.db, claims, &scopes).await? {
                Some(scopes) => claims.scope = scopes.to_string(),
                None => visible = None,
            }
        }
        Ok::<_, AuthError>(visible.map(Introspection::from_claims).unwrap_or_default())
    };
    match shown.await {
        Ok(shown) => Ok(HttpResponse::Ok().insert_header((header::CACHE_CONTROL, "no-store")).json(shown)),
        Err(error) => refuse(error),
    }
}
