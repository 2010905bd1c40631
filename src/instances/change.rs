use super::{Instance, InstanceError, LoginManagement, SettingsChange, store};
use crate::audit::{self, ChangeOrigin, Entry};
use crate::auth::delete_password_sessions;
use crate::clock::Clock;
use crate::db::Tx;
use crate::ids::InstanceId;

/// Changes settings of an instance. They are read with the row locked, and only what is given is written, so that of two changes
/// at once neither undoes the other. Sessions begun with a password end when passwords are switched off.
///
/// # Errors
/// [`InstanceError::Unknown`].
pub async fn change_settings(
    tx: &mut Tx,
    clock: &dyn Clock,
    instance: InstanceId,
    origin: &ChangeOrigin,
    change: SettingsChange,
) -> Result<Instance, InstanceError> {
    let before = store::lock_instance(tx, instance).await?.ok_or(InstanceError::Unknown)?;
    let now = clock.timestamp();
    store::update(tx, instance, &change, now).await?;
    let after = Instance {
        name: change.name.map_or_else(|| before.name.clone(), String::from),
        login_management: change.login_management.unwrap_or(before.login_management),
        language: change.language.unwrap_or(before.language),
        prerequisites: change.prerequisites.unwrap_or(before.prerequisites),
        updated_at: now,
        ..before.clone()
    };
    let mut audited = after.settings();
    if after.login_management == LoginManagement::SalesforceOnly && before.login_management != after.login_management {
        audited["password_sessions_ended"] = delete_password_sessions(tx, instance).await?.into();
    }
    let entry = Entry::new("instance.changed", "instance", instance).before(before.settings()).after(audited);
    audit::record(tx, clock, instance, origin, entry).await?;
    Ok(after)
}
