//! The facts from which the guide's progress is derived, read from the tables of the features that they are about.

use crate::clock::Timestamp;
use crate::connections::ConnectionState;
use crate::db::{self, Db, DbError, on};
use crate::ids::{InstanceId, RunId};
use crate::invites::InviteState;
use crate::sync::RunState;

/// What is known about an instance's set-up.
#[derive(Debug, Clone, Default)]
pub(super) struct Facts {
    pub(super) first_invite: Option<FirstInvite>,
    pub(super) salesforce: Option<ConnectionFact>,
    pub(super) marketo: Option<ConnectionFact>,
    pub(super) full_sync_completed_at: Option<Timestamp>,
    pub(super) last_run: Option<RunFact>,
    pub(super) further_invites: i64,
    pub(super) package: Option<PackageFact>,
}

#[derive(Debug, Clone, sqlx::FromRow)]
pub(super) struct FirstInvite {
    pub(super) status: InviteState,
    pub(super) send_error: Option<String>,
}

#[derive(Debug, Clone, sqlx::FromRow)]
pub(super) struct ConnectionFact {
    pub(super) state: ConnectionState,
    pub(super) last_tested_at: Option<Timestamp>,
    pub(super) last_error: Option<String>,
}

#[derive(Debug, Clone, sqlx::FromRow)]
pub(super) struct RunFact {
    pub(super) id: RunId,
    pub(super) state: RunState,
    pub(super) error: Option<String>,
}

#[derive(Debug, Clone, sqlx::FromRow)]
pub(super) struct PackageFact {
    pub(super) package_version: String,
    pub(super) identity_remote_site: bool,
    pub(super) api_remote_site: bool,
    pub(super) api_secret_key_accepted: bool,
    pub(super) msi_actions_enabled: bool,
}

/// Reads the facts of an instance.
pub(super) async fn read_facts(db: &Db, instance: InstanceId) -> Result<Facts, DbError> {
    const FIRST: &str = "SELECT status, send_error FROM invites WHERE instance_id = $1 AND is_first ORDER BY created_at DESC LIMIT 1";
    const FURTHER: &str = "SELECT COUNT(*) FROM invites WHERE instance_id = $1 AND NOT is_first";
    const SALESFORCE: &str =
        "SELECT state, last_tested_at, last_error FROM salesforce_connections WHERE instance_id = $1 AND member_id IS NULL";
    const MARKETO: &str =
        "SELECT state, last_tested_at, last_error FROM marketo_connections WHERE instance_id = $1 ORDER BY is_successor LIMIT 1";
    const COMPLETED: &str = "SELECT MAX(finished_at) FROM sync_runs WHERE instance_id = $1 AND kind = 'full' AND state = 'completed'";
    const LAST_RUN: &str = "SELECT id, state, error FROM sync_runs WHERE instance_id = $1 ORDER BY created_at DESC, id DESC LIMIT 1";
    const PACKAGE: &str = "SELECT package_version, identity_remote_site, api_remote_site, api_secret_key_accepted, msi_actions_enabled \
         FROM package_reports WHERE instance_id = $1";
    Ok(Facts {
        first_invite: on!(db, c => db::query_as(FIRST).bind(instance).fetch_optional(c))?,
        further_invites: on!(db, c => db::query_scalar(FURTHER).bind(instance).fetch_one(c))?,
        salesforce: on!(db, c => db::query_as(SALESFORCE).bind(instance).fetch_optional(c))?,
        marketo: on!(db, c => db::query_as(MARKETO).bind(instance).fetch_optional(c))?,
        full_sync_completed_at: on!(db, c => db::query_scalar(COMPLETED).bind(instance).fetch_one(c))?,
        last_run: on!(db, c => db::query_as(LAST_RUN).bind(instance).fetch_optional(c))?,
        package: on!(db, c => db::query_as(PACKAGE).bind(instance).fetch_optional(c))?,
    })
}
