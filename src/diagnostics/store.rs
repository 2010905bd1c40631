use uuid::Uuid;

use super::{Diagnostic, DiagnosticFilter, FailureCount, RecentErrors, category_name, explain, parse_category, parse_vendor};
use crate::clock::Timestamp;
use crate::db::{self, Db, DbError, Tx, execute, on};
use crate::ids::{ConnectionId, DiagnosticId, InstanceId};
use crate::upstream::Vendor;

#[derive(sqlx::FromRow)]
struct DiagnosticRow {
    id: DiagnosticId,
    vendor: String,
    connection_id: Uuid,
    code: String,
    category: String,
    occurrences: i64,
    first_seen_at: Timestamp,
    last_seen_at: Timestamp,
    last_request_id: Option<String>,
}

impl TryFrom<DiagnosticRow> for Diagnostic {
    type Error = DbError;

    fn try_from(row: DiagnosticRow) -> Result<Self, DbError> {
        let vendor = parse_vendor(&row.vendor)?;
        let known = explain(vendor, &row.code);
        Ok(Self {
            id: row.id,
            vendor,
            connection_id: Some(row.connection_id).filter(|id| !id.is_nil()).map(ConnectionId),
            code: row.code,
            category: parse_category(&row.category)?,
            meaning: known.meaning,
            remedy: known.remedy,
            occurrences: row.occurrences,
            first_seen_at: row.first_seen_at,
            last_seen_at: row.last_seen_at,
            last_request_id: row.last_request_id,
        })
    }
}

/// Adds failures of one kind to those met before.
pub async fn count_failures(tx: &mut Tx, instance: InstanceId, counted: &FailureCount) -> Result<(), DbError> {
    // Another process may have met one later and written it first.
    const SQL: &str = "INSERT INTO diagnostics (instance_id, id, vendor, connection_id, code, category, occurrences, first_seen_at, \
         last_seen_at, last_request_id) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) \
         ON CONFLICT (instance_id, vendor, connection_id, code) DO UPDATE SET \
         category = excluded.category, occurrences = diagnostics.occurrences + excluded.occurrences, \
         last_seen_at = CASE WHEN excluded.last_seen_at > diagnostics.last_seen_at THEN excluded.last_seen_at \
         ELSE diagnostics.last_seen_at END, \
         last_request_id = COALESCE(excluded.last_request_id, diagnostics.last_request_id)";
    execute!(
        tx,
        db::query(SQL)
            .bind(instance)
            .bind(counted.id)
            .bind(counted.vendor.as_str())
            .bind(counted.connection.map_or(Uuid::nil(), |id| id.0))
            .bind(&counted.failure.code)
            .bind(category_name(counted.failure.category))
            .bind(counted.occurrences)
            .bind(counted.first_seen_at)
            .bind(counted.last_seen_at)
            .bind(&counted.failure.request_id)
    )
    .map(drop)
}

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT id, vendor, connection_id, code, category, occurrences, first_seen_at, last_seen_at, last_request_id FROM diagnostics ",
            $rest
        )
    };
}

/// The kinds of failure that `filter` lets through, the one first met last at the top, those after `after`, at most `limit`.
pub async fn list_diagnostics(
    db: &Db,
    instance: InstanceId,
    filter: &DiagnosticFilter,
    after: Option<DiagnosticId>,
    limit: i64,
) -> Result<Vec<Diagnostic>, DbError> {
    const SQL: &str = select!(
        "WHERE instance_id = $1 AND id < $2 AND ($3 IS NULL OR vendor = $3) AND ($4 IS NULL OR category = $4) \
         AND ($5 IS NULL OR code = $5) AND ($6 IS NULL OR last_seen_at >= $6) AND ($7 IS NULL OR connection_id = $7) \
         ORDER BY id DESC LIMIT $8"
    );
    let after = after.unwrap_or(DiagnosticId(Uuid::max()));
    let rows: Vec<DiagnosticRow> = on!(db, c => db::query_as(SQL)
        .bind(instance).bind(after).bind(filter.vendor.map(Vendor::as_str)).bind(filter.category.map(category_name)).bind(filter.code.as_deref())
        .bind(filter.since).bind(filter.connection).bind(limit)
        .fetch_all(c))?;
    rows.into_iter().map(Diagnostic::try_from).collect()
}

/// One kind of failure.
pub async fn find_diagnostic(db: &Db, instance: InstanceId, id: DiagnosticId) -> Result<Option<Diagnostic>, DbError> {
    const SQL: &str = select!("WHERE instance_id = $1 AND id = $2");
    let row: Option<DiagnosticRow> = on!(db, c => db::query_as(SQL).bind(instance).bind(id).fetch_optional(c))?;
    row.map(Diagnostic::try_from).transpose()
}

/// What a connection met since `since`; nothing when nothing failed.
pub async fn find_recent_errors(
    db: &Db,
    instance: InstanceId,
    connection: ConnectionId,
    since: Timestamp,
) -> Result<Option<RecentErrors>, DbError> {
    const SQL: &str = "SELECT COUNT(*) OVER (), code, last_seen_at FROM diagnostics \
         WHERE instance_id = $1 AND connection_id = $2 AND last_seen_at > $3 ORDER BY last_seen_at DESC, id DESC LIMIT 1";
    let row: Option<(i64, String, Timestamp)> =
        on!(db, c => db::query_as(SQL).bind(instance).bind(connection).bind(since).fetch_optional(c))?;
    Ok(row.map(|(kinds, latest_code, latest_at)| RecentErrors { kinds, latest_code, latest_at }))
}
