//! What is known of features that build on `instances`, so that asking them would run in circles.

use crate::db::{self, DbError, Tx, on_tx};
use crate::ids::InstanceId;

/// Whether data sync has started; from then on the original user must stay.
pub async fn sync_has_started(tx: &mut Tx, instance: InstanceId) -> Result<bool, DbError> {
    const SQL: &str = "SELECT COUNT(*) FROM sync_runs WHERE instance_id = $1";
    let runs: i64 = on_tx!(tx, c => db::query_scalar(SQL).bind(instance).fetch_one(c))?;
    Ok(runs > 0)
}
