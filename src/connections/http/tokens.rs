//! The broker: access tokens of the vendors for callers whose scope says so. Refresh tokens and secrets never leave the service.

use actix_web::HttpResponse;
use actix_web::http::header::{self, HeaderValue};
use actix_web::web::Data;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::connections::{Connections, TokenInvalidationOutcome};
use crate::http::problem::ProblemBody;
use crate::http::{AuthorizedInstance, Body, Problem, Routes, ValidationError, route};
use crate::permissions::scope::{TokensMarketo, TokensSalesforce};

pub(super) fn routes(routes: &mut Routes<'_>) {
    routes.add(route!(salesforce_token)).add(route!(report_salesforce_token)).add(route!(marketo_token)).add(route!(report_marketo_token));
}

/// Longest token that a vendor gives out, with room to spare.
const MAX_TOKEN_LENGTH: usize = 4096;

/// An access token of Salesforce.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct SalesforceToken<'a> {
    /// Send it as `Authorization: Bearer …`.
    access_token: &'a str,
    /// When it ends, as far as Salesforce tells. It may end earlier; report it then.
    expires_at: Timestamp,
    /// Base of the organization's APIs.
    instance_url: &'a str,
}

/// An access token of Marketo.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct MarketoToken<'a> {
    /// Send it as `Authorization: Bearer …`.
    access_token: &'a str,
    /// When it ends. Until then Marketo has no other.
    expires_at: Timestamp,
    /// Address of the subscription, without `/rest`.
    base_url: &'a str,
}

/// A token that a vendor refuses.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct InvalidateToken {
    /// The token.
    #[schema(value_type = String, min_length = 1, max_length = 4096)]
    access_token: SecretString,
}

/// What came of the report.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct TokenInvalidation {
    outcome: TokenInvalidationOutcome,
}

impl InvalidateToken {
    fn check(self) -> Result<SecretString, Problem> {
        let fine = (1..=MAX_TOKEN_LENGTH).contains(&self.access_token.expose_secret().chars().count());
        if fine {
            return Ok(self.access_token);
        }
        Err(Problem::invalid(vec![ValidationError::new("/access_token", "length", "access_token has 1 to 4096 characters.")]))
    }
}

/// A token on its way out, which nobody on the way may keep.
fn respond_with_token(token: impl Serialize) -> HttpResponse {
    HttpResponse::Ok().insert_header((header::CACHE_CONTROL, HeaderValue::from_static("no-store"))).json(token)
}

fn respond_with_outcome(outcome: TokenInvalidationOutcome) -> HttpResponse {
    HttpResponse::Ok().json(TokenInvalidation { outcome })
}

/// Get a Salesforce access token
///
/// Of the instance's connection. The same token is given out until shortly before its end; it is renewed once for all who ask.
#[utoipa::path(post, path = "/v1/tokens/salesforce", operation_id = "createSalesforceToken", tag = "Tokens", responses(
    (status = 200, description = "The token.", body = SalesforceToken),
    (status = 404, description = "Salesforce is not connected.", body = ProblemBody, content_type = "application/problem+json"),
    (status = 409, description = "The connection needs attention; the detail says what to do.", body = ProblemBody, content_type = "application/problem+json"),
    (status = 503, description = "Salesforce can't answer right now.", body = ProblemBody, content_type = "application/problem+json"),
))]
async fn salesforce_token(caller: AuthorizedInstance<TokensSalesforce>, connections: Data<Connections>) -> Result<HttpResponse, Problem> {
    let token = connections.salesforce_token(caller.instance).await?;
    let access_token = token.secret.expose_secret();
    Ok(respond_with_token(SalesforceToken { access_token, expires_at: token.expires_at, instance_url: &token.base_url }))
}

/// Report a Salesforce access token as refused
///
/// After a 401. Salesforce is asked about the token, at most once a minute; if it has ended indeed, it is renewed.
#[utoipa::path(
    post, path = "/v1/tokens/salesforce/invalidate",
    operation_id = "reportSalesforceToken", tag = "Tokens", request_body = InvalidateToken, responses(
    (status = 200, description = "What came of it.", body = TokenInvalidation),
    (status = 404, description = "Salesforce is not connected.", body = ProblemBody, content_type = "application/problem+json"),
    (status = 409, description = "The connection needs attention; the detail says what to do.", body = ProblemBody, content_type = "application/problem+json"),
    (status = 503, description = "Salesforce can't answer right now.", body = ProblemBody, content_type = "application/problem+json"),
))]
async fn report_salesforce_token(
    caller: AuthorizedInstance<TokensSalesforce>,
    connections: Data<Connections>,
    Body(report): Body<InvalidateToken>,
) -> Result<HttpResponse, Problem> {
    Ok(respond_with_outcome(connections.report_salesforce_token(caller.instance, &report.check()?).await?))
}

/// Get a Marketo access token
///
/// Marketo hands out the same token until it ends, an hour after it was made.
#[utoipa::path(post, path = "/v1/tokens/marketo", operation_id = "createMarketoToken", tag = "Tokens", responses(
    (status = 200, description = "The token.", body = MarketoToken),
    (status = 404, description = "Marketo is not connected.", body = ProblemBody, content_type = "application/problem+json"),
    (status = 409, description = "The connection needs attention; the detail says what to do.", body = ProblemBody, content_type = "application/problem+json"),
    (status = 503, description = "Marketo can't answer right now.", body = ProblemBody, content_type = "application/problem+json"),
))]
async fn marketo_token(caller: AuthorizedInstance<TokensMarketo>, connections: Data<Connections>) -> Result<HttpResponse, Problem> {
    let token = connections.marketo_token(caller.instance).await?;
    let access_token = token.secret.expose_secret();
    Ok(respond_with_token(MarketoToken { access_token, expires_at: token.expires_at, base_url: &token.base_url }))
}

/// Report a Marketo access token as refused
///
/// After error 601 or 602. Marketo is asked for its token, at most once a minute; it may well stand by the one reported.
#[utoipa::path(
    post, path = "/v1/tokens/marketo/invalidate",
    operation_id = "reportMarketoToken", tag = "Tokens", request_body = InvalidateToken, responses(
    (status = 200, description = "What came of it.", body = TokenInvalidation),
    (status = 404, description = "Marketo is not connected.", body = ProblemBody, content_type = "application/problem+json"),
    (status = 409, description = "The connection needs attention; the detail says what to do.", body = ProblemBody, content_type = "application/problem+json"),
    (status = 503, description = "Marketo can't answer right now.", body = ProblemBody, content_type = "application/problem+json"),
))]
async fn report_marketo_token(
    caller: AuthorizedInstance<TokensMarketo>,
    connections: Data<Connections>,
    Body(report): Body<InvalidateToken>,
) -> Result<HttpResponse, Problem> {
    Ok(respond_with_outcome(connections.report_marketo_token(caller.instance, &report.check()?).await?))
}
