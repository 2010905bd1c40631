//! `POST /oauth/token`.

use std::sync::Arc;

use actix_web::http::header;
use actix_web::web::{Bytes, Data};
use actix_web::{HttpRequest, HttpResponse};
use secrecy::ExposeSecret;
use serde::Serialize;

use super::client::authenticate_request;
use super::form::OAuthForm;
use super::refusal::{TokenErrorBody, TokenRequestError, refuse};
use crate::auth::exchange::{ACCESS_TOKEN_TYPE, CANVAS_SIGNED_REQUEST_TYPE, MEMBER_TOKEN_LIFETIME_SECONDS, SALESFORCE_ACCESS_TOKEN_TYPE};
use crate::auth::{
    AuthError, AuthenticatedClient, Client, IssuedAccessToken, MemberExchange, NewToken, RESOURCE_PREFIX, Scopes, SubjectToken,
    TOKEN_LIFETIME_SECONDS, TokenIssuer, TrustedIssuers, store,
};
use crate::context::Context;
use crate::http::{AnyCaller, Problem, RateLimit, RateLimits, Routes, network_of_request, route};
use crate::ids::InstanceId;
use crate::permissions::UnknownScope;

pub(super) fn routes(routes: &mut Routes<'_>) {
    routes.add(route!(token));
}

const CLIENT_CREDENTIALS: &str = "client_credentials";
const TOKEN_EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
const JWT_BEARER: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";

/// The grants offered, by their names in the metadata (RFC 8414).
pub(super) const GRANT_TYPES: [&str; 3] = [CLIENT_CREDENTIALS, TOKEN_EXCHANGE, JWT_BEARER];

/// The form a client posts. It has no null; what is not needed is left out.
#[derive(Debug, utoipa::ToSchema)]
#[allow(dead_code)] // read pair by pair, to tell a missing parameter from a repeated one
pub(super) struct TokenRequest {
    /// Which grant.
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
    /// Token exchange: a Salesforce access token, or a Canvas signed request.
    #[schema(required = false)]
    subject_token: String,
    /// Token exchange: which of the two.
    #[schema(required = false)]
    subject_token_type: SubjectTokenType,
    /// Token exchange: where the organization of a Salesforce access token has its API, as Salesforce says it: `https://` and a host
    /// under `salesforce.com`, without a path. Who the user is is asked of the connected organization or its login host.
    #[schema(required = false, example = "https://example.my.salesforce.com")]
    instance_url: String,
    /// JWT bearer grant: the assertion.
    #[schema(required = false)]
    assertion: String,
}

#[derive(Debug, utoipa::ToSchema)]
#[allow(dead_code)] // documents the values
enum GrantType {
    #[schema(rename = "client_credentials")]
    ClientCredentials,
    #[schema(rename = "urn:ietf:params:oauth:grant-type:token-exchange")]
    TokenExchange,
    #[schema(rename = "urn:ietf:params:oauth:grant-type:jwt-bearer")]
    JwtBearer,
}

#[derive(Debug, utoipa::ToSchema)]
#[allow(dead_code)] // documents the values
enum SubjectTokenType {
    #[schema(rename = "urn:msi-actions:token-type:salesforce-access-token")]
    Salesforce,
    #[schema(rename = "urn:msi-actions:token-type:salesforce-canvas-signed-request")]
    Canvas,
}

/// An access token.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct TokenResponse {
    /// The token, a JWT (RFC 9068).
    access_token: String,
    /// Always `Bearer`.
    token_type: &'static str,
    /// Seconds it is valid.
    expires_in: i64,
    /// Scopes it has.
    scope: String,
    /// What kind of token it is, in the answer to a token exchange (RFC 8693, section 2.2.1).
    #[serde(skip_serializing_if = "Option::is_none")]
    issued_token_type: Option<&'static str>,
}

impl TokenResponse {
    fn new(issued: &IssuedAccessToken) -> Self {
        Self {
            access_token: issued.token.expose_secret().to_owned(),
            token_type: "Bearer",
            expires_in: issued.lifetime_seconds,
            scope: issued.scopes.to_string(),
            issued_token_type: None,
        }
    }
}

/// What of other systems the token endpoint relies on.
pub struct Federation {
    /// Finds the member behind what Salesforce says.
    pub members: Arc<dyn MemberExchange>,
    /// Whose assertions are taken.
    pub issuers: TrustedIssuers,
}

/// Get an access token
///
/// Authenticate with HTTP Basic or with `client_id` and `client_secret` in the form. Three grants are offered:
///
/// - `client_credentials`: a token of the client itself.
/// - `urn:ietf:params:oauth:grant-type:token-exchange` (RFC 8693): a client of the instance gets a five-minute token of the member
///   who is logged in to Salesforce, for a Salesforce access token (with `instance_url`) or a Canvas signed request that is at most
///   ten minutes old. It has the scopes that the member's role, the client and the request have in common. Auto-login's conditions
///   hold; when one is not met, `error` is `invalid_grant` and `code` says which: `auto_login_switched_off`,
///   `auto_login_not_invited`, `auto_login_not_activated`, `auto_login_deactivated`, `auto_login_other_user`; also `subject_token_invalid`,
///   `auto_login_other_organization`, `not_connected`.
/// - `urn:ietf:params:oauth:grant-type:jwt-bearer` (RFC 7523): an assertion of an issuer that the operator has configured, signed
///   by RS256 or ES256, with `sub`, `exp`, `iat` and `jti`, living at most five minutes and good for one token. No client is needed.
///
/// Requests are limited by address and by client (the operator's `[rate_limits]`): beyond it the answer is 429 with `Retry-After` and the
/// error `temporarily_unavailable`. Nobody's wrong secrets keep a client out that has the right one.
#[utoipa::path(
    post, path = "/oauth/token", operation_id = "createToken", tag = "Authentication",
    request_body(content = TokenRequest, content_type = "application/x-www-form-urlencoded"),
    responses(
        (status = 200, description = "The token.", body = TokenResponse),
        (status = 400, description = "The request is wrong.", body = TokenErrorBody),
        (status = 401, description = "The client is not known or its secret is wrong.", body = TokenErrorBody),
        (status = 429, description = "Too many requests of this client or from this address; Retry-After says how long to wait.", body = TokenErrorBody),
    )
)]
async fn token(
    _: AnyCaller,
    request: HttpRequest,
    form: Result<Bytes, actix_web::Error>,
    context: Context,
    issuer: Data<TokenIssuer>,
    federation: Data<Federation>,
    limits: Data<RateLimits>,
) -> Result<HttpResponse, Problem> {
    if let Err(exceeded) = limits.check(RateLimit::TokensByAddress, network_of_request(&request)) {
        return refuse(AuthError::from(exceeded));
    }
    let form = form.map_err(|error| crate::http::unreadable(&error))?;
    match grant(&request, &form, &context, &issuer, &federation, &limits).await {
        Ok(answer) => Ok(HttpResponse::Ok().insert_header((header::CACHE_CONTROL, "no-store")).json(answer)),
        Err(error) => refuse(error),
    }
}

async fn grant(
    request: &HttpRequest,
    form: &[u8],
    context: &Context,
    issuer: &TokenIssuer,
    federation: &Federation,
    limits: &Data<RateLimits>,
) -> Result<TokenResponse, TokenRequestError> {
    let form = OAuthForm::read(request, form)?;
    let grant_type = form.single_value("grant_type")?;
    // An assertion speaks for itself; the other grants are a client's.
    let anonymous = !request.headers().contains_key(header::AUTHORIZATION) && form.single_value("client_id")?.is_none();
    if grant_type == Some(JWT_BEARER) && anonymous {
        return by_assertion(&form, issuer, federation).await;
    }
    let authenticated = authenticate_request(request, &form, context, limits).await?;
    limits.check(RateLimit::TokensByClient, &authenticated.client.client_id).map_err(AuthError::from)?;
    match grant_type {
        Some(CLIENT_CREDENTIALS) => {
            let AuthenticatedClient { client, secret_generation } = authenticated;
            let instance = target(context, &client, form.single_value("resource")?).await?;
            let scopes = wanted_scopes(&client, form.single_value("scope")?)?;
            let new = NewToken {
                client_id: client.client_id,
                member: None,
                instance,
                scopes,
                lifetime_seconds: TOKEN_LIFETIME_SECONDS,
                secret_generation: Some(secret_generation),
            };
            Ok(TokenResponse::new(&issuer.issue(new)?))
        }
        Some(TOKEN_EXCHANGE) => exchange(&form, context, &authenticated, issuer, federation).await,
        Some(JWT_BEARER) => by_assertion(&form, issuer, federation).await,
        Some(other) => Err(AuthError::UnsupportedGrantType(other.to_owned()).into()),
        None => Err(AuthError::InvalidRequest("grant_type is missing".into()).into()),
    }
}

/// RFC 7523, section 2.1.
async fn by_assertion(form: &OAuthForm, issuer: &TokenIssuer, federation: &Federation) -> Result<TokenResponse, TokenRequestError> {
    let assertion = required(form, "assertion")?;
    let vouched = federation.issuers.redeem(&assertion.into()).await?;
    let scopes = narrowed(&vouched.scopes, form.single_value("scope")?)?;
    let new = NewToken {
        client_id: vouched.client_id,
        member: None,
        instance: Some(vouched.instance),
        scopes,
        lifetime_seconds: TOKEN_LIFETIME_SECONDS,
        secret_generation: None,
    };
    Ok(TokenResponse::new(&issuer.issue(new)?))
}

/// RFC 8693, section 2.
async fn exchange(
    form: &OAuthForm,
    context: &Context,
    AuthenticatedClient { client, secret_generation }: &AuthenticatedClient,
    issuer: &TokenIssuer,
    federation: &Federation,
) -> Result<TokenResponse, TokenRequestError> {
    for untaken in ["actor_token", "actor_token_type", "audience"] {
        if form.single_value(untaken)?.is_some() {
            return Err(AuthError::InvalidRequest(format!("{untaken} is not taken here")).into());
        }
    }
    if form.single_value("requested_token_type")?.is_some_and(|wanted| wanted != ACCESS_TOKEN_TYPE) {
        return Err(AuthError::InvalidRequest(format!("requested_token_type can only be {ACCESS_TOKEN_TYPE}")).into());
    }
    let subject_text = required(form, "subject_token")?;
    let subject = match required(form, "subject_token_type")? {
        SALESFORCE_ACCESS_TOKEN_TYPE => {
            SubjectToken::Salesforce { access_token: subject_text.into(), instance_url: required(form, "instance_url")?.to_owned() }
        }
        CANVAS_SIGNED_REQUEST_TYPE => SubjectToken::CanvasSignedRequest(subject_text.into()),
        _ => {
            let known = format!("subject_token_type is {SALESFORCE_ACCESS_TOKEN_TYPE} or {CANVAS_SIGNED_REQUEST_TYPE}");
            return Err(AuthError::InvalidRequest(known).into());
        }
    };
    let instance = target(context, client, form.single_value("resource")?).await?;
    let instance = instance.ok_or_else(|| AuthError::InvalidTarget(format!("say which instance: resource={RESOURCE_PREFIX}ID")))?;
    let found = federation.members.find_member(instance, &subject).await?;
    let of_both = Scopes::of_role(found.role).intersection(&client.scopes);
    let scopes = narrowed(&of_both, form.single_value("scope")?)?;
    let new = NewToken {
        client_id: client.client_id.clone(),
        member: Some(found.member),
        instance: Some(instance),
        scopes,
        lifetime_seconds: MEMBER_TOKEN_LIFETIME_SECONDS,
        secret_generation: Some(*secret_generation),
    };
    Ok(TokenResponse { issued_token_type: Some(ACCESS_TOKEN_TYPE), ..TokenResponse::new(&issuer.issue(new)?) })
}

fn required<'a>(form: &'a OAuthForm, name: &str) -> Result<&'a str, AuthError> {
    form.single_value(name)?.ok_or_else(|| AuthError::InvalidRequest(format!("{name} is missing")))
}

/// What is wanted of what may be had (RFC 6749, section 3.3).
fn narrowed(may: &Scopes, scope: Option<&str>) -> Result<Scopes, AuthError> {
    let Some(scope) = scope else { return Ok(may.clone()) };
    let wanted: Scopes = scope.parse().map_err(|error: UnknownScope| AuthError::InvalidScope(error.to_string()))?;
    let both = may.intersection(&wanted);
    if both.0.is_empty() { Err(AuthError::InvalidScope("none of these scopes can be had".into())) } else { Ok(both) }
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
    let wanted: Scopes = scope.parse().map_err(|error: UnknownScope| AuthError::InvalidScope(error.to_string()))?;
    match wanted.0.difference(&client.scopes.0).next() {
        Some(missing) => Err(AuthError::InvalidScope(format!("this client does not have the scope {missing}"))),
        None => Ok(wanted),
    }
}
