//! Tokens kept in memory between requests, and the lock that lets one refresh run for each connection in this process.

use std::collections::hash_map::RandomState;
use std::convert::Infallible;
use std::hash::Hash;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use quick_cache::sync::Cache;
use quick_cache::{Lifecycle, UnitWeighter};
use tokio::sync::{Mutex as AsyncMutex, OwnedMutexGuard};

use super::access_token::AccessToken;
use crate::clock::{Timestamp, monotonic_now};

/// A cached token is served for so long without a look at the database, where another process may have refreshed it or ended the
/// connection.
const FRESH_FOR: Duration = Duration::from_secs(1);
/// And until it is this old while somebody looks.
const STALE_FOR: Duration = Duration::from_secs(2);
/// Most connections remembered; beyond it those used least are forgotten, unless they are in use.
const MAX_ENTRIES: usize = 10_000;

/// What a look at the database, and a refresh if need be, came to. Shared by everybody who waited for it.
pub(super) type SharedOutcome<E> = Result<Arc<AccessToken>, Arc<E>>;

/// How a cached token may be used.
#[derive(Debug)]
pub(super) enum TokenFreshness {
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
    pub(super) fn freshness(&self, now: Timestamp, min_remaining: time::Duration) -> TokenFreshness {
        let cached = self.cached.read().unwrap_or_else(PoisonError::into_inner);
        let Some(CachedOutcome { cached_at, outcome: Ok(token), .. }) = &*cached else { return TokenFreshness::Missing };
        let (age, remaining) = (cached_at.elapsed(), token.expires_at - now);
        if remaining <= min_remaining || age >= STALE_FOR {
            return TokenFreshness::Missing;
        }
        let is_stale = age >= FRESH_FOR || remaining <= token.refresh_margin;
        if is_stale { TokenFreshness::Stale(token.clone()) } else { TokenFreshness::Fresh(token.clone()) }
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

/// Keeps what is in use: a connection whose entry was evicted during a refresh could be refreshed a second time at once.
#[derive(Debug, Clone)]
struct PinnedInUse;

impl<K, E> Lifecycle<K, Arc<CacheEntry<E>>> for PinnedInUse {
    type RequestState = ();

    fn is_pinned(&self, _: &K, entry: &Arc<CacheEntry<E>>) -> bool {
        Arc::strong_count(entry) > 1 || Arc::strong_count(&entry.refresh_lock) > 1
    }
}

/// The entries of all connections.
pub(super) struct TokenCache<K, E>(Cache<K, Arc<CacheEntry<E>>, UnitWeighter, RandomState, PinnedInUse>);

impl<K: Copy + Eq + Hash, E> Default for TokenCache<K, E> {
    fn default() -> Self {
        Self::with_capacity(MAX_ENTRIES)
    }
}

impl<K: Copy + Eq + Hash, E> TokenCache<K, E> {
    fn with_capacity(entries: usize) -> Self {
        Self(Cache::with(entries, entries as u64, UnitWeighter, RandomState::new(), PinnedInUse))
    }

    /// The connection's entry, an empty one when there is none.
    pub(super) fn entry(&self, key: K) -> Arc<CacheEntry<E>> {
        let Ok(entry) = self.0.get_or_insert_with(&key, || Ok::<_, Infallible>(Arc::default()));
        entry
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_cache_keeps_the_entries_in_use() {
        const CAPACITY: u32 = 64;
        let cache = TokenCache::<u32, ()>::with_capacity(CAPACITY as usize);
        let held = cache.entry(0);
        let paused = cache.entry(1).try_lock().unwrap();
        for key in 2..100 * CAPACITY {
            cache.entry(key);
        }
        assert!(cache.0.len() <= 2 * CAPACITY as usize, "{}", cache.0.len());
        assert!(Arc::ptr_eq(&held, &cache.entry(0)));
        assert!(cache.entry(1).try_lock().is_none(), "its refreshes are still paused");
        drop(paused);
        assert!(cache.entry(1).try_lock().is_some());
    }
}
