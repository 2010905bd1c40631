//! The keys of an issuer whose assertions are taken: fetched from its JWK set, kept for a few minutes, and looked for again when
//! a key id is not among them.

use std::time::Duration as Wait;

use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey};
use time::Duration;
use tokio::sync::Mutex;

use super::AuthError;
use crate::clock::{SharedClock, Timestamp};

/// Keys older than this are fetched again before use, so that one that the issuer took away is refused by then.
const CACHE_LIFETIME: Duration = Duration::minutes(5);
/// How often an unknown key id makes us fetch, at most.
const FETCHES_APART: Duration = Duration::seconds(30);
/// Longest time of a fetch, and largest set.
const TIMEOUT: Wait = Wait::from_secs(5);
const MAX_BYTES: usize = 256 * 1024;
const MAX_KEYS: usize = 100;

/// A key and the one algorithm it is for: what the assertion's header says doesn't choose it.
#[derive(Clone)]
pub(super) struct IssuerKey {
    kid: String,
    pub(super) algorithm: Algorithm,
    pub(super) decoding: DecodingKey,
}

impl IssuerKey {
    /// The key of a JWK, if it is one that signatures are verified with: RSA for RS256, P-256 for ES256.
    fn from_jwk(jwk: &Jwk) -> Option<Self> {
        let algorithm = match &jwk.algorithm {
            AlgorithmParameters::RSA(_) => Algorithm::RS256,
            AlgorithmParameters::EllipticCurve(parameters) if parameters.curve == EllipticCurve::P256 => Algorithm::ES256,
            _ => return None,
        };
        let for_another = jwk.common.key_algorithm.is_some_and(|named| named.to_string() != format!("{algorithm:?}"));
        let for_encryption = matches!(jwk.common.public_key_use, Some(PublicKeyUse::Encryption));
        if for_another || for_encryption {
            return None;
        }
        Some(Self { kid: jwk.common.key_id.clone()?, algorithm, decoding: DecodingKey::from_jwk(jwk).ok()? })
    }
}

#[derive(Default)]
struct FetchedKeys {
    keys: Vec<IssuerKey>,
    /// When they came; none before the first time.
    at: Option<Timestamp>,
    /// When they were last asked for, whatever came of it.
    tried_at: Option<Timestamp>,
}

/// The keys of one issuer.
pub(super) struct IssuerKeys {
    jwks_uri: String,
    http: reqwest::Client,
    clock: SharedClock,
    fetched: Mutex<FetchedKeys>,
}

impl IssuerKeys {
    pub(super) fn new(jwks_uri: String, http: reqwest::Client, clock: SharedClock) -> Self {
        Self { jwks_uri, http, clock, fetched: Mutex::default() }
    }

    /// The key with this id. One request at a time asks the issuer; the others wait for what it brings.
    ///
    /// # Errors
    /// [`AuthError::BadAssertion`] when there is no such key; [`AuthError::IssuerUnreachable`].
    pub(super) async fn find(&self, kid: &str) -> Result<IssuerKey, AuthError> {
        let mut fetched = self.fetched.lock().await;
        let now = self.clock.timestamp();
        let fresh = fetched.at.is_some_and(|at| now - at < CACHE_LIFETIME);
        let known = |fetched: &FetchedKeys| fetched.keys.iter().find(|key| key.kid == kid).cloned();
        if let Some(key) = known(&fetched).filter(|_| fresh) {
            return Ok(key);
        }
        if fetched.tried_at.is_some_and(|at| now - at < FETCHES_APART) {
            return Err(if fresh { AuthError::BadAssertion("its key is not known") } else { AuthError::IssuerUnreachable });
        }
        fetched.tried_at = Some(now);
        match self.fetch().await {
            Ok(keys) => {
                fetched.keys = keys;
                fetched.at = Some(now);
            }
            Err(reason) => {
                tracing::warn!(jwks_uri = self.jwks_uri, reason, "an issuer's keys can't be fetched");
                return Err(AuthError::IssuerUnreachable);
            }
        }
        known(&fetched).ok_or(AuthError::BadAssertion("its key is not known"))
    }

    async fn fetch(&self) -> Result<Vec<IssuerKey>, &'static str> {
        let answer = self.http.get(&self.jwks_uri).timeout(TIMEOUT).send().await.map_err(|_| "no answer")?;
        if !answer.status().is_success() {
            return Err("the answer is an error");
        }
        let mut answer = answer;
        let mut bytes = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(|_| "the answer broke off")? {
            if bytes.len() + chunk.len() > MAX_BYTES {
                return Err("the set is too large");
            }
            bytes.extend_from_slice(&chunk);
        }
        // Key by key: a set may hold keys of kinds that are not known here.
        let set: serde_json::Value = serde_json::from_slice(&bytes).map_err(|_| "the answer is no JSON")?;
        let keys = set.get("keys").and_then(serde_json::Value::as_array).ok_or("the answer is no JWK set")?;
        let read = keys.iter().take(MAX_KEYS).filter_map(|key| serde_json::from_value::<Jwk>(key.clone()).ok());
        Ok(read.filter_map(|jwk| IssuerKey::from_jwk(&jwk)).collect())
    }
}
