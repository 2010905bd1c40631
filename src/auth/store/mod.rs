//! SQL of clients, tokens, signing keys and sessions. These tables are global: who calls is found before the instance is known.
//!
//! Each function fails with [`DbError`] when the database can't be reached, and only then unless it says more.

mod assertions;
mod attempts;
mod clients;
mod revocations;
mod scim_tokens;
mod sessions;
mod signing_keys;

use crate::db::{self, Db, DbError, on};
use crate::ids::InstanceId;

pub use assertions::*;
pub use attempts::*;
pub use clients::*;
pub use revocations::*;
pub use scim_tokens::*;
pub use sessions::*;
pub use signing_keys::*;

/// Whether there is such an instance. Read here, because `instances` builds on `auth`.
pub async fn instance_exists(db: &Db, instance: InstanceId) -> Result<bool, DbError> {
    const SQL: &str = "SELECT id FROM instances WHERE id = $1";
    let found: Option<InstanceId> = on!(db, c => db::query_scalar(SQL).bind(instance).fetch_optional(c))?;
    Ok(found.is_some())
}

/// The instance of a Marketo subscription, by its Munchkin id; read here for the same reason.
pub async fn instance_of_subscription(db: &Db, munchkin_id: &str) -> Result<Option<InstanceId>, DbError> {
    on!(db, c => db::query_scalar("SELECT id FROM instances WHERE munchkin_id = $1").bind(munchkin_id).fetch_optional(c))
}
