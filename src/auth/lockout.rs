//! What follows failed authentications, of clients and of people. They are counted under the hash of the id that was given, in the database,
//! so that all processes count together, and in the same way whether there is such a client or not, so that nothing tells which
//! ids exist.

use time::Duration;

use super::{AuthError, store};
use crate::clock::Timestamp;
use crate::crypto::SecretHash;
use crate::db::{Db, DbError};

/// Failures in a row that have no consequence.
const FREE_FAILURES: i64 = 5;
/// The longest wait.
const LONGEST_WAIT: Duration = Duration::minutes(15);
/// Failures further apart than this are not in a row.
const MEMORY: Duration = Duration::days(1);
/// Client ids whose failures are kept; the ones that failed longest ago are forgotten first.
const MOST_KEPT: i64 = 50_000;

/// How long a client id is refused after `failures` in a row: 1 s after the fifth, doubling to 15 minutes.
fn wait_after(failures: i64) -> Option<Duration> {
    let over = failures - FREE_FAILURES;
    // Twenty doublings are days; more would not fit.
    (over >= 0).then(|| Duration::seconds(1 << over.min(20)).min(LONGEST_WAIT))
}

/// An id that may try now. People's begin with what they try, such as `password:`, which no client's does.
#[derive(Debug)]
pub struct Attempt {
    client: SecretHash,
    failed_before: bool,
}

impl Attempt {
    /// Lets a client id try, unless it has to wait; even the right secret is refused then.
    ///
    /// # Errors
    /// [`AuthError::LockedOut`].
    pub async fn begin(db: &Db, client_id: &str, now: Timestamp) -> Result<Self, AuthError> {
        let client = SecretHash::of(&client_id.into());
        let found = store::find_lockout(db, &client).await?;
        match found.and_then(|known| known.locked_until).filter(|until| *until > now) {
            Some(until) => {
                let wait = until - now;
                Err(AuthError::LockedOut { seconds: wait.whole_seconds() + i64::from(wait.subsec_nanoseconds() > 0) })
            }
            None => Ok(Self { client, failed_before: found.is_some() }),
        }
    }

    /// Forgets the failures: the client has proven itself.
    ///
    /// # Errors
    /// When the database can't be written.
    pub async fn succeeded(self, db: &Db) -> Result<(), DbError> {
        if !self.failed_before {
            return Ok(());
        }
        let mut tx = db.begin().await?;
        store::delete_lockout(&mut tx, &self.client).await?;
        tx.commit().await
    }

    /// Counts a failure.
    ///
    /// # Errors
    /// When the database can't be written.
    pub async fn failed(self, db: &Db, now: Timestamp) -> Result<(), DbError> {
        let mut tx = db.begin().await?;
        let failures = store::count_failure(&mut tx, &self.client, now, now - MEMORY).await?;
        if let Some(wait) = wait_after(failures) {
            store::lock_out(&mut tx, &self.client, now + wait).await?;
        }
        tx.commit().await
    }
}

/// Forgets the failures of an id that has proven itself in another way.
///
/// # Errors
/// When the database can't be written.
pub async fn forget_failures(db: &Db, id: &str) -> Result<(), DbError> {
    let mut tx = db.begin().await?;
    store::delete_lockout(&mut tx, &SecretHash::of(&id.into())).await?;
    tx.commit().await
}

/// Keeps what is counted within its bound.
pub(super) async fn forget_oldest(db: &Db, now: Timestamp) -> Result<(), DbError> {
    let beyond = store::oldest_lockout_kept(db, MOST_KEPT).await?;
    let mut tx = db.begin().await?;
    store::delete_lockouts_up_to(&mut tx, beyond.unwrap_or(now - MEMORY).max(now - MEMORY)).await?;
    tx.commit().await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_begins_with_the_fifth_failure_and_doubles_up_to_a_quarter_of_an_hour() {
        let seconds = |failures| wait_after(failures).map(Duration::whole_seconds);
        assert_eq!(seconds(4), None);
        assert_eq!([5, 6, 7, 14].map(seconds), [Some(1), Some(2), Some(4), Some(512)]);
        assert_eq!([15, 16, 400, i64::MAX].map(seconds), [Some(900); 4]);
    }
}
