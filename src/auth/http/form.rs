use actix_web::HttpRequest;
use actix_web::http::header;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::auth::{AuthError, ClientAuthentication};

/// The pairs of a form, so that a repeated parameter can be refused (RFC 6749, section 3.2).
pub(super) struct OAuthForm(Vec<(String, String)>);

impl OAuthForm {
    pub(super) fn read(request: &HttpRequest, bytes: &[u8]) -> Result<Self, AuthError> {
        let media = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        if !media.to_ascii_lowercase().starts_with("application/x-www-form-urlencoded") {
            return Err(AuthError::InvalidRequest("send the parameters as application/x-www-form-urlencoded".into()));
        }
        serde_urlencoded::from_bytes(bytes).map(Self).map_err(|_| AuthError::InvalidRequest("the form can't be read".into()))
    }

    pub(super) fn single_value(&self, name: &str) -> Result<Option<&str>, AuthError> {
        let mut values = self.0.iter().filter(|(key, value)| key == name && !value.is_empty()).map(|(_, value)| value.as_str());
        let first = values.next();
        if values.next().is_some() {
            return Err(AuthError::InvalidRequest(format!("{name} is given more than once")));
        }
        Ok(first)
    }
}

/// How the client authenticates.
///
/// # Errors
/// [`AuthError::InvalidClient`] when it does not, [`AuthError::InvalidRequest`] when it does twice.
pub(super) fn authentication(request: &HttpRequest, form: &OAuthForm) -> Result<ClientAuthentication, AuthError> {
    let mut headers = request.headers().get_all(header::AUTHORIZATION);
    if let Some(value) = headers.next() {
        if headers.next().is_some() {
            return Err(AuthError::InvalidRequest("authenticate with one Authorization header".into()));
        }
        let basic = value.to_str().ok().and_then(|value| value.split_once(' ')).filter(|(scheme, _)| scheme.eq_ignore_ascii_case("basic"));
        let decoded = basic.and_then(|(_, code)| STANDARD.decode(code.trim()).ok()).and_then(|bytes| String::from_utf8(bytes).ok());
        let pair = decoded.as_deref().and_then(|text| text.split_once(':')).ok_or(AuthError::InvalidClient)?;
        if form.single_value("client_secret")?.is_some() {
            return Err(AuthError::InvalidRequest("authenticate either with HTTP Basic or in the form, not both".into()));
        }
        // RFC 6749, section 2.3.1: both halves are form-encoded before they are joined.
        let client_id = form_decode(pair.0);
        if form.single_value("client_id")?.is_some_and(|other| other != client_id) {
            return Err(AuthError::InvalidRequest("the form names another client_id than the Authorization header".into()));
        }
        return Ok(ClientAuthentication { client_id, client_secret: form_decode(pair.1).into() });
    }
    match (form.single_value("client_id")?, form.single_value("client_secret")?) {
        (Some(id), Some(secret)) => Ok(ClientAuthentication { client_id: id.to_owned(), client_secret: secret.into() }),
        _ => Err(AuthError::InvalidClient),
    }
}

fn form_decode(text: &str) -> String {
    url::form_urlencoded::parse(format!("v={text}").as_bytes()).next().map(|(_, value)| value.into_owned()).unwrap_or_default()
}
