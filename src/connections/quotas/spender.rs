use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration as StdDuration;
use std::time::Instant;

use tokio::sync::{Mutex as AsyncMutex, Notify};
use uuid::Uuid;

use super::{GRANT_LIFE, LEASE, LONG_GRANT_LIFE, Shares, counting_from, period_of, signed, window_from};
use crate::clock::{SharedClock, Timestamp, monotonic_now};
use crate::connections::Vendor;
use crate::connections::store::{self, Account, AccountRow, Handed};
use crate::db::{Db, DbError, Tx};
use crate::telemetry::error_chain;
use crate::upstream::{CallPermit, Quota, QuotaExhausted};

/// Longest wait between two looks whether there is room.
const LOOK_AGAIN: StdDuration = StdDuration::from_millis(100);
/// Grants into which a share is divided, so that several processes get some each.
const GRANTS: i64 = 10;
/// Calls of a grant to an organisation whose limit isn't known yet.
const CAUTIOUS: i64 = 1;
/// The same for Salesforce, whose share is of a day; but no more calls in one grant than this.
const LONG_GRANTS: i64 = 1_000;
const MOST_CALLS: i64 = 100;
/// How long a place that nobody needs is kept for the next call.
const IDLE: StdDuration = StdDuration::from_secs(2);
/// How long a busy process keeps a place before others may have it.
const FAIR: StdDuration = StdDuration::from_secs(5);
/// How long to wait when the count can't be read.
const UNREADABLE: StdDuration = StdDuration::from_secs(5);

/// Spends an account's calls in this process, from grants that the database keeps the count of.
pub(in crate::connections) struct Spender {
    db: Db,
    clock: SharedClock,
    shares: Arc<Shares>,
    holder: Uuid,
    account: Account,
    held: Mutex<Held>,
    /// Held while the database is asked, so that one call asks for all that wait.
    asking: AsyncMutex<()>,
    /// A place became free.
    freed: Notify,
}

/// What this process may use without asking.
#[derive(Default)]
struct Held {
    grant: Option<Grant>,
    places: Vec<Place>,
    /// What the vendor said of its count and isn't written yet.
    told: Option<(u64, u64, Timestamp)>,
    /// Quotas that the vendor says are used up, not written yet.
    refused: Vec<(Quota, Timestamp)>,
    /// Bytes of export files not written yet.
    bytes: u64,
}

#[derive(Clone, Copy)]
struct Grant {
    id: Uuid,
    left: i64,
    usable_until: Timestamp,
    period: Timestamp,
}

struct Place {
    number: i64,
    leased_until: Timestamp,
    in_use: bool,
    since: Instant,
    idle_since: Instant,
}

/// No room now.
struct NoRoom {
    quota: Quota,
    wait: StdDuration,
}

/// A place in use; free again when dropped.
struct PlaceInUse {
    spender: Arc<Spender>,
    number: i64,
    /// Tells the place from a later one of the same number.
    since: Instant,
}

impl Drop for PlaceInUse {
    fn drop(&mut self) {
        if let Some(place) = self.spender.held().places.iter_mut().find(|place| (place.number, place.since) == (self.number, self.since)) {
            place.in_use = false;
            place.idle_since = monotonic_now();
        }
        self.spender.freed.notify_waiters();
    }
}

fn from_now(until: Timestamp, now: Timestamp) -> StdDuration {
    (until - now).try_into().unwrap_or_default()
}

impl Spender {
    pub(super) fn new(db: Db, clock: SharedClock, shares: Arc<Shares>, holder: Uuid, account: Account) -> Self {
        Self { db, clock, shares, holder, account, held: Mutex::default(), asking: AsyncMutex::default(), freed: Notify::new() }
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for room for one call.
    pub(in crate::connections) async fn admit(self: &Arc<Self>, max_wait: StdDuration) -> Result<CallPermit, QuotaExhausted> {
        let deadline = monotonic_now() + max_wait;
        loop {
            let freed = self.freed.notified();
            let no_room = match self.enter().await {
                Ok(permit) => return Ok(permit),
                Err(no_room) => no_room,
            };
            let left = deadline.saturating_duration_since(monotonic_now());
            if left.is_zero() || no_room.wait > left {
                return Err(QuotaExhausted { quota: no_room.quota, retry_after: no_room.wait });
            }
            tokio::select! {
                () = freed => {}
                () = tokio::time::sleep(no_room.wait.min(LOOK_AGAIN).min(left)) => {}
            }
        }
    }

    async fn enter(self: &Arc<Self>) -> Result<CallPermit, NoRoom> {
        if let Some(permit) = self.take() {
            return Ok(permit);
        }
        let _one_asks = self.asking.lock().await;
        // Whoever asked before may have brought enough.
        if let Some(permit) = self.take() {
            return Ok(permit);
        }
        match self.ask().await {
            Ok(None) => self.take().ok_or(NoRoom { quota: Quota::AtOnce, wait: LOOK_AGAIN }),
            Ok(Some(no_room)) => Err(no_room),
            Err(error) => {
                tracing::warn!(error = %error_chain(&error), vendor = self.account.vendor.as_str(), "the quotas can't be read, so no call is made");
                Err(NoRoom { quota: Quota::ShortWindow, wait: UNREADABLE })
            }
        }
    }

    /// A call from what this process holds, if that is enough.
    fn take(self: &Arc<Self>) -> Option<CallPermit> {
        let now = self.clock.timestamp();
        let mut held = self.held();
        let Held { grant, places, .. } = &mut *held;
        let grant = grant.as_mut().filter(|grant| grant.left > 0 && now < grant.usable_until)?;
        if self.account.vendor == Vendor::Salesforce {
            grant.left -= 1;
            return Some(CallPermit::free());
        }
        let place = places.iter_mut().find(|place| place.is_free(now))?;
        place.in_use = true;
        grant.left -= 1;
        Some(CallPermit::holding(PlaceInUse { spender: self.clone(), number: place.number, since: place.since }))
    }

    /// Asks the database for what is missing: a grant, a place, or both. Says why when there is none.
    async fn ask(&self) -> Result<Option<NoRoom>, DbError> {
        let now = self.clock.timestamp();
        let mut tx = self.db.begin().await?;
        let (row, written) = self.settle(&mut tx, now, false).await?;
        let mut grant = None;
        let mut place = None;
        let mut no_room = stopped(&row, now);
        if no_room.is_none() && self.needs_grant(now) {
            match self.new_grant(&mut tx, &row, now).await? {
                Ok(new) => grant = Some(new),
                Err(none) => no_room = Some(none),
            }
        }
        if no_room.is_none() && self.needs_place(now) {
            match self.new_place(&mut tx, now).await? {
                Ok(new) => place = Some(new),
                Err(none) => no_room = Some(none),
            }
        }
        tx.commit().await?;
        // Only what is durable may be spent.
        let mut held = self.held();
        held.forget(&written);
        held.grant = grant.or(held.grant);
        held.places.extend(place);
        Ok(no_room)
    }

    fn needs_grant(&self, now: Timestamp) -> bool {
        !self.held().grant.is_some_and(|grant| grant.left > 0 && now < grant.usable_until)
    }

    fn needs_place(&self, now: Timestamp) -> bool {
        self.account.vendor == Vendor::Marketo && !self.held().places.iter().any(|place| place.is_free(now))
    }

    /// Locks the account and writes what this process has learnt since; gives back what is left of a grant that has run out, or of
    /// any when this is the `last` word.
    async fn settle(&self, tx: &mut Tx, now: Timestamp, last: bool) -> Result<(AccountRow, Written), DbError> {
        let account = &self.account;
        let mut row = store::lock_account(tx, account, now).await?;
        let (ended, written) = {
            let mut held = self.held();
            // A grant that is lost here on an error stays counted as used.
            let ended = held.grant.take_if(|grant| last || now >= grant.usable_until);
            (ended, Written { told: held.told, refused: held.refused.clone(), bytes: held.bytes })
        };
        if let Some(grant) = ended.filter(|grant| grant.left > 0) {
            store::return_calls(tx, account, grant.id, grant.left, grant.period).await?;
        }
        if let Some((used, allowed, at)) = written.told {
            store::keep_told(tx, account, signed(used), signed(allowed), at).await?;
            (row.told_used, row.told_allowed) = (Some(signed(used)), Some(signed(allowed)));
        }
        for (quota, until) in &written.refused {
            if *quota == Quota::Exports {
                store::stop_exports(tx, account, *until).await?;
                row.exports_stopped_until = Some(*until);
            } else {
                let name = if *quota == Quota::ShortWindow { SHORT_WINDOW } else { DAY };
                store::stop_calls(tx, account, name, *until).await?;
                (row.stopped_quota, row.stopped_until) = (Some(name.to_owned()), row.stopped_until.max(Some(*until)));
            }
        }
        if written.bytes > 0 {
            let more = Handed { calls: 0, bytes: signed(written.bytes) };
            store::count_in_period(tx, account, period_of(account.vendor, now), more).await?;
        }
        Ok((row, written))
    }

    async fn new_grant(&self, tx: &mut Tx, row: &AccountRow, now: Timestamp) -> Result<Result<Grant, NoRoom>, DbError> {
        let (account, shares) = (&self.account, &self.shares);
        let period = period_of(account.vendor, now);
        let today = store::handed_since(tx, account, counting_from(account.vendor, now)).await?.calls;
        // Salesforce's hours fall out of the count at full hours, as the period does that is under way.
        let day_used = NoRoom { quota: Quota::Day, wait: from_now(period, now) };
        let (calls, life) = match account.vendor {
            Vendor::Marketo => {
                let (granted, oldest) = store::granted_since(tx, account, window_from(now)).await?;
                let room = (shares.window() - granted).min(shares.marketo_day() - today);
                if shares.marketo_day() <= today {
                    return Ok(Err(day_used));
                }
                if room <= 0 {
                    // The window begins as long before now as the oldest grant has left to be counted.
                    let left = oldest.map_or(StdDuration::ZERO, |oldest| from_now(oldest, window_from(now)));
                    return Ok(Err(NoRoom { quota: Quota::ShortWindow, wait: left.max(StdDuration::from_millis(1)) }));
                }
                (room.min((shares.window() / GRANTS).max(1)), GRANT_LIFE)
            }
            Vendor::Salesforce => match row.told_allowed {
                None => (CAUTIOUS, LONG_GRANT_LIFE),
                Some(allowed) => {
                    let share = shares.salesforce_day(allowed);
                    if share <= today {
                        return Ok(Err(day_used));
                    }
                    ((share - today).min((share / LONG_GRANTS).clamp(1, MOST_CALLS)), LONG_GRANT_LIFE)
                }
            },
        };
        let id = self.clock.new_id();
        store::grant_calls(tx, account, id, calls, now, period, window_from(now)).await?;
        Ok(Ok(Grant { id, left: calls, usable_until: (now + life).min(period), period }))
    }

    async fn new_place(&self, tx: &mut Tx, now: Timestamp) -> Result<Result<Place, NoRoom>, DbError> {
        let leased = store::leased_places(tx, &self.account, now).await?;
        let Some(number) = (1..=self.shares.at_once()).find(|number| !leased.contains(number)) else {
            return Ok(Err(NoRoom { quota: Quota::AtOnce, wait: LOOK_AGAIN }));
        };
        let leased_until = now + LEASE;
        store::lease_place(tx, &self.account, number, self.holder, leased_until).await?;
        let since = monotonic_now();
        Ok(Ok(Place { number, leased_until, in_use: false, since, idle_since: since }))
    }

    /// Whether another export may be begun.
    pub(super) async fn admit_export(&self) -> Result<Option<QuotaExhausted>, DbError> {
        let _one_asks = self.asking.lock().await;
        let now = self.clock.timestamp();
        let mut tx = self.db.begin().await?;
        let (row, written) = self.settle(&mut tx, now, false).await?;
        let bytes = store::handed_since(&mut tx, &self.account, counting_from(self.account.vendor, now)).await?.bytes;
        tx.commit().await?;
        self.held().forget(&written);
        let used_up = bytes >= self.shares.exports();
        let until = row.exports_stopped_until.filter(|until| *until > now).or(used_up.then(|| period_of(self.account.vendor, now)));
        Ok(until.map(|until| QuotaExhausted { quota: Quota::Exports, retry_after: from_now(until, now) }))
    }

    /// The vendor said how many calls everybody has used.
    pub(super) fn told(&self, used: u64, allowed: u64) {
        self.held().told = Some((used, allowed, self.clock.timestamp()));
    }

    /// The vendor refuses until then.
    pub(super) fn refused(&self, quota: Quota, reset: StdDuration) {
        let now = self.clock.timestamp();
        let until = match self.account.vendor {
            Vendor::Marketo if quota.is_daily() => period_of(Vendor::Marketo, now),
            _ => now + time::Duration::try_from(reset).unwrap_or(time::Duration::DAY),
        };
        let mut held = self.held();
        held.refused.retain(|(known, _)| *known != quota);
        held.refused.push((quota, until));
        // What was granted before is not to be used any more.
        if let Some(grant) = held.grant.as_mut().filter(|_| quota != Quota::Exports) {
            grant.usable_until = now;
        }
    }

    /// Bytes of an export file arrived.
    pub(super) fn received(&self, bytes: u64) {
        self.held().bytes += bytes;
    }

    /// Gives back what isn't needed, extends leases, writes what was learnt. With the `last` word everything is given back.
    pub(super) async fn keep_up(&self, last: bool) -> Result<(), DbError> {
        let now = self.clock.timestamp();
        let _one_asks = self.asking.lock().await;
        let (released, extended) = {
            let mut held = self.held();
            let unneeded = |place: &Place| !place.in_use && (last || place.idle_since.elapsed() >= IDLE || place.since.elapsed() >= FAIR);
            let released: Vec<i64> = held.places.extract_if(.., |place| unneeded(place)).map(|place| place.number).collect();
            let due = |place: &&Place| place.leased_until - now < LEASE / 2;
            let extended: Vec<i64> = held.places.iter().filter(due).map(|place| place.number).collect();
            let ended = held.grant.is_some_and(|grant| grant.left > 0 && (last || now >= grant.usable_until));
            let news = held.told.is_some() || !held.refused.is_empty() || held.bytes > 0;
            if released.is_empty() && extended.is_empty() && !ended && !news {
                return Ok(());
            }
            (released, extended)
        };
        let mut tx = self.db.begin().await?;
        let (_, written) = self.settle(&mut tx, now, last).await?;
        for number in released {
            store::release_place(&mut tx, &self.account, number, self.holder).await?;
        }
        let mut kept = Vec::new();
        for number in extended {
            kept.push((number, store::extend_place(&mut tx, &self.account, number, self.holder, now + LEASE).await?));
        }
        tx.commit().await?;
        let mut held = self.held();
        held.forget(&written);
        for (number, ours) in kept {
            if ours {
                held.places.iter_mut().filter(|place| place.number == number).for_each(|place| place.leased_until = now + LEASE);
            } else {
                // It ran out and belongs to another process by now.
                held.places.retain(|place| place.number != number);
            }
        }
        drop(held);
        self.freed.notify_waiters();
        Ok(())
    }
}

/// Names of quotas in the database.
const SHORT_WINDOW: &str = "short_window";
const DAY: &str = "day";

/// Why no call may be made, when the vendor has refused.
fn stopped(row: &AccountRow, now: Timestamp) -> Option<NoRoom> {
    let until = row.stopped_until.filter(|until| *until > now)?;
    let quota = if row.stopped_quota.as_deref() == Some(SHORT_WINDOW) { Quota::ShortWindow } else { Quota::Day };
    Some(NoRoom { quota, wait: from_now(until, now) })
}

/// What was written in a transaction, to be forgotten once it is durable.
struct Written {
    told: Option<(u64, u64, Timestamp)>,
    refused: Vec<(Quota, Timestamp)>,
    bytes: u64,
}

impl Held {
    fn forget(&mut self, written: &Written) {
        self.told.take_if(|told| Some(*told) == written.told);
        self.refused.retain(|one| !written.refused.contains(one));
        self.bytes -= written.bytes;
    }
}

impl Place {
    fn is_free(&self, now: Timestamp) -> bool {
        !self.in_use && now < self.leased_until && self.since.elapsed() < FAIR
    }
}
