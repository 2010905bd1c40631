//! Failed attempts at what a person types, such as a password. An attempt is counted as failed before it is looked at and taken back
//! when it was right, so that many at once are as many as one after the other. The counts are rows, so that all processes count
//! together, and are kept in the same way whether or not there is such a person.
//!
//! Nobody can keep somebody else out (NIST SP 800-63B, section 5.2.2): waits that grow are counted for a person *and* the address
//! that tries. To bound what many addresses can try together, the attempts of all addresses that the person has never logged in
//! from are counted as well; the person's own addresses are not part of that.

use std::net::IpAddr;

use time::Duration;

use super::AuthError;
use super::attempt_kind::AttemptKind;
use super::store::{self, AttemptKey};
use crate::clock::Timestamp;
use crate::crypto::SecretHash;
use crate::db::{Db, DbError, Tx};
use crate::http::network_of;

/// Failures in a row that have no consequence.
const FREE_FAILURES: i64 = 5;
/// The longest wait.
const MAX_WAIT: Duration = Duration::minutes(15);
/// Failures further apart than this are not in a row.
const MEMORY: Duration = Duration::days(1);
/// Rows that are kept; those of the attempts made longest ago are forgotten first.
const MAX_ATTEMPTS: i64 = 50_000;
/// Addresses that are remembered for a person, and for how long.
const KNOWN_ADDRESSES: i64 = 10;
const KNOWN_FOR: Duration = Duration::days(180);

/// How long an address has to wait after `failures` in a row: 1 s after the fifth, doubling to 15 minutes.
fn wait_after(failures: i64) -> Option<Duration> {
    let over = failures - FREE_FAILURES;
    // Twenty doublings are days; more would not fit.
    (over >= 0).then(|| Duration::seconds(1 << over.min(20)).min(MAX_WAIT))
}

/// An attempt under way, counted as failed until it is known to be none.
#[derive(Debug)]
#[must_use = "an attempt that is not taken back has failed"]
pub struct AuthAttempt {
    from_address: CountedAttempt,
    from_unknown_addresses: Option<CountedAttempt>,
}

/// A count that the attempt is part of, and the wait that it brought about.
#[derive(Debug)]
struct CountedAttempt {
    key: AttemptKey,
    locked_until: Option<Timestamp>,
}

/// One key for what comes from an address, or from wherever when it isn't known.
fn address_hash(address: Option<&str>) -> SecretHash {
    let network = address.and_then(|text| text.parse::<IpAddr>().ok()).map(network_of);
    SecretHash::of_secret(&network.map_or_else(|| "unknown".to_owned(), |network| network.to_string()).into())
}

impl AuthAttempt {
    /// Counts an attempt as failed, unless it has to wait; then even the right secret is refused.
    ///
    /// # Errors
    /// [`AuthError::LockedOut`].
    pub async fn begin(db: &Db, now: Timestamp, kind: AttemptKind, subject: &str, address: Option<&str>) -> Result<Self, AuthError> {
        let (subject, address) = (SecretHash::of_secret(&subject.into()), address_hash(address));
        let mut tx = db.begin().await?;
        let known = store::is_known_address(&mut tx, &subject, &address).await?;
        let key = AttemptKey { kind, subject, address: Some(address) };
        let everywhere = AttemptKey { address: None, ..key.clone() };
        let from_address = count(&mut tx, key, now, wait_after).await?;
        let from_unknown_addresses = match kind.most_from_unknown_addresses() {
            Some(most) if !known => Some(count(&mut tx, everywhere, now, |failures| (failures >= most).then_some(MAX_WAIT)).await?),
            _ => None,
        };
        tx.commit().await?;
        Ok(Self { from_address, from_unknown_addresses })
    }

    /// Takes the attempt back, with the failures before it from the same address: whoever is there has proven themselves. Their
    /// address is known from now on.
    pub async fn succeeded(self, db: &Db, now: Timestamp) -> Result<(), DbError> {
        let mut tx = db.begin().await?;
        let key = &self.from_address.key;
        store::delete_attempts(&mut tx, key).await?;
        if let Some(counted) = &self.from_unknown_addresses {
            store::uncount_attempt(&mut tx, &counted.key, counted.locked_until).await?;
        }
        if let (AttemptKind::Login, Some(address)) = (key.kind, &key.address) {
            store::record_known_address(&mut tx, &key.subject, address, now, KNOWN_ADDRESSES).await?;
        }
        tx.commit().await
    }

    /// Takes the attempt back, since it could not be looked at.
    pub async fn withdraw(self, db: &Db) -> Result<(), DbError> {
        let mut tx = db.begin().await?;
        for counted in std::iter::once(&self.from_address).chain(&self.from_unknown_addresses) {
            store::uncount_attempt(&mut tx, &counted.key, counted.locked_until).await?;
        }
        tx.commit().await
    }
}

async fn count(
    tx: &mut Tx,
    key: AttemptKey,
    now: Timestamp,
    wait_after: impl FnOnce(i64) -> Option<Duration>,
) -> Result<CountedAttempt, AuthError> {
    let Some(failures) = store::count_attempt(tx, &key, now, now - MEMORY).await? else {
        let wait = store::find_attempt_lock(tx, &key).await?.map_or(Duration::ZERO, |until| until - now);
        let seconds = wait.whole_seconds() + i64::from(wait.subsec_nanoseconds() > 0);
        return Err(AuthError::LockedOut { seconds: seconds.max(1) });
    };
    let locked_until = wait_after(failures).map(|wait| now + wait);
    if let Some(until) = locked_until {
        store::lock_attempts(tx, &key, until).await?;
    }
    Ok(CountedAttempt { key, locked_until })
}

/// Forgets the failed attempts for somebody who has proven themselves in another way, from wherever those came, and knows the address
/// from now on.
pub async fn forget_failed_logins(db: &Db, now: Timestamp, subject: &str, address: Option<&str>) -> Result<(), DbError> {
    let subject = SecretHash::of_secret(&subject.into());
    let mut tx = db.begin().await?;
    store::delete_subject_attempts(&mut tx, AttemptKind::Login, &subject).await?;
    store::record_known_address(&mut tx, &subject, &address_hash(address), now, KNOWN_ADDRESSES).await?;
    tx.commit().await
}

/// Keeps what is counted within its bound.
pub(super) async fn forget_oldest(db: &Db, now: Timestamp) -> Result<(), DbError> {
    let beyond = store::find_newest_attempt_beyond(db, MAX_ATTEMPTS).await?;
    let mut tx = db.begin().await?;
    store::delete_attempts_up_to(&mut tx, beyond.unwrap_or(now - MEMORY).max(now - MEMORY)).await?;
    store::delete_known_addresses_up_to(&mut tx, now - KNOWN_FOR).await?;
    tx.commit().await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_begins_with_the_fifth_failure_and_doubles() {
        let seconds = |failures| wait_after(failures).map(Duration::whole_seconds);
        assert_eq!(seconds(4), None);
        assert_eq!([5, 6, 7, 14].map(seconds), [Some(1), Some(2), Some(4), Some(512)]);
        assert_eq!([15, 16, 400, i64::MAX].map(seconds), [Some(900); 4]);
    }

    #[test]
    fn addresses_of_one_network_are_one_address() {
        let same = |one: &str, other: &str| address_hash(Some(one)) == address_hash(Some(other));
        assert!(same("2001:db8:1:2::1", "2001:db8:1:2:ffff::9"));
        assert!(!same("2001:db8:1:2::1", "2001:db8:1:3::1"));
        assert!(!same("192.0.2.1", "192.0.2.2"));
        assert!(address_hash(None) == address_hash(Some("nonsense")));
    }
}
