//! `POST /oauth/revoke` and `POST /oauth/introspect`.

use actix_web::http::header;
use actix_web::web::{Bytes, Data};
use actix_web::{HttpRequest, HttpResponse};
use secrecy::SecretString;
use serde::Serialize;

use super::client::authenticate_request;
use super::form::OAuthForm;
use super::refusal::{TokenErrorBody, refuse};
use crate::auth::claims::AccessClaims;
use crate::auth::tokens::load_current_scopes;
use crate::auth::{AuthError, Client, Scope, Scopes, TokenIssuer};
use crate::context::Context;
use crate::http::{AnyCaller, Problem, RateLimits, Routes, route};
use crate::ids::InstanceId;

pub(super) fn routes(routes: &mut Routes<'_>) {
    routes.add(route!(revoke_token)).add(route!(introspect_token));
}

/// The token, and the client's credentials unless sent as HTTP Basic.
#[derive(Debug, utoipa::ToSchema)]
#[allow(dead_code)] // documents the form, which `OAuthForm` reads
struct IssuedTokenRequest {
    /// The access token.
    token: String,
    /// Ignored: every token is an access token (RFC 7009, section 2.1).
    #[schema(required = false)]
    token_type_hint: String,
    /// The client's id, unless sent as HTTP Basic user.
    #[schema(required = false)]
    client_id: String,
    /// The client's secret, unless sent as HTTP Basic password.
    #[schema(required = false)]
    client_secret: String,
}

/// Authenticates the client and reads the form's `token`.
async fn read_token_request(
    request: &HttpRequest,
    form: &[u8],
    context: &Context,
    limits: &Data<RateLimits>,
) -> Result<(Client, SecretString), AuthError> {
    let form = OAuthForm::read(request, form)?;
    let client = authenticate_request(request, &form, context, limits).await?.client;
    let token = form.single_value("token")?.ok_or_else(|| AuthError::InvalidRequest("token is missing".into()))?;
    Ok((client, token.into()))
}

/// `None` when the token is malformed, expired or revoked.
async fn read_claims_if_valid(issuer: &TokenIssuer, token: &SecretString) -> Result<Option<AccessClaims>, AuthError> {
    match issuer.read_claims(token).await {
        Ok(claims) => Ok(Some(claims)),
        Err(AuthError::InvalidToken(_)) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Revoke an access token
///
/// RFC 7009. A client can revoke the tokens issued to it. The process that answers refuses the token at once, every other one
/// within two seconds. A token that is unknown or has expired counts as revoked.
#[utoipa::path(
    post, path = "/oauth/revoke", operation_id = "revokeToken", tag = "Authentication",
    request_body(content = IssuedTokenRequest, content_type = "application/x-www-form-urlencoded"),
    responses(
        (status = 200, description = "The token is refused from now on."),
        (status = 400, description = "The request is wrong, or the token was issued to another client (`invalid_grant`).", body = TokenErrorBody),
        (status = 401, description = "The client is not known or its secret is wrong.", body = TokenErrorBody),
        (status = 429, description = "Too many wrong secrets from this address; Retry-After says how long to wait.", body = TokenErrorBody),
    )
)]
async fn revoke_token(
    _: AnyCaller,
    request: HttpRequest,
    form: Result<Bytes, actix_web::Error>,
    context: Context,
    issuer: Data<TokenIssuer>,
    limits: Data<RateLimits>,
) -> Result<HttpResponse, Problem> {
    let form = form.map_err(|error| crate::http::unreadable(&error))?;
    let revocation = async {
        let (client, token) = read_token_request(&request, &form, &context, &limits).await?;
        match read_claims_if_valid(&issuer, &token).await? {
            Some(claims) => issuer.revocations.revoke(&client, &claims).await,
            None => Ok(()),
        }
    };
    match revocation.await {
        Ok(()) => Ok(HttpResponse::Ok().insert_header((header::CACHE_CONTROL, "no-store")).finish()),
        Err(error) => refuse(error),
    }
}

/// The state of a token (RFC 7662, section 2.2): only `active` when it is not valid or the caller may not see it.
#[derive(Debug, Default, Serialize, utoipa::ToSchema)]
struct TokenIntrospection {
    /// Whether the token is valid and the caller may see it.
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
    /// When it expires, in seconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    exp: Option<i64>,
    /// When it was issued, in seconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    iat: Option<i64>,
    /// The member who acts with it, or the client itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    sub: Option<String>,
    /// The API that it is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    aud: Option<String>,
    /// Who issued it.
    #[serde(skip_serializing_if = "Option::is_none")]
    iss: Option<String>,
    /// The token's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    jti: Option<String>,
    /// The instance it is bound to.
    #[serde(skip_serializing_if = "Option::is_none")]
    instance: Option<InstanceId>,
}

impl TokenIntrospection {
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
/// RFC 7662. A client sees the tokens issued to it; an operator's client with the scope `instances:manage` sees all. Any other
/// token is `{"active": false}`. A revocation shows at once in the process that made it, within two seconds in every other.
#[utoipa::path(
    post, path = "/oauth/introspect", operation_id = "introspectToken", tag = "Authentication",
    request_body(content = IssuedTokenRequest, content_type = "application/x-www-form-urlencoded"),
    responses(
        (status = 200, description = "The token's state.", body = TokenIntrospection),
        (status = 400, description = "The request is wrong.", body = TokenErrorBody),
        (status = 401, description = "The client is not known or its secret is wrong.", body = TokenErrorBody),
        (status = 429, description = "Too many wrong secrets from this address; Retry-After says how long to wait.", body = TokenErrorBody),
    )
)]
async fn introspect_token(
    _: AnyCaller,
    request: HttpRequest,
    form: Result<Bytes, actix_web::Error>,
    context: Context,
    issuer: Data<TokenIssuer>,
    limits: Data<RateLimits>,
) -> Result<HttpResponse, Problem> {
    let form = form.map_err(|error| crate::http::unreadable(&error))?;
    let introspection = async {
        let (client, token) = read_token_request(&request, &form, &context, &limits).await?;
        let claims = read_claims_if_valid(&issuer, &token).await?;
        let sees_all = client.instance.is_none() && client.scopes.0.contains(&Scope::InstancesManage);
        let mut visible = claims.filter(|claims| sees_all || claims.client_id == client.client_id);
        if let Some(claims) = &mut visible {
            let scopes = Scopes::parse_known(&claims.scope);
            match load_current_scopes(&context.db, claims, &scopes).await? {
                Some(scopes) => claims.scope = scopes.to_string(),
                None => visible = None,
            }
        }
        Ok::<_, AuthError>(visible.map(TokenIntrospection::from_claims).unwrap_or_default())
    };
    match introspection.await {
        Ok(body) => Ok(HttpResponse::Ok().insert_header((header::CACHE_CONTROL, "no-store")).json(body)),
        Err(error) => refuse(error),
    }
}
