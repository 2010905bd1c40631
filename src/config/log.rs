use serde::Deserialize;

/// `[log]`: what the service writes to standard error.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogSettings {
    /// One JSON object a line, or text for people.
    pub format: LogFormat,
    /// A `tracing` filter, for example `info` or `info,sqlx=warn`.
    pub filter: String,
}

/// Form of a log line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// Colored text.
    Pretty,
    /// One JSON object a line.
    Json,
}
