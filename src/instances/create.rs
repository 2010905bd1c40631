use super::{Environment, Instance, InstanceError, Language, LoginManagement, MunchkinId, Prerequisites, store};
use crate::clock::Clock;
use crate::db::Tx;
use crate::display_name::DisplayName;
use crate::ids::InstanceId;

/// An instance to be made.
#[derive(Debug)]
pub struct NewInstance {
    pub munchkin_id: MunchkinId,
    pub name: DisplayName,
    pub environment: Environment,
    pub language: Language,
    pub prerequisites: Prerequisites,
}

/// Makes the instance of a subscription.
///
/// # Errors
/// [`InstanceError::Exists`], naming the instance that the subscription has.
pub async fn create(tx: &mut Tx, clock: &dyn Clock, new: NewInstance) -> Result<Instance, InstanceError> {
    if let Some(instance) = store::find_by_munchkin_id(tx, &new.munchkin_id).await? {
        return Err(InstanceError::Exists { munchkin_id: new.munchkin_id, instance });
    }
    let now = clock.timestamp();
    let instance = Instance {
        id: InstanceId(clock.new_id()),
        munchkin_id: new.munchkin_id,
        name: new.name.into(),
        environment: new.environment,
        login_management: LoginManagement::SalesforceOnly,
        language: new.language,
        prerequisites: new.prerequisites,
        created_at: now,
        updated_at: now,
    };
    store::insert(tx, &instance).await?;
    Ok(instance)
}
