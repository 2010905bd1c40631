use super::{PackageReport, store};
use crate::audit::{self, ChangeOrigin, Entry};
use crate::context::Context;
use crate::db::DbError;
use crate::ids::InstanceId;
use crate::instances;

/// Stores a report in place of the one before, and sets when it arrived; the audit is told what changed.
///
/// # Errors
/// [`DbError`] when the database can't be written.
pub async fn record_report(
    context: &Context,
    instance: InstanceId,
    origin: &ChangeOrigin,
    report: &mut PackageReport,
) -> Result<(), DbError> {
    let mut tx = context.db.begin().await?;
    // Of two reports at once, the second comes after the first, also in the audit. There may be no row of reports to lock yet.
    instances::lock_instance(&mut tx, instance).await?;
    report.reported_at = context.clock.timestamp();
    let before = store::find_report(&mut tx, instance).await?.map(|known| known.state());
    store::upsert_report(&mut tx, instance, report).await?;
    if before.as_ref() != Some(&report.state()) {
        let mut entry = Entry::new("package.reported", "package", report.organization_id.as_str()).after(report.state());
        if let Some(before) = before {
            entry = entry.before(before);
        }
        audit::record(&mut tx, &*context.clock, instance, origin, entry).await?;
    }
    tx.commit().await
}
