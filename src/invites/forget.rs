use serde_json::json;

use super::message_limit::MESSAGE_WINDOW;
use super::{InviteError, forget_store, message_store};
use crate::audit::{self, ChangeOrigin, Entry};
use crate::clock::Timestamp;
use crate::context::Context;
use crate::ids::InstanceId;

/// Deletes invitations that ended before `before` of people who are no members any more, and the messages that no limit counts any more.
///
/// # Errors
/// [`InviteError::Db`].
pub async fn forget_ended(context: &Context, before: Timestamp, origin: &ChangeOrigin) -> Result<(), InviteError> {
    let mut tx = context.db.begin().await?;
    message_store::delete_before(&mut tx, context.clock.timestamp() - MESSAGE_WINDOW).await?;
    tx.commit().await?;
    while let Some(instance) = forget_store::find_instance_to_forget(&context.db, before).await? {
        forget_of_former_members(context, instance, before, origin).await?;
    }
    Ok(())
}

async fn forget_of_former_members(
    context: &Context,
    instance: InstanceId,
    before: Timestamp,
    origin: &ChangeOrigin,
) -> Result<(), InviteError> {
    let mut tx = context.db.begin().await?;
    let forgotten = forget_store::delete_of_former_members(&mut tx, instance, before).await?;
    if forgotten > 0 {
        let entry = Entry::new("invites.forgotten", "instance", instance).after(json!({ "invitations": forgotten }));
        audit::record(&mut tx, context.clock.as_ref(), instance, origin, entry).await?;
    }
    Ok(tx.commit().await?)
}
