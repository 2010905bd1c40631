//! Issues JWT access tokens (RFC 9068), and authenticates callers by token or session.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use futures_util::future::BoxFuture;
use jsonwebtoken::{Algorithm, Header, Validation};
use quick_cache::Equivalent;
use quick_cache::sync::Cache;
use secrecy::{ExposeSecret, SecretString};

use super::claims::AccessClaims;
use super::revocations::Revocations;
use super::scim_tokens::{authenticate_scim_token, is_scim_token};
use super::signing_keys::SigningKeys;
use super::{AuthError, store};
use crate::clock::SharedClock;
use crate::crypto::SecretHash;
use crate::db::Db;
use crate::http::{Authenticate, Credentials, Problem};
use crate::ids::{InstanceId, MemberId};
use crate::permissions::{Actor, Caller, Scopes};

/// Prefix of a resource indicator (RFC 8707) that names an instance; the instance's id follows.
pub const RESOURCE_PREFIX: &str = "urn:msi-actions:instance:";

/// The `aud` claim.
const AUDIENCE: &str = "urn:msi-actions:api";

/// Verified tokens kept in memory: about 40 MB when full.
const MAX_VERIFIED_TOKENS: usize = 20_000;

/// A token to be issued.
#[derive(Debug)]
pub struct NewToken {
    /// The client that gets it.
    pub client_id: String,
    /// The member who acts with it, if not the client itself.
    pub member: Option<MemberId>,
    pub instance: Option<InstanceId>,
    pub scopes: Scopes,
    pub lifetime_seconds: i64,
    /// Which of the client's secrets it is issued for; none when there was no secret.
    pub secret_generation: Option<i64>,
}

/// A token whose signature was checked.
#[derive(Debug)]
struct VerifiedToken {
    claims: AccessClaims,
    caller: Arc<Caller>,
}

/// A cache key: the text of a verified token. Equality compares the whole text; the hash needs only its end, which is the signature.
#[derive(PartialEq, Eq)]
struct TokenKey(Box<str>);

/// The borrowed form of [`TokenKey`], to look a token up without copying it.
struct TokenKeyRef<'a>(&'a str);

impl Hash for TokenKeyRef<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let bytes = self.0.as_bytes();
        state.write(&bytes[bytes.len().saturating_sub(32)..]);
    }
}

impl Hash for TokenKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        TokenKeyRef(&self.0).hash(state);
    }
}

impl Equivalent<TokenKey> for TokenKeyRef<'_> {
    fn equivalent(&self, key: &TokenKey) -> bool {
        *self.0 == *key.0
    }
}

/// Signs and verifies access tokens. A verified token is cached under its whole text; after that, only expiry and revocation are
/// checked. Cheap to clone.
#[derive(Clone)]
pub struct TokenIssuer {
    pub(super) keys: SigningKeys,
    pub(super) revocations: Revocations,
    verified: Arc<Cache<TokenKey, Arc<VerifiedToken>>>,
    issuer: Arc<str>,
    clock: SharedClock,
}

impl std::fmt::Debug for TokenIssuer {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("TokenIssuer").field("keys", &self.keys).field("issuer", &self.issuer).finish_non_exhaustive()
    }
}

/// An access token just signed.
#[derive(Debug)]
pub struct IssuedAccessToken {
    pub token: SecretString,
    pub scopes: Scopes,
    pub lifetime_seconds: i64,
}

impl TokenIssuer {
    /// `issuer` is our public address.
    #[must_use]
    pub fn new(keys: SigningKeys, revocations: Revocations, issuer: &str, clock: SharedClock) -> Self {
        Self { keys, revocations, verified: Arc::new(Cache::new(MAX_VERIFIED_TOKENS)), issuer: issuer.into(), clock }
    }

    /// The `iss` claim of our tokens.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// Whether there is a key to sign with.
    #[must_use]
    pub fn can_sign(&self) -> bool {
        self.keys.signer().is_ok()
    }

    /// # Errors
    /// [`AuthError::SigningKey`].
    pub fn issue(&self, new: NewToken) -> Result<IssuedAccessToken, AuthError> {
        let key = self.keys.signer()?;
        let now = self.clock.now().unix_timestamp();
        let claims = AccessClaims {
            iss: self.issuer.to_string(),
            aud: AUDIENCE.to_owned(),
            sub: new.member.map_or_else(|| new.client_id.clone(), |member| member.to_string()),
            client_id: new.client_id,
            iat: now,
            exp: now + new.lifetime_seconds,
            jti: self.clock.new_id(),
            scope: new.scopes.to_string(),
            instance: new.instance,
            member: new.member,
            secret_generation: new.secret_generation,
        };
        let header = Header { typ: Some("at+jwt".to_owned()), kid: Some(key.kid.clone()), ..Header::new(Algorithm::ES256) };
        let token = jsonwebtoken::encode(&header, &claims, &key.encoding).map_err(|_| AuthError::SigningKey)?;
        Ok(IssuedAccessToken { token: token.into(), scopes: new.scopes, lifetime_seconds: new.lifetime_seconds })
    }

    /// Authenticates the caller who sends a token.
    ///
    /// # Errors
    /// [`AuthError::InvalidToken`] with the reason; also for tokens with another algorithm or type (RFC 9068, section 4).
    pub async fn verify(&self, token: &str) -> Result<Arc<Caller>, AuthError> {
        self.verify_cached(token).await.map(|verified| verified.caller.clone())
    }

    /// The claims of a valid token.
    ///
    /// # Errors
    /// As [`TokenIssuer::verify`].
    pub(super) async fn read_claims(&self, token: &SecretString) -> Result<AccessClaims, AuthError> {
        self.verify_cached(token.expose_secret()).await.map(|verified| verified.claims.clone())
    }

    /// Reads the signing keys again; forgets the verified tokens when a key is gone.
    ///
    /// # Errors
    /// As [`SigningKeys::reload`].
    pub(super) async fn reload_keys(&self) -> Result<(), AuthError> {
        if self.keys.reload().await? {
            self.verified.clear();
        }
        Ok(())
    }

    async fn verify_cached(&self, token: &str) -> Result<Arc<VerifiedToken>, AuthError> {
        let key_ref = TokenKeyRef(token);
        let verified = match self.verified.get(&key_ref) {
            Some(verified) => verified,
            None => {
                // Boxed to keep the cache-hit future small.
                let verified = Arc::new(Box::pin(self.check_signature(token)).await?);
                self.verified.insert(TokenKey(token.into()), verified.clone());
                verified
            }
        };
        let claims = &verified.claims;
        let now = self.clock.now().unix_timestamp();
        if claims.exp <= now {
            self.verified.remove(&key_ref);
            return Err(AuthError::InvalidToken("it has expired; ask for another"));
        }
        if self.revocations.is_revoked(claims, now) {
            self.verified.remove(&key_ref);
            return Err(AuthError::InvalidToken("it was revoked; ask for another"));
        }
        Ok(verified)
    }

    async fn check_signature(&self, token: &str) -> Result<VerifiedToken, AuthError> {
        let header = jsonwebtoken::decode_header(token).map_err(|_| AuthError::InvalidToken("it isn't a JWT"))?;
        let is_access_token =
            header.typ.as_deref().is_some_and(|typ| typ.eq_ignore_ascii_case("at+jwt") || typ.eq_ignore_ascii_case("application/at+jwt"));
        if !is_access_token || header.alg != Algorithm::ES256 {
            return Err(AuthError::InvalidToken("it isn't an access token of this service"));
        }
        let kid = header.kid.unwrap_or_default();
        let key = match self.keys.find(&kid) {
            Some(key) => key,
            None => {
                self.keys.look_for_new().await?;
                self.keys.find(&kid).ok_or(AuthError::InvalidToken("its signing key is unknown"))?
            }
        };
        let mut validation = Validation::new(Algorithm::ES256);
        validation.set_issuer(&[&self.issuer]);
        validation.set_audience(&[AUDIENCE]);
        // The library compares with the machine's clock; ours is injected, so our caller checks the expiry.
        validation.validate_exp = false;
        validation.required_spec_claims = ["iss", "aud", "exp", "sub"].map(str::to_owned).into();
        let claims = jsonwebtoken::decode::<AccessClaims>(token, &key.decoding, &validation)
            .map_err(|_| AuthError::InvalidToken("its signature, issuer or audience is wrong"))?
            .claims;
        let scopes = Scopes::parse_known(&claims.scope);
        let actor = claims.member.map_or_else(|| Actor::Client(claims.client_id.clone()), Actor::Member);
        let caller = Arc::new(Caller { actor, instance: claims.instance, scopes });
        Ok(VerifiedToken { claims, caller })
    }
}

/// Authenticates callers by token or session.
#[derive(Debug, Clone)]
pub struct Authenticator {
    pub issuer: TokenIssuer,
    pub db: Db,
    pub clock: SharedClock,
}

/// The token's scopes that its member's role still has; `None` when the member is deactivated or was logged out since.
pub(super) async fn load_current_scopes(db: &Db, claims: &AccessClaims, scopes: &Scopes) -> Result<Option<Scopes>, AuthError> {
    let (Some(instance), Some(member)) = (claims.instance, claims.member) else { return Ok(Some(scopes.clone())) };
    let Some((role, signed_out_at)) = store::find_active_member(db, instance, member).await? else { return Ok(None) };
    if signed_out_at.is_some_and(|at| claims.iat <= at.unix_seconds()) {
        return Ok(None);
    }
    Ok(Some(Scopes::of_role(role).intersection(scopes)))
}

impl Authenticator {
    /// A member's token can do what the member's current role can. The role is read each time, so that a change holds in every
    /// process at once.
    async fn authenticate_bearer(&self, token: &str) -> Result<Arc<Caller>, AuthError> {
        if is_scim_token(token) {
            return Ok(Arc::new(Box::pin(authenticate_scim_token(&self.db, token)).await?));
        }
        let verified = self.issuer.verify_cached(token).await?;
        if verified.claims.member.is_none() {
            return Ok(verified.caller.clone());
        }
        // Boxed to keep the future of a client's token small.
        let scopes = Box::pin(load_current_scopes(&self.db, &verified.claims, &verified.caller.scopes)).await?;
        let scopes = scopes.ok_or(AuthError::InvalidToken("its member has been logged out or deactivated"))?;
        Ok(Arc::new(Caller { scopes, ..Caller::clone(&verified.caller) }))
    }

    async fn authenticate_session(&self, cookie: &SecretString) -> Result<Caller, AuthError> {
        let found = store::find_session(&self.db, &SecretHash::of_secret(cookie), self.clock.timestamp()).await?;
        let (instance, member, role) = found.ok_or(AuthError::SessionEnded)?;
        Ok(Caller { actor: Actor::Member(member), instance: Some(instance), scopes: Scopes::of_role(role) })
    }
}

impl Authenticate for Authenticator {
    fn authenticate<'a>(&'a self, credentials: Credentials<'a>) -> BoxFuture<'a, Result<Arc<Caller>, Problem>> {
        Box::pin(async move {
            match credentials {
                Credentials::Bearer(token) => Ok(self.authenticate_bearer(token).await?),
                Credentials::Session(cookie) => Ok(Arc::new(Box::pin(self.authenticate_session(&cookie)).await?)),
            }
        })
    }
}
