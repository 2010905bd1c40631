//! Settings that can't be used, told to whoever starts the service: each by its name, with what is wrong and what would be accepted.

use std::fmt;

use figment::Figment;
use figment::error::Kind;
use figment::providers::{Format, Toml};
use figment::value::Value;

use super::DEFAULTS;

/// One setting that can't be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettingError {
    /// Dotted name as in the TOML file, for example `server.public_url`.
    pub name: String,
    /// What is wrong with the value found.
    pub problem: String,
    /// A value that would be accepted, as it stands in a TOML file; empty when there is none to show.
    pub example: String,
    /// The flag of the command line that gave the value, for example `--listen`.
    pub flag: Option<&'static str>,
}

/// Why the settings can't be used; names every error, not just the first.
#[derive(Debug, thiserror::Error)]
pub struct SettingsError(pub Vec<SettingError>);

impl SettingsError {
    /// Names the flags by which some of the settings were given: pairs of a setting's name and its flag.
    #[must_use]
    pub fn given_by(mut self, flags: &[(&'static str, &'static str)]) -> Self {
        for error in &mut self.0 {
            error.flag = flags.iter().find(|(name, _)| *name == error.name).map(|(_, flag)| *flag);
        }
        self
    }
}

impl fmt::Display for SettingsError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(out, "the settings can't be used:")?;
        for error in &self.0 {
            match error.flag {
                Some(flag) => writeln!(out, "  {flag} ({}): {}", error.name, error.problem)?,
                None => writeln!(out, "  {}: {}", error.name, error.problem)?,
            }
            match error.flag {
                _ if error.example.is_empty() => {}
                Some(flag) => writeln!(out, "      for example {flag} {}", error.example.trim_matches('"'))?,
                None => {
                    let variable = error.name.to_uppercase().replace('.', "__");
                    writeln!(out, "      for example {}   (or the environment variable MSI_{variable})", error.example)?;
                }
            }
        }
        Ok(())
    }
}

impl From<figment::Error> for SettingsError {
    fn from(error: figment::Error) -> Self {
        Self(error.into_iter().map(SettingError::from).collect())
    }
}

impl From<figment::Error> for SettingError {
    fn from(error: figment::Error) -> Self {
        let source = error.metadata.as_ref().and_then(|metadata| match &metadata.source {
            Some(figment::Source::File(file)) => Some(format!(" (in {})", file.display())),
            _ if metadata.name.contains("environment") => Some(" (in the environment)".to_owned()),
            _ => None,
        });
        let mut path = error.path;
        let problem = match error.kind {
            Kind::UnknownField(field, known) => {
                if path.last() != Some(&field) {
                    path.push(field);
                }
                let section = path[..path.len() - 1].join(".");
                let (kind, within) =
                    if section.is_empty() { ("section or setting", String::new()) } else { ("setting", format!(" in {section}")) };
                format!("there is no {kind} of this name{within}; there are {}", known.join(", "))
            }
            Kind::UnknownVariant(found, known) => format!("{found:?} is not one of {}", known.join(", ")),
            Kind::InvalidType(found, expected) | Kind::InvalidValue(found, expected) => {
                format!("must be {}, and is {}", kind_of(&expected), found.to_string().replace('`', ""))
            }
            Kind::MissingField(field) => format!("{field} is missing"),
            kind => kind.to_string().trim_end().to_owned(),
        };
        let name = if path.is_empty() { "settings file".into() } else { path.join(".") };
        let example = default_of(&name).unwrap_or_default();
        Self { name, problem: format!("{problem}{}", source.unwrap_or_default()), example, flag: None }
    }
}

/// What is expected, in words of settings: where the program reads a `u16`, a whole number is to be written.
fn kind_of(expected: &str) -> String {
    match expected {
        "f32" | "f64" => "a number".into(),
        _ if expected.starts_with(['u', 'i']) && expected[1..].parse::<u8>().is_ok() || matches!(expected, "usize" | "isize") => {
            "a whole number".into()
        }
        other => other.replace('`', ""),
    }
}

/// A setting's default as it stands in a TOML file, which is an example of what is accepted; none of an empty one.
fn default_of(name: &str) -> Option<String> {
    match Figment::from(Toml::string(DEFAULTS)).find_value(name).ok()? {
        Value::String(_, text) if text.is_empty() => None,
        Value::String(_, text) => Some(format!("{text:?}")),
        Value::Bool(_, value) => Some(value.to_string()),
        Value::Num(_, number) => {
            let whole = number.to_i128().map(|whole| whole.to_string()).or_else(|| number.to_u128().map(|whole| whole.to_string()));
            whole.or_else(|| number.to_f64().map(|broken| broken.to_string()))
        }
        _ => None,
    }
}

/// Adds an error for `name` unless `fine`.
pub(super) fn require(errors: &mut Vec<SettingError>, fine: bool, name: &str, problem: impl Into<String>, example: &str) {
    if !fine {
        errors.push(SettingError { name: name.into(), problem: problem.into(), example: example.into(), flag: None });
    }
}
