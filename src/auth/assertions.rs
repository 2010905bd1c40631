//! Assertions of configured issuers as grants (RFC 7523): another system vouches for a caller, such as the Marketo admin UI.

use std::str::FromStr;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, Validation};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::issuer_keys::IssuerKeys;
use super::{AuthError, Scope, Scopes, store};
use crate::clock::{SharedClock, Timestamp};
use crate::config::TrustedIssuerSettings;
use crate::crypto::SecretHash;
use crate::db::Db;
use crate::ids::InstanceId;

/// How far the issuer's clock may be from ours, in seconds.
const SKEW: i64 = 60;
/// The longest life of an assertion, in seconds.
const MAX_LIFE: i64 = 300;
/// Most characters of a `jti`.
const MAX_JTI_LENGTH: usize = 255;

/// The issuers whose assertions are taken. Cheap to clone.
#[derive(Clone)]
pub struct TrustedIssuers {
    issuers: Arc<[TrustedIssuer]>,
    db: Db,
    clock: SharedClock,
}

struct TrustedIssuer {
    name: String,
    issuer: String,
    audience: String,
    instance_claim: String,
    scopes: Scopes,
    keys: IssuerKeys,
}

/// An issuer that can't be trusted with what its settings say.
#[derive(Debug, thiserror::Error)]
#[error("auth.trusted_issuers: {name}: {reason}")]
pub struct IssuerUnfit {
    name: String,
    reason: String,
}

/// What an assertion vouched for.
#[derive(Debug)]
pub struct VouchedIdentity {
    /// The client id that the token shows: `issuer:NAME`.
    pub client_id: String,
    pub instance: InstanceId,
    pub scopes: Scopes,
}

/// The claims that every assertion must have, and the others.
#[derive(Deserialize)]
struct AssertionClaims {
    exp: i64,
    iat: i64,
    nbf: Option<i64>,
    jti: String,
    #[serde(flatten)]
    others: Map<String, Value>,
}

impl TrustedIssuers {
    /// The issuers of the settings; `token_endpoint` is the audience of those that name none.
    ///
    /// # Errors
    /// [`IssuerUnfit`] for scopes that don't exist or that only an operator has.
    pub fn new(
        settings: &[TrustedIssuerSettings],
        token_endpoint: &str,
        http: &reqwest::Client,
        db: Db,
        clock: SharedClock,
    ) -> Result<Self, IssuerUnfit> {
        let issuers = settings.iter().map(|one| {
            let unfit = |reason: String| IssuerUnfit { name: one.name.clone(), reason };
            let scopes = Scopes::from_str(&one.scopes).map_err(|error| unfit(error.to_string()))?;
            if scopes.0.contains(&Scope::InstancesManage) {
                return Err(unfit(format!("no issuer can have the scope {}", Scope::InstancesManage)));
            }
            Ok(TrustedIssuer {
                name: one.name.clone(),
                issuer: one.issuer.clone(),
                audience: if one.audience.is_empty() { token_endpoint.to_owned() } else { one.audience.clone() },
                instance_claim: one.instance_claim.clone(),
                scopes,
                keys: IssuerKeys::new(one.jwks_uri.clone(), http.clone(), clock.clone()),
            })
        });
        Ok(Self { issuers: issuers.collect::<Result<Vec<_>, _>>()?.into(), db, clock })
    }

    /// Checks an assertion and uses it up.
    ///
    /// # Errors
    /// [`AuthError::BadAssertion`] with what is wrong; [`AuthError::IssuerUnreachable`] when its keys can't be had.
    pub async fn redeem(&self, assertion: &SecretString) -> Result<VouchedIdentity, AuthError> {
        let text = assertion.expose_secret();
        let header = jsonwebtoken::decode_header(text).map_err(|_| AuthError::BadAssertion("it is no signed JWT"))?;
        if !matches!(header.alg, Algorithm::RS256 | Algorithm::ES256) {
            return Err(AuthError::BadAssertion("it is signed by another algorithm than RS256 and ES256"));
        }
        let kid = header.kid.ok_or(AuthError::BadAssertion("its header names no kid"))?;
        let claimed = read_claimed_issuer(text).ok_or(AuthError::BadAssertion("it names no issuer"))?;
        let issuer = self.issuers.iter().find(|known| known.issuer == claimed);
        let issuer = issuer.ok_or(AuthError::BadAssertion("its issuer is not one whose word is taken here"))?;
        let key = issuer.keys.find(&kid).await?;
        if key.algorithm != header.alg {
            return Err(AuthError::BadAssertion("its key is for another algorithm"));
        }
        let mut validation = Validation::new(key.algorithm);
        validation.set_issuer(&[&issuer.issuer]);
        validation.set_audience(&[&issuer.audience]);
        // The library compares with the machine's clock; ours is injected, so the times are compared below.
        validation.validate_exp = false;
        validation.required_spec_claims = ["iss", "aud", "exp", "sub"].map(str::to_owned).into();
        let claims = jsonwebtoken::decode::<AssertionClaims>(text, &key.decoding, &validation)
            .map_err(|_| AuthError::BadAssertion("its signature, issuer or audience is wrong, or it lacks sub, exp, iat or jti"))?
            .claims;
        let now = self.clock.timestamp();
        check_times(&claims, now.unix_seconds())?;
        let instance = self.find_instance(issuer, &claims).await?;
        self.use_up(issuer, &claims, now).await?;
        Ok(VouchedIdentity { client_id: format!("issuer:{}", issuer.name), instance, scopes: issuer.scopes.clone() })
    }

    async fn find_instance(&self, issuer: &TrustedIssuer, claims: &AssertionClaims) -> Result<InstanceId, AuthError> {
        let named = claims.others.get(&issuer.instance_claim).and_then(Value::as_str);
        let named = named.ok_or(AuthError::BadAssertion("it has no claim that names the instance"))?;
        let found = match named.parse::<InstanceId>() {
            Ok(id) => store::instance_exists(&self.db, id).await?.then_some(id),
            Err(_) => store::instance_of_subscription(&self.db, named).await?,
        };
        found.ok_or(AuthError::BadAssertion("there is no instance of the name that it gives"))
    }

    /// Marks the assertion as used, so that it is good for one token.
    async fn use_up(&self, issuer: &TrustedIssuer, claims: &AssertionClaims, now: Timestamp) -> Result<(), AuthError> {
        if claims.jti.is_empty() || claims.jti.len() > MAX_JTI_LENGTH {
            return Err(AuthError::BadAssertion("its jti is empty or longer than 255 bytes"));
        }
        let hash = SecretHash::of_secret(&format!("{}\n{}", issuer.issuer, claims.jti).into());
        let until = Timestamp::from_unix_seconds(claims.exp + SKEW + 1).ok_or(AuthError::BadAssertion("its exp is no time"))?;
        let mut tx = self.db.begin().await?;
        store::delete_spent_assertions(&mut tx, now).await?;
        let first = store::insert_used_assertion(&mut tx, &hash, until).await?;
        tx.commit().await?;
        if first { Ok(()) } else { Err(AuthError::BadAssertion("it was used already; an assertion is good for one token")) }
    }
}

/// What an assertion says of its issuer, before anything of it is believed.
fn read_claimed_issuer(text: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct Issuer {
        iss: String,
    }
    let body = URL_SAFE_NO_PAD.decode(text.split('.').nth(1)?).ok()?;
    serde_json::from_slice::<Issuer>(&body).ok().map(|claims| claims.iss)
}

fn check_times(claims: &AssertionClaims, now: i64) -> Result<(), AuthError> {
    let error = if claims.exp.saturating_add(SKEW) <= now {
        "it has expired"
    } else if claims.exp.saturating_sub(claims.iat) > MAX_LIFE || claims.exp > now.saturating_add(MAX_LIFE + SKEW) {
        "it lives longer than five minutes"
    } else if claims.iat > now + SKEW || claims.nbf.is_some_and(|nbf| nbf > now + SKEW) {
        "it is not valid yet"
    } else {
        return Ok(());
    };
    Err(AuthError::BadAssertion(error))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(iat: i64, nbf: Option<i64>, exp: i64) -> Option<String> {
        let claims = AssertionClaims { exp, iat, nbf, jti: "1".into(), others: Map::new() };
        check_times(&claims, 10_000).err().map(|error| error.to_string())
    }

    #[test]
    fn an_assertion_is_taken_within_five_minutes_and_a_minute_of_skew() {
        for fine in [(9_990, None, 10_100), (10_060, Some(10_060), 10_360), (9_650, None, 9_941)] {
            assert_eq!(error(fine.0, fine.1, fine.2), None, "{fine:?}");
        }
        for wrong in [
            (9_650, None, 9_940),
            (9_990, None, 10_291),
            (10_061, None, 10_100),
            (9_990, Some(10_061), 10_100),
            (i64::MIN, None, i64::MAX),
            (i64::MAX, None, i64::MAX),
        ] {
            assert!(error(wrong.0, wrong.1, wrong.2).is_some(), "{wrong:?}");
        }
    }
}
