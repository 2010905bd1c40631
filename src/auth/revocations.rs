//! Access tokens that are refused before they run out: revoked ones (RFC 7009), and those of revoked clients.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, PoisonError, RwLock};

use time::Duration;
use uuid::Uuid;

use super::store::{self, RevokedToken};
use super::tokens::{AccessClaims, TOKEN_LIFETIME};
use super::{AuthError, Client};
use crate::clock::{SharedClock, Timestamp};
use crate::db::{Db, DbError};

/// Revoked tokens of one client that may wait for their end.
const MOST_OF_A_CLIENT: i64 = 10_000;
/// How far the clocks of two processes may be apart, and how long a transaction may take until others see it.
const OVERLAP: Duration = Duration::seconds(60);

/// What is revoked, as this process knows it. A revocation is a row; the process that made it refuses the token at once, all
/// others when they read the row, which they do every second: **within two seconds**, as long as the database answers.
/// Cheap to clone.
#[derive(Debug, Clone)]
pub struct Revocations {
    db: Db,
    clock: SharedClock,
    known: Arc<RwLock<Known>>,
}

#[derive(Debug, Default)]
struct Known {
    /// Revoked tokens and when they run out, in seconds since 1970.
    tokens: HashMap<Uuid, i64>,
    clients: HashSet<String>,
    /// What was revoked before this has been read.
    read_until: Option<Timestamp>,
}

impl Revocations {
    /// Reads what is revoked.
    ///
    /// # Errors
    /// When the database can't be asked.
    pub async fn load(db: Db, clock: SharedClock) -> Result<Self, DbError> {
        let revocations = Self { db, clock, known: Arc::default() };
        revocations.refresh().await?;
        Ok(revocations)
    }

    /// Reads what was revoked since the last time, and forgets tokens that have run out.
    ///
    /// # Errors
    /// When the database can't be asked.
    pub async fn refresh(&self) -> Result<(), DbError> {
        let now = self.clock.timestamp();
        // Tokens of a client revoked earlier than this have run out.
        let relevant = now - (Duration::seconds(TOKEN_LIFETIME) + OVERLAP);
        let since = self.read().read_until.map_or(relevant, |until| until - OVERLAP);
        let tokens = store::revoked_tokens(&self.db, now, since).await?;
        let clients = store::clients_revoked_since(&self.db, relevant).await?;
        let mut known = self.write();
        known.tokens.retain(|_, expires| *expires > now.unix_seconds());
        known.tokens.extend(tokens.into_iter().map(|token| (token.jti, token.expires_at.unix_seconds() + 1)));
        known.clients = clients.into_iter().collect();
        known.read_until = Some(now);
        Ok(())
    }

    /// Whether a token is refused.
    #[must_use]
    pub fn cover(&self, jti: Uuid, client_id: &str) -> bool {
        let known = self.read();
        known.tokens.contains_key(&jti) || known.clients.contains(client_id)
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
        if store::count_revoked_tokens(&mut tx, &client.client_id, now).await? >= MOST_OF_A_CLIENT {
            return Err(AuthError::TooManyRevoked);
        }
        store::insert_revoked_token(&mut tx, &row).await?;
        store::delete_spent_revocations(&mut tx, now).await?;
        tx.commit().await?;
        self.write().tokens.insert(token.jti, token.exp);
        Ok(())
    }

    fn read(&self) -> std::sync::RwLockReadGuard<'_, Known> {
        self.known.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> std::sync::RwLockWriteGuard<'_, Known> {
        self.known.write().unwrap_or_else(PoisonError::into_inner)
    }
}
