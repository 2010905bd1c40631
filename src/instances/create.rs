use super::credentials::{ProvisionedCredentials, insert_credentials};
use super::{Environment, Instance, InstanceError, Language, LoginManagement, MunchkinId, Prerequisites, store};
use crate::audit::{self, ChangeOrigin, Entry};
use crate::context::Context;
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
    /// Marketo credentials that come with it.
    pub marketo: Option<ProvisionedCredentials>,
}

/// Makes the instance of a subscription.
///
/// # Errors
/// [`InstanceError::Exists`], naming the instance that the subscription has; [`InstanceError::Seal`].
pub(super) async fn create_instance(context: &Context, origin: &ChangeOrigin, new: NewInstance) -> Result<Instance, InstanceError> {
    let clock = &*context.clock;
    let mut tx = context.db.begin().await?;
    if let Some(instance) = store::find_by_munchkin_id(&mut tx, &new.munchkin_id).await? {
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
    store::insert(&mut tx, &instance).await?;
    if let Some(marketo) = new.marketo {
        insert_credentials(&mut tx, clock, &context.vault, instance.id, &marketo).await?;
    }
    let entry = Entry::new("instance.created", "instance", instance.id).after(instance.settings());
    audit::record(&mut tx, clock, instance.id, origin, entry).await?;
    tx.commit().await?;
    Ok(instance)
}
