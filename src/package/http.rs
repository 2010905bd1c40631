//! Routes that Apex calls. Property names are valid Apex identifiers, and a report can be sent again without harm.

use actix_web::HttpResponse;
use serde::{Deserialize, Serialize};

use super::{ACTIVITY_FIELDS, LOWEST_PACKAGE_VERSION, OrganizationId, PackageReport, is_package_version_supported, record_report};
use crate::clock::Timestamp;
use crate::context::Context;
use crate::http::{Authorized, Body, Problem, Routes, ValidationError, route};
use crate::permissions::scope::Package;

/// The routes.
pub fn routes(routes: &mut Routes<'_>) {
    routes.add(route!(send_heartbeat)).add(route!(get_configuration));
}

/// What is in place in the organization.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct PackageSetup {
    /// The Remote Site of the identity endpoint exists.
    identity_remote_site: bool,
    /// The Remote Site of the Actions API exists.
    api_remote_site: bool,
    /// The API Secret Key was accepted.
    api_secret_key_accepted: bool,
    /// "Enable MSI Actions" is ticked.
    msi_actions_enabled: bool,
}

/// A report of the managed package.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct Heartbeat {
    /// 15 characters, or 18; the last three of 18, which only repeat the case of the others, are not looked at.
    #[schema(pattern = "^00D[a-zA-Z0-9]{12}([a-zA-Z0-9]{3})?$", example = "00DR0000000UyrW")]
    organization_id: String,
    /// Edition of the organization, as Salesforce names it.
    #[schema(min_length = 1, max_length = 100, pattern = r"\S", example = "Enterprise Edition")]
    edition: String,
    /// Version of the package.
    #[schema(pattern = r"^[0-9]{1,5}\.[0-9]{1,5}(\.[0-9]{1,5}){0,2}$", example = "3.2")]
    package_version: String,
    configured: PackageSetup,
}

impl Heartbeat {
    fn parse(self, reported_at: Timestamp) -> Result<PackageReport, Problem> {
        let mut errors = Vec::new();
        let organization_id = self.organization_id.parse::<OrganizationId>();
        if let Err(error) = &organization_id {
            errors.push(ValidationError::new("/organization_id", "not_an_organization_id", format!("{error}.")));
        }
        if self.edition.trim().is_empty() || self.edition.chars().count() > 100 {
            errors.push(ValidationError::new("/edition", "length", "edition has 1 to 100 characters, not only spaces."));
        }
        let parts: Vec<_> = self.package_version.split('.').collect();
        let number = |part: &&str| (1..=5).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit());
        if !(2..=4).contains(&parts.len()) || !parts.iter().all(number) {
            errors.push(ValidationError::new(
                "/package_version",
                "not_a_version",
                "package_version has two to four numbers, for example 3.2.",
            ));
        }
        match organization_id {
            Ok(organization_id) if errors.is_empty() => Ok(PackageReport {
                organization_id,
                edition: self.edition,
                package_version: self.package_version,
                identity_remote_site: self.configured.identity_remote_site,
                api_remote_site: self.configured.api_remote_site,
                api_secret_key_accepted: self.configured.api_secret_key_accepted,
                msi_actions_enabled: self.configured.msi_actions_enabled,
                reported_at,
            }),
            _ => Err(Problem::invalid(errors)),
        }
    }
}

/// What became of a report.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct HeartbeatReceived {
    /// 18 characters.
    organization_id: String,
    /// Whether this service works with the package's version.
    package_version_supported: bool,
    /// The lowest version it works with.
    min_package_version: String,
    received_at: Timestamp,
}

fn lowest_version() -> String {
    format!("{}.{}", LOWEST_PACKAGE_VERSION.0, LOWEST_PACKAGE_VERSION.1)
}

/// Report the package's state
///
/// Steps 6 and 7. The newest report counts; sending one again does no harm.
#[utoipa::path(
    post, path = "/v1/package/heartbeat", operation_id = "sendPackageHeartbeat", tag = "Package", request_body = Heartbeat,
    responses((status = 200, description = "Received.", body = HeartbeatReceived))
)]
async fn send_heartbeat(context: Context, caller: Authorized<Package>, Body(heartbeat): Body<Heartbeat>) -> Result<HttpResponse, Problem> {
    let mut report = heartbeat.parse(context.clock.timestamp())?;
    record_report(&context, caller.instance, &caller.origin, &mut report).await?;
    Ok(HttpResponse::Ok().json(HeartbeatReceived {
        organization_id: report.organization_id.as_str().to_owned(),
        package_version_supported: is_package_version_supported(&report.package_version),
        min_package_version: lowest_version(),
        received_at: report.reported_at,
    }))
}

/// What the package needs to know.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct PackageConfiguration {
    /// For the Remote Site of the identity endpoint.
    identity_url: String,
    /// For the Remote Site of the Actions API.
    api_url: String,
    /// Where access tokens come from.
    token_url: String,
    min_package_version: String,
    /// Custom activity fields that the package logs to.
    activity_fields: &'static [&'static str],
}

/// Read the package's configuration
#[utoipa::path(
    get, path = "/v1/package/configuration", operation_id = "getPackageConfiguration", tag = "Package",
    responses((status = 200, description = "The configuration.", body = PackageConfiguration))
)]
async fn get_configuration(context: Context, _caller: Authorized<Package>) -> HttpResponse {
    HttpResponse::Ok().json(PackageConfiguration {
        identity_url: context.public_url.join(""),
        api_url: context.public_url.join(""),
        token_url: context.public_url.join("/oauth/token"),
        min_package_version: lowest_version(),
        activity_fields: ACTIVITY_FIELDS,
    })
}
