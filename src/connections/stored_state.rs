//! What both tables of connections store alike: whether a connection can be used, and why not. Each store says it in SQL for its own
//! table, with these parameters: `$1` the instance, `$2` the connection, then in the order of the function's own.

use super::{ConnectionState, TestResult};
use crate::clock::Timestamp;
use crate::db::{self, DbError, Tx, execute};
use crate::ids::{ConnectionId, InstanceId};

/// Records a test call: `$3` state, `$4` when it was made, `$5` code and `$6` remedy.
pub(super) async fn record_test(
    tx: &mut Tx,
    sql: &'static str,
    (instance, id): (InstanceId, ConnectionId),
    is_usable: bool,
    result: &TestResult,
) -> Result<(), DbError> {
    let state = if is_usable { ConnectionState::Active } else { ConnectionState::NeedsAttention };
    execute!(tx, db::query(sql).bind(instance).bind(id).bind(state).bind(result.tested_at).bind(&result.code).bind(&result.remedy))
        .map(drop)
}

/// Suspends a connection until somebody acts: `$3` code, `$4` reason, `$5` when that was found.
pub(super) async fn suspend(
    tx: &mut Tx,
    sql: &'static str,
    (instance, id): (InstanceId, ConnectionId),
    (code, reason): (&str, &str),
    at: Timestamp,
) -> Result<(), DbError> {
    execute!(tx, db::query(sql).bind(instance).bind(id).bind(code).bind(reason).bind(at)).map(drop)
}
