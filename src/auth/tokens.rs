//! JWT access tokens (RFC 9068): issuing them, and telling who is behind one.

use futures_util::future::BoxFuture;
use jsonwebtoken::{Algorithm, Header, Validation};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

use super::clients::Client;
use super::permissions::{Actor, Caller, Scopes};
use super::signing_keys::SigningKeys;
use super::{AuthError, store};
use crate::clock::SharedClock;
use crate::crypto::SecretHash;
use crate::db::Db;
use crate::http::{Authenticate, Credentials, Problem};
use crate::ids::InstanceId;

/// How long an access token is valid, in seconds.
pub const TOKEN_LIFETIME: i64 = 900;

/// A resource indicator (RFC 8707) that names an instance begins so; the instance's id follows.
pub const RESOURCE_PREFIX: &str = "urn:msi-actions:instance:";

/// Whom the tokens are for: this API.
const AUDIENCE: &str = "urn:msi-actions:api";

#[derive(Debug, Serialize, Deserialize)]
struct Claims {
    iss: String,
    aud: String,
    sub: String,
    client_id: String,
    iat: i64,
    exp: i64,
    jti: String,
    scope: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    instance: Option<InstanceId>,
}

/// Signs access tokens.
#[derive(Debug, Clone)]
pub struct TokenIssuer {
    pub(super) keys: SigningKeys,
    issuer: String,
    clock: SharedClock,
}

/// An access token just signed.
#[derive(Debug)]
pub struct AccessToken {
    pub token: SecretString,
    pub scopes: Scopes,
}

impl TokenIssuer {
    /// An issuer that calls itself `issuer` (our public address).
    #[must_use]
    pub fn new(keys: SigningKeys, issuer: String, clock: SharedClock) -> Self {
        Self { keys, issuer, clock }
    }

    /// Our name in the tokens.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// Whether there is a key to sign with.
    #[must_use]
    pub fn can_sign(&self) -> bool {
        self.keys.newest().is_ok()
    }

    /// A token for `client`, bound to `instance`, with `scopes`.
    ///
    /// # Errors
    /// [`AuthError::SigningKey`].
    pub fn issue(&self, client: &Client, instance: Option<InstanceId>, scopes: Scopes) -> Result<AccessToken, AuthError> {
        let key = self.keys.newest()?;
        let now = self.clock.now().unix_timestamp();
        let claims = Claims {
            iss: self.issuer.clone(),
            aud: AUDIENCE.to_owned(),
            sub: client.client_id.clone(),
            client_id: client.client_id.clone(),
            iat: now,
            exp: now + TOKEN_LIFETIME,
            jti: self.clock.new_id().to_string(),
            scope: scopes.to_string(),
            instance,
        };
        let header = Header { typ: Some("at+jwt".to_owned()), kid: Some(key.kid.clone()), ..Header::new(Algorithm::ES256) };
        let token = jsonwebtoken::encode(&header, &claims, &key.encoding).map_err(|_| AuthError::SigningKey)?;
        Ok(AccessToken { token: token.into(), scopes })
    }

    /// Who is behind a token.
    ///
    /// # Errors
    /// [`AuthError::InvalidToken`] with the reason; also for tokens with another algorithm or type (RFC 9068, section 4).
    pub fn verify(&self, token: &SecretString) -> Result<Caller, AuthError> {
        let token = token.expose_secret();
        let header = jsonwebtoken::decode_header(token).map_err(|_| AuthError::InvalidToken("it is no JWT"))?;
        let typed =
            header.typ.as_deref().is_some_and(|typ| typ.eq_ignore_ascii_case("at+jwt") || typ.eq_ignore_ascii_case("application/at+jwt"));
        if !typed || header.alg != Algorithm::ES256 {
            return Err(AuthError::InvalidToken("it is no access token of this service"));
        }
        let key = header.kid.as_deref().and_then(|kid| self.keys.find(kid)).ok_or(AuthError::InvalidToken("its key is not known"))?;
        let mut validation = Validation::new(Algorithm::ES256);
        validation.set_issuer(&[&self.issuer]);
        validation.set_audience(&[AUDIENCE]);
        // The library compares with the machine's clock; ours is injected, so the times are compared below.
        validation.validate_exp = false;
        validation.required_spec_claims = ["iss", "aud", "exp", "sub"].map(str::to_owned).into();
        let claims = jsonwebtoken::decode::<Claims>(token, &key.decoding, &validation)
            .map_err(|_| AuthError::InvalidToken("its signature, issuer or audience is wrong"))?
            .claims;
        if claims.exp <= self.clock.now().unix_timestamp() {
            return Err(AuthError::InvalidToken("it has expired; ask for another"));
        }
        let scopes = Scopes(claims.scope.split_ascii_whitespace().filter_map(|scope| scope.parse().ok()).collect());
        Ok(Caller { actor: Actor::Client(claims.client_id), instance: claims.instance, scopes })
    }
}

/// Tells who is behind a token or a session.
#[derive(Debug, Clone)]
pub struct Authenticator {
    /// Verifies tokens.
    pub issuer: TokenIssuer,
    /// Where sessions are.
    pub db: Db,
    /// For the sessions' end.
    pub clock: SharedClock,
}

impl Authenticator {
    async fn session(&self, cookie: &SecretString) -> Result<Caller, AuthError> {
        let found = store::find_session(&self.db, &SecretHash::of(cookie), self.clock.timestamp()).await?;
        let (instance, member, role) = found.ok_or(AuthError::InvalidToken("the session has ended; log in again"))?;
        Ok(Caller { actor: Actor::Member(member), instance: Some(instance), scopes: Scopes::of_role(role) })
    }
}

impl Authenticate for Authenticator {
    fn authenticate(&self, credentials: Credentials) -> BoxFuture<'_, Result<Caller, Problem>> {
        Box::pin(async move {
            match credentials {
                Credentials::Bearer(token) => Ok(self.issuer.verify(&token)?),
                Credentials::Session(cookie) => Ok(self.session(&cookie).await?),
            }
        })
    }
}
