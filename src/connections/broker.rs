//! The token broker: a working access token for every caller that is allowed one, or the reason why there is none.
//!
//! A token is renewed ahead of its end, once for all who wait: in this process by a turn that is passed on
//! ([`super::slots`]), across processes by a mark in the database. A renewal goes on when its caller goes away, because a lost
//! answer may cost the connection.

use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;
use serde::Serialize;

use super::slots::{Held, Outcome, Place, Slot, UpstreamToken};
use super::{ConnectionError, Connections};
use crate::clock::{Timestamp, monotonic_now};
use crate::ids::{ConnectionId, InstanceId};
use crate::upstream::{BoxFuture, TokenSource, TokenUnavailable};

/// A caller waits so long for a renewal that somebody else makes. Longer than a vendor may take for its answer, shorter than
/// a request may take.
const PATIENCE: Duration = Duration::from_secs(25);
/// After a failure that passes by itself the vendor is left alone for so long.
const HOLD: Duration = Duration::from_secs(5);
/// A report about a token that was found to be valid is not looked into again for so long.
pub(super) const REPORT_PAUSE: time::Duration = time::Duration::seconds(60);

/// What a caller needs.
#[derive(Debug, Clone, Default)]
pub(super) struct Want {
    /// The vendor refused this token: another one.
    pub(super) other_than: Option<SecretString>,
    /// Even from a connection that was set aside: to find out whether it works again.
    pub(super) even_if_set_aside: bool,
    /// Renew now what has to be renewed soon.
    pub(super) ahead: bool,
}

/// What came of a report that a token is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ReportOutcome {
    /// It was replaced: ask for the token again.
    Renewed,
    /// It had been replaced already: ask for the token again.
    NotCurrent,
    /// The vendor says that it is valid; nothing was changed.
    StillValid,
}

impl Connections {
    /// The access token of the instance's Salesforce connection.
    ///
    /// # Errors
    /// [`ConnectionError::NotConnected`]; [`ConnectionError::NeedsAttention`] with what to do; [`ConnectionError::Unavailable`]
    /// while Salesforce can't answer.
    pub async fn salesforce_token(&self, instance: InstanceId) -> Result<Arc<UpstreamToken>, ConnectionError> {
        self.obtain(Place::Salesforce(instance, None), Want::default()).await
    }

    /// The access token of the instance's Marketo connection.
    ///
    /// # Errors
    /// As [`Connections::salesforce_token`].
    pub async fn marketo_token(&self, instance: InstanceId) -> Result<Arc<UpstreamToken>, ConnectionError> {
        self.obtain(Place::Marketo(instance), Want::default()).await
    }

    /// Looks into a report that Salesforce refuses `token`. Salesforce is asked before a refresh is spent, and about one token
    /// at most once a minute, so that a caller who is mistaken can't wear the connection out.
    ///
    /// # Errors
    /// As [`Connections::salesforce_token`].
    pub async fn report_salesforce_token(&self, instance: InstanceId, token: &SecretString) -> Result<ReportOutcome, ConnectionError> {
        let place = Place::Salesforce(instance, None);
        match self.inquire_salesforce(instance, token).await? {
            ReportOutcome::Renewed => {
                self.obtain(place, Want { other_than: Some(token.clone()), ..Want::default() }).await?;
                Ok(ReportOutcome::Renewed)
            }
            other => Ok(other),
        }
    }

    /// Looks into a report that Marketo refuses `token`. Marketo hands out the same token until it ends, so it is asked about
    /// one token at most once a minute.
    ///
    /// # Errors
    /// As [`Connections::salesforce_token`].
    pub async fn report_marketo_token(&self, instance: InstanceId, token: &SecretString) -> Result<ReportOutcome, ConnectionError> {
        let place = Place::Marketo(instance);
        if !self.obtain(place, Want::default()).await?.is(token) {
            return Ok(ReportOutcome::NotCurrent);
        }
        let now = self.obtain(place, Want { other_than: Some(token.clone()), ..Want::default() }).await?;
        Ok(if now.is(token) { ReportOutcome::StillValid } else { ReportOutcome::Renewed })
    }

    pub(super) async fn obtain(&self, place: Place, want: Want) -> Result<Arc<UpstreamToken>, ConnectionError> {
        let slot = self.slots.of(place);
        if want.other_than.is_none() && !want.even_if_set_aside {
            match slot.held(self.clock.timestamp(), Self::least_left(place)) {
                Held::Good(token) => return Ok(token),
                Held::Ageing(token) => {
                    if let Some(turn) = slot.turn_now() {
                        self.fly(place, slot.clone(), turn, Want { ahead: true, ..want });
                    }
                    return Ok(token);
                }
                Held::Nothing => {}
            }
        }
        // In a box, so that a caller who needn't wait moves no room for it about.
        let outcome = tokio::time::timeout(PATIENCE, Box::pin(self.wait_for(place, slot, want))).await;
        let overdue = || ConnectionError::Unavailable { message: "a token is being renewed, which takes unusually long".into() };
        outcome.map_err(|_| overdue())?.map_err(ConnectionError::Shared)
    }

    /// Takes a turn at looking and renewing, unless whoever had it before found what is needed.
    async fn wait_for(&self, place: Place, slot: Arc<Slot>, want: Want) -> Outcome {
        let arrived = monotonic_now();
        let turn = slot.turn().await;
        if !want.even_if_set_aside
            && let Some(outcome) = slot.found_since(arrived)
        {
            let suits = match (&outcome, &want.other_than) {
                (Ok(token), Some(rejected)) => !token.is(rejected),
                _ => true,
            };
            if suits {
                return outcome;
            }
        }
        let flown = self.fly(place, slot, turn, want).await;
        flown.unwrap_or_else(|_| Err(Arc::new(ConnectionError::Unavailable { message: "the renewal broke off".into() })))
    }

    /// Looks and renews apart from the caller, who may go away meanwhile.
    fn fly(&self, place: Place, slot: Arc<Slot>, turn: tokio::sync::OwnedMutexGuard<()>, want: Want) -> tokio::task::JoinHandle<Outcome> {
        let connections = self.clone();
        let flight = async move {
            let _turn = turn;
            let ahead = want.ahead;
            let found = match place {
                Place::Salesforce(instance, member) => connections.load_salesforce(instance, member, want).await,
                Place::Marketo(instance) => connections.load_marketo(instance, want).await,
            };
            let hold = matches!(found, Err(ConnectionError::Unavailable { .. })).then_some(HOLD);
            let outcome = found.map(Arc::new).map_err(Arc::new);
            // A token that still lives is better than the failure to replace it early.
            if !(ahead && hold.is_some()) {
                slot.keep(outcome.clone(), hold);
            }
            outcome
        };
        self.refreshes.tracker().spawn_on(flight, &self.runtime)
    }

    /// A token is not handed out when less than this is left of it.
    fn least_left(place: Place) -> time::Duration {
        match place {
            Place::Salesforce(..) => super::salesforce_tokens::LEAST_LEFT,
            Place::Marketo(_) => super::marketo_tokens::LEAST_LEFT,
        }
    }
}

/// The tokens of one connection, for a vendor's client.
#[derive(Clone)]
pub(super) struct BrokeredTokens {
    pub(super) connections: Connections,
    pub(super) place: Place,
    /// The connection that the client was made for: its address is no other's.
    pub(super) connection: ConnectionId,
    pub(super) even_if_set_aside: bool,
}

impl BrokeredTokens {
    async fn get(&self, other_than: Option<SecretString>) -> Result<SecretString, TokenUnavailable> {
        let want = Want { other_than, even_if_set_aside: self.even_if_set_aside, ahead: false };
        let token = self.connections.obtain(self.place, want).await.map_err(|error| TokenUnavailable(error.to_string()))?;
        if token.connection != self.connection {
            return Err(TokenUnavailable("the connection was made anew meanwhile".into()));
        }
        Ok(token.access_token.clone())
    }
}

impl TokenSource for BrokeredTokens {
    fn token(&self) -> BoxFuture<'_, Result<SecretString, TokenUnavailable>> {
        Box::pin(self.get(None))
    }

    fn renew<'a>(&'a self, rejected: &'a SecretString) -> BoxFuture<'a, Result<SecretString, TokenUnavailable>> {
        Box::pin(self.get(Some(rejected.clone())))
    }
}

/// How long before its end a token of this lifetime is renewed: a twentieth to a tenth of it, at random, so that many
/// connections made at one time, and the replicas, don't renew at one time.
pub(super) fn renew_ahead(issued_at: Timestamp, expires_at: Timestamp) -> time::Duration {
    let [chance] = crate::crypto::random_bytes::<1>();
    (expires_at - issued_at) * (0.05 + 0.05 * f64::from(chance) / 256.0)
}
