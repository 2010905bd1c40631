//! The tokens of directories, which admins make and revoke.

use actix_web::HttpResponse;
use actix_web::http::header;
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};

use crate::auth::{self, ScimToken};
use crate::clock::Timestamp;
use crate::context::Context;
use crate::http::problem::ProblemBody;
use crate::http::{Authorized, Body, PathParams, Problem, Routes, SCIM_ROOT, read_display_name, route};
use crate::ids::ScimTokenId;
use crate::permissions::scope::MembersWrite;
use crate::scim::ScimError;

pub(super) fn routes(routes: &mut Routes<'_>) {
    routes.add(route!(create_token).idempotent()).add(route!(list_tokens)).add(route!(revoke_token));
}

#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct CreateScimToken {
    /// What you call it, such as the directory that will use it. No control characters, line separators or marks of direction; spaces around it are dropped.
    #[schema(
        min_length = 1,
        max_length = 100,
        pattern = r"^ *[^\u0000-\u0020\u007f-\u009f\u2028-\u202e\u2066-\u2069][^\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]*$",
        example = "Okta"
    )]
    name: String,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = ScimToken)]
struct ScimTokenView {
    id: ScimTokenId,
    name: String,
    /// Who made it: `client:ID` or `member:ID`.
    created_by: String,
    created_at: Timestamp,
}

impl From<ScimToken> for ScimTokenView {
    fn from(token: ScimToken) -> Self {
        Self { id: token.id, name: token.name, created_by: token.created_by, created_at: token.created_at }
    }
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
struct CreatedScimToken {
    #[serde(flatten)]
    token: ScimTokenView,
    /// Address to enter in the directory.
    #[schema(example = "https://actions.example.com/scim/v2")]
    base_url: String,
    /// The bearer token to enter there. It is shown this once.
    bearer_token: String,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
struct ScimTokens {
    data: Vec<ScimTokenView>,
}

/// Make a directory's token
///
/// With it Okta, Entra ID and the like provision members and teams at `/scim/v2`. It is good until you revoke it; an instance can have
/// 5, so that another can follow one in use.
#[utoipa::path(
    post, path = "/v1/instance/scim-tokens", operation_id = "createScimToken", tag = "SCIM", request_body = CreateScimToken,
    responses(
        (status = 201, description = "The token.", body = CreatedScimToken),
        (status = 409, description = "There are 5 already.", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
async fn create_token(
    context: Context,
    caller: Authorized<MembersWrite>,
    Body(new): Body<CreateScimToken>,
) -> Result<HttpResponse, Problem> {
    let mut errors = Vec::new();
    let Some(name) = read_display_name(&mut errors, "/name", &new.name) else { return Err(Problem::invalid(errors)) };
    let mut tx = context.db.begin().await?;
    let (token, secret) = auth::create_scim_token(&mut tx, context.clock.as_ref(), caller.instance, &caller.origin, name.as_str()).await?;
    tx.commit().await?;
    Ok(HttpResponse::Created().insert_header((header::CACHE_CONTROL, "no-store")).json(CreatedScimToken {
        token: token.into(),
        base_url: context.public_url.join(SCIM_ROOT),
        bearer_token: secret.expose_secret().to_owned(),
    }))
}

/// List directories' tokens
#[utoipa::path(
    get, path = "/v1/instance/scim-tokens", operation_id = "listScimTokens", tag = "SCIM",
    responses((status = 200, description = "The tokens, without what proves them.", body = ScimTokens))
)]
async fn list_tokens(context: Context, caller: Authorized<MembersWrite>) -> Result<HttpResponse, Problem> {
    let tokens = auth::list_scim_tokens(&context.db, caller.instance).await?;
    Ok(HttpResponse::Ok().json(ScimTokens { data: tokens.into_iter().map(ScimTokenView::from).collect() }))
}

/// Revoke a directory's token
///
/// It is refused from now on. Members and teams stay as they are.
#[utoipa::path(
    delete, path = "/v1/instance/scim-tokens/{token_id}",
    operation_id = "revokeScimToken", tag = "SCIM", params(("token_id" = ScimTokenId, Path, description = "The token's id.")),
    responses((status = 204, description = "Revoked."))
)]
async fn revoke_token(
    context: Context,
    caller: Authorized<MembersWrite>,
    PathParams(id): PathParams<ScimTokenId>,
) -> Result<HttpResponse, Problem> {
    let mut tx = context.db.begin().await?;
    if !auth::revoke_scim_token(&mut tx, context.clock.as_ref(), caller.instance, &caller.origin, id).await? {
        return Err(ScimError::NotFound.into());
    }
    tx.commit().await?;
    Ok(HttpResponse::NoContent().finish())
}
