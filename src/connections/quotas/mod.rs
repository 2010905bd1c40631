//! The vendors' quotas, kept in the database and shared by all processes.
//!
//! A round trip to the database for every call would be slow, so each process takes a small grant of calls for a moment and
//! makes them from memory; places for calls under way at once are leased. What the guarantee is:
//!
//! - In any 20 seconds, and on any day, all processes together begin no more calls to a Marketo subscription than its share
//!   allows, whatever is killed and whenever: calls are counted when they are granted, not when they are made, and a grant that
//!   dies with its process stays counted as if it had been used. The processes' clocks may differ by [`SLACK`] together with the
//!   way of a call to Marketo.
//! - No more calls are under way at once than the share allows, as long as a process that can't reach the database for
//!   [`LEASE`] begins no call and those it had under way have ended by then; a killed process's places are free after
//!   [`LEASE`].
//! - To a Salesforce organisation no more calls are begun in any 24 hours than its share of what Salesforce said last. Until it
//!   has said something, calls are granted one by one.
//! - Export files are counted as they arrive, for their size is not known before: no export is begun once the share is used up,
//!   but those under way then may exceed it. Bytes of the last second before a process was killed are not counted.
//!
//! When a vendor says itself that a quota is used up, by whomever, no call is made until its reset, but by other processes that were
//! granted calls a moment before.

mod ledger;
mod spender;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration as StdDuration;

use serde::Serialize;
use time::Duration;
use uuid::Uuid;

use super::Vendor;
use super::store::{self, Account};
use crate::clock::{SharedClock, Timestamp};
use crate::config::{MarketoSettings, SalesforceSettings, share_of};
use crate::db::{Db, DbError};
use crate::marketo::next_reset;
use crate::tasks::BackgroundTasks;
use crate::telemetry::error_chain;
use crate::upstream::Quota;

pub(super) use ledger::ConnectionLedger;
use spender::Spender;

/// Marketo counts calls over this time.
const WINDOW: Duration = Duration::seconds(20);
/// For how long granted Marketo calls may be made.
const GRANT_LIFE: Duration = Duration::seconds(2);
/// Room for clocks that differ and for calls that take different times to reach the vendor.
const SLACK: Duration = Duration::seconds(1);
/// For how long granted Salesforce calls may be made.
const LONG_GRANT_LIFE: Duration = Duration::seconds(60);
/// How long a place for a call belongs to a process that gives no sign of life.
const LEASE: Duration = Duration::seconds(30);
/// How often leases are extended and what isn't needed is given back.
const UPKEEP: StdDuration = StdDuration::from_secs(1);

/// What the settings leave us of each quota.
#[derive(Debug, Clone)]
struct Shares {
    marketo: MarketoSettings,
    salesforce: SalesforceSettings,
}

impl Shares {
    fn window(&self) -> i64 {
        signed(share_of(self.marketo.share, self.marketo.quota_calls_per_20_seconds.into()))
    }

    fn at_once(&self) -> i64 {
        signed(share_of(self.marketo.share, self.marketo.quota_calls_at_once.into()))
    }

    fn marketo_day(&self) -> i64 {
        signed(share_of(self.marketo.share, self.marketo.quota_calls_per_day.into()))
    }

    fn export_quota(&self) -> u64 {
        u64::from(self.marketo.quota_export_megabytes_per_day) * 1_000_000
    }

    fn exports(&self) -> i64 {
        signed(share_of(self.marketo.share, self.export_quota()))
    }

    fn salesforce_day(&self, allowed: i64) -> i64 {
        signed(share_of(self.salesforce.share, u64::try_from(allowed).unwrap_or(0)))
    }
}

fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// The end of the period in which a call made at `now` is counted.
fn period_of(vendor: Vendor, now: Timestamp) -> Timestamp {
    match vendor {
        Vendor::Marketo => next_reset(now.instant()).into(),
        Vendor::Salesforce => now + Duration::seconds(3600 - now.unix_seconds().rem_euclid(3600)),
    }
}

/// Periods that end after this count: of Marketo the one under way, of Salesforce those of the last 24 hours.
fn counting_from(vendor: Vendor, now: Timestamp) -> Timestamp {
    match vendor {
        Vendor::Marketo => now,
        Vendor::Salesforce => now + -Duration::hours(24),
    }
}

/// Grants made after this count for the next 20 seconds.
fn window_from(now: Timestamp) -> Timestamp {
    now + -(WINDOW + GRANT_LIFE + SLACK)
}

/// The quotas of every account that this process calls. Cheap to clone.
#[derive(Clone)]
pub(super) struct Quotas {
    db: Db,
    clock: SharedClock,
    shares: Arc<Shares>,
    /// This process, in the leases.
    holder: Uuid,
    spenders: Arc<Mutex<HashMap<Account, Arc<Spender>>>>,
}

impl Quotas {
    /// Starts keeping quotas; what is left is given back when the task is told to stop.
    pub(super) fn start(
        db: Db,
        clock: SharedClock,
        marketo: MarketoSettings,
        salesforce: SalesforceSettings,
        tasks: &BackgroundTasks,
    ) -> Self {
        let stopping = tasks.stopping().clone();
        let shares = Arc::new(Shares { marketo, salesforce });
        let holder = Uuid::from_bytes(crate::crypto::random_bytes());
        let spenders: Arc<Mutex<HashMap<Account, Arc<Spender>>>> = Arc::default();
        let kept = spenders.clone();
        tasks.spawn(async move {
            loop {
                let last = tokio::select! {
                    () = tokio::time::sleep(UPKEEP) => false,
                    () = stopping.cancelled() => true,
                };
                let all: Vec<_> = kept.lock().unwrap_or_else(PoisonError::into_inner).values().cloned().collect();
                for spender in all {
                    if let Err(error) = spender.keep_up(last).await {
                        tracing::warn!(error = %error_chain(&error), "the quotas can't be kept up; what can't be given back runs out by itself");
                    }
                }
                if last {
                    return;
                }
            }
        });
        Self { db, clock, shares, holder, spenders }
    }

    /// The spender of an account; all connections to it share one. There is one for each account ever called by this process,
    /// which is as many as there are customers.
    pub(super) fn of(&self, vendor: Vendor, account: &str) -> Arc<Spender> {
        let account = Account { vendor, name: account.to_owned() };
        let mut spenders = self.spenders.lock().unwrap_or_else(PoisonError::into_inner);
        let make = || Arc::new(Spender::new(self.db.clone(), self.clock.clone(), self.shares.clone(), self.holder, account.clone()));
        spenders.entry(account.clone()).or_insert_with(make).clone()
    }

    /// How much of an account's quotas is used.
    pub(super) async fn show(&self, vendor: Vendor, account: &str) -> Result<VendorLimits, DbError> {
        let account = Account { vendor, name: account.to_owned() };
        let now = self.clock.timestamp();
        let row = store::find_account(&self.db, &account).await?.unwrap_or_default();
        let handed = store::show_handed_since(&self.db, &account, counting_from(vendor, now)).await?;
        let shares = &self.shares;
        let stop = |quota: Quota, until: Option<Timestamp>| until.filter(|until| *until > now).map(|until| Stopped { quota, until });
        let quota = if row.stopped_quota.as_deref() == Some("short_window") { Quota::ShortWindow } else { Quota::Day };
        let stopped = [stop(quota, row.stopped_until), stop(Quota::Exports, row.exports_stopped_until)];
        let (share, limits) = match vendor {
            Vendor::Salesforce => {
                let allowed = row.told_allowed;
                let day = LimitState {
                    everybody_used: row.told_used,
                    told_at: row.told_at,
                    ..LimitState::new(Quota::Day, allowed, allowed.map(|allowed| shares.salesforce_day(allowed)), handed.calls)
                };
                (shares.salesforce.share, vec![day])
            }
            Vendor::Marketo => {
                let reset = Some(period_of(vendor, now));
                let (granted, oldest) = store::show_granted_since(&self.db, &account, window_from(now)).await?;
                let busy = store::count_places(&self.db, &account, now).await?;
                let of = |quota, whole: u64, share, used| LimitState::new(quota, Some(signed(whole)), Some(share), used);
                let settings = &shares.marketo;
                let window_ends = oldest.map(|oldest| oldest + (WINDOW + GRANT_LIFE + SLACK));
                let limits = vec![
                    LimitState {
                        resets_at: window_ends,
                        ..of(Quota::ShortWindow, settings.quota_calls_per_20_seconds.into(), shares.window(), granted)
                    },
                    of(Quota::AtOnce, settings.quota_calls_at_once.into(), shares.at_once(), busy),
                    LimitState {
                        resets_at: reset,
                        ..of(Quota::Day, settings.quota_calls_per_day.into(), shares.marketo_day(), handed.calls)
                    },
                    LimitState { resets_at: reset, ..of(Quota::Exports, shares.export_quota(), shares.exports(), handed.bytes) },
                ];
                (settings.share, limits)
            }
        };
        Ok(VendorLimits { vendor, account: account.name, share, limits, stopped_by_vendor: stopped.into_iter().flatten().collect() })
    }
}

/// How much of a vendor's quotas is used.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct VendorLimits {
    pub vendor: Vendor,
    /// Munchkin id of the subscription, or id of the organisation.
    pub account: String,
    /// The part of each quota that this service may use.
    pub share: f64,
    pub limits: Vec<LimitState>,
    /// Quotas that the vendor says are used up, by whomever; no call is made until then.
    pub stopped_by_vendor: Vec<Stopped>,
}

/// One quota.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct LimitState {
    /// Calls, or bytes of export files.
    pub quota: Quota,
    /// What the vendor allows everybody together; absent while it hasn't said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allowed: Option<i64>,
    /// What this service may use of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub our_share: Option<i64>,
    /// What this service has used, all its processes together. Calls handed to a process count until it gives them back.
    pub used_by_us: i64,
    /// What is left of our share.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub left: Option<i64>,
    /// What everybody has used, where the vendor says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub everybody_used: Option<i64>,
    /// When the vendor said so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub told_at: Option<Timestamp>,
    /// When room comes back; absent where it comes back bit by bit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resets_at: Option<Timestamp>,
}

impl LimitState {
    fn new(quota: Quota, allowed: Option<i64>, our_share: Option<i64>, used_by_us: i64) -> Self {
        let left = our_share.map(|share| (share - used_by_us).max(0));
        Self { quota, allowed, our_share, used_by_us, left, everybody_used: None, told_at: None, resets_at: None }
    }
}

/// A quota that the vendor says is used up.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Stopped {
    pub quota: Quota,
    /// When it begins afresh.
    pub until: Timestamp,
}
