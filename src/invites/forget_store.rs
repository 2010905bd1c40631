//! Each function fails with [`DbError`] when the database can't be reached, and only then unless it says more.

use crate::clock::Timestamp;
use crate::db::{self, Db, DbError, Tx, execute, on};
use crate::ids::InstanceId;

/// Which invitations are over since before `$1` and belong to nobody who is a member.
macro_rules! of_former_members {
    () => {
        "COALESCE(i.revoked_at, i.accepted_at, i.expires_at) < $1 AND NOT EXISTS \
         (SELECT 1 FROM members m WHERE m.instance_id = i.instance_id AND m.id = i.member_id)"
    };
}

/// An instance with invitations that ended before `before`, of people who are no members any more. Global: old data goes,
/// whose it is.
pub(super) async fn find_instance_to_forget(db: &Db, before: Timestamp) -> Result<Option<InstanceId>, DbError> {
    const SQL: &str = concat!("SELECT i.instance_id FROM invites i WHERE ", of_former_members!(), " LIMIT 1");
    on!(db, c => db::query_scalar(SQL).bind(before).fetch_optional(c))
}

/// Deletes those invitations of an instance with their links; returns how many they were.
pub(super) async fn delete_of_former_members(tx: &mut Tx, instance: InstanceId, before: Timestamp) -> Result<u64, DbError> {
    const LINKS: &str = concat!(
        "DELETE FROM invite_links WHERE instance_id = $2 AND invite_id IN (SELECT i.id FROM invites i WHERE i.instance_id = $2 AND ",
        of_former_members!(),
        ")"
    );
    const INVITES: &str = concat!("DELETE FROM invites AS i WHERE i.instance_id = $2 AND ", of_former_members!());
    execute!(tx, db::query(LINKS).bind(before).bind(instance))?;
    execute!(tx, db::query(INVITES).bind(before).bind(instance))
}
