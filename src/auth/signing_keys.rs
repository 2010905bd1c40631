//! Keys that sign access tokens: ES256 (RFC 7518, section 3.4), published as a JWK set (RFC 7517).

use std::sync::{Arc, PoisonError, RwLock};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{DecodingKey, EncodingKey};
use p256::SecretKey;
use p256::elliptic_curve::sec1::ToSec1Point;
use p256::pkcs8::EncodePrivateKey;
use serde_json::json;
use sqlx::types::Json;
use time::Duration;

use super::AuthError;
use super::claims::TOKEN_LIFETIME_SECONDS;
use super::store::{self, StoredSigningKey};
use crate::audit::{self, ChangeOrigin, Entry};
use crate::clock::{Clock, SharedClock, Timestamp};
use crate::crypto::{random_bytes, sha256};
use crate::db::Db;
use crate::vault::{SealedColumn, SealedRowKey, Vault};

/// The private half of a key pair.
pub(super) const PRIVATE_KEY: SealedColumn = SealedColumn::new("signing_keys", "sealed_private_key", SealedRowKey::Text("kid"));

/// A key pair ready for use.
#[derive(Clone)]
pub struct SigningKey {
    /// JWK thumbprint (RFC 7638).
    pub kid: String,
    pub(super) encoding: EncodingKey,
    pub(super) decoding: DecodingKey,
    /// The public half as a JWK.
    pub public_jwk: serde_json::Value,
    signs_from: Option<Timestamp>,
    retired_at: Option<Timestamp>,
}

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_tuple("SigningKey").field(&self.kid).finish()
    }
}

/// How long others may keep our JWK set, in seconds.
pub const JWKS_MAX_AGE_SECONDS: i64 = 300;

/// From a key's publication until it signs: whoever keeps our JWK set has fetched it again by then, and every process of ours
/// has read the key, even if their clocks are a minute apart.
const PUBLISHED_BEFORE_USE: Duration = Duration::seconds(JWKS_MAX_AGE_SECONDS + 60);
/// From the last signature of a key until it verifies nothing any more: the longest lifetime of a token, and as much again for
/// processes that were slow to change over.
const VERIFIES_AFTER_USE: Duration = Duration::seconds(TOKEN_LIFETIME_SECONDS + 120);
/// How often an unknown key id makes us look for new keys, at most.
const LOOKS_APART: Duration = Duration::seconds(5);

/// All keys that verify; the newest one whose time has come signs. Shared by every part of the process; cheap to clone.
#[derive(Clone)]
pub struct SigningKeys {
    db: Db,
    vault: Vault,
    clock: SharedClock,
    known: Arc<RwLock<LoadedKeys>>,
}

impl std::fmt::Debug for SigningKeys {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_tuple("SigningKeys").field(&self.read().keys).finish()
    }
}

struct LoadedKeys {
    /// Oldest first.
    keys: Vec<SigningKey>,
    looked_at: Timestamp,
}

impl SigningKeys {
    /// Loads the keys, making the first one when there is none yet.
    ///
    /// # Errors
    /// [`AuthError::Seal`] when a key doesn't open with this vault; [`AuthError::Db`].
    pub async fn load_or_create(db: &Db, vault: &Vault, clock: SharedClock) -> Result<Self, AuthError> {
        if store::list_signing_keys(db).await?.is_empty() {
            let key = generate(vault, 1, clock.timestamp(), None)?;
            let mut tx = db.begin().await?;
            // Another replica may have started at the same moment: the key stored first counts.
            store::insert_signing_key(&mut tx, &key).await?;
            tx.commit().await?;
        }
        let known = LoadedKeys { keys: Vec::new(), looked_at: clock.timestamp() };
        let keys = Self { db: db.clone(), vault: vault.clone(), clock, known: Arc::new(RwLock::new(known)) };
        keys.reload().await?;
        Ok(keys)
    }

    /// Reads the keys again, so that a rotation made by another process is followed. `true` when a key is gone.
    ///
    /// # Errors
    /// As [`SigningKeys::load_or_create`]; the keys stay as they were.
    pub async fn reload(&self) -> Result<bool, AuthError> {
        let now = self.clock.timestamp();
        let before = self.read().keys.clone();
        let stored = store::list_signing_keys(&self.db).await?;
        let in_force = stored.iter().filter(|key| key.retired_at.is_none_or(|at| at > now));
        let keys = in_force
            .map(|stored| match before.iter().find(|key| key.kid == stored.kid) {
                Some(known) => Ok(SigningKey { retired_at: stored.retired_at, signs_from: stored.signs_from, ..known.clone() }),
                None => open(stored, &self.vault),
            })
            .collect::<Result<Vec<_>, _>>()?;
        let gone = before.iter().any(|old| keys.iter().all(|key| key.kid != old.kid));
        *self.write() = LoadedKeys { keys, looked_at: now };
        Ok(gone)
    }

    /// Reads the keys again for a token whose key is not known, but not for every such token.
    ///
    /// # Errors
    /// As [`SigningKeys::reload`].
    pub(super) async fn look_for_new(&self) -> Result<(), AuthError> {
        let now = self.clock.timestamp();
        {
            let mut known = self.write();
            if now - known.looked_at < LOOKS_APART {
                return Ok(());
            }
            known.looked_at = now;
        }
        self.reload().await.map(drop)
    }

    /// The key that signs now.
    ///
    /// # Errors
    /// [`AuthError::SigningKey`] when there is none.
    pub fn signer(&self) -> Result<SigningKey, AuthError> {
        let now = self.clock.timestamp();
        let known = self.read();
        let ready = known.keys.iter().rev().find(|key| key.signs_from.is_none_or(|from| from <= now));
        ready.cloned().ok_or(AuthError::SigningKey)
    }

    /// The key with this id, as long as it verifies.
    #[must_use]
    pub fn find(&self, kid: &str) -> Option<SigningKey> {
        let now = self.clock.timestamp();
        self.read().keys.iter().find(|key| key.kid == kid && key.retired_at.is_none_or(|at| at > now)).cloned()
    }

    /// The public halves as a JWK set (RFC 7517, section 5): also of the key that will sign next.
    #[must_use]
    pub fn jwks(&self) -> serde_json::Value {
        json!({ "keys": self.read().keys.iter().map(|key| &key.public_jwk).collect::<Vec<_>>() })
    }

    fn read(&self) -> std::sync::RwLockReadGuard<'_, LoadedKeys> {
        self.known.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> std::sync::RwLockWriteGuard<'_, LoadedKeys> {
        self.known.write().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A rotation of the signing keys.
#[derive(Debug)]
pub struct SigningKeyRotation {
    /// The new key.
    pub kid: String,
    /// From when it signs; it is published before.
    pub signs_from: Timestamp,
    /// From when the keys before it verify nothing any more.
    pub others_retire_at: Timestamp,
}

/// Makes another signing key. Running processes publish it at once, sign with it once everybody knows it, and drop the keys
/// before it when the last token signed by them has expired. Safe while serving.
///
/// # Errors
/// [`AuthError::RotationUnderWay`] while a new key waits to sign; [`AuthError::Db`], [`AuthError::Seal`].
pub async fn rotate_signing_key(db: &Db, vault: &Vault, clock: &dyn Clock) -> Result<SigningKeyRotation, AuthError> {
    let now = clock.timestamp();
    let waiting = store::list_signing_keys(db).await?.into_iter().any(|key| key.signs_from.is_some_and(|from| from > now));
    if waiting {
        return Err(AuthError::RotationUnderWay);
    }
    let signs_from = now + PUBLISHED_BEFORE_USE;
    let others_retire_at = signs_from + VERIFIES_AFTER_USE;
    let mut tx = db.begin().await?;
    store::delete_retired_signing_keys(&mut tx, now).await?;
    let generation = store::newest_generation(&mut tx).await? + 1;
    let key = generate(vault, generation, now, Some(signs_from))?;
    if !store::insert_signing_key(&mut tx, &key).await? {
        return Err(AuthError::RotationUnderWay);
    }
    store::retire_signing_keys_before(&mut tx, generation, others_retire_at).await?;
    let entry = Entry::new("signing_key.rotated", "signing_key", &key.kid)
        .after(json!({ "signs_from": signs_from, "others_retire_at": others_retire_at }));
    audit::record(&mut tx, clock, audit::GLOBAL, &ChangeOrigin::command("keys rotate-signing"), entry).await?;
    tx.commit().await?;
    Ok(SigningKeyRotation { kid: key.kid, signs_from, others_retire_at })
}

fn generate(vault: &Vault, generation: i64, now: Timestamp, signs_from: Option<Timestamp>) -> Result<StoredSigningKey, AuthError> {
    // A random scalar is out of range with probability 2^-32; another draw settles it.
    let secret = (0..8).find_map(|_| SecretKey::from_slice(&random_bytes::<32>()).ok()).ok_or(AuthError::SigningKey)?;
    let point = secret.public_key().to_sec1_point(false);
    let (Some(x), Some(y)) = (point.x(), point.y()) else { return Err(AuthError::SigningKey) };
    let (x, y) = (URL_SAFE_NO_PAD.encode(x), URL_SAFE_NO_PAD.encode(y));
    // RFC 7638, section 3: the required members only, in this order, without white space.
    let canonical = format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#);
    let kid = URL_SAFE_NO_PAD.encode(sha256(canonical.as_bytes()));
    let private = secret.to_pkcs8_der().map_err(|_| AuthError::SigningKey)?;
    Ok(StoredSigningKey {
        sealed_private_key: vault.seal(&PRIVATE_KEY.context(&kid), private.as_bytes())?,
        public_jwk: Json(json!({ "kty": "EC", "crv": "P-256", "x": x, "y": y, "kid": kid, "use": "sig", "alg": "ES256" })),
        kid,
        generation,
        created_at: now,
        signs_from,
        retired_at: None,
    })
}

fn open(stored: &StoredSigningKey, vault: &Vault) -> Result<SigningKey, AuthError> {
    let private = vault.open(&PRIVATE_KEY.context(&stored.kid), &stored.sealed_private_key)?;
    let part = |name: &str| stored.public_jwk.get(name).and_then(serde_json::Value::as_str).ok_or(AuthError::SigningKey);
    Ok(SigningKey {
        kid: stored.kid.clone(),
        encoding: EncodingKey::from_ec_der(&private),
        decoding: DecodingKey::from_ec_components(part("x")?, part("y")?).map_err(|_| AuthError::SigningKey)?,
        public_jwk: stored.public_jwk.0.clone(),
        signs_from: stored.signs_from,
        retired_at: stored.retired_at,
    })
}
