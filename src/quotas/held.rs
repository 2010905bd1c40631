use std::time::{Duration as StdDuration, Instant};

use uuid::Uuid;

use crate::clock::{Timestamp, monotonic_now};
use crate::upstream::Quota;

/// How long a slot that nobody needs is held for the next call.
const MAX_IDLE: StdDuration = StdDuration::from_secs(2);
/// How long a busy process holds a slot before others may have it.
const MAX_HOLD: StdDuration = StdDuration::from_secs(5);

/// What this process may use without asking the database, and what it has yet to write there.
#[derive(Default)]
pub(super) struct HeldQuota {
    pub(super) grant: Option<CallGrant>,
    pub(super) slots: Vec<CallSlot>,
    pub(super) unwritten: UnwrittenUsage,
}

impl HeldQuota {
    /// The grant, as long as calls may be made of it.
    pub(super) fn usable_grant(&mut self, now: Timestamp) -> Option<&mut CallGrant> {
        self.grant.as_mut().filter(|grant| grant.remaining > 0 && now < grant.usable_until)
    }
}

/// Calls that may be made without asking.
#[derive(Clone, Copy)]
pub(super) struct CallGrant {
    pub(super) id: Uuid,
    pub(super) remaining: i64,
    pub(super) usable_until: Timestamp,
    /// The end of the period in which its calls count.
    pub(super) period_end: Timestamp,
}

/// One of the calls that may be under way at once, leased by this process.
pub(super) struct CallSlot {
    pub(super) number: i64,
    pub(super) leased_until: Timestamp,
    pub(super) is_in_use: bool,
    /// Also tells the slot from a later one of the same number.
    pub(super) leased_at: Instant,
    pub(super) idle_since: Instant,
}

impl CallSlot {
    pub(super) fn new(number: i64, leased_until: Timestamp) -> Self {
        let now = monotonic_now();
        Self { number, leased_until, is_in_use: false, leased_at: now, idle_since: now }
    }

    pub(super) fn is_free(&self, now: Timestamp) -> bool {
        !self.is_in_use && now < self.leased_until && self.leased_at.elapsed() < MAX_HOLD
    }

    /// Whether it is better given back.
    pub(super) fn is_unneeded(&self) -> bool {
        !self.is_in_use && (self.idle_since.elapsed() >= MAX_IDLE || self.leased_at.elapsed() >= MAX_HOLD)
    }
}

/// What the vendor said of everybody's use of a quota.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct ReportedUsage {
    pub(super) used: u64,
    pub(super) allowed: u64,
    pub(super) reported_at: Timestamp,
}

/// What this process has learnt and the database doesn't know yet.
#[derive(Default, Clone)]
pub(super) struct UnwrittenUsage {
    pub(super) reported: Option<ReportedUsage>,
    /// Quotas that the vendor says are used up, and until when.
    pub(super) exhausted: Vec<(Quota, Timestamp)>,
    /// Bytes of export files.
    pub(super) bytes: u64,
}

impl UnwrittenUsage {
    pub(super) fn is_empty(&self) -> bool {
        self.reported.is_none() && self.exhausted.is_empty() && self.bytes == 0
    }

    /// Removes what is durable now.
    pub(super) fn remove(&mut self, written: &Self) {
        self.reported.take_if(|reported| Some(*reported) == written.reported);
        self.exhausted.retain(|one| !written.exhausted.contains(one));
        self.bytes -= written.bytes;
    }
}
