//! The authorization request of the web-server flow (RFC 6749, section 4.1.1), and how it is answered.

use actix_web::HttpResponse;
use actix_web::http::header;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use url::{Url, form_urlencoded};

use super::errors::{OauthError, UNKNOWN_CLIENT, WRONG_REDIRECT};
use super::grants::Code;
use super::oauth_parameters::value;
use crate::sandbox::state::SandboxState;

const SCOPES: [&str; 10] = ["api", "refresh_token", "offline_access", "id", "openid", "profile", "email", "address", "full", "web"];

/// A request for authorization that is in order.
#[derive(Debug)]
pub struct AuthorizeRequest {
    pub redirect: Url,
    pub scope: String,
    pub state: Option<String>,
    pub challenge: String,
    pub prompt: Option<String>,
    pub login_hint: Option<String>,
}

impl AuthorizeRequest {
    /// Reads and checks the parameters.
    ///
    /// # Errors
    /// The answer to send: a page for a wrong client or redirect address, else a redirect that carries the error.
    pub fn read(sandbox: &SandboxState, pairs: &[(String, String)]) -> Result<Self, HttpResponse> {
        let page = |error: OauthError| {
            let body = form_urlencoded::Serializer::new(String::new())
                .append_pair("error", error.error)
                .append_pair("error_description", error.description)
                .finish();
            HttpResponse::BadRequest().content_type("text/plain").body(body)
        };
        if value(pairs, "client_id") != Some(sandbox.settings.salesforce_client_id.as_str()) {
            return Err(page(UNKNOWN_CLIENT));
        }
        let written =
            value(pairs, "redirect_uri").ok_or_else(|| page(OauthError::new("redirect_uri_missing", "redirect_uri not provided")))?;
        let registered =
            sandbox.salesforce().callbacks.as_ref().is_none_or(|callbacks| callbacks.iter().any(|callback| callback == written));
        let redirect =
            Url::parse(written).ok().filter(|url| registered && matches!(url.scheme(), "http" | "https") && url.fragment().is_none());
        let redirect = redirect.ok_or_else(|| page(WRONG_REDIRECT))?;
        let state = value(pairs, "state").map(str::to_owned);
        let refuse = |error, description| Err(refusal(redirect.clone(), state.as_deref(), OauthError::new(error, description)));

        match value(pairs, "response_type") {
            None => return refuse("invalid_request", "missing required parameter: response_type"),
            Some("code") => {}
            Some(_) => return refuse("unsupported_response_type", "response type not supported"),
        }
        let Some(challenge) = value(pairs, "code_challenge") else { return refuse("invalid_request", "missing required code challenge") };
        // Salesforce's page of the web server flow knows no method: the challenge is always a SHA-256, and clients such as jsforce name none.
        let well_formed = challenge.len() == 43 && URL_SAFE_NO_PAD.decode(challenge).is_ok();
        if !well_formed || value(pairs, "code_challenge_method").is_some_and(|method| method != "S256") {
            return refuse("invalid_request", "invalid code challenge");
        }
        let scope = value(pairs, "scope").unwrap_or("api refresh_token id").split_whitespace().collect::<Vec<_>>();
        if scope.iter().any(|part| !SCOPES.contains(part)) {
            return refuse("invalid_scope", "the requested scope is invalid, unknown, or malformed");
        }
        let owned = |name: &str| value(pairs, name).map(str::to_owned);
        Ok(Self {
            scope: scope.join(" "),
            challenge: challenge.to_owned(),
            prompt: owned("prompt"),
            login_hint: owned("login_hint"),
            redirect,
            state,
        })
    }

    /// Grants access for a user: the redirect that carries the code.
    pub fn grant(self, sandbox: &SandboxState, user_id: &str) -> HttpResponse {
        let text = format!("aPrx{}==", &sandbox.new_secret()[..52]);
        let code = Code {
            user_id: user_id.to_owned(),
            scope: self.scope,
            redirect_uri: String::new(),
            challenge: self.challenge,
            made_at: sandbox.now(),
        };
        let mut target = self.redirect.clone();
        // Compared as sent, which for an address that parses equals its normal form.
        sandbox.salesforce().grants.add_code(text.clone(), Code { redirect_uri: self.redirect.into(), ..code });
        target.query_pairs_mut().append_pair("code", &text);
        if let Some(state) = &self.state {
            target.query_pairs_mut().append_pair("state", state);
        }
        redirect_to(&target)
    }

    /// The user said no.
    pub fn deny(self) -> HttpResponse {
        refusal(self.redirect, self.state.as_deref(), OauthError::new("access_denied", "end-user denied authorization"))
    }
}

/// The redirect that carries an error.
pub fn refusal(mut target: Url, state: Option<&str>, error: OauthError) -> HttpResponse {
    target.query_pairs_mut().append_pair("error", error.error).append_pair("error_description", error.description);
    if let Some(state) = state {
        target.query_pairs_mut().append_pair("state", state);
    }
    redirect_to(&target)
}

fn redirect_to(target: &Url) -> HttpResponse {
    HttpResponse::Found().insert_header((header::LOCATION, target.as_str())).insert_header((header::CACHE_CONTROL, "no-store")).finish()
}
