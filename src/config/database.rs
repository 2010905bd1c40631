use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::{SettingError, require};

/// `[database]`: which database, and how many connections to it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DatabaseSettings {
    /// `sqlite://FILE`, `postgres://…`, or empty for a SQLite file in the data directory.
    pub url: String,
    /// Largest number of open connections.
    pub max_connections: u32,
}

/// The database to use, after defaults have been applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DatabaseUrl {
    /// A SQLite file.
    Sqlite(PathBuf),
    /// A PostgreSQL connection address.
    Postgres(String),
}

impl DatabaseSettings {
    /// The database to use; `data_dir` holds the SQLite file when no address is set.
    #[must_use]
    pub fn resolve(&self, data_dir: &Path) -> DatabaseUrl {
        match self.url.strip_prefix("sqlite:") {
            _ if self.url.is_empty() => DatabaseUrl::Sqlite(data_dir.join("msi-actions.db")),
            Some(path) => DatabaseUrl::Sqlite(PathBuf::from(path.trim_start_matches("//"))),
            None => DatabaseUrl::Postgres(self.url.clone()),
        }
    }

    pub(super) fn check(&self, errors: &mut Vec<SettingError>) {
        let known = self.url.is_empty() || ["sqlite:", "postgres://", "postgresql://"].iter().any(|scheme| self.url.starts_with(scheme));
        require(
            errors,
            known,
            "database.url",
            "must start with sqlite:, postgres:// or postgresql://",
            "\"postgres://msi:secret@db.example.com:5432/msi\"",
        );
        require(errors, self.max_connections >= 2, "database.max_connections", "must be at least 2", "16");
    }
}
