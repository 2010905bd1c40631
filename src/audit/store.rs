//! Each function fails with [`DbError`] when the database can't be reached, and only then unless it says more.

use super::{Event, EventFilter};
use crate::clock::Timestamp;
use crate::db::{self, Db, DbError, Tx, execute, insert_rows, on, on_tx};
use crate::ids::InstanceId;

#[derive(sqlx::FromRow)]
struct AuditEventRow {
    number: i64,
    at: Timestamp,
    actor: String,
    action: String,
    subject_kind: String,
    subject_id: String,
    old_value: Option<String>,
    new_value: Option<String>,
    address: Option<String>,
    user_agent: Option<String>,
    request_id: Option<String>,
    hash: Vec<u8>,
}

impl From<AuditEventRow> for Event {
    fn from(row: AuditEventRow) -> Self {
        Self {
            number: row.number,
            at: row.at,
            actor: row.actor,
            action: row.action,
            subject_kind: row.subject_kind,
            subject_id: row.subject_id,
            before: row.old_value,
            after: row.new_value,
            address: row.address,
            user_agent: row.user_agent,
            request_id: row.request_id,
            hash: row.hash,
        }
    }
}

/// The number of the chain's next event and the hash before it; the chain's row is locked until the transaction ends.
pub async fn take_next_number(tx: &mut Tx, chain: InstanceId, beginning: &[u8]) -> Result<(i64, Vec<u8>), DbError> {
    const SQL: &str = "INSERT INTO audit_heads (instance_id, number, hash) VALUES ($1, 1, $2) \
         ON CONFLICT (instance_id) DO UPDATE SET number = audit_heads.number + 1 RETURNING number, hash";
    on_tx!(tx, c => db::query_as(SQL).bind(chain).bind(beginning).fetch_one(c))
}

/// Keeps events that have their numbers and hashes, and notes the last one as the chain's newest.
pub async fn append(tx: &mut Tx, chain: InstanceId, events: &[Event]) -> Result<(), DbError> {
    const HEAD: &str = "UPDATE audit_heads SET number = $2, hash = $3 WHERE instance_id = $1";
    let Some(newest) = events.last() else { return Ok(()) };
    insert_rows!(
        tx,
        "INSERT INTO audit_events (instance_id, number, at, actor, action, subject_kind, subject_id, old_value, new_value, address, \
         user_agent, request_id, hash)",
        events,
        |event| [
            chain,
            event.number,
            event.at,
            &event.actor,
            &event.action,
            &event.subject_kind,
            &event.subject_id,
            &event.before,
            &event.after,
            &event.address,
            &event.user_agent,
            &event.request_id,
            &event.hash,
        ]
    )?;
    execute!(tx, db::query(HEAD).bind(chain).bind(newest.number).bind(&newest.hash)).map(drop)
}

/// Every chain, by id, those that instances lack included. Global: only operators ask. Instances build on the audit, so asking
/// them would run in a circle.
pub async fn list_chains(snapshot: &mut Tx) -> Result<Vec<InstanceId>, DbError> {
    const SQL: &str =
        "SELECT instance_id FROM audit_heads UNION SELECT instance_id FROM audit_events UNION SELECT id FROM instances ORDER BY 1";
    on_tx!(snapshot, c => db::query_scalar(SQL).fetch_all(c))
}

/// The number and hash that were noted as those of the chain's newest event.
pub async fn find_head(snapshot: &mut Tx, chain: InstanceId) -> Result<Option<(i64, Vec<u8>)>, DbError> {
    const SQL: &str = "SELECT number, hash FROM audit_heads WHERE instance_id = $1";
    on_tx!(snapshot, c => db::query_as(SQL).bind(chain).fetch_optional(c))
}

/// The number of the chain's newest event.
pub async fn find_newest_number(snapshot: &mut Tx, chain: InstanceId) -> Result<Option<i64>, DbError> {
    const SQL: &str = "SELECT MAX(number) FROM audit_events WHERE instance_id = $1";
    on_tx!(snapshot, c => db::query_scalar(SQL).bind(chain).fetch_one(c))
}

/// The chain's events after the one with this number, in their order.
pub async fn list_events_after(snapshot: &mut Tx, chain: InstanceId, number: i64, rows: i64) -> Result<Vec<Event>, DbError> {
    const SQL: &str = "SELECT number, at, actor, action, subject_kind, subject_id, old_value, new_value, address, user_agent, \
         request_id, hash FROM audit_events WHERE instance_id = $1 AND number > $2 ORDER BY number LIMIT $3";
    let rows: Vec<AuditEventRow> = on_tx!(snapshot, c => db::query_as(SQL).bind(chain).bind(number).bind(rows).fetch_all(c))?;
    Ok(rows.into_iter().map(Event::from).collect())
}

/// The events that pass the filter, newest first, before the one with the number `before`.
pub async fn list(db: &Db, chain: InstanceId, filter: &EventFilter, before: Option<i64>, rows: i64) -> Result<Vec<Event>, DbError> {
    const SQL: &str = "SELECT number, at, actor, action, subject_kind, subject_id, old_value, new_value, address, user_agent, \
         request_id, hash FROM audit_events WHERE instance_id = $1 AND number < $2 AND ($4 IS NULL OR actor = $4) \
         AND ($5 IS NULL OR action = $5) AND ($6 IS NULL OR action LIKE $6 ESCAPE '!') AND ($7 IS NULL OR subject_kind = $7) \
         AND ($8 IS NULL OR subject_id = $8) AND ($9 IS NULL OR at >= $9) AND ($10 IS NULL OR at < $10) ORDER BY number DESC LIMIT $3";
    select(db, SQL, chain, filter, before.unwrap_or(i64::MAX), rows).await
}

/// The events that pass the filter, in their order, after the one with the number `after`.
pub async fn list_after(db: &Db, chain: InstanceId, filter: &EventFilter, after: i64, rows: i64) -> Result<Vec<Event>, DbError> {
    const SQL: &str = "SELECT number, at, actor, action, subject_kind, subject_id, old_value, new_value, address, user_agent, \
         request_id, hash FROM audit_events WHERE instance_id = $1 AND number > $2 AND ($4 IS NULL OR actor = $4) \
         AND ($5 IS NULL OR action = $5) AND ($6 IS NULL OR action LIKE $6 ESCAPE '!') AND ($7 IS NULL OR subject_kind = $7) \
         AND ($8 IS NULL OR subject_id = $8) AND ($9 IS NULL OR at >= $9) AND ($10 IS NULL OR at < $10) ORDER BY number LIMIT $3";
    select(db, SQL, chain, filter, after, rows).await
}

async fn select(
    db: &Db,
    sql: &'static str,
    chain: InstanceId,
    filter: &EventFilter,
    boundary: i64,
    rows: i64,
) -> Result<Vec<Event>, DbError> {
    let (whole, begin) = match &filter.action {
        Some(action) if action.ends_with('.') => (None, Some(prefix_pattern(action))),
        action => (action.as_ref(), None),
    };
    let rows: Vec<AuditEventRow> = on!(db, c => db::query_as(sql)
        .bind(chain)
        .bind(boundary)
        .bind(rows)
        .bind(&filter.actor)
        .bind(whole)
        .bind(&begin)
        .bind(&filter.subject_kind)
        .bind(&filter.subject_id)
        .bind(filter.since)
        .bind(filter.until)
        .fetch_all(c))?;
    Ok(rows.into_iter().map(Event::from).collect())
}

/// The pattern of `LIKE` for texts that begin with `text`, with `!` before what stands for something else there.
fn prefix_pattern(text: &str) -> String {
    let mut pattern = String::with_capacity(text.len() + 1);
    for one in text.chars() {
        if matches!(one, '%' | '_' | '!') {
            pattern.push('!');
        }
        pattern.push(one);
    }
    pattern + "%"
}
