use super::PackageReport;
use crate::db::{DbError, Tx, execute};
use crate::ids::InstanceId;

/// Keeps the newest report of the package.
///
/// # Errors
/// When the database can't be written.
pub async fn keep_report(tx: &mut Tx, instance: InstanceId, report: &PackageReport) -> Result<(), DbError> {
    const SQL: &str = "INSERT INTO package_reports (instance_id, organization_id, edition, package_version, identity_remote_site, \
         api_remote_site, api_secret_key_accepted, msi_actions_enabled, reported_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) \
         ON CONFLICT (instance_id) DO UPDATE SET organization_id = excluded.organization_id, edition = excluded.edition, \
         package_version = excluded.package_version, identity_remote_site = excluded.identity_remote_site, \
         api_remote_site = excluded.api_remote_site, api_secret_key_accepted = excluded.api_secret_key_accepted, \
         msi_actions_enabled = excluded.msi_actions_enabled, reported_at = excluded.reported_at";
    execute!(
        tx,
        sqlx::query(SQL)
            .bind(instance)
            .bind(report.organization_id.as_str())
            .bind(&report.edition)
            .bind(&report.package_version)
            .bind(report.identity_remote_site)
            .bind(report.api_remote_site)
            .bind(report.api_secret_key_accepted)
            .bind(report.msi_actions_enabled)
            .bind(report.reported_at)
    )
    .map(drop)
}
