use tokio_util::sync::CancellationToken;

use super::SyncError;
use super::incremental::SyncScheduleJob;
use super::jobs::SyncRunJob;
use super::service::SyncService;
use super::tidy::SyncTidyJob;
use crate::config::Settings;
use crate::connections::Connections;
use crate::context::Context;
use crate::wiring::Wiring;

/// What the sync adds to the service: the jobs of runs and schedules, and the service behind its routes. Runs end their attempt when
/// `stopping` is canceled.
///
/// # Errors
/// [`SyncError::Db`] when the schedules can't be brought in line with the settings.
pub async fn wire(
    settings: &Settings,
    context: &Context,
    connections: &Connections,
    stopping: CancellationToken,
) -> Result<Wiring, SyncError> {
    let sync = SyncService::new(settings, context, connections.clone(), stopping);
    sync.keep_schedules().await?;
    Ok(Wiring::new()
        .with_job(SyncRunJob::new(sync.clone()))
        .with_job(SyncScheduleJob::new(sync.clone()))
        .with_job(SyncTidyJob::new(sync.clone()))
        .with_state(sync))
}
