use std::fmt;
use std::hash::Hash;
use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;
use tokio::runtime::Handle;
use tokio::sync::OwnedMutexGuard;
use tokio::task::JoinHandle;

use super::access_token::{AccessToken, AccessTokenRequest};
use super::cache::{CacheEntry, SharedOutcome, TokenCache, TokenFreshness};
use crate::clock::{SharedClock, monotonic_now};
use crate::ids::ConnectionId;
use crate::tasks::BackgroundTasks;
use crate::upstream::{BoxFuture, TokenSource, TokenUnavailable};

/// Longest wait for a refresh that somebody else makes. Longer than a vendor may take for its answer, shorter than a request may take.
const MAX_REFRESH_WAIT: Duration = Duration::from_secs(25);
/// After a temporary failure the vendor is left alone for so long.
const FAILURE_BACK_OFF: Duration = Duration::from_secs(5);

/// Where the tokens of a vendor's connections come from.
pub trait TokenProvider: Clone + Send + Sync + 'static {
    /// Names a connection.
    type Key: Copy + Eq + Hash + fmt::Debug + Send + Sync + 'static;
    /// Why there is no token.
    type Error: std::error::Error + Send + Sync + 'static;

    /// A token is not served when less than this is left of it.
    const MIN_REMAINING: time::Duration;

    /// Reads the current token, and refreshes it when it has to be or `request` asks for that. In a process at most one call runs for a
    /// connection; across processes the implementation sees to it.
    ///
    /// # Errors
    /// The provider's own.
    fn load(&self, key: Self::Key, request: AccessTokenRequest) -> impl Future<Output = Result<AccessToken, Self::Error>> + Send;

    /// Whether a failure passes by itself.
    fn is_temporary(error: &Self::Error) -> bool;
}

/// Why there is no token.
#[derive(Debug, thiserror::Error)]
pub enum TokenError<E> {
    /// What the provider says, shared by all who waited.
    #[error("{0}")]
    Provider(Arc<E>),
    /// A refresh takes longer than a caller waits. It goes on.
    #[error("a token is being refreshed, which takes unusually long")]
    RefreshTimedOut,
    /// The task that refreshed has ended without a result.
    #[error("the token refresh broke off")]
    RefreshAborted,
}

/// Serves the tokens of one provider. Cheap to clone.
pub struct TokenBroker<P: TokenProvider> {
    provider: P,
    clock: SharedClock,
    cache: Arc<TokenCache<P::Key, P::Error>>,
    /// Refreshes under way, and where they run: they outlive the request that began them.
    refreshes: BackgroundTasks,
    runtime: Handle,
}

impl<P: TokenProvider> TokenBroker<P> {
    /// A broker whose refreshes run on the current runtime, which must outlive all requests.
    #[must_use]
    pub fn new(provider: P, clock: SharedClock, refreshes: BackgroundTasks) -> Self {
        Self { provider, clock, cache: Arc::default(), refreshes, runtime: Handle::current() }
    }

    /// The provider itself, for what is no token.
    #[must_use]
    pub fn provider(&self) -> &P {
        &self.provider
    }

    /// Serves from the cache, refreshing in the background when the token nears its end; else waits for the single-flight refresh.
    ///
    /// # Errors
    /// [`TokenError`].
    pub async fn token(&self, key: P::Key, request: AccessTokenRequest) -> Result<Arc<AccessToken>, TokenError<P::Error>> {
        let entry = self.cache.entry(key);
        if request.rejected.is_none() && !request.include_suspended {
            match entry.freshness(self.clock.timestamp(), P::MIN_REMAINING) {
                TokenFreshness::Fresh(token) => return Ok(token),
                TokenFreshness::Stale(token) => {
                    if let Some(guard) = entry.try_lock() {
                        self.spawn_refresh(key, entry.clone(), guard, AccessTokenRequest { is_ahead: true, ..request });
                    }
                    return Ok(token);
                }
                TokenFreshness::Missing => {}
            }
        }
        // Boxed to keep the cache-hit future small.
        let refreshed = tokio::time::timeout(MAX_REFRESH_WAIT, Box::pin(self.refresh(key, entry, request))).await;
        refreshed.unwrap_or(Err(TokenError::RefreshTimedOut))
    }

    /// Forgets what is cached of a connection that was changed.
    pub fn forget(&self, key: P::Key) {
        self.cache.entry(key).clear();
    }

    /// Waits until no refresh of the connection runs in this process. None begins while the guard lives, so that a connection is not
    /// replaced or ended under a refresh, whose tokens nobody would revoke.
    pub async fn pause_refreshes(&self, key: P::Key) -> OwnedMutexGuard<()> {
        self.cache.entry(key).lock().await
    }

    /// The tokens of one connection, for a vendor's client.
    #[must_use]
    pub fn tokens_of(&self, key: P::Key, connection: ConnectionId, include_suspended: bool) -> BrokeredTokens<P> {
        BrokeredTokens { broker: self.clone(), key, connection, include_suspended }
    }

    /// Refreshes, unless whoever did so before found what is needed.
    async fn refresh(
        &self,
        key: P::Key,
        entry: Arc<CacheEntry<P::Error>>,
        request: AccessTokenRequest,
    ) -> Result<Arc<AccessToken>, TokenError<P::Error>> {
        let arrived_at = monotonic_now();
        let guard = entry.lock().await;
        if !request.include_suspended
            && let Some(outcome) = entry.outcome_since(arrived_at)
            && outcome.as_ref().map_or(true, |token| request.accepts(token))
        {
            return outcome.map_err(TokenError::Provider);
        }
        match self.spawn_refresh(key, entry, guard, request).await {
            Ok(outcome) => outcome.map_err(TokenError::Provider),
            Err(_) => Err(TokenError::RefreshAborted),
        }
    }

    /// Loads and refreshes apart from the caller, who may go away meanwhile.
    fn spawn_refresh(
        &self,
        key: P::Key,
        entry: Arc<CacheEntry<P::Error>>,
        guard: OwnedMutexGuard<()>,
        request: AccessTokenRequest,
    ) -> JoinHandle<SharedOutcome<P::Error>> {
        let provider = self.provider.clone();
        let refresh = async move {
            let _guard = guard;
            let is_ahead = request.is_ahead;
            let loaded = provider.load(key, request).await;
            let back_off = loaded.as_ref().err().is_some_and(P::is_temporary).then_some(FAILURE_BACK_OFF);
            let outcome = loaded.map(Arc::new).map_err(Arc::new);
            // A token that is still valid is better than the failure to replace it early.
            if !(is_ahead && back_off.is_some()) {
                entry.store(outcome.clone(), back_off);
            }
            outcome
        };
        self.refreshes.tracker().spawn_on(refresh, &self.runtime)
    }
}

// By hand: derived ones would ask the same of the provider's error.
impl<P: TokenProvider> Clone for TokenBroker<P> {
    fn clone(&self) -> Self {
        Self {
            provider: self.provider.clone(),
            clock: self.clock.clone(),
            cache: self.cache.clone(),
            refreshes: self.refreshes.clone(),
            runtime: self.runtime.clone(),
        }
    }
}

impl<P: TokenProvider> fmt::Debug for TokenBroker<P> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("TokenBroker")
    }
}

/// The tokens of one connection, for a vendor's client.
#[derive(Debug)]
pub struct BrokeredTokens<P: TokenProvider> {
    broker: TokenBroker<P>,
    key: P::Key,
    /// The connection that the client was made for: its address is no other's.
    connection: ConnectionId,
    include_suspended: bool,
}

impl<P: TokenProvider> BrokeredTokens<P> {
    async fn get(&self, rejected: Option<SecretString>) -> Result<SecretString, TokenUnavailable> {
        let request = AccessTokenRequest { rejected, include_suspended: self.include_suspended, is_ahead: false };
        let token = self.broker.token(self.key, request).await.map_err(|error| TokenUnavailable(error.to_string()))?;
        if token.connection != self.connection {
            return Err(TokenUnavailable("the connection was made anew meanwhile".into()));
        }
        Ok(token.secret.clone())
    }
}

impl<P: TokenProvider> TokenSource for BrokeredTokens<P> {
    fn token(&self) -> BoxFuture<'_, Result<SecretString, TokenUnavailable>> {
        Box::pin(self.get(None))
    }

    fn replace_rejected<'a>(&'a self, rejected: &'a SecretString) -> BoxFuture<'a, Result<SecretString, TokenUnavailable>> {
        Box::pin(self.get(Some(rejected.clone())))
    }
}
