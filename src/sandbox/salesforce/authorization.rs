//! The authorization request of the web-server flow (RFC 6749, section 4.1.1), and how it is answered.

use actix_web::HttpResponse;
use actix_web::http::header;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use url::{Url, form_urlencoded};

use super::errors::{OauthError, UNKNOWN_CLIENT, WRONG_REDIRECT};
use super::grants::AuthorizationCode;
use super::oauth_parameters::find_value;
use crate::sandbox::state::SandboxState;

const SCOPES: [&str; 10] = ["api", "refresh_token", "offline_access", "id", "openid", "profile", "email", "address", "full", "web"];

/// A valid authorization request.
#[derive(Debug)]
pub struct AuthorizationRequest {
    pub redirect: Url,
    pub scope: String,
    pub state: Option<String>,
    /// The PKCE challenge (RFC 7636).
    pub challenge: String,
    pub prompt: Option<String>,
    pub login_hint: Option<String>,
}

impl AuthorizationRequest {
    /// Reads and checks the parameters.
    ///
    /// # Errors
    /// The answer to send: a page for a wrong client or redirect address, else a redirect that carries the error.
    pub fn from_parameters(sandbox: &SandboxState, parameters: &[(String, String)]) -> Result<Self, HttpResponse> {
        let error_page = |error: OauthError| {
            let body = form_urlencoded::Serializer::new(String::new())
                .append_pair("error", error.error)
                .append_pair("error_description", error.description)
                .finish();
            HttpResponse::BadRequest().content_type("text/plain").body(body)
        };
        if find_value(parameters, "client_id") != Some(sandbox.settings.salesforce_client_id.as_str()) {
            return Err(error_page(UNKNOWN_CLIENT));
        }
        let address = find_value(parameters, "redirect_uri")
            .ok_or_else(|| error_page(OauthError::new("redirect_uri_missing", "redirect_uri not provided")))?;
        let is_registered =
            sandbox.salesforce().callbacks.as_ref().is_none_or(|callbacks| callbacks.iter().any(|callback| callback == address));
        let redirect =
            Url::parse(address).ok().filter(|url| is_registered && matches!(url.scheme(), "http" | "https") && url.fragment().is_none());
        let redirect = redirect.ok_or_else(|| error_page(WRONG_REDIRECT))?;
        let state = find_value(parameters, "state").map(str::to_owned);
        let refuse = |error, description| Err(redirect_with_error(redirect.clone(), state.as_deref(), OauthError::new(error, description)));

        match find_value(parameters, "response_type") {
            None => return refuse("invalid_request", "missing required parameter: response_type"),
            Some("code") => {}
            Some(_) => return refuse("unsupported_response_type", "response type not supported"),
        }
        let Some(challenge) = find_value(parameters, "code_challenge") else {
            return refuse("invalid_request", "missing required code challenge");
        };
        // Salesforce's page on the web server flow has no method parameter: the challenge is always a SHA-256, and clients such as jsforce
        // send no method.
        let is_well_formed = challenge.len() == 43 && URL_SAFE_NO_PAD.decode(challenge).is_ok();
        if !is_well_formed || find_value(parameters, "code_challenge_method").is_some_and(|method| method != "S256") {
            return refuse("invalid_request", "invalid code challenge");
        }
        let scope = find_value(parameters, "scope").unwrap_or("api refresh_token id").split_whitespace().collect::<Vec<_>>();
        if scope.iter().any(|part| !SCOPES.contains(part)) {
            return refuse("invalid_scope", "the requested scope is invalid, unknown, or malformed");
        }
        let owned = |name: &str| find_value(parameters, name).map(str::to_owned);
        Ok(Self {
            scope: scope.join(" "),
            challenge: challenge.to_owned(),
            prompt: owned("prompt"),
            login_hint: owned("login_hint"),
            redirect,
            state,
        })
    }

    /// Grants the user's access: the redirect that carries the code.
    pub fn grant(self, sandbox: &SandboxState, user_id: &str) -> HttpResponse {
        let text = format!("aPrx{}==", &sandbox.new_secret()[..52]);
        let code = AuthorizationCode {
            user_id: user_id.to_owned(),
            scope: self.scope,
            redirect_uri: String::new(),
            challenge: self.challenge,
            created_at: sandbox.now(),
        };
        let mut target = self.redirect.clone();
        // Later compared as sent, which for an address that parses equals its normal form.
        sandbox.salesforce().grants.add_code(text.clone(), AuthorizationCode { redirect_uri: self.redirect.into(), ..code });
        target.query_pairs_mut().append_pair("code", &text);
        if let Some(state) = &self.state {
            target.query_pairs_mut().append_pair("state", state);
        }
        redirect_to(&target)
    }

    /// The redirect that says that the user refused.
    pub fn deny(self) -> HttpResponse {
        redirect_with_error(self.redirect, self.state.as_deref(), OauthError::new("access_denied", "end-user denied authorization"))
    }
}

/// The redirect that carries an error.
pub fn redirect_with_error(mut target: Url, state: Option<&str>, error: OauthError) -> HttpResponse {
    target.query_pairs_mut().append_pair("error", error.error).append_pair("error_description", error.description);
    if let Some(state) = state {
        target.query_pairs_mut().append_pair("state", state);
    }
    redirect_to(&target)
}

fn redirect_to(target: &Url) -> HttpResponse {
    HttpResponse::Found().insert_header((header::LOCATION, target.as_str())).insert_header((header::CACHE_CONTROL, "no-store")).finish()
}
