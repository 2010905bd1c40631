//! Keys that sign access tokens: ES256 (RFC 7518, section 3.4), published as a JWK set (RFC 7517).

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{DecodingKey, EncodingKey};
use p256::SecretKey;
use p256::elliptic_curve::sec1::ToEncodedPoint;
use p256::pkcs8::EncodePrivateKey;
use serde_json::json;
use sqlx::types::Json;

use super::AuthError;
use super::store::{self, StoredSigningKey};
use crate::clock::Clock;
use crate::crypto::{Vault, random_bytes, sha256};
use crate::db::Db;

/// A key pair ready for use.
#[derive(Clone)]
pub struct SigningKey {
    /// JWK thumbprint (RFC 7638).
    pub kid: String,
    pub(super) encoding: EncodingKey,
    pub(super) decoding: DecodingKey,
    /// The public half as a JWK.
    pub public_jwk: serde_json::Value,
}

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_tuple("SigningKey").field(&self.kid).finish()
    }
}

/// All keys that verify; the newest one signs. Cheap to clone.
#[derive(Debug, Clone)]
pub struct SigningKeys(Arc<[SigningKey]>);

impl SigningKeys {
    /// Loads the keys, making the first one when there is none yet.
    ///
    /// # Errors
    /// [`AuthError::Seal`] when a key doesn't open with this vault; [`AuthError::Db`].
    pub async fn load_or_create(db: &Db, vault: &Vault, clock: &dyn Clock) -> Result<Self, AuthError> {
        let mut stored = store::list_signing_keys(db).await?;
        if stored.is_empty() {
            let key = generate(vault, clock)?;
            let mut tx = db.begin().await?;
            store::insert_signing_key(&mut tx, &key).await?;
            tx.commit().await?;
            // Another replica may have started at the same moment: the key stored first counts.
            stored = store::list_signing_keys(db).await?;
        }
        let keys = stored.iter().map(|key| open(key, vault)).collect::<Result<Vec<_>, _>>()?;
        Ok(Self(keys.into()))
    }

    /// The key that signs.
    ///
    /// # Errors
    /// [`AuthError::SigningKey`] when there is none.
    pub fn newest(&self) -> Result<&SigningKey, AuthError> {
        self.0.last().ok_or(AuthError::SigningKey)
    }

    /// The key with this id.
    #[must_use]
    pub fn find(&self, kid: &str) -> Option<&SigningKey> {
        self.0.iter().find(|key| key.kid == kid)
    }

    /// The public halves as a JWK set (RFC 7517, section 5).
    #[must_use]
    pub fn jwks(&self) -> serde_json::Value {
        json!({ "keys": self.0.iter().map(|key| &key.public_jwk).collect::<Vec<_>>() })
    }
}

fn context(kid: &str) -> String {
    format!("signing_keys/{kid}/private_key")
}

fn generate(vault: &Vault, clock: &dyn Clock) -> Result<StoredSigningKey, AuthError> {
    // A random scalar is out of range with probability 2^-32; another draw settles it.
    let secret = (0..8).find_map(|_| SecretKey::from_slice(&random_bytes::<32>()).ok()).ok_or(AuthError::SigningKey)?;
    let point = secret.public_key().to_encoded_point(false);
    let (Some(x), Some(y)) = (point.x(), point.y()) else { return Err(AuthError::SigningKey) };
    let (x, y) = (URL_SAFE_NO_PAD.encode(x), URL_SAFE_NO_PAD.encode(y));
    // RFC 7638, section 3: the required members only, in this order, without white space.
    let canonical = format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#);
    let kid = URL_SAFE_NO_PAD.encode(sha256(canonical.as_bytes()));
    let private = secret.to_pkcs8_der().map_err(|_| AuthError::SigningKey)?;
    Ok(StoredSigningKey {
        sealed_private_key: vault.seal(&context(&kid), private.as_bytes())?,
        public_jwk: Json(json!({ "kty": "EC", "crv": "P-256", "x": x, "y": y, "kid": kid, "use": "sig", "alg": "ES256" })),
        kid,
        generation: 1,
        created_at: clock.timestamp(),
        retired_at: None,
    })
}

fn open(stored: &StoredSigningKey, vault: &Vault) -> Result<SigningKey, AuthError> {
    let private = vault.open(&context(&stored.kid), &stored.sealed_private_key)?;
    let part = |name: &str| stored.public_jwk.get(name).and_then(serde_json::Value::as_str).ok_or(AuthError::SigningKey);
    Ok(SigningKey {
        kid: stored.kid.clone(),
        encoding: EncodingKey::from_ec_der(&private),
        decoding: DecodingKey::from_ec_components(part("x")?, part("y")?).map_err(|_| AuthError::SigningKey)?,
        public_jwk: stored.public_jwk.0.clone(),
    })
}
