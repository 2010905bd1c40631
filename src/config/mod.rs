//! Typed settings: embedded defaults < a TOML file < the environment (`MSI_SECTION__NAME`) < command-line flags.
//!
//! A wrong or missing setting stops the start: [`SettingsError`] names each one, says what is wrong and shows an example.

mod auth;
mod database;
mod limits;
mod log;
mod mail;
mod retention;
mod secrets;
mod server;
mod sync;
mod upstream;

use std::fmt;
use std::path::{Path, PathBuf};

use figment::Figment;
use figment::providers::{Env, Format, Serialized, Toml};
use figment::value::Value;
use serde::Deserialize;

pub use auth::{AuthSettings, TrustedIssuerSettings};
pub use database::{DatabaseSettings, DatabaseUrl};
pub use limits::LimitSettings;
pub use log::{LogFormat, LogSettings};
pub use mail::MailSettings;
pub use retention::RetentionSettings;
pub use secrets::SecretsSettings;
pub use server::ServerSettings;
pub use sync::SyncSettings;
pub use upstream::{MarketoSettings, SalesforceSettings, SandboxOrigins, SandboxUrlSettings, UpstreamSettings, share_of};

/// Every setting of the service, one field a section of the TOML file.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Directory for everything the service keeps on disk when not told otherwise: the SQLite file, the generated
    /// master key, undelivered mail and spooled downloads.
    pub data_dir: PathBuf,
    pub server: ServerSettings,
    pub database: DatabaseSettings,
    pub secrets: SecretsSettings,
    pub mail: MailSettings,
    pub upstream: UpstreamSettings,
    pub salesforce: SalesforceSettings,
    pub marketo: MarketoSettings,
    pub sync: SyncSettings,
    pub auth: AuthSettings,
    pub limits: LimitSettings,
    pub retention: RetentionSettings,
    pub log: LogSettings,
}

/// The defaults, in the file format an operator writes, so that `--help` and the README can point at one text.
pub const DEFAULTS: &str = include_str!("defaults.toml");

/// One setting that can't be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettingFault {
    /// Dotted name as in the TOML file, for example `server.public_url`.
    pub name: String,
    /// What is wrong with the value found.
    pub problem: String,
    /// A value that would be accepted.
    pub example: &'static str,
}

/// Why the settings can't be used; names every fault, not just the first.
#[derive(Debug, thiserror::Error)]
pub struct SettingsError(pub Vec<SettingFault>);

impl fmt::Display for SettingsError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(out, "the settings can't be used:")?;
        for fault in &self.0 {
            writeln!(out, "  {}: {}", fault.name, fault.problem)?;
            if !fault.example.is_empty() {
                let variable = fault.name.to_uppercase().replace('.', "__");
                writeln!(out, "      for example {}   (or the environment variable MSI_{variable})", fault.example)?;
            }
        }
        Ok(())
    }
}

/// A setting given on the command line: dotted name and value.
pub type Override = (&'static str, String);

impl Settings {
    /// Reads the settings: defaults, then `file` (which must exist when named), then `MSI_…` variables, then `overrides`.
    ///
    /// # Errors
    /// [`SettingsError`] with one entry for each setting that is unknown, has the wrong type or an impossible value.
    pub fn load(file: Option<&Path>, overrides: &[Override]) -> Result<Self, SettingsError> {
        let mut figment = Figment::from(Toml::string(DEFAULTS));
        if let Some(path) = file {
            if !path.is_file() {
                return Err(SettingsError(vec![SettingFault {
                    name: "--config".into(),
                    problem: format!("there is no file {}", path.display()),
                    example: "",
                }]));
            }
            figment = figment.merge(Toml::file_exact(path));
        }
        figment = figment.merge(Env::prefixed("MSI_").filter(|name| !is_foreign(name.as_str())).split("__"));
        // A text that looks like a number must stay a text: there are secrets of digits only.
        let defaults = Figment::from(Toml::string(DEFAULTS));
        for (name, value) in Env::prefixed("MSI_").split("__").iter().map(|(name, value)| (name.to_string(), value)) {
            if matches!(defaults.find_value(&name), Ok(Value::String(..))) {
                figment = figment.merge(Serialized::default(&name, value));
            }
        }
        for (name, value) in overrides {
            figment = figment.merge(Serialized::default(name, value));
        }
        let settings: Self = figment.extract().map_err(SettingsError::from)?;
        let faults = settings.faults();
        if faults.is_empty() { Ok(settings) } else { Err(SettingsError(faults)) }
    }

    fn faults(&self) -> Vec<SettingFault> {
        let mut faults = Vec::new();
        self.server.check(&mut faults);
        self.database.check(&mut faults);
        self.mail.check(&mut faults);
        self.upstream.check(&mut faults);
        self.salesforce.check(&mut faults);
        self.marketo.check(self.upstream.sandbox.origins().is_none(), &mut faults);
        self.sync.check(&mut faults);
        self.auth.check(&mut faults);
        self.limits.check(&mut faults);
        self.retention.check(&mut faults);
        faults
    }
}

/// Variables that begin like ours and are no settings: the command line's own, and those that Kubernetes makes for a Service
/// named `msi-actions`.
fn is_foreign(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    name == "config_file" || name.starts_with("actions_")
}

impl From<figment::Error> for SettingsError {
    fn from(error: figment::Error) -> Self {
        let faults = error
            .into_iter()
            .map(|one| SettingFault {
                name: if one.path.is_empty() { "settings file".into() } else { one.path.join(".") },
                problem: one.kind.to_string(),
                example: "",
            })
            .collect();
        Self(faults)
    }
}

/// Adds a fault for `name` unless `fine`.
fn require(faults: &mut Vec<SettingFault>, fine: bool, name: &str, problem: impl Into<String>, example: &'static str) {
    if !fine {
        faults.push(SettingFault { name: name.into(), problem: problem.into(), example });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(overrides: &[Override]) -> Vec<String> {
        Settings::load(None, overrides).map(|_| Vec::new()).unwrap_or_else(|error| error.0.into_iter().map(|fault| fault.name).collect())
    }

    #[test]
    fn the_defaults_are_usable_as_they_are() {
        let settings = Settings::load(None, &[]).unwrap();
        assert_eq!(settings.database.resolve(&settings.data_dir), DatabaseUrl::Sqlite("msi-actions-data/msi-actions.db".into()));
        assert_eq!(settings.server.public_url("127.0.0.1:8080".parse().unwrap()), "http://127.0.0.1:8080");
    }

    #[test]
    fn every_wrong_setting_is_named_at_once() {
        let wrong = [
            ("server.metrics_address", "9090".to_owned()),
            ("server.public_url", "mailto:x".to_owned()),
            ("database.url", "mysql://x".to_owned()),
            ("mail.from", "nobody".to_owned()),
            ("salesforce.api_version", "v49.0".to_owned()),
        ];
        assert_eq!(faults(&wrong), ["server.metrics_address", "server.public_url", "database.url", "mail.from", "salesforce.api_version"]);
    }

    #[test]
    fn a_value_of_another_type_is_named() {
        assert_eq!(faults(&[("server.address", "everywhere".to_owned())]), ["server.address"]);
    }

    #[test]
    fn marketos_own_limit_binds_unless_the_sandbox_stands_in() {
        let mut settings = Settings::load(None, &[]).unwrap();
        settings.marketo.quota_calls_per_20_seconds = 1000;
        assert_eq!(settings.faults().len(), 1);
        settings.upstream.sandbox.salesforce_url = "http://127.0.0.1:4011".to_owned();
        settings.upstream.sandbox.marketo_url = "http://127.0.0.1:4012/".to_owned();
        assert!(settings.faults().is_empty());
    }

    #[test]
    fn a_sandbox_stands_in_for_both_vendors_by_bare_origins() {
        let (salesforce, marketo) = ("upstream.sandbox.salesforce_url", "upstream.sandbox.marketo_url");
        let fine = |name, text: &str| (name, text.to_owned());
        assert_eq!(faults(&[fine(salesforce, "http://127.0.0.1:4011")]), [marketo]);
        assert_eq!(faults(&[fine(salesforce, "http://localhost:4011"), fine(marketo, "https://localhost/")]), [""; 0]);
        for wrong in ["http://127.0.0.1:4010/salesforce", "http://a@127.0.0.1", "http://127.0.0.1?x", "ftp://127.0.0.1", "127.0.0.1:4011"] {
            assert_eq!(faults(&[fine(salesforce, wrong), fine(marketo, "http://127.0.0.1:4012")]), [salesforce], "{wrong}");
        }
    }

    #[test]
    fn a_fault_shows_the_variable_and_an_example() {
        let error = Settings::load(None, &[("sync.earliest", "yesterday".to_owned())]).unwrap_err().to_string();
        assert!(error.contains("MSI_SYNC__EARLIEST") && error.contains("\"2006-01-01\""), "{error}");
    }
}
