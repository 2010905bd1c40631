//! The vendors' quotas, kept in the database and shared by all processes.
//!
//! A round trip to the database for every call would be slow, so each process takes a small grant of calls for a moment and
//! makes them from memory; slots for calls under way at once are leased. What the guarantee is:
//!
//! - In any 20 seconds, and on any day, all processes together begin no more calls to a Marketo subscription than its share
//!   allows, whatever is killed and whenever: calls are counted when they are granted, not when they are made, and a grant that
//!   dies with its process stays counted as if it had been used. The processes' clocks may differ by a second together with the
//!   way of a call to Marketo.
//! - No more calls are under way at once than the share allows, as long as a process that can't reach the database for
//!   30 seconds begins no call and those it had under way have ended by then; a killed process's slots are free after
//!   30 seconds.
//! - To a Salesforce organization no more calls are begun in any 24 hours than its share of what Salesforce said last. Until it
//!   has said something, calls are granted one by one.
//! - Export files are counted as they arrive, for their size is not known before: no export is begun once the share is used up,
//!   but those under way then may exceed it. Bytes of the last second before a process was killed are not counted.
//!
//! When a vendor says itself that a quota is used up, by whomever, no call is made until its reset, but by other processes that were
//! granted calls a moment before.
//!
//! Functions that read or write the tables fail with [`DbError`] when the database can't be reached.

mod account;
mod connection_tracker;
mod held;
mod limits;
mod periods;
mod shares;
mod store;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use uuid::Uuid;

use crate::clock::{SharedClock, Timestamp};
use crate::config::{MarketoSettings, SalesforceSettings};
use crate::db::{Db, DbError};
use crate::tasks::BackgroundTasks;
use crate::telemetry::error_chain;
use crate::upstream::{Quota, Vendor};

use account::SHORT_WINDOW;
use periods::{GRANT_COUNTS_FOR, counted_since, period_end, window_start};
use shares::{QuotaShares, saturating_i64};
use store::QuotaAccount;

pub use account::AccountQuotas;
pub use connection_tracker::ConnectionQuotaTracker;
pub use limits::{ExhaustedQuota, QuotaUsage, VendorLimits};

/// How often leases are extended and what isn't needed is given back.
const MAINTENANCE_INTERVAL: Duration = Duration::from_secs(1);

type AccountMap = Arc<Mutex<HashMap<QuotaAccount, Arc<AccountQuotas>>>>;

/// The quotas of every account that this process calls. Cheap to clone.
#[derive(Clone)]
pub struct Quotas {
    db: Db,
    clock: SharedClock,
    shares: Arc<QuotaShares>,
    /// This process, in the leases.
    holder: Uuid,
    accounts: AccountMap,
}

impl Quotas {
    /// Starts keeping quotas; what is left is given back when `tasks` are asked to stop.
    #[must_use]
    pub fn start(db: Db, clock: SharedClock, marketo: MarketoSettings, salesforce: SalesforceSettings, tasks: &BackgroundTasks) -> Self {
        let stopping = tasks.stopping().clone();
        let shares = Arc::new(QuotaShares { marketo, salesforce });
        let holder = Uuid::from_bytes(crate::crypto::random_bytes());
        let accounts = AccountMap::default();
        let maintained = accounts.clone();
        tasks.spawn(async move {
            loop {
                let is_last = tokio::select! {
                    () = tokio::time::sleep(MAINTENANCE_INTERVAL) => false,
                    () = stopping.cancelled() => true,
                };
                let all: Vec<_> = maintained.lock().unwrap_or_else(PoisonError::into_inner).values().cloned().collect();
                for account in all {
                    if let Err(error) = account.maintain(is_last).await {
                        tracing::warn!(error = %error_chain(&error), "the quotas can't be kept up; what can't be given back runs out by itself");
                    }
                }
                if is_last {
                    return;
                }
            }
        });
        Self { db, clock, shares, holder, accounts }
    }

    /// The quotas of an account (a Munchkin id or an organization id); all connections to it share them. An entry stays for each
    /// account ever called by this process, which is as many as there are customers.
    #[must_use]
    pub fn account(&self, vendor: Vendor, name: &str) -> Arc<AccountQuotas> {
        let account = QuotaAccount { vendor, name: name.to_owned() };
        let mut accounts = self.accounts.lock().unwrap_or_else(PoisonError::into_inner);
        let make = || Arc::new(AccountQuotas::new(self.db.clone(), self.clock.clone(), self.shares.clone(), self.holder, account.clone()));
        accounts.entry(account.clone()).or_insert_with(make).clone()
    }

    /// How much of an account's quotas is used.
    ///
    /// # Errors
    /// [`DbError`].
    pub async fn limits(&self, vendor: Vendor, name: &str) -> Result<VendorLimits, DbError> {
        let account = QuotaAccount { vendor, name: name.to_owned() };
        let now = self.clock.timestamp();
        let row = store::find_account(&self.db, &account).await?.unwrap_or_default();
        let used = store::find_usage_since(&self.db, &account, counted_since(vendor, now)).await?;
        let shares = &self.shares;
        let stop = |quota: Quota, until: Option<Timestamp>| {
            until.filter(|until| *until > now).map(|resets_at| ExhaustedQuota { quota, resets_at })
        };
        let quota = if row.stopped_quota.as_deref() == Some(SHORT_WINDOW) { Quota::ShortWindow } else { Quota::Day };
        let stopped = [stop(quota, row.stopped_until), stop(Quota::Exports, row.exports_stopped_until)];
        let (share, limits) = match vendor {
            Vendor::Salesforce => {
                let allowed = row.told_allowed;
                let day = QuotaUsage {
                    used_by_all: row.told_used,
                    reported_at: row.told_at,
                    ..QuotaUsage::new(Quota::Day, allowed, allowed.map(|allowed| shares.salesforce_day(allowed)), used.calls)
                };
                (shares.salesforce.share, vec![day])
            }
            Vendor::Marketo => {
                let reset = Some(period_end(vendor, now));
                let (granted, oldest) = store::find_granted_since(&self.db, &account, window_start(now)).await?;
                let busy = store::count_leased_slots(&self.db, &account, now).await?;
                let state = |quota, whole: u64, share, used| QuotaUsage::new(quota, Some(saturating_i64(whole)), Some(share), used);
                let settings = &shares.marketo;
                let window_ends = oldest.map(|oldest| oldest + GRANT_COUNTS_FOR);
                let limits = vec![
                    QuotaUsage {
                        resets_at: window_ends,
                        ..state(Quota::ShortWindow, settings.quota_calls_per_20_seconds.into(), shares.short_window(), granted)
                    },
                    state(Quota::Concurrent, settings.quota_calls_at_once.into(), shares.at_once(), busy),
                    QuotaUsage {
                        resets_at: reset,
                        ..state(Quota::Day, settings.quota_calls_per_day.into(), shares.marketo_day(), used.calls)
                    },
                    QuotaUsage { resets_at: reset, ..state(Quota::Exports, shares.export_quota(), shares.exports(), used.bytes) },
                ];
                (settings.share, limits)
            }
        };
        Ok(VendorLimits { vendor, account: account.name, share, limits, exhausted: stopped.into_iter().flatten().collect() })
    }
}
