//! Deletes personal data that has served its purpose: files that nobody confirmed, the rows of imports that ended, and invitations of
//! people who are no members any more. How long each is kept is a setting; the audit says what went.

use futures_util::future::BoxFuture;
use serde_json::json;
use time::Duration;

use super::changes::discard_unconfirmed;
use super::import::UNCONFIRMED_FOR;
use super::{ImportError, store};
use crate::audit::{self, ChangeOrigin, Entry};
use crate::clock::Timestamp;
use crate::config::RetentionSettings;
use crate::context::Context;
use crate::db::claim::ClaimedJob;
use crate::ids::{ImportId, InstanceId};
use crate::invites;
use crate::jobs::{CLEANUP_PERIOD, JobHandler, JobKind, JobOutcome, Lane};

/// The kind of the job, of which there is one for all instances.
const FORGET: JobKind = JobKind::new("forget_invites", Lane::Maintenance);

/// Deletes what is old, again and again.
#[derive(Debug)]
pub struct ForgetInvites {
    context: Context,
    retention: RetentionSettings,
}

impl ForgetInvites {
    /// A handler over the service's database.
    #[must_use]
    pub fn new(context: Context, retention: RetentionSettings) -> Self {
        Self { context, retention }
    }

    async fn round(&self) -> Result<(), ImportError> {
        let now = self.context.clock.timestamp();
        let origin = ChangeOrigin::job(FORGET.name);
        let unconfirmed = UNCONFIRMED_FOR.min(self.retention.imports());
        while let Some((instance, id)) = store::unconfirmed_before(&self.context.db, now - unconfirmed).await? {
            // Somebody may have confirmed it just now.
            discard_unconfirmed(&self.context, instance, &origin, id).await?;
        }
        while let Some((instance, id)) = store::ended_before(&self.context.db, now - self.retention.imports()).await? {
            self.delete_rows(instance, id, &origin, now).await?;
        }
        Ok(invites::forget_ended(&self.context, now - self.retention.invites(), &origin).await?)
    }

    async fn delete_rows(&self, instance: InstanceId, id: ImportId, origin: &ChangeOrigin, now: Timestamp) -> Result<(), ImportError> {
        let mut tx = self.context.db.begin().await?;
        let import = store::find_and_lock(&mut tx, instance, id).await?;
        // Another process may have been faster.
        if let Some(mut import) = import.filter(|import| import.rows_deleted_at.is_none()) {
            import.analysis.sample.clear();
            import.analysis.errors.clear();
            store::delete_rows(&mut tx, instance, id, &import.analysis, now).await?;
            let entry = Entry::new("import.rows_deleted", "import", id).after(json!({ "rows": import.analysis.rows }));
            audit::record(&mut tx, self.context.clock.as_ref(), instance, origin, entry).await?;
        }
        Ok(tx.commit().await?)
    }
}

impl JobHandler for ForgetInvites {
    fn kind(&self) -> JobKind {
        FORGET
    }

    fn run<'a>(&'a self, _job: &'a ClaimedJob) -> BoxFuture<'a, JobOutcome> {
        Box::pin(async move { JobOutcome::after_cleanup(self.round().await) })
    }

    fn period(&self) -> Option<Duration> {
        Some(CLEANUP_PERIOD)
    }
}
