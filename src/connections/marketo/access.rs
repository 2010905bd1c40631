//! Whose the Marketo connection is: the admin who made it owns it, others may be granted access. In a hand-over the next owner
//! connects beside the one in use and follows when that one is disconnected, so that nobody is ever without.

use super::NOT_CONNECTED;
use super::store::{self, MarketoAccessRow, MarketoRow};
use crate::audit::{self, ChangeOrigin, Entry};
use crate::auth::{Actor, Role, Scope, Scopes};
use crate::connections::{ConnectionError, ConnectionState, Connections};
use crate::db::Tx;
use crate::ids::{InstanceId, MemberId};
use crate::instances;

/// Who connects, tests or disconnects.
#[derive(Debug, Clone)]
pub struct ConnectionAdmin {
    /// The person or the program.
    pub actor: Actor,
    /// What it may do.
    pub scopes: Scopes,
    /// Where they ask from.
    pub origin: ChangeOrigin,
}

impl ConnectionAdmin {
    /// As the owner of a connection is written: `client:ID` or `member:ID`.
    #[must_use]
    pub fn name(&self) -> String {
        self.actor.to_string()
    }

    /// Whether they may end what its owner can't end any more.
    fn is_operator(&self) -> bool {
        self.scopes.0.contains(&Scope::InstancesManage)
    }
}

impl Connections {
    /// Whether `admin` may connect Marketo: as the first one, again, or to follow the owner. Gives whether it would follow. Right
    /// for as long as the transaction lasts: it waits for others that change connections or members of the instance.
    pub(super) async fn admit_marketo_owner(
        &self,
        tx: &mut Tx,
        instance: InstanceId,
        admin: &ConnectionAdmin,
    ) -> Result<bool, ConnectionError> {
        lock_connections(tx, instance).await?;
        // Who is no admin any more can't become an owner.
        if let Actor::Member(member) = admin.actor {
            check_is_admin(tx, instance, member).await?;
        }
        let Some(row) = store::find_marketo_in(tx, instance).await? else { return Ok(false) };
        if row.connected_by == admin.name() {
            return if row.state == ConnectionState::Active { Err(ConnectionError::AlreadyConnected("Marketo")) } else { Ok(false) };
        }
        if let Actor::Member(member) = admin.actor
            && store::has_access_in(tx, instance, member).await?
        {
            return Err(ConnectionError::AccessStillGranted(row.connected_by));
        }
        Ok(true)
    }

    /// Whether `admin` may use the connection: its owner, whoever was granted access, and programs, whose scopes say it.
    ///
    /// # Errors
    /// [`ConnectionError::NoAccess`]; [`ConnectionError::NotConnected`].
    pub async fn check_marketo_access(&self, instance: InstanceId, admin: &ConnectionAdmin) -> Result<(), ConnectionError> {
        let row = store::find_marketo(&self.context.db, instance).await?.ok_or(NOT_CONNECTED)?;
        match admin.actor {
            Actor::Member(member) if row.connected_by != admin.name() && !store::has_access(&self.context.db, instance, member).await? => {
                Err(ConnectionError::NoAccess(row.connected_by))
            }
            _ => Ok(()),
        }
    }

    /// The connection that `admin` may disconnect: their own, in use or to follow; for operators the one in use. Right for as long as
    /// the transaction lasts.
    pub(super) async fn find_marketo_to_disconnect(
        &self,
        tx: &mut Tx,
        instance: InstanceId,
        admin: &ConnectionAdmin,
    ) -> Result<MarketoRow, ConnectionError> {
        lock_connections(tx, instance).await?;
        let row = store::find_marketo_in(tx, instance).await?.ok_or(NOT_CONNECTED)?;
        if row.connected_by == admin.name() {
            return Ok(row);
        }
        let successor = store::find_marketo_successor(tx, instance).await?;
        match successor {
            Some(successor) if successor.connected_by == admin.name() => Ok(successor),
            _ if admin.is_operator() => Ok(row),
            _ => Err(ConnectionError::NotTheOwner(row.connected_by)),
        }
    }

    /// Who may use the connection besides its owner.
    ///
    /// # Errors
    /// [`ConnectionError::NotConnected`].
    pub async fn marketo_access(&self, instance: InstanceId) -> Result<Vec<MarketoAccessRow>, ConnectionError> {
        store::find_marketo(&self.context.db, instance).await?.ok_or(NOT_CONNECTED)?;
        Ok(store::list_access(&self.context.db, instance).await?)
    }

    /// Grants an admin access; once more does no harm.
    ///
    /// # Errors
    /// [`ConnectionError::NotTheOwner`]; [`ConnectionError::NotAnAdmin`]; [`ConnectionError::NotConnected`].
    pub async fn grant_marketo_access(
        &self,
        instance: InstanceId,
        admin: &ConnectionAdmin,
        member: MemberId,
    ) -> Result<(), ConnectionError> {
        let mut tx = self.context.db.begin().await?;
        lock_owned_by(&mut tx, instance, admin).await?;
        check_is_admin(&mut tx, instance, member).await?;
        store::grant_access(&mut tx, instance, member, &admin.name(), self.context.clock.timestamp()).await?;
        let entry = Entry::new("marketo_access.granted", "member", member);
        audit::record(&mut tx, &*self.context.clock, instance, &admin.origin, entry).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Withdraws access; gives whether there was any.
    ///
    /// # Errors
    /// [`ConnectionError::NotTheOwner`]; [`ConnectionError::NotConnected`].
    pub async fn withdraw_marketo_access(
        &self,
        instance: InstanceId,
        admin: &ConnectionAdmin,
        member: MemberId,
    ) -> Result<bool, ConnectionError> {
        let mut tx = self.context.db.begin().await?;
        lock_owned_by(&mut tx, instance, admin).await?;
        let found = store::withdraw_access(&mut tx, instance, member).await?;
        if found {
            let entry = Entry::new("marketo_access.withdrawn", "member", member);
            audit::record(&mut tx, &*self.context.clock, instance, &admin.origin, entry).await?;
        }
        tx.commit().await?;
        Ok(found)
    }
}

/// Makes this transaction wait for others that change connections or members of the instance, and them for it. The instance's row
/// comes first, as everywhere.
pub(super) async fn lock_connections(tx: &mut Tx, instance: InstanceId) -> Result<(), ConnectionError> {
    instances::lock_instance(tx, instance).await?;
    Ok(store::lock_members(tx, instance).await?)
}

async fn check_is_admin(tx: &mut Tx, instance: InstanceId, member: MemberId) -> Result<(), ConnectionError> {
    let role = store::role_of_active_member(tx, instance, member).await?;
    if role == Some(Role::Admin) { Ok(()) } else { Err(ConnectionError::NotAnAdmin) }
}

/// [`lock_connections`], and refuses whoever neither owns the Marketo connection nor operates the service.
async fn lock_owned_by(tx: &mut Tx, instance: InstanceId, admin: &ConnectionAdmin) -> Result<(), ConnectionError> {
    lock_connections(tx, instance).await?;
    let row = store::find_marketo_in(tx, instance).await?.ok_or(NOT_CONNECTED)?;
    if row.connected_by == admin.name() || admin.is_operator() { Ok(()) } else { Err(ConnectionError::NotTheOwner(row.connected_by)) }
}
