//! Who a token speaks for: identity URL, userinfo, introspection; and revocation.

use actix_web::http::{StatusCode, header};
use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::{Value, json};
use url::form_urlencoded;

use super::api_call::bearer_token;
use super::errors::{OauthError, UNKNOWN_CLIENT, WRONG_SECRET};
use super::oauth_parameters::{OauthParameters, find_value};
use super::origin;
use super::users::{SalesforceUser, organization_id};
use crate::sandbox::state::SandboxState;
use crate::sandbox::timestamps::format_salesforce_json;

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config
        .service(web::resource("/services/oauth2/userinfo").route(web::get().to(show_userinfo)).route(web::post().to(show_userinfo)))
        .route("/services/oauth2/introspect", web::post().to(introspect_token))
        .service(web::resource("/services/oauth2/revoke").route(web::post().to(revoke_token)).route(web::get().to(revoke_token)))
        .route("/id/{organization}/{user}", web::get().to(show_identity));
}

/// The user of the request's token. These endpoints answer 403 with a bare word, not with the REST API's error array.
fn find_caller(request: &HttpRequest, sandbox: &SandboxState) -> Result<SalesforceUser, HttpResponse> {
    let refused = |word: &'static str| HttpResponse::build(StatusCode::FORBIDDEN).content_type("text/html; charset=UTF-8").body(word);
    let token = bearer_token(request).ok_or_else(|| refused("Missing_OAuth_Token"))?;
    let salesforce = sandbox.salesforce();
    let session = salesforce.grants.find_session(token, sandbox.now()).ok_or_else(|| refused("Bad_OAuth_Token"))?;
    salesforce.find_user(&session.user_id).filter(|user| user.active).cloned().ok_or_else(|| refused("Bad_OAuth_Token"))
}

fn render_urls(base: &str, user_id: &str) -> Value {
    json!({
        "enterprise": format!("{base}/services/Soap/c/{{version}}/{}", &organization_id()[..15]),
        "metadata": format!("{base}/services/Soap/m/{{version}}/{}", &organization_id()[..15]),
        "partner": format!("{base}/services/Soap/u/{{version}}/{}", &organization_id()[..15]),
        "rest": format!("{base}/services/data/v{{version}}/"),
        "sobjects": format!("{base}/services/data/v{{version}}/sobjects/"),
        "search": format!("{base}/services/data/v{{version}}/search/"),
        "query": format!("{base}/services/data/v{{version}}/query/"),
        "recent": format!("{base}/services/data/v{{version}}/recent/"),
        "tooling_soap": format!("{base}/services/Soap/T/{{version}}/{}", &organization_id()[..15]),
        "tooling_rest": format!("{base}/services/data/v{{version}}/tooling/"),
        "profile": format!("{base}/{user_id}"),
        "custom_domain": base,
    })
}

async fn show_identity(request: HttpRequest, path: web::Path<(String, String)>, sandbox: web::Data<SandboxState>) -> HttpResponse {
    let (organization, user_id) = path.into_inner();
    let caller = match find_caller(&request, &sandbox) {
        Ok(user) => user,
        Err(response) => return response,
    };
    if organization != organization_id() {
        return HttpResponse::build(StatusCode::FORBIDDEN).content_type("text/html; charset=UTF-8").body("Wrong_Org");
    }
    let Some(user) = sandbox.salesforce().find_user(&user_id).cloned() else {
        return HttpResponse::NotFound().content_type("text/html; charset=UTF-8").body("Bad_Id");
    };
    let base = origin(&request);
    HttpResponse::Ok().json(json!({
        "id": format!("{base}/id/{organization}/{user_id}"),
        "asserted_user": caller.id == user.id,
        "user_id": user.id,
        "organization_id": organization,
        "username": user.username,
        "nick_name": user.first_name.to_lowercase(),
        "display_name": user.name(),
        "email": user.email,
        "email_verified": true,
        "first_name": user.first_name,
        "last_name": user.last_name,
        "timezone": "America/Los_Angeles",
        "photos": {"picture": format!("{base}/profilephoto/005/F"), "thumbnail": format!("{base}/profilephoto/005/T")},
        "addr_street": null, "addr_city": null, "addr_state": null, "addr_country": "US", "addr_zip": null,
        "mobile_phone": null, "mobile_phone_verified": false, "is_lightning_login_user": false,
        "status": {"created_date": null, "body": null},
        "urls": render_urls(&base, &user.id),
        "active": user.active,
        "user_type": "STANDARD",
        "language": "en_US",
        "locale": "en_US",
        "utcOffset": -28_800_000,
        "last_modified_date": format_salesforce_json(sandbox.now() - 30 * 86_400),
        "is_app_installed": true,
    }))
}

async fn show_userinfo(request: HttpRequest, sandbox: web::Data<SandboxState>) -> HttpResponse {
    let user = match find_caller(&request, &sandbox) {
        Ok(user) => user,
        Err(response) => return response,
    };
    let base = origin(&request);
    HttpResponse::Ok().json(json!({
        "sub": format!("{base}/id/{}/{}", organization_id(), user.id),
        "user_id": user.id,
        "organization_id": organization_id(),
        "preferred_username": user.username,
        "nickname": user.first_name.to_lowercase(),
        "name": user.name(),
        "email": user.email,
        "email_verified": true,
        "given_name": user.first_name,
        "family_name": user.last_name,
        "zoneinfo": "America/Los_Angeles",
        "photos": {"picture": format!("{base}/profilephoto/005/F"), "thumbnail": format!("{base}/profilephoto/005/T")},
        "profile": format!("{base}/{}", user.id),
        "picture": format!("{base}/profilephoto/005/F"),
        "urls": render_urls(&base, &user.id),
        "active": user.active,
        "user_type": "STANDARD",
        "language": "en_US",
        "locale": "en_US",
        "utcOffset": -28_800_000,
        "updated_at": format_salesforce_json(sandbox.now() - 30 * 86_400),
    }))
}

async fn introspect_token(body: web::Bytes, sandbox: web::Data<SandboxState>) -> HttpResponse {
    let parameters: OauthParameters = form_urlencoded::parse(&body).into_owned().collect();
    if find_value(&parameters, "client_id") != Some(sandbox.settings.salesforce_client_id.as_str()) {
        return UNKNOWN_CLIENT.to_response();
    }
    if find_value(&parameters, "client_secret") != Some(sandbox.settings.salesforce_client_secret.as_str()) {
        return WRONG_SECRET.to_response();
    }
    let token = find_value(&parameters, "token").unwrap_or_default();
    let salesforce = sandbox.salesforce();
    let common = |user_id: &str, scope: &str, kind: &str| {
        json!({
            "active": true,
            "scope": scope,
            "client_id": sandbox.settings.salesforce_client_id,
            "username": salesforce.find_user(user_id).map(|user| user.username.clone()),
            "sub": format!("https://login.salesforce.com/id/{}/{user_id}", organization_id()),
            "token_type": kind,
        })
    };
    let rendered = if let Some(session) = salesforce.grants.find_session(token, sandbox.now()) {
        let mut rendered = common(&session.user_id, &session.scope, "access_token");
        rendered["exp"] = json!(session.expires_at);
        rendered["iat"] = json!(session.issued_at);
        rendered["nbf"] = json!(session.issued_at);
        rendered
    } else if let Some((user, scope)) = salesforce.grants.find_by_refresh_token(token) {
        common(user, scope, "refresh_token")
    } else {
        json!({"active": false})
    };
    HttpResponse::Ok().insert_header((header::CACHE_CONTROL, "no-store")).json(rendered)
}

async fn revoke_token(request: HttpRequest, body: web::Bytes, sandbox: web::Data<SandboxState>) -> HttpResponse {
    let mut parameters: OauthParameters = form_urlencoded::parse(request.query_string().as_bytes()).into_owned().collect();
    parameters.extend(form_urlencoded::parse(&body).into_owned());
    let revoked = find_value(&parameters, "token").is_some_and(|token| sandbox.salesforce().grants.revoke(token));
    if revoked { HttpResponse::Ok().finish() } else { OauthError::new("invalid_token", "invalid token").to_response() }
}
