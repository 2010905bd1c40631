//! `POST /oauth/token` (RFC 6749), `/.well-known/jwks.json` (RFC 7517), `/.well-known/oauth-authorization-server` (RFC 8414).

use actix_web::http::StatusCode;
use actix_web::http::header;
use actix_web::web::{Bytes, Data};
use actix_web::{HttpRequest, HttpResponse, get, post};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use secrecy::ExposeSecret;
use serde::Serialize;
use serde_json::json;
use utoipa_actix_web::service_config::ServiceConfig;

use super::clients::{Client, ClientAuthentication, authenticate_client};
use super::permissions::{Scope, Scopes};
use super::tokens::{RESOURCE_PREFIX, TOKEN_LIFETIME, TokenIssuer};
use super::{AuthError, store};
use crate::http::{AsProblem, Code, Context, Problem};
use crate::ids::InstanceId;

impl AsProblem for AuthError {
    fn as_problem(&self) -> Problem {
        match self {
            Self::Db(error) => error.as_problem(),
            Self::Seal(error) => error.as_problem(),
            Self::SigningKey => Problem::new(Code::Internal, "Access tokens can't be signed. Quote the request id when you ask for help."),
            Self::InvalidToken(_) => {
                let challenge = "Bearer realm=\"msi-actions\", error=\"invalid_token\"";
                Problem::new(Code::InvalidToken, format!("{self}.")).with_header(header::WWW_AUTHENTICATE, challenge)
            }
            Self::InvalidClient => Problem::new(Code::Unauthenticated, format!("{self}.")),
            _ => Problem::new(Code::MalformedRequest, format!("{self}.")),
        }
    }
}

/// The routes of the authorization server.
pub fn routes(config: &mut ServiceConfig) {
    config.service(token).service(jwks).service(metadata);
}

/// The form a client posts. It has no null; what is not needed is left out.
#[derive(Debug, utoipa::ToSchema)]
#[allow(dead_code)] // read pair by pair, to tell a missing parameter from a repeated one
struct TokenRequest {
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

/// What the token endpoint answers when it refuses (RFC 6749, section 5.2).
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct TokenRefusal {
    /// `invalid_request`, `invalid_client`, `unsupported_grant_type`, `invalid_scope` or `invalid_target`.
    error: &'static str,
    /// What is wrong, for people.
    error_description: String,
}

/// Get an access token
///
/// Client credentials grant. Authenticate with HTTP Basic or with `client_id` and `client_secret` in the form.
#[utoipa::path(
    operation_id = "createToken", tag = "Authentication",
    request_body(content = TokenRequest, content_type = "application/x-www-form-urlencoded"),
    responses(
        (status = 200, description = "The token.", body = TokenAnswer),
        (status = 400, description = "The request is wrong.", body = TokenRefusal),
        (status = 401, description = "The client is not known or its secret is wrong.", body = TokenRefusal),
    )
)]
#[post("/oauth/token")]
async fn token(
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
    let client = authenticate_client(&context.db, &authentication).await?;
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

fn refuse(error: AuthError) -> Result<HttpResponse, Problem> {
    let (status, name) = match &error {
        AuthError::InvalidClient => (StatusCode::UNAUTHORIZED, "invalid_client"),
        AuthError::UnsupportedGrantType(_) => (StatusCode::BAD_REQUEST, "unsupported_grant_type"),
        AuthError::InvalidRequest(_) => (StatusCode::BAD_REQUEST, "invalid_request"),
        AuthError::InvalidScope(_) => (StatusCode::BAD_REQUEST, "invalid_scope"),
        AuthError::InvalidTarget(_) => (StatusCode::BAD_REQUEST, "invalid_target"),
        _ => return Err(error.into()),
    };
    let mut answer = HttpResponse::build(status);
    if status == StatusCode::UNAUTHORIZED {
        answer.insert_header((header::WWW_AUTHENTICATE, "Basic realm=\"msi-actions\""));
    }
    answer.insert_header((header::CACHE_CONTROL, "no-store"));
    Ok(answer.json(TokenRefusal { error: name, error_description: error.to_string() }))
}

/// The pairs of a form, so that a repeated parameter can be refused (RFC 6749, section 3.2).
struct Form(Vec<(String, String)>);

impl Form {
    fn read(request: &HttpRequest, bytes: &[u8]) -> Result<Self, AuthError> {
        let media = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        if !media.to_ascii_lowercase().starts_with("application/x-www-form-urlencoded") {
            return Err(AuthError::InvalidRequest("send the parameters as application/x-www-form-urlencoded".into()));
        }
        serde_urlencoded::from_bytes(bytes).map(Self).map_err(|_| AuthError::InvalidRequest("the form can't be read".into()))
    }

    fn one(&self, name: &str) -> Result<Option<&str>, AuthError> {
        let mut values = self.0.iter().filter(|(key, value)| key == name && !value.is_empty()).map(|(_, value)| value.as_str());
        let first = values.next();
        if values.next().is_some() {
            return Err(AuthError::InvalidRequest(format!("{name} is given more than once")));
        }
        Ok(first)
    }
}

fn authentication(request: &HttpRequest, form: &Form) -> Result<ClientAuthentication, AuthError> {
    if let Some(value) = request.headers().get(header::AUTHORIZATION) {
        let basic = value.to_str().ok().and_then(|value| value.split_once(' ')).filter(|(scheme, _)| scheme.eq_ignore_ascii_case("basic"));
        let decoded = basic.and_then(|(_, code)| STANDARD.decode(code.trim()).ok()).and_then(|bytes| String::from_utf8(bytes).ok());
        let pair = decoded.as_deref().and_then(|text| text.split_once(':')).ok_or(AuthError::InvalidClient)?;
        if form.one("client_secret")?.is_some() {
            return Err(AuthError::InvalidRequest("authenticate either with HTTP Basic or in the form, not both".into()));
        }
        // RFC 6749, section 2.3.1: both halves are form-encoded before they are joined.
        return Ok(ClientAuthentication { client_id: form_decode(pair.0), client_secret: form_decode(pair.1).into() });
    }
    match (form.one("client_id")?, form.one("client_secret")?) {
        (Some(id), Some(secret)) => Ok(ClientAuthentication { client_id: id.to_owned(), client_secret: secret.into() }),
        _ => Err(AuthError::InvalidClient),
    }
}

fn form_decode(text: &str) -> String {
    url::form_urlencoded::parse(format!("v={text}").as_bytes()).next().map(|(_, value)| value.into_owned()).unwrap_or_default()
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
    let wanted: Scopes = scope.parse().map_err(|error: super::permissions::UnknownScope| AuthError::InvalidScope(error.to_string()))?;
    match wanted.0.difference(&client.scopes.0).next() {
        Some(missing) => Err(AuthError::InvalidScope(format!("this client does not have the scope {missing}"))),
        None => Ok(wanted),
    }
}

/// Public keys of access tokens
///
/// A JWK set (RFC 7517). Fetch it again when a token names a `kid` that is not in it.
#[utoipa::path(operation_id = "getJwks", tag = "Authentication", responses((status = 200, description = "The keys.", body = serde_json::Value)))]
#[get("/.well-known/jwks.json")]
async fn jwks(issuer: Data<TokenIssuer>) -> HttpResponse {
    HttpResponse::Ok().insert_header((header::CACHE_CONTROL, "public, max-age=300")).json(issuer.keys.jwks())
}

/// Authorization server metadata
///
/// RFC 8414.
#[utoipa::path(operation_id = "getAuthorizationServer", tag = "Authentication", responses((status = 200, description = "The metadata.", body = serde_json::Value)))]
#[get("/.well-known/oauth-authorization-server")]
async fn metadata(issuer: Data<TokenIssuer>, context: Context) -> HttpResponse {
    HttpResponse::Ok().json(json!({
        "issuer": issuer.issuer(),
        "token_endpoint": context.public_url.of("/oauth/token"),
        "jwks_uri": context.public_url.of("/.well-known/jwks.json"),
        "grant_types_supported": ["client_credentials"],
        "response_types_supported": [],
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
        "scopes_supported": Scope::ALL.iter().map(|scope| scope.as_str()).collect::<Vec<_>>(),
        "service_documentation": context.public_url.of("/docs/"),
    }))
}
