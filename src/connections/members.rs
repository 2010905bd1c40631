//! What becomes of the connections when a member leaves or is no admin any more.

use super::{marketo, salesforce};
use crate::db::{DbError, Tx};
use crate::ids::{InstanceId, MemberId};

/// Deletes a member's own Salesforce connection, and access to the Marketo connection that was granted to them.
///
/// # Errors
/// [`DbError`].
pub async fn forget_member(tx: &mut Tx, instance: InstanceId, member: MemberId) -> Result<(), DbError> {
    salesforce::store::delete_salesforce_of_member(tx, instance, member).await?;
    marketo::store::withdraw_access(tx, instance, member).await.map(drop)
}

/// Ends what only an admin may have of the Marketo connection: access to another's is withdrawn, and one that `member` owns, in use or
/// waiting to follow, passes to `to` (`client:ID` or `member:ID`). Gives whether there was one.
///
/// # Errors
/// [`DbError`].
pub async fn hand_marketo_over(tx: &mut Tx, instance: InstanceId, member: MemberId, to: &str) -> Result<bool, DbError> {
    marketo::store::withdraw_access(tx, instance, member).await?;
    let is_handed_over = marketo::store::change_owner(tx, instance, &format!("member:{member}"), to).await?;
    // Who owns it needs no access.
    if let (true, Some(Ok(owner))) = (is_handed_over, to.strip_prefix("member:").map(str::parse)) {
        marketo::store::withdraw_access(tx, instance, owner).await?;
    }
    Ok(is_handed_over)
}
