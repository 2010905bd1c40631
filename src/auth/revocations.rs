//! Access tokens that are refused before they expire: revoked ones (RFC 7009), those of revoked clients, and those that were issued
//! for a secret that has ended.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use time::Duration;
use uuid::Uuid;

use super::claims::{AccessClaims, TOKEN_LIFETIME_SECONDS};
use super::store::{self, EndedSecrets, RevokedToken};
use super::{AuthError, Client};
use crate::clock::{SharedClock, Timestamp};
use crate::db::{Db, DbError};

/// Revoked tokens of one client that may wait for their end.
const MAX_OF_A_CLIENT: i64 = 10_000;
/// How far the clocks of two processes may be apart, and how long a transaction may take until others see it.
const OVERLAP: Duration = Duration::seconds(60);

/// What is revoked, as this process knows it. A revocation is a row; the process that made it refuses the token at once, all
/// others when they read the row, which they do every second: **within two seconds**, as long as the database answers.
/// Cheap to clone.
#[derive(Debug, Clone)]
pub struct Revocations {
    db: Db,
    clock: SharedClock,
    known: Arc<RwLock<RevocationCache>>,
}

#[derive(Debug, Default)]
struct RevocationCache {
    /// Revoked tokens and when they expire, in seconds since 1970.
    tokens: HashMap<Uuid, i64>,
    clients: HashMap<String, TokenCutoff>,
    /// What was revoked before this has been read.
    read_until: Option<Timestamp>,
}

/// Which tokens of a client are refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum TokenCutoff {
    /// The client was revoked.
    All,
    /// Those issued for a secret before this one.
    Before {
        secret_generation: i64,
        /// Until when the last of these is good all the same, in seconds since 1970.
        last_until: Option<i64>,
    },
}

impl TokenCutoff {
    fn from_ended_secrets(ended: &EndedSecrets) -> Self {
        match ended.revoked_at {
            Some(_) => Self::All,
            None => {
                Self::Before { secret_generation: ended.secret_generation, last_until: ended.old_secret_until.map(Timestamp::unix_seconds) }
            }
        }
    }

    fn refuses(self, generation: i64, now: i64) -> bool {
        match self {
            Self::All => true,
            Self::Before { secret_generation, .. } if generation >= secret_generation => false,
            Self::Before { secret_generation, last_until } => {
                !(generation == secret_generation - 1 && last_until.is_some_and(|until| now < until))
            }
        }
    }
}

impl Revocations {
    /// Reads what is revoked.
    pub async fn load(db: Db, clock: SharedClock) -> Result<Self, DbError> {
        let revocations = Self { db, clock, known: Arc::default() };
        revocations.refresh().await?;
        Ok(revocations)
    }

    /// Reads what was revoked since the last time, and forgets tokens that have expired.
    pub async fn refresh(&self) -> Result<(), DbError> {
        let now = self.clock.timestamp();
        // Tokens of a client revoked, or for a secret ended, earlier than this have expired.
        let relevant = now - (Duration::seconds(TOKEN_LIFETIME_SECONDS) + OVERLAP);
        let since = self.read().read_until.map_or(relevant, |until| until - OVERLAP);
        let tokens = store::revoked_tokens(&self.db, now, since).await?;
        let clients = store::secrets_ended_since(&self.db, relevant).await?;
        let mut known = self.write();
        known.tokens.retain(|_, expires| *expires > now.unix_seconds());
        known.tokens.extend(tokens.into_iter().map(|token| (token.jti, token.expires_at.unix_seconds() + 1)));
        known.clients = clients.into_iter().map(|ended| (ended.client_id.clone(), TokenCutoff::from_ended_secrets(&ended))).collect();
        known.read_until = Some(now);
        Ok(())
    }

    /// Whether a token is refused at `now`, in seconds since 1970.
    #[must_use]
    pub(super) fn is_revoked(&self, token: &AccessClaims, now: i64) -> bool {
        let known = self.read();
        let of_client = || known.clients.get(&token.client_id).is_some_and(|cutoff| cutoff.refuses(token.secret_generation(), now));
        known.tokens.contains_key(&token.jti) || of_client()
    }

    /// Revokes a token of `client`; this process refuses it from now on.
    ///
    /// # Errors
    /// [`AuthError::NotYours`] for another client's token; [`AuthError::TooManyRevoked`].
    pub(super) async fn revoke(&self, client: &Client, token: &AccessClaims) -> Result<(), AuthError> {
        if token.client_id != client.client_id {
            return Err(AuthError::NotYours);
        }
        let now = self.clock.timestamp();
        let expires_at = Timestamp::from_unix_seconds(token.exp).ok_or(AuthError::InvalidToken("its end is no time"))?;
        let row = RevokedToken { jti: token.jti, client_id: token.client_id.clone(), expires_at, revoked_at: now };
        let mut tx = self.db.begin().await?;
        if store::count_revoked_tokens(&mut tx, &client.client_id, now).await? >= MAX_OF_A_CLIENT {
            return Err(AuthError::TooManyRevoked);
        }
        store::insert_revoked_token(&mut tx, &row).await?;
        store::delete_spent_revocations(&mut tx, now).await?;
        tx.commit().await?;
        self.write().tokens.insert(token.jti, token.exp);
        Ok(())
    }

    fn read(&self) -> std::sync::RwLockReadGuard<'_, RevocationCache> {
        self.known.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> std::sync::RwLockWriteGuard<'_, RevocationCache> {
        self.known.write().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_as_good_as_the_secret_it_was_issued_for() {
        let at_once = TokenCutoff::Before { secret_generation: 3, last_until: None };
        assert_eq!([1, 2, 3, 4].map(|generation| at_once.refuses(generation, 100)), [true, true, false, false]);
        let later = TokenCutoff::Before { secret_generation: 3, last_until: Some(100) };
        assert_eq!([1, 2, 3].map(|generation| later.refuses(generation, 99)), [true, false, false]);
        assert_eq!([1, 2, 3].map(|generation| later.refuses(generation, 100)), [true, true, false]);
        assert!(TokenCutoff::All.refuses(9, 0));
    }
}
