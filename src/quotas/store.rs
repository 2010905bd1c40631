//! SQL of the quotas. The tables are global: an account is a subscription or an organization, not an instance.

use uuid::Uuid;

use crate::clock::Timestamp;
use crate::db::{self, Db, DbError, Tx, execute, on, on_tx};
use crate::upstream::Vendor;

/// A subscription or organization whose quotas are kept.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct QuotaAccount {
    pub vendor: Vendor,
    /// Munchkin id or organization id.
    pub name: String,
}

/// What is known of an account.
#[derive(Debug, Clone, Default, sqlx::FromRow)]
pub struct QuotaAccountRow {
    pub told_used: Option<i64>,
    pub told_allowed: Option<i64>,
    pub told_at: Option<Timestamp>,
    pub stopped_quota: Option<String>,
    pub stopped_until: Option<Timestamp>,
    pub exports_stopped_until: Option<Timestamp>,
}

/// What was granted and received in a period.
#[derive(Debug, Clone, Copy, Default, sqlx::FromRow)]
pub struct PeriodUsage {
    pub calls: i64,
    pub bytes: i64,
}

/// Locks the account for this transaction, making it when it is new.
pub async fn lock_account(tx: &mut Tx, account: &QuotaAccount, now: Timestamp) -> Result<QuotaAccountRow, DbError> {
    const SQL: &str = "INSERT INTO quota_accounts (vendor, account, touched_at) VALUES ($1, $2, $3) \
         ON CONFLICT (vendor, account) DO UPDATE SET touched_at = excluded.touched_at \
         RETURNING told_used, told_allowed, told_at, stopped_quota, stopped_until, exports_stopped_until";
    on_tx!(tx, c => db::query_as(SQL).bind(account.vendor.as_str()).bind(&account.name).bind(now).fetch_one(c))
}

/// What is known of the account, without locking it.
pub async fn find_account(db: &Db, account: &QuotaAccount) -> Result<Option<QuotaAccountRow>, DbError> {
    const SQL: &str = "SELECT told_used, told_allowed, told_at, stopped_quota, stopped_until, exports_stopped_until \
         FROM quota_accounts WHERE vendor = $1 AND account = $2";
    on!(db, c => db::query_as(SQL).bind(account.vendor.as_str()).bind(&account.name).fetch_optional(c))
}

/// Stores what the vendor reported of its count, unless a later word is known.
pub async fn store_reported_usage(tx: &mut Tx, account: &QuotaAccount, used: i64, allowed: i64, at: Timestamp) -> Result<(), DbError> {
    const SQL: &str = "UPDATE quota_accounts SET told_used = $3, told_allowed = $4, told_at = $5 \
         WHERE vendor = $1 AND account = $2 AND (told_at IS NULL OR told_at <= $5)";
    execute!(tx, db::query(SQL).bind(account.vendor.as_str()).bind(&account.name).bind(used).bind(allowed).bind(at)).map(drop)
}

/// Stores that the vendor refuses calls until then.
pub async fn stop_calls(tx: &mut Tx, account: &QuotaAccount, quota: &str, until: Timestamp) -> Result<(), DbError> {
    const SQL: &str = "UPDATE quota_accounts SET stopped_quota = $3, stopped_until = $4 \
         WHERE vendor = $1 AND account = $2 AND (stopped_until IS NULL OR stopped_until < $4)";
    execute!(tx, db::query(SQL).bind(account.vendor.as_str()).bind(&account.name).bind(quota).bind(until)).map(drop)
}

/// Stores that the vendor refuses exports until then.
pub async fn stop_exports(tx: &mut Tx, account: &QuotaAccount, until: Timestamp) -> Result<(), DbError> {
    const SQL: &str = "UPDATE quota_accounts SET exports_stopped_until = $3 WHERE vendor = $1 AND account = $2";
    execute!(tx, db::query(SQL).bind(account.vendor.as_str()).bind(&account.name).bind(until)).map(drop)
}

const SUM_GRANTS: &str = "SELECT CAST(COALESCE(SUM(calls), 0) AS BIGINT), MIN(granted_at) FROM quota_grants \
     WHERE vendor = $1 AND account = $2 AND granted_at > $3 AND calls > 0";

/// Calls granted after `since`, and when the oldest of these grants was made.
pub async fn granted_since(tx: &mut Tx, account: &QuotaAccount, since: Timestamp) -> Result<(i64, Option<Timestamp>), DbError> {
    on_tx!(tx, c => db::query_as(SUM_GRANTS).bind(account.vendor.as_str()).bind(&account.name).bind(since).fetch_one(c))
}

/// The same, outside of a transaction.
pub async fn find_granted_since(db: &Db, account: &QuotaAccount, since: Timestamp) -> Result<(i64, Option<Timestamp>), DbError> {
    on!(db, c => db::query_as(SUM_GRANTS).bind(account.vendor.as_str()).bind(&account.name).bind(since).fetch_one(c))
}

/// Grants calls, counts them in the period, and drops grants made before `forget`.
pub async fn grant_calls(
    tx: &mut Tx,
    account: &QuotaAccount,
    id: Uuid,
    calls: i64,
    now: Timestamp,
    ends_at: Timestamp,
    forget: Timestamp,
) -> Result<(), DbError> {
    const FORGET: &str = "DELETE FROM quota_grants WHERE vendor = $1 AND account = $2 AND granted_at < $3";
    execute!(tx, db::query(FORGET).bind(account.vendor.as_str()).bind(&account.name).bind(forget))?;
    const SQL: &str = "INSERT INTO quota_grants (vendor, account, id, calls, granted_at) VALUES ($1, $2, $3, $4, $5)";
    execute!(tx, db::query(SQL).bind(account.vendor.as_str()).bind(&account.name).bind(id).bind(calls).bind(now))?;
    count_in_period(tx, account, ends_at, PeriodUsage { calls, bytes: 0 }).await
}

/// Takes back calls of a grant that were not made.
pub async fn return_calls(tx: &mut Tx, account: &QuotaAccount, id: Uuid, calls: i64, ends_at: Timestamp) -> Result<(), DbError> {
    const SQL: &str = "UPDATE quota_grants SET calls = calls - $4 WHERE vendor = $1 AND account = $2 AND id = $3";
    execute!(tx, db::query(SQL).bind(account.vendor.as_str()).bind(&account.name).bind(id).bind(calls))?;
    count_in_period(tx, account, ends_at, PeriodUsage { calls: -calls, bytes: 0 }).await
}

/// Adds to what was granted and received in the period that ends then, and drops periods of long ago.
pub async fn count_in_period(tx: &mut Tx, account: &QuotaAccount, ends_at: Timestamp, more: PeriodUsage) -> Result<(), DbError> {
    const FORGET: &str = "DELETE FROM quota_periods WHERE vendor = $1 AND account = $2 AND ends_at < $3";
    let long_ago = ends_at + time::Duration::hours(-72);
    execute!(tx, db::query(FORGET).bind(account.vendor.as_str()).bind(&account.name).bind(long_ago))?;
    const SQL: &str = "INSERT INTO quota_periods (vendor, account, ends_at, calls, bytes) VALUES ($1, $2, $3, $4, $5) \
         ON CONFLICT (vendor, account, ends_at) DO UPDATE SET \
         calls = quota_periods.calls + excluded.calls, bytes = quota_periods.bytes + excluded.bytes";
    execute!(tx, db::query(SQL).bind(account.vendor.as_str()).bind(&account.name).bind(ends_at).bind(more.calls).bind(more.bytes)).map(drop)
}

/// What was granted and received in the periods that end after `since`.
pub async fn usage_since(tx: &mut Tx, account: &QuotaAccount, since: Timestamp) -> Result<PeriodUsage, DbError> {
    on_tx!(tx, c => db::query_as(USAGE).bind(account.vendor.as_str()).bind(&account.name).bind(since).fetch_one(c))
}

/// The same, outside of a transaction.
pub async fn find_usage_since(db: &Db, account: &QuotaAccount, since: Timestamp) -> Result<PeriodUsage, DbError> {
    on!(db, c => db::query_as(USAGE).bind(account.vendor.as_str()).bind(&account.name).bind(since).fetch_one(c))
}

const USAGE: &str = "SELECT CAST(COALESCE(SUM(calls), 0) AS BIGINT) AS calls, CAST(COALESCE(SUM(bytes), 0) AS BIGINT) AS bytes \
     FROM quota_periods WHERE vendor = $1 AND account = $2 AND ends_at > $3";

/// The slots that are leased at `now`, by number.
pub async fn list_leased_slots(tx: &mut Tx, account: &QuotaAccount, now: Timestamp) -> Result<Vec<i64>, DbError> {
    const SQL: &str = "SELECT place FROM quota_places WHERE vendor = $1 AND account = $2 AND leased_until > $3 ORDER BY place";
    on_tx!(tx, c => db::query_scalar(SQL).bind(account.vendor.as_str()).bind(&account.name).bind(now).fetch_all(c))
}

/// How many slots are leased at `now`.
pub async fn count_leased_slots(db: &Db, account: &QuotaAccount, now: Timestamp) -> Result<i64, DbError> {
    const SQL: &str = "SELECT COUNT(*) FROM quota_places WHERE vendor = $1 AND account = $2 AND leased_until > $3";
    on!(db, c => db::query_scalar(SQL).bind(account.vendor.as_str()).bind(&account.name).bind(now).fetch_one(c))
}

/// Leases a slot that is free.
pub async fn lease_slot(tx: &mut Tx, account: &QuotaAccount, slot: i64, holder: Uuid, until: Timestamp) -> Result<(), DbError> {
    const SQL: &str = "INSERT INTO quota_places (vendor, account, place, holder, leased_until) VALUES ($1, $2, $3, $4, $5) \
         ON CONFLICT (vendor, account, place) DO UPDATE SET holder = excluded.holder, leased_until = excluded.leased_until";
    execute!(tx, db::query(SQL).bind(account.vendor.as_str()).bind(&account.name).bind(slot).bind(holder).bind(until)).map(drop)
}

/// Extends a lease; `false` when the slot is somebody else's by now.
pub async fn extend_slot(tx: &mut Tx, account: &QuotaAccount, slot: i64, holder: Uuid, until: Timestamp) -> Result<bool, DbError> {
    const SQL: &str = "UPDATE quota_places SET leased_until = $5 WHERE vendor = $1 AND account = $2 AND place = $3 AND holder = $4";
    Ok(execute!(tx, db::query(SQL).bind(account.vendor.as_str()).bind(&account.name).bind(slot).bind(holder).bind(until))? == 1)
}

/// Gives a slot back.
pub async fn release_slot(tx: &mut Tx, account: &QuotaAccount, slot: i64, holder: Uuid) -> Result<(), DbError> {
    const SQL: &str = "DELETE FROM quota_places WHERE vendor = $1 AND account = $2 AND place = $3 AND holder = $4";
    execute!(tx, db::query(SQL).bind(account.vendor.as_str()).bind(&account.name).bind(slot).bind(holder)).map(drop)
}
