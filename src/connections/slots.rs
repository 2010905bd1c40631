//! Tokens kept in memory between requests, and one renewal at a time for each connection in this process. What several
//! processes must agree on is in the database; see `salesforce_tokens` and `marketo_tokens`.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

use secrecy::{ExposeSecret, SecretString};
use tokio::sync::{Mutex as AsyncMutex, OwnedMutexGuard};

use super::ConnectionError;
use crate::clock::{Timestamp, monotonic_now};
use crate::ids::{ConnectionId, InstanceId, MemberId};

/// A token from memory is served for so long without a look at the database, where another process may have renewed it or
/// ended the connection.
const TRUSTED: Duration = Duration::from_secs(1);
/// And for so long again while somebody looks.
const TRUSTED_WHILE_LOOKING: Duration = Duration::from_secs(2);
/// Most connections remembered; beyond it those not in use are forgotten.
const MOST_SLOTS: usize = 10_000;

/// Whose token it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Place {
    /// The instance's Salesforce connection, or a member's own.
    Salesforce(InstanceId, Option<MemberId>),
    /// The Marketo connection in use.
    Marketo(InstanceId),
}

/// An access token of a vendor, ready for use.
#[derive(Debug, Clone)]
pub struct UpstreamToken {
    /// The token.
    pub access_token: SecretString,
    /// When it ends, as far as is known.
    pub expires_at: Timestamp,
    /// Where it is good: Salesforce's `instance_url`, Marketo's address without `/rest`.
    pub base_url: String,
    pub(super) connection: ConnectionId,
    /// It is renewed once less than this is left.
    pub(super) renew_ahead: time::Duration,
}

impl UpstreamToken {
    pub(super) fn is(&self, token: &SecretString) -> bool {
        self.access_token.expose_secret() == token.expose_secret()
    }
}

/// What a look at the database, and a renewal if need be, came to. Shared by everybody who waited for it.
pub(super) type Outcome = Result<Arc<UpstreamToken>, Arc<ConnectionError>>;

/// How a token in memory may be used.
#[derive(Debug)]
pub(super) enum Held {
    /// As it is.
    Good(Arc<UpstreamToken>),
    /// As it is, but somebody should look at the database, or renew it ahead of its end.
    Ageing(Arc<UpstreamToken>),
    /// Not at all.
    Nothing,
}

struct Known {
    at: Instant,
    outcome: Outcome,
    /// Until when a passing failure is not tried again.
    hold_until: Option<Instant>,
}

/// One connection's place in memory.
#[derive(Default)]
pub(super) struct Slot {
    known: RwLock<Option<Known>>,
    flight: Arc<AsyncMutex<()>>,
}

impl Slot {
    /// What is held, `least_left` before its end at the latest.
    pub(super) fn held(&self, now: Timestamp, least_left: time::Duration) -> Held {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        let Some(Known { at, outcome: Ok(token), .. }) = &*known else { return Held::Nothing };
        let (age, left) = (at.elapsed(), token.expires_at - now);
        if left <= least_left || age >= TRUSTED_WHILE_LOOKING {
            return Held::Nothing;
        }
        if age >= TRUSTED || left <= token.renew_ahead { Held::Ageing(token.clone()) } else { Held::Good(token.clone()) }
    }

    /// What somebody else found out since `arrived`, or a failure that is not to be tried again yet.
    pub(super) fn found_since(&self, arrived: Instant) -> Option<Outcome> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        let known = known.as_ref()?;
        let held = known.hold_until.is_some_and(|until| monotonic_now() < until);
        (known.at >= arrived || held).then(|| known.outcome.clone())
    }

    pub(super) fn keep(&self, outcome: Outcome, hold: Option<Duration>) {
        let at = monotonic_now();
        *self.known.write().unwrap_or_else(PoisonError::into_inner) = Some(Known { at, outcome, hold_until: hold.map(|hold| at + hold) });
    }

    pub(super) fn forget(&self) {
        *self.known.write().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Waits for the turn to look and renew.
    pub(super) async fn turn(&self) -> OwnedMutexGuard<()> {
        self.flight.clone().lock_owned().await
    }

    /// The turn, if nobody has it.
    pub(super) fn turn_now(&self) -> Option<OwnedMutexGuard<()>> {
        self.flight.clone().try_lock_owned().ok()
    }
}

/// Every connection's place.
#[derive(Default)]
pub(super) struct Slots(Mutex<HashMap<Place, Arc<Slot>>>);

impl Slots {
    pub(super) fn of(&self, place: Place) -> Arc<Slot> {
        let mut slots = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if slots.len() >= MOST_SLOTS && !slots.contains_key(&place) {
            slots.retain(|_, slot| Arc::strong_count(slot) > 1);
        }
        slots.entry(place).or_default().clone()
    }
}
