//! Who stands behind a Salesforce access token or a Canvas signed request, for those who let people in by them.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use sha2::Sha256;

use super::{NOT_CONNECTED, SalesforceLogin, parse_login_base, store};
use crate::connections::{ConnectionError, Connections};
use crate::http::{AsProblem, Code, Problem};
use crate::ids::InstanceId;
use crate::salesforce::{SalesforceError, token_user};
use crate::upstream::WebOrigin;

/// The one algorithm of signed requests that is taken.
const ALGORITHM: &str = "HMACSHA256";
/// How old a signed request may be.
const MAX_AGE_SECONDS: i64 = 600;
/// How far Salesforce's clock may be ahead of ours.
const MAX_CLOCK_SKEW_SECONDS: i64 = 60;

const NO_INSTANCE_URL: &str =
    "instance_url is not the address of an organization: https:// and a host under salesforce.com, without a path or anything else";

/// Why credentials of Salesforce let nobody in.
#[derive(Debug, thiserror::Error)]
pub enum SignInError {
    /// It proves nothing.
    #[error("{0}")]
    Invalid(&'static str),
    /// The user belongs to another organization than the instance is connected to.
    #[error("the Salesforce user belongs to another organization than the one this instance is connected to")]
    OtherOrganization,
    #[error(transparent)]
    Connection(#[from] ConnectionError),
}

impl AsProblem for SignInError {
    fn as_problem(&self) -> Problem {
        match self {
            Self::Invalid(_) => Problem::new(Code::SubjectTokenInvalid, format!("{self}.")),
            Self::OtherOrganization => Problem::new(Code::AutoLoginOtherOrganization, format!("{self}.")),
            Self::Connection(error) => error.as_problem(),
        }
    }
}

/// What we read of a signed request. The rest of its context is not relied upon: Salesforce is asked who the user is.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct CanvasRequest {
    algorithm: String,
    /// Seconds since 1970.
    issued_at: i64,
    user_id: String,
    client: CanvasClient,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct CanvasClient {
    instance_url: String,
    oauth_token: SecretString,
}

impl Connections {
    /// The user whom an access token stands for; it must be of the organization that the instance is connected to.
    ///
    /// Who it is is asked of the connected organization itself, at the address that its connection has. When `instance_url` names
    /// another address of Salesforce, the login host of the connection is asked: it knows the tokens of every organization, and unlike
    /// an address that a caller chose, it runs nobody's code.
    ///
    /// # Errors
    /// [`SignInError`].
    pub async fn user_of_token(
        &self,
        instance: InstanceId,
        access_token: &SecretString,
        instance_url: &str,
    ) -> Result<SalesforceLogin, SignInError> {
        let named = self.context.addresses.salesforce_origin(instance_url).map_err(|_| SignInError::Invalid(NO_INSTANCE_URL))?;
        let connected = store::find_salesforce(&self.context.db, instance, None).await.map_err(ConnectionError::from)?;
        let connected = connected.ok_or(NOT_CONNECTED)?;
        let own = self.context.addresses.salesforce_origin(&connected.instance_url)?;
        let asked = origin_to_ask(named, own, self.context.addresses.salesforce_origin(parse_login_base(&connected.login_base)?.as_str())?);
        let user = token_user(&self.context.http, &asked, access_token).await.map_err(|error| match error {
            SalesforceError::Unreachable { .. } => SignInError::Connection(error.into()),
            _ => SignInError::Invalid("Salesforce refuses the access token"),
        })?;
        if user.organization_id != connected.organization_id {
            return Err(SignInError::OtherOrganization);
        }
        Ok(SalesforceLogin {
            organization_id: user.organization_id,
            user_id: user.user_id,
            username: user.preferred_username,
            email: user.email,
        })
    }

    /// The user whom a Canvas signed request was made for: it must be signed with our app's consumer secret, be fresh, and its
    /// access token must still be that user's.
    ///
    /// # Errors
    /// As [`Connections::user_of_token`].
    pub async fn user_of_signed_request(&self, instance: InstanceId, signed: &SecretString) -> Result<SalesforceLogin, SignInError> {
        let secret = self.context.salesforce_app()?.client_secret;
        let request = open_signed_request(signed.expose_secret(), &secret, self.context.clock.timestamp().unix_seconds())?;
        let login = self.user_of_token(instance, &request.client.oauth_token, &request.client.instance_url).await?;
        if login.user_id != request.user_id {
            return Err(SignInError::Invalid("the signed request names another user than its access token"));
        }
        Ok(login)
    }
}

/// Where a token is sent to learn whose it is: never to an address that only the caller names.
fn origin_to_ask(named: WebOrigin, own: WebOrigin, login: WebOrigin) -> WebOrigin {
    if named == own { own } else { login }
}

/// Opens `base64(HMAC-SHA256(consumer secret, E)) "." E` with `E = base64(JSON)`. What is signed is the text `E` as it came.
fn open_signed_request(signed: &str, secret: &SecretString, now: i64) -> Result<CanvasRequest, SignInError> {
    let wrong = |_| SignInError::Invalid("the signed request is not signed with our app's consumer secret");
    let (signature, envelope) = signed.split_once('.').ok_or(SignInError::Invalid("a signed request has two parts and a period"))?;
    let claimed = STANDARD.decode(signature).map_err(|_| SignInError::Invalid("the signed request's signature is no base64"))?;
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.expose_secret().as_bytes())
        .map_err(|_| SignInError::Invalid("the consumer secret can't be used"))?;
    mac.update(envelope.as_bytes());
    // Compares in constant time.
    mac.verify_slice(&claimed).map_err(wrong)?;
    let json = STANDARD.decode(envelope).ok();
    let request: Option<CanvasRequest> = json.and_then(|json| serde_json::from_slice(&json).ok());
    let request = request.ok_or(SignInError::Invalid("the signed request can't be read"))?;
    if request.algorithm != ALGORITHM {
        return Err(SignInError::Invalid("the signed request names another algorithm than HMACSHA256"));
    }
    if request.issued_at < now - MAX_AGE_SECONDS || request.issued_at > now + MAX_CLOCK_SKEW_SECONDS {
        return Err(SignInError::Invalid("the signed request is too old; ask Salesforce for another"));
    }
    Ok(request)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_that_only_the_caller_names_is_never_asked() {
        let origin = |text: &str| text.parse::<WebOrigin>().unwrap();
        let (own, login) = (origin("https://acme.my.salesforce.com"), origin("https://login.salesforce.com"));
        assert_eq!(origin_to_ask(origin("https://Acme.my.salesforce.com/"), own.clone(), login.clone()), own);
        assert_eq!(origin_to_ask(origin("https://evil.my.salesforce.com"), own, login.clone()), login);
    }
}
