//! Typed settings: embedded defaults < a TOML file < the environment (`MSI_SECTION__NAME`) < command-line flags.
//!
//! A wrong or missing setting stops the start: [`SettingsError`] names each one, says what is wrong and shows an example.

mod auth;
mod database;
mod error;
mod jobs;
mod limits;
mod log;
mod mail;
mod rate_limits;
mod retention;
mod secrets;
mod server;
mod sync;
mod upstream;

use std::path::{Path, PathBuf};

use figment::Figment;
use figment::providers::{Env, Format, Serialized, Toml};
use figment::value::Value;
use serde::Deserialize;

pub use auth::{AuthSettings, TrustedIssuerSettings};
pub use database::{DatabaseSettings, DatabaseUrl};
pub use error::{SettingError, SettingsError};
pub use jobs::JobSettings;
pub use limits::LimitSettings;
pub use log::{LogFormat, LogSettings};
pub use mail::MailSettings;
pub use rate_limits::RateLimitSettings;
pub use retention::RetentionSettings;
pub use secrets::SecretsSettings;
pub use server::{ServerSettings, parse_listen_address};
pub use sync::SyncSettings;
pub use upstream::{MarketoSettings, SalesforceSettings, SandboxOrigins, SandboxUrlSettings, UpstreamSettings, share_of};

use error::require;

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
    pub jobs: JobSettings,
    pub auth: AuthSettings,
    pub limits: LimitSettings,
    pub rate_limits: RateLimitSettings,
    pub retention: RetentionSettings,
    pub log: LogSettings,
}

/// The defaults, in the file format an operator writes, so that `--help` and docs/settings.md can point at one text.
pub const DEFAULTS: &str = include_str!("defaults.toml");

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
                return Err(SettingsError(vec![SettingError {
                    name: "--config".into(),
                    problem: format!("there is no file {}", path.display()),
                    example: String::new(),
                    flag: None,
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
        let errors = settings.errors();
        if errors.is_empty() { Ok(settings) } else { Err(SettingsError(errors)) }
    }

    fn errors(&self) -> Vec<SettingError> {
        let mut errors = Vec::new();
        self.server.check(&mut errors);
        self.database.check(&mut errors);
        self.mail.check(&mut errors);
        self.upstream.check(&mut errors);
        self.salesforce.check(&mut errors);
        self.marketo.check(self.upstream.sandbox.origins().is_none(), &mut errors);
        self.sync.check(&mut errors);
        self.jobs.check(&mut errors);
        self.auth.check(&mut errors);
        self.limits.check(&mut errors);
        self.rate_limits.check(&mut errors);
        self.retention.check(&mut errors);
        errors
    }
}

/// Variables that begin like ours and are no settings: the command line's own, and those that Kubernetes makes for a Service
/// named `msi-actions`.
fn is_foreign(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    name == "config_file" || name.starts_with("actions_")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn errors(overrides: &[Override]) -> Vec<String> {
        Settings::load(None, overrides).map(|_| Vec::new()).unwrap_or_else(|error| error.0.into_iter().map(|error| error.name).collect())
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
        assert_eq!(errors(&wrong), ["server.metrics_address", "server.public_url", "database.url", "mail.from", "salesforce.api_version"]);
    }

    #[test]
    fn a_value_of_another_type_is_named() {
        assert_eq!(errors(&[("server.address", "everywhere".to_owned())]), ["server.address"]);
    }

    #[test]
    fn an_unknown_setting_is_named_with_those_that_there_are() {
        let error = Settings::load(None, &[("server.adress", "127.0.0.1:8080".to_owned())]).unwrap_err().to_string();
        assert!(
            error.contains("server.adress: there is no setting of this name in server; there are address, metrics_address, public_url,"),
            "{error}"
        );
        assert!(!error.contains('`'), "{error}");
        let error = Settings::load(None, &[("sever", "x".to_owned())]).unwrap_err().to_string();
        assert!(error.contains("sever: there is no section or setting of this name; there are data_dir, server,"), "{error}");
    }

    #[test]
    fn a_port_alone_is_no_address_and_the_flag_is_named() {
        let given = Settings::load(None, &[("server.address", "4290".to_owned())]).unwrap_err();
        let error = given.given_by(&[("server.address", "--listen")]).to_string();
        assert!(error.contains("--listen (server.address): \"4290\" is a port without an address"), "{error}");
        assert!(error.contains("write 127.0.0.1:4290 to") && error.contains("for example --listen 127.0.0.1:8080"), "{error}");
    }

    #[test]
    fn a_wrong_type_is_told_with_an_example() {
        let error = Settings::load(None, &[("sync.window_days", "month".to_owned())]).unwrap_err().to_string();
        assert!(error.contains("sync.window_days: must be a whole number, and is string \"month\""), "{error}");
        assert!(error.contains("for example 31"), "{error}");
    }

    #[test]
    fn marketos_own_limit_binds_unless_the_sandbox_stands_in() {
        let mut settings = Settings::load(None, &[]).unwrap();
        settings.marketo.quota_calls_per_20_seconds = 1000;
        assert_eq!(settings.errors().len(), 1);
        settings.upstream.sandbox.salesforce_url = "http://127.0.0.1:4011".to_owned();
        settings.upstream.sandbox.marketo_url = "http://127.0.0.1:4012/".to_owned();
        assert!(settings.errors().is_empty());
    }

    #[test]
    fn a_sandbox_stands_in_for_both_vendors_by_bare_origins() {
        let (salesforce, marketo) = ("upstream.sandbox.salesforce_url", "upstream.sandbox.marketo_url");
        let fine = |name, text: &str| (name, text.to_owned());
        assert_eq!(errors(&[fine(salesforce, "http://127.0.0.1:4011")]), [marketo]);
        assert_eq!(errors(&[fine(salesforce, "http://localhost:4011"), fine(marketo, "https://localhost/")]), [""; 0]);
        for wrong in ["http://127.0.0.1:4010/salesforce", "http://a@127.0.0.1", "http://127.0.0.1?x", "ftp://127.0.0.1", "127.0.0.1:4011"] {
            assert_eq!(errors(&[fine(salesforce, wrong), fine(marketo, "http://127.0.0.1:4012")]), [salesforce], "{wrong}");
        }
    }

    #[test]
    fn a_error_shows_the_variable_and_an_example() {
        let error = Settings::load(None, &[("sync.earliest", "yesterday".to_owned())]).unwrap_err().to_string();
        assert!(error.contains("MSI_SYNC__EARLIEST") && error.contains("\"2006-01-01\""), "{error}");
    }
}
