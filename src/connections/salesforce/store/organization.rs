use crate::clock::Timestamp;
use crate::db::{self, Db, DbError, Tx, execute, on, on_tx};
use crate::ids::InstanceId;

const FIND_ORGANIZATION: &str = "SELECT organization_id FROM salesforce_organizations WHERE instance_id = $1";

/// The organization that the instance belongs to, once it was connected.
pub async fn find_organization(db: &Db, instance: InstanceId) -> Result<Option<String>, DbError> {
    on!(db, c => db::query_scalar(FIND_ORGANIZATION).bind(instance).fetch_optional(c))
}

/// [`find_organization`], as the transaction sees it.
pub async fn find_organization_in(tx: &mut Tx, instance: InstanceId) -> Result<Option<String>, DbError> {
    on_tx!(tx, c => db::query_scalar(FIND_ORGANIZATION).bind(instance).fetch_optional(c))
}

/// Makes an organization the instance's own.
pub async fn confirm_organization(tx: &mut Tx, instance: InstanceId, organization: &str, at: Timestamp) -> Result<(), DbError> {
    const SQL: &str = "INSERT INTO salesforce_organizations (instance_id, organization_id, confirmed_at) VALUES ($1, $2, $3) \
         ON CONFLICT (instance_id) DO UPDATE SET organization_id = excluded.organization_id, confirmed_at = excluded.confirmed_at";
    execute!(tx, db::query(SQL).bind(instance).bind(organization).bind(at)).map(drop)
}
