//! Each function fails with [`DbError`] when the database can't be reached, and only then unless it says more.

use super::{OrganizationId, PackageReport};
use crate::clock::Timestamp;
use crate::db::{self, DbError, Tx, execute, on_tx};
use crate::ids::InstanceId;

/// Keeps the newest report of the package.
pub async fn upsert_report(tx: &mut Tx, instance: InstanceId, report: &PackageReport) -> Result<(), DbError> {
    const SQL: &str = "INSERT INTO package_reports (instance_id, organization_id, edition, package_version, identity_remote_site, \
         api_remote_site, api_secret_key_accepted, msi_actions_enabled, reported_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) \
         ON CONFLICT (instance_id) DO UPDATE SET organization_id = excluded.organization_id, edition = excluded.edition, \
         package_version = excluded.package_version, identity_remote_site = excluded.identity_remote_site, \
         api_remote_site = excluded.api_remote_site, api_secret_key_accepted = excluded.api_secret_key_accepted, \
         msi_actions_enabled = excluded.msi_actions_enabled, reported_at = excluded.reported_at";
    execute!(
        tx,
        db::query(SQL)
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

type PackageReportRow = (String, String, String, bool, bool, bool, bool, Timestamp);

/// The newest report of the package.
pub async fn find_report(tx: &mut Tx, instance: InstanceId) -> Result<Option<PackageReport>, DbError> {
    const SQL: &str = "SELECT organization_id, edition, package_version, identity_remote_site, api_remote_site, \
         api_secret_key_accepted, msi_actions_enabled, reported_at FROM package_reports WHERE instance_id = $1";
    let row: Option<PackageReportRow> = on_tx!(tx, c => db::query_as(SQL).bind(instance).fetch_optional(c))?;
    row.map(|(organization, edition, package_version, identity, api, key, enabled, reported_at)| {
        let organization_id = organization.parse::<OrganizationId>();
        Ok(PackageReport {
            organization_id: organization_id.map_err(|error| DbError::Statement(sqlx::Error::Decode(error.into())))?,
            edition,
            package_version,
            identity_remote_site: identity,
            api_remote_site: api,
            api_secret_key_accepted: key,
            msi_actions_enabled: enabled,
            reported_at,
        })
    })
    .transpose()
}
