//! Tokens kept in memory between requests, and the lock that lets one refresh run for each connection in this process.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

use tokio::sync::{Mutex as AsyncMutex, OwnedMutexGuard};

use super::access_token::AccessToken;
use crate::clock::{Timestamp, monotonic_now};

/// A cached token is served for so long without a look at the database, where another process may have refreshed it or ended the
/// connection.
const FRESH_FOR: Duration = Duration::from_secs(1);
/// And until it is this old while somebody looks.
const STALE_FOR: Duration = Duration::from_secs(2);
/// Most connections remembered; beyond it those not in use are forgotten.
const MAX_ENTRIES: usize = 10_000;

/// What a look at the database, and a refresh if need be, came to. Shared by everybody who waited for it.
pub(super) type SharedOutcome<E> = Result<Arc<AccessToken>, Arc<E>>;

/// How a cached token may be used.
#[derive(Debug)]
pub(super) enum Freshness {
    /// As it is.
    Fresh(Arc<AccessToken>),
    /// As it is, but somebody should look at the database, or refresh it before it expires.
    Stale(Arc<AccessToken>),
    /// Not at all.
    Missing,
}

struct CachedOutcome<E> {
    cached_at: Instant,
    outcome: SharedOutcome<E>,
    /// Until when a temporary failure is not tried again.
    retry_at: Option<Instant>,
}

/// What is known of one connection.
pub(super) struct CacheEntry<E> {
    cached: RwLock<Option<CachedOutcome<E>>>,
    refresh_lock: Arc<AsyncMutex<()>>,
}

impl<E> Default for CacheEntry<E> {
    fn default() -> Self {
        Self { cached: RwLock::default(), refresh_lock: Arc::default() }
    }
}

impl<E> CacheEntry<E> {
    /// The cached token, as long as more than `min_remaining` is left of it.
    pub(super) fn freshness(&self, now: Timestamp, min_remaining: time::Duration) -> Freshness {
        let cached = self.cached.read().unwrap_or_else(PoisonError::into_inner);
        let Some(CachedOutcome { cached_at, outcome: Ok(token), .. }) = &*cached else { return Freshness::Missing };
        let (age, remaining) = (cached_at.elapsed(), token.expires_at - now);
        if remaining <= min_remaining || age >= STALE_FOR {
            return Freshness::Missing;
        }
        let is_stale = age >= FRESH_FOR || remaining <= token.refresh_margin;
        if is_stale { Freshness::Stale(token.clone()) } else { Freshness::Fresh(token.clone()) }
    }

    /// What somebody else found out since `since`, or a failure that is not to be tried again yet.
    pub(super) fn outcome_since(&self, since: Instant) -> Option<SharedOutcome<E>> {
        let cached = self.cached.read().unwrap_or_else(PoisonError::into_inner);
        let cached = cached.as_ref()?;
        let backs_off = cached.retry_at.is_some_and(|retry_at| monotonic_now() < retry_at);
        (cached.cached_at >= since || backs_off).then(|| cached.outcome.clone())
    }

    /// Caches what was found out; with `back_off` nobody tries again before that.
    pub(super) fn store(&self, outcome: SharedOutcome<E>, back_off: Option<Duration>) {
        let cached_at = monotonic_now();
        let cached = CachedOutcome { cached_at, outcome, retry_at: back_off.map(|back_off| cached_at + back_off) };
        *self.cached.write().unwrap_or_else(PoisonError::into_inner) = Some(cached);
    }

    pub(super) fn clear(&self) {
        *self.cached.write().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Waits until no refresh runs; none begins while the guard lives.
    pub(super) async fn lock(&self) -> OwnedMutexGuard<()> {
        self.refresh_lock.clone().lock_owned().await
    }

    /// The same without waiting; none while a refresh runs.
    pub(super) fn try_lock(&self) -> Option<OwnedMutexGuard<()>> {
        self.refresh_lock.clone().try_lock_owned().ok()
    }
}

/// The entries of all connections.
pub(super) struct TokenCache<K, E>(Mutex<HashMap<K, Arc<CacheEntry<E>>>>);

impl<K, E> Default for TokenCache<K, E> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K: Copy + Eq + Hash, E> TokenCache<K, E> {
    pub(super) fn entry(&self, key: K) -> Arc<CacheEntry<E>> {
        let mut entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if entries.len() >= MAX_ENTRIES && !entries.contains_key(&key) {
            entries.retain(|_, entry| Arc::strong_count(entry) > 1);
        }
        entries.entry(key).or_default().clone()
    }
}
