use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration as StdDuration, Instant};

use time::Duration;
use tokio::sync::{Mutex as AsyncMutex, Notify};
use uuid::Uuid;

use super::held::{CallGrant, CallSlot, HeldQuota, ReportedUsage, UnwrittenUsage};
use super::periods::{MARKETO_GRANT_LIFE, counted_since, period_end, window_start};
use super::shares::{QuotaShares, saturating_i64};
use super::store::{self, PeriodUsage, QuotaAccount, QuotaAccountRow};
use crate::clock::{SharedClock, Timestamp, monotonic_now};
use crate::db::{Db, DbError, Tx};
use crate::telemetry::error_chain;
use crate::upstream::{CallPermit, Quota, QuotaExhausted, Vendor};

/// Longest wait between two looks whether there is room.
const POLL_INTERVAL: StdDuration = StdDuration::from_millis(100);
/// For how long granted Salesforce calls may be made.
const SALESFORCE_GRANT_LIFE: Duration = Duration::seconds(60);
/// How long a slot belongs to a process that doesn't extend its lease.
const SLOT_LEASE: Duration = Duration::seconds(30);
/// Grants into which Marketo's share of 20 seconds is divided, so that several processes get some each.
const MARKETO_GRANTS: i64 = 10;
/// The same for Salesforce, whose share is of a day; but no more calls in one grant than the next says.
const SALESFORCE_GRANTS: i64 = 1_000;
const MAX_SALESFORCE_GRANT: i64 = 100;
/// Calls of a grant to an organization whose limit isn't known yet.
const GRANT_WITHOUT_LIMIT: i64 = 1;
/// How long to wait when the count can't be read.
pub(super) const UNREADABLE_BACK_OFF: StdDuration = StdDuration::from_secs(5);

/// Names of quotas in the database.
pub(super) const SHORT_WINDOW: &str = "short_window";
const DAY: &str = "day";

/// The quotas of one account, as this process uses them: from grants that the database counts.
pub struct AccountQuotas {
    db: Db,
    clock: SharedClock,
    shares: Arc<QuotaShares>,
    /// This process, in the leases.
    holder: Uuid,
    account: QuotaAccount,
    held: Mutex<HeldQuota>,
    /// Held while the database is asked, so that one call asks for all that wait.
    grant_lock: AsyncMutex<()>,
    /// A slot became free.
    slot_freed: Notify,
}

/// There is no room now.
struct NoRoom {
    quota: Quota,
    retry_after: StdDuration,
}

/// A slot in use; free again when dropped.
struct SlotInUse {
    quotas: Arc<AccountQuotas>,
    number: i64,
    leased_at: Instant,
}

impl Drop for SlotInUse {
    fn drop(&mut self) {
        let is_ours = |slot: &&mut CallSlot| (slot.number, slot.leased_at) == (self.number, self.leased_at);
        if let Some(slot) = self.quotas.lock_held().slots.iter_mut().find(is_ours) {
            slot.is_in_use = false;
            slot.idle_since = monotonic_now();
        }
        self.quotas.slot_freed.notify_waiters();
    }
}

fn time_until(until: Timestamp, now: Timestamp) -> StdDuration {
    (until - now).try_into().unwrap_or_default()
}

impl AccountQuotas {
    pub(super) fn new(db: Db, clock: SharedClock, shares: Arc<QuotaShares>, holder: Uuid, account: QuotaAccount) -> Self {
        let (held, grant_lock, slot_freed) = (Mutex::default(), AsyncMutex::default(), Notify::new());
        Self { db, clock, shares, holder, account, held, grant_lock, slot_freed }
    }

    fn lock_held(&self) -> MutexGuard<'_, HeldQuota> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for room for one call, at most `max_wait`.
    pub(super) async fn acquire_call(self: &Arc<Self>, max_wait: StdDuration) -> Result<CallPermit, QuotaExhausted> {
        let deadline = monotonic_now() + max_wait;
        loop {
            let slot_freed = self.slot_freed.notified();
            let no_room = match self.try_acquire_call().await {
                Ok(permit) => return Ok(permit),
                Err(no_room) => no_room,
            };
            let left = deadline.saturating_duration_since(monotonic_now());
            if left.is_zero() || no_room.retry_after > left {
                return Err(QuotaExhausted { quota: no_room.quota, retry_after: no_room.retry_after });
            }
            tokio::select! {
                () = slot_freed => {}
                () = tokio::time::sleep(no_room.retry_after.min(POLL_INTERVAL).min(left)) => {}
            }
        }
    }

    async fn try_acquire_call(self: &Arc<Self>) -> Result<CallPermit, NoRoom> {
        if let Some(permit) = self.take_held_call() {
            return Ok(permit);
        }
        let _guard = self.grant_lock.lock().await;
        // Whoever asked before may have brought enough.
        if let Some(permit) = self.take_held_call() {
            return Ok(permit);
        }
        match self.request_room().await {
            Ok(None) => self.take_held_call().ok_or(NoRoom { quota: Quota::Concurrent, retry_after: POLL_INTERVAL }),
            Ok(Some(no_room)) => Err(no_room),
            Err(error) => {
                tracing::warn!(error = %error_chain(&error), vendor = self.account.vendor.as_str(), "the quotas can't be read, so no call is made");
                Err(NoRoom { quota: Quota::ShortWindow, retry_after: UNREADABLE_BACK_OFF })
            }
        }
    }

    /// A call from what this process holds, if that is enough.
    fn take_held_call(self: &Arc<Self>) -> Option<CallPermit> {
        let now = self.clock.timestamp();
        let mut held = self.lock_held();
        if self.account.vendor == Vendor::Salesforce {
            held.usable_grant(now)?.remaining -= 1;
            return Some(CallPermit::untracked());
        }
        held.usable_grant(now)?;
        let slot = held.slots.iter_mut().find(|slot| slot.is_free(now))?;
        slot.is_in_use = true;
        let in_use = SlotInUse { quotas: self.clone(), number: slot.number, leased_at: slot.leased_at };
        held.usable_grant(now)?.remaining -= 1;
        Some(CallPermit::with_slot(in_use))
    }

    /// Asks the database for what is missing: a grant, a slot, or both. Says why when there is none.
    async fn request_room(&self) -> Result<Option<NoRoom>, DbError> {
        let now = self.clock.timestamp();
        let mut tx = self.db.begin().await?;
        let (row, written) = self.write_usage(&mut tx, now, false).await?;
        let mut grant = None;
        let mut slot = None;
        let mut no_room = exhausted_by_vendor(&row, now);
        if no_room.is_none() && self.needs_grant(now) {
            match self.request_grant(&mut tx, &row, now).await? {
                QuotaRequestOutcome::Granted(new) => grant = Some(new),
                QuotaRequestOutcome::NoRoom(none) => no_room = Some(none),
            }
        }
        if no_room.is_none() && self.needs_slot(now) {
            match self.request_slot(&mut tx, now).await? {
                QuotaRequestOutcome::Granted(new) => slot = Some(new),
                QuotaRequestOutcome::NoRoom(none) => no_room = Some(none),
            }
        }
        tx.commit().await?;
        // Only what is durable may be used.
        let mut held = self.lock_held();
        held.unwritten.remove(&written);
        held.grant = grant.or(held.grant);
        held.slots.extend(slot);
        Ok(no_room)
    }

    fn needs_grant(&self, now: Timestamp) -> bool {
        self.lock_held().usable_grant(now).is_none()
    }

    fn needs_slot(&self, now: Timestamp) -> bool {
        self.account.vendor == Vendor::Marketo && !self.lock_held().slots.iter().any(|slot| slot.is_free(now))
    }

    /// Locks the account and writes what this process has learnt since; gives back what is left of a grant that has expired, or of any
    /// when the process stops.
    async fn write_usage(&self, tx: &mut Tx, now: Timestamp, is_last: bool) -> Result<(QuotaAccountRow, UnwrittenUsage), DbError> {
        let account = &self.account;
        let mut row = store::lock_account(tx, account, now).await?;
        let (ended, unwritten) = {
            let mut held = self.lock_held();
            // A grant that is lost here on an error stays counted as used.
            let ended = held.grant.take_if(|grant| is_last || now >= grant.usable_until);
            (ended, held.unwritten.clone())
        };
        if let Some(grant) = ended.filter(|grant| grant.remaining > 0) {
            store::return_calls(tx, account, grant.id, grant.remaining, grant.period_end).await?;
        }
        if let Some(ReportedUsage { used, allowed, reported_at }) = unwritten.reported {
            let (used, allowed) = (saturating_i64(used), saturating_i64(allowed));
            store::store_reported_usage(tx, account, used, allowed, reported_at).await?;
            (row.told_used, row.told_allowed) = (Some(used), Some(allowed));
        }
        for (quota, until) in &unwritten.exhausted {
            if *quota == Quota::Exports {
                store::stop_exports(tx, account, *until).await?;
                row.exports_stopped_until = Some(*until);
            } else {
                let name = if *quota == Quota::ShortWindow { SHORT_WINDOW } else { DAY };
                store::stop_calls(tx, account, name, *until).await?;
                (row.stopped_quota, row.stopped_until) = (Some(name.to_owned()), row.stopped_until.max(Some(*until)));
            }
        }
        if unwritten.bytes > 0 {
            let more = PeriodUsage { calls: 0, bytes: saturating_i64(unwritten.bytes) };
            store::count_in_period(tx, account, period_end(account.vendor, now), more).await?;
        }
        Ok((row, unwritten))
    }

    async fn request_grant(&self, tx: &mut Tx, row: &QuotaAccountRow, now: Timestamp) -> Result<QuotaRequestOutcome<CallGrant>, DbError> {
        let (account, shares) = (&self.account, &self.shares);
        let period_end = period_end(account.vendor, now);
        let today = store::usage_since(tx, account, counted_since(account.vendor, now)).await?.calls;
        // Salesforce's hours fall out of the count at full hours, as the period does that is under way.
        let day_used_up = QuotaRequestOutcome::NoRoom(NoRoom { quota: Quota::Day, retry_after: time_until(period_end, now) });
        let (calls, life) = match account.vendor {
            Vendor::Marketo => {
                let (granted, oldest) = store::granted_since(tx, account, window_start(now)).await?;
                let room = (shares.short_window() - granted).min(shares.marketo_day() - today);
                if shares.marketo_day() <= today {
                    return Ok(day_used_up);
                }
                if room <= 0 {
                    // The window begins as long before now as the oldest grant has left to be counted.
                    let left = oldest.map_or(StdDuration::ZERO, |oldest| time_until(oldest, window_start(now)));
                    let retry_after = left.max(StdDuration::from_millis(1));
                    return Ok(QuotaRequestOutcome::NoRoom(NoRoom { quota: Quota::ShortWindow, retry_after }));
                }
                (room.min((shares.short_window() / MARKETO_GRANTS).max(1)), MARKETO_GRANT_LIFE)
            }
            Vendor::Salesforce => match row.told_allowed {
                None => (GRANT_WITHOUT_LIMIT, SALESFORCE_GRANT_LIFE),
                Some(allowed) => {
                    let share = shares.salesforce_day(allowed);
                    if share <= today {
                        return Ok(day_used_up);
                    }
                    ((share - today).min((share / SALESFORCE_GRANTS).clamp(1, MAX_SALESFORCE_GRANT)), SALESFORCE_GRANT_LIFE)
                }
            },
        };
        let id = self.clock.new_id();
        store::grant_calls(tx, account, id, calls, now, period_end, window_start(now)).await?;
        Ok(QuotaRequestOutcome::Granted(CallGrant { id, remaining: calls, usable_until: (now + life).min(period_end), period_end }))
    }

    async fn request_slot(&self, tx: &mut Tx, now: Timestamp) -> Result<QuotaRequestOutcome<CallSlot>, DbError> {
        let leased = store::list_leased_slots(tx, &self.account, now).await?;
        let Some(number) = (1..=self.shares.at_once()).find(|number| !leased.contains(number)) else {
            return Ok(QuotaRequestOutcome::NoRoom(NoRoom { quota: Quota::Concurrent, retry_after: POLL_INTERVAL }));
        };
        let leased_until = now + SLOT_LEASE;
        store::lease_slot(tx, &self.account, number, self.holder, leased_until).await?;
        Ok(QuotaRequestOutcome::Granted(CallSlot::new(number, leased_until)))
    }

    /// The export quota, if no more export may be begun.
    pub(super) async fn check_exports(&self) -> Result<Option<QuotaExhausted>, DbError> {
        let _guard = self.grant_lock.lock().await;
        let now = self.clock.timestamp();
        let mut tx = self.db.begin().await?;
        let (row, written) = self.write_usage(&mut tx, now, false).await?;
        let bytes = store::usage_since(&mut tx, &self.account, counted_since(self.account.vendor, now)).await?.bytes;
        tx.commit().await?;
        self.lock_held().unwritten.remove(&written);
        let is_used_up = bytes >= self.shares.exports();
        let until = row.exports_stopped_until.filter(|until| *until > now).or(is_used_up.then(|| period_end(self.account.vendor, now)));
        Ok(until.map(|until| QuotaExhausted { quota: Quota::Exports, retry_after: time_until(until, now) }))
    }

    /// The vendor said how many calls everybody has used.
    pub(super) fn note_reported_usage(&self, used: u64, allowed: u64) {
        self.lock_held().unwritten.reported = Some(ReportedUsage { used, allowed, reported_at: self.clock.timestamp() });
    }

    /// The vendor refuses calls: a quota is used up, and resets after `reset`.
    pub(super) fn note_exhausted(&self, quota: Quota, reset: StdDuration) {
        let now = self.clock.timestamp();
        let until = match self.account.vendor {
            Vendor::Marketo if quota.is_daily() => period_end(Vendor::Marketo, now),
            _ => now + Duration::try_from(reset).unwrap_or(Duration::DAY),
        };
        let mut held = self.lock_held();
        held.unwritten.exhausted.retain(|(known, _)| *known != quota);
        held.unwritten.exhausted.push((quota, until));
        // What was granted before is not to be used any more.
        if let Some(grant) = held.grant.as_mut().filter(|_| quota != Quota::Exports) {
            grant.usable_until = now;
        }
    }

    /// Bytes of an export file arrived.
    pub(super) fn note_exported_bytes(&self, bytes: u64) {
        self.lock_held().unwritten.bytes += bytes;
    }

    /// Gives back what isn't needed, extends leases, writes what was learnt. With `is_last` everything is given back.
    pub(super) async fn maintain(&self, is_last: bool) -> Result<(), DbError> {
        let now = self.clock.timestamp();
        let _guard = self.grant_lock.lock().await;
        let (released, extended) = {
            let mut held = self.lock_held();
            let is_released = |slot: &CallSlot| slot.is_unneeded() || is_last && !slot.is_in_use;
            let released: Vec<i64> = held.slots.extract_if(.., |slot| is_released(slot)).map(|slot| slot.number).collect();
            let is_due = |slot: &&CallSlot| slot.leased_until - now < SLOT_LEASE / 2;
            let extended: Vec<i64> = held.slots.iter().filter(is_due).map(|slot| slot.number).collect();
            let has_ended = held.grant.is_some_and(|grant| grant.remaining > 0 && (is_last || now >= grant.usable_until));
            if released.is_empty() && extended.is_empty() && !has_ended && held.unwritten.is_empty() {
                return Ok(());
            }
            (released, extended)
        };
        let mut tx = self.db.begin().await?;
        let (_, written) = self.write_usage(&mut tx, now, is_last).await?;
        for number in released {
            store::release_slot(&mut tx, &self.account, number, self.holder).await?;
        }
        let mut outcomes = Vec::new();
        for number in extended {
            outcomes.push((number, store::extend_slot(&mut tx, &self.account, number, self.holder, now + SLOT_LEASE).await?));
        }
        tx.commit().await?;
        let mut held = self.lock_held();
        held.unwritten.remove(&written);
        for (number, is_ours) in outcomes {
            if is_ours {
                held.slots.iter_mut().filter(|slot| slot.number == number).for_each(|slot| slot.leased_until = now + SLOT_LEASE);
            } else {
                // It expired and belongs to another process by now.
                held.slots.retain(|slot| slot.number != number);
            }
        }
        drop(held);
        self.slot_freed.notify_waiters();
        Ok(())
    }
}

/// What came of a request for a grant or a slot.
enum QuotaRequestOutcome<T> {
    Granted(T),
    NoRoom(NoRoom),
}

/// Why no call may be made, when the vendor has refused.
fn exhausted_by_vendor(row: &QuotaAccountRow, now: Timestamp) -> Option<NoRoom> {
    let until = row.stopped_until.filter(|until| *until > now)?;
    let quota = if row.stopped_quota.as_deref() == Some(SHORT_WINDOW) { Quota::ShortWindow } else { Quota::Day };
    Some(NoRoom { quota, retry_after: time_until(until, now) })
}
