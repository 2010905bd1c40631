//! What is done to an import that is there, each in one transaction.

use serde_json::json;

use super::csv::Mapping;
use super::import::{Confirmation, Import};
use super::mapping::{check_fit, lock_mapped, map_anew};
use super::{ImportError, job, store};
use crate::audit::{self, ChangeOrigin, Entry};
use crate::auth::Role;
use crate::context::Context;
use crate::db::Db;
use crate::ids::{ImportId, InstanceId};
use crate::invites::InviteError;
use crate::jobs::{NewJob, enqueue};
use crate::members;

/// How the people of a file are to be invited.
#[derive(Debug)]
pub(super) struct ConfirmationRequest {
    /// Which column is what; that of the import unless given.
    pub(super) mapping: Option<Mapping>,
    /// What people become whose row names no role.
    pub(super) role: Role,
    /// Names or ids of teams that everybody joins besides Everyone and those of their row.
    pub(super) teams: Vec<String>,
}

/// The import with this id.
///
/// # Errors
/// [`ImportError::Unknown`].
pub(super) async fn find(db: &Db, instance: InstanceId, id: ImportId) -> Result<Import, ImportError> {
    store::find(db, instance, id).await?.ok_or(ImportError::Unknown)
}

/// Chooses which column is what, and checks the whole file anew.
///
/// # Errors
/// [`ImportError::Unknown`]; [`ImportError::MappingMismatch`]; [`ImportError::MappingShared`]; [`ImportError::Confirmed`];
/// [`ImportError::Interrupted`].
pub(super) async fn choose_mapping(
    context: &Context,
    instance: InstanceId,
    origin: &ChangeOrigin,
    id: ImportId,
    mapping: Mapping,
) -> Result<Import, ImportError> {
    let mut import = find(&context.db, instance, id).await?;
    check_fit(&import, &mapping)?;
    let mut tx = map_anew(context, &mut import, mapping).await?;
    audit::record(&mut tx, context.clock.as_ref(), instance, origin, Entry::new("import.mapped", "import", id)).await?;
    tx.commit().await?;
    Ok(import)
}

/// Confirms an import: its people are invited in the background.
///
/// # Errors
/// As [`choose_mapping`]; [`InviteError::NobodyInvited`]; [`ImportError::Member`] for a team that is not there.
pub(super) async fn confirm(
    context: &Context,
    instance: InstanceId,
    origin: &ChangeOrigin,
    id: ImportId,
    request: ConfirmationRequest,
) -> Result<Import, ImportError> {
    let import = find(&context.db, instance, id).await?;
    if let Some(mapping) = &request.mapping {
        check_fit(&import, mapping)?;
    }
    let (mut tx, mapping) = lock_mapped(context, import, request.mapping).await?;
    if !members::has_original_in(&mut tx, instance).await? {
        return Err(InviteError::NobodyInvited.into());
    }
    let teams = members::teams_in(&mut tx, instance).await?.all_named(request.teams.iter().map(String::as_str))?;
    let confirmation = Confirmation { mapping, role: request.role, teams };
    if !store::confirm(&mut tx, instance, id, &confirmation, &origin.actor, context.clock.timestamp()).await? {
        return Err(ImportError::Confirmed(id));
    }
    let job = NewJob { kind: job::KIND, instance: Some(instance), payload: json!({ "import_id": id }) };
    enqueue(&mut tx, context.clock.as_ref(), job).await?;
    let entry = Entry::new("import.confirmed", "import", id).after(json!({ "role": confirmation.role, "teams": confirmation.teams }));
    audit::record(&mut tx, context.clock.as_ref(), instance, origin, entry).await?;
    tx.commit().await?;
    find(&context.db, instance, id).await
}

/// Removes an import that nobody has confirmed, with all that is known of it.
///
/// # Errors
/// [`ImportError::Unknown`]; [`ImportError::Confirmed`].
pub(super) async fn discard(context: &Context, instance: InstanceId, origin: &ChangeOrigin, id: ImportId) -> Result<(), ImportError> {
    if !discard_unconfirmed(context, instance, origin, id).await? {
        // It is confirmed, unless there is none.
        find(&context.db, instance, id).await?;
        return Err(ImportError::Confirmed(id));
    }
    Ok(())
}

/// [`discard`], which leaves an import alone that is confirmed or gone; whether it was discarded.
pub(super) async fn discard_unconfirmed(
    context: &Context,
    instance: InstanceId,
    origin: &ChangeOrigin,
    id: ImportId,
) -> Result<bool, ImportError> {
    let mut tx = context.db.begin().await?;
    let is_discarded = store::delete_unconfirmed(&mut tx, instance, id).await?;
    if is_discarded {
        audit::record(&mut tx, context.clock.as_ref(), instance, origin, Entry::new("import.discarded", "import", id)).await?;
    }
    tx.commit().await?;
    Ok(is_discarded)
}
