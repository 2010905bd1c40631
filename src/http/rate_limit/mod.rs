//! How often one caller may ask for what is dear to us or worth guessing at. Each process counts for itself, in bounded memory: a limit
//! keeps load and guessing down, and is no quota. What must hold across processes is counted in the database (see `auth::Attempt`).
//!
//! A new limit is a variant of [`RateLimit`] and a setting of `[rate_limits]`.

mod elapsed;
mod middleware;

use std::collections::hash_map::RandomState;
use std::convert::Infallible;
use std::fmt;
use std::hash::{BuildHasher, Hash};
use std::num::NonZeroU32;
use std::sync::Arc;

use actix_web::http::header;
use governor::clock::Clock as _;
use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::InMemoryState;
use governor::state::direct::NotKeyed;
use governor::{Quota, RateLimiter};
use quick_cache::sync::Cache;

use super::{AsProblem, Code, Problem};
use crate::clock::SharedClock;
use crate::config::RateLimitSettings;

use elapsed::ElapsedTime;

pub use middleware::{limit_links, limit_logins};

/// Callers that are remembered for one limit, about 5 MB when full; of more, those seen longest ago begin anew.
const MAX_CALLERS: usize = 50_000;

/// What is limited, and by what callers are told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RateLimit {
    /// Requests for access tokens, token exchanges included, by network.
    TokensByAddress,
    /// The same by client, once it has proven itself: nobody else can use its share up.
    TokensByClient,
    /// Wrong client secrets and unknown clients, by network.
    WrongSecretsByAddress,
    /// Requests with a secret in their address (activation, new password, the way to Salesforce and back), by network.
    LinksByAddress,
    /// The same by link.
    LinksByLink,
    /// Logins by password and requests for a new one, by network.
    LoginsByAddress,
}

type Bucket = RateLimiter<NotKeyed, InMemoryState, ElapsedTime, NoOpMiddleware<Nanos>>;

/// The callers of one limit.
struct Buckets {
    quota: Quota,
    /// Under a keyed hash of what names the caller, which nobody outside can make collide.
    by_caller: Cache<u64, Arc<Bucket>>,
}

impl Buckets {
    /// None when there is no limit.
    fn new(per_minute: u32) -> Option<Self> {
        let quota = Quota::per_minute(NonZeroU32::new(per_minute)?);
        Some(Self { quota, by_caller: Cache::new(MAX_CALLERS) })
    }
}

/// Too many requests; none before then.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too many requests; try again in {retry_after_seconds} s")]
pub struct RateExceeded {
    pub retry_after_seconds: u64,
}

impl AsProblem for RateExceeded {
    fn as_problem(&self) -> Problem {
        let detail = format!("Too many requests of this kind from here. Try again in {} s.", self.retry_after_seconds);
        Problem::new(Code::TooManyRequests, detail).with_header(header::RETRY_AFTER, self.retry_after_seconds.to_string())
    }
}

/// The limits, with what each caller has used of them.
pub struct RateLimits {
    time: ElapsedTime,
    hasher: RandomState,
    tokens_by_address: Option<Buckets>,
    tokens_by_client: Option<Buckets>,
    wrong_secrets_by_address: Option<Buckets>,
    links_by_address: Option<Buckets>,
    links_by_link: Option<Buckets>,
    logins_by_address: Option<Buckets>,
}

impl RateLimits {
    /// The limits of the settings, with nothing used.
    #[must_use]
    pub fn new(settings: RateLimitSettings, clock: SharedClock) -> Self {
        Self {
            time: ElapsedTime::new(clock),
            hasher: RandomState::new(),
            tokens_by_address: Buckets::new(settings.tokens_per_minute_by_address),
            tokens_by_client: Buckets::new(settings.tokens_per_minute_by_client),
            wrong_secrets_by_address: Buckets::new(settings.wrong_secrets_per_minute_by_address),
            links_by_address: Buckets::new(settings.links_per_minute_by_address),
            links_by_link: Buckets::new(settings.links_per_minute_by_link),
            logins_by_address: Buckets::new(settings.logins_per_minute_by_address),
        }
    }

    fn buckets(&self, limit: RateLimit) -> Option<&Buckets> {
        match limit {
            RateLimit::TokensByAddress => self.tokens_by_address.as_ref(),
            RateLimit::TokensByClient => self.tokens_by_client.as_ref(),
            RateLimit::WrongSecretsByAddress => self.wrong_secrets_by_address.as_ref(),
            RateLimit::LinksByAddress => self.links_by_address.as_ref(),
            RateLimit::LinksByLink => self.links_by_link.as_ref(),
            RateLimit::LoginsByAddress => self.logins_by_address.as_ref(),
        }
    }

    /// Counts a request of the caller that `caller` names, unless there were too many.
    ///
    /// # Errors
    /// [`RateExceeded`]; the request is not counted then.
    pub fn check(&self, limit: RateLimit, caller: impl Hash) -> Result<(), RateExceeded> {
        let Some(buckets) = self.buckets(limit) else { return Ok(()) };
        let new = || Ok::<_, Infallible>(Arc::new(RateLimiter::direct_with_clock(buckets.quota, self.time.clone())));
        let Ok(bucket) = buckets.by_caller.get_or_insert_with(&self.hasher.hash_one(caller), new);
        bucket.check().map_err(|refused| {
            let wait = refused.wait_time_from(self.time.now());
            RateExceeded { retry_after_seconds: wait.as_secs() + u64::from(wait.subsec_nanos() > 0) }
        })
    }
}

impl fmt::Debug for RateLimits {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("RateLimits").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use time::Duration;
    use time::macros::datetime;

    use super::*;
    use crate::clock::MovableClock;
    use crate::config::Settings;

    fn limits(change: impl FnOnce(&mut RateLimitSettings)) -> (RateLimits, Arc<MovableClock>) {
        let mut settings = Settings::load(None, &[]).unwrap().rate_limits;
        change(&mut settings);
        let clock = Arc::new(MovableClock::starting_at(datetime!(2026-06-15 12:00:00 UTC)));
        (RateLimits::new(settings, clock.clone()), clock)
    }

    #[test]
    fn a_caller_has_a_minutes_share_at_once_and_gets_it_back_bit_by_bit() {
        let (limits, clock) = limits(|settings| settings.links_per_minute_by_address = 6);
        let ask = |caller: &str| limits.check(RateLimit::LinksByAddress, caller);
        assert!((0..6).all(|_| ask("a").is_ok()));
        assert_eq!(ask("a"), Err(RateExceeded { retry_after_seconds: 10 }));
        assert_eq!(ask("b"), Ok(()), "another caller's share is another one");
        clock.advance(Duration::seconds(10));
        assert_eq!(ask("a"), Ok(()));
        assert!(ask("a").is_err());
        clock.advance(Duration::minutes(2));
        assert!((0..6).all(|_| ask("a").is_ok()) && ask("a").is_err());
    }

    #[test]
    fn a_limit_of_zero_is_none() {
        let (limits, _) = limits(|settings| settings.links_per_minute_by_link = 0);
        assert!((0..10_000).all(|_| limits.check(RateLimit::LinksByLink, "a").is_ok()));
    }

    #[test]
    fn callers_beyond_what_is_remembered_take_no_more_memory() {
        let (limits, _) = limits(|_| ());
        for caller in 0..MAX_CALLERS * 3 {
            assert!(limits.check(RateLimit::TokensByAddress, caller).is_ok());
        }
        assert!(limits.tokens_by_address.as_ref().unwrap().by_caller.len() <= MAX_CALLERS);
    }

    #[test]
    fn a_clock_that_is_set_back_locks_nobody_out() {
        let (limits, clock) = limits(|settings| settings.links_per_minute_by_address = 6);
        let ask = || limits.check(RateLimit::LinksByAddress, "a");
        assert!((0..6).all(|_| ask().is_ok()) && ask().is_err());
        clock.advance(-Duration::hours(1));
        assert!(ask().is_err());
        clock.advance(Duration::seconds(10));
        assert_eq!(ask(), Ok(()));
    }
}
