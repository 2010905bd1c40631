//! Why the database can't be opened, told to whoever starts the service: where it was looked for, what happened there, and what to do.

use std::fmt::Write;
use std::io;
use std::path::Path;

use sqlx::postgres::PgConnectOptions;

use super::DbError;
use crate::telemetry::error_chain;

/// Why the database can't be opened.
#[derive(Debug, thiserror::Error)]
#[error("{what}.\n      {remedy}")]
pub struct ConnectError {
    what: String,
    remedy: String,
    is_temporary: bool,
}

impl ConnectError {
    /// Whether it may come about by itself that it can be opened: the database has not started yet, or has no connection left.
    #[must_use]
    pub fn is_temporary(&self) -> bool {
        self.is_temporary
    }

    pub(super) fn address(error: &sqlx::Error) -> Self {
        // What can't be read may hold a password, and sqlx doesn't repeat it.
        Self {
            what: format!("the address can't be read: {}", error_chain(error)),
            remedy: "Write postgres://USER:PASSWORD@HOST:PORT/DATABASE; in user and password, write other characters than letters and \
                     digits as in a URL (an @ as %40)"
                .into(),
            is_temporary: false,
        }
    }

    pub(super) fn sqlite(path: &Path, error: sqlx::Error) -> Self {
        let why = match &error {
            sqlx::Error::Io(error) => error.to_string(),
            error => error_chain(error).to_string(),
        };
        let remedy = match DbError::from(error) {
            DbError::StorageFull(_) => "Make room on this disk, or name a file on another one",
            DbError::Unreachable(_) => "The directory must exist, and this user must be able to write there",
            _ => "It must be a SQLite database that this user can read and write",
        };
        let what = format!("can't open the SQLite file {}: {why}", path.display());
        Self { what, remedy: remedy.into(), is_temporary: false }
    }

    pub(super) fn no_sqlite_file(path: &Path) -> Self {
        Self { what: format!("there is no SQLite file {}", path.display()), remedy: String::new(), is_temporary: false }.not_begun()
    }

    /// A database without a schema, where one is needed.
    pub(super) fn not_begun_at(database: &str) -> Self {
        Self { what: format!("no service has begun the database {database}"), remedy: String::new(), is_temporary: false }.not_begun()
    }

    /// One that opens and answers no question.
    pub(super) fn unusable(database: &str, error: &DbError) -> Self {
        let remedy = "Try again in a moment; the database's log may say more".into();
        Self { what: format!("the database {database} can't be used: {}", error_chain(error)), remedy, is_temporary: true }
    }

    fn not_begun(mut self) -> Self {
        self.remedy =
            "Check --data-dir, --config and database.url (MSI_DATABASE__URL); `msi-actions serve` begins a new database, and so does \
                       `msi-actions migrate`"
                .into();
        self
    }

    pub(super) fn postgres_silent(options: &PgConnectOptions, seconds: u64) -> Self {
        Self {
            what: format!("{} gives no answer within {seconds} s", describe_server(options)),
            remedy: "Check host, port and the firewalls between".into(),
            is_temporary: true,
        }
    }

    pub(super) fn postgres(options: &PgConnectOptions, error: sqlx::Error) -> Self {
        let server = describe_server(options);
        let (user, database) = (options.get_username(), options.get_database().unwrap_or_else(|| options.get_username()));
        let code = error.as_database_error().and_then(|refusal| refusal.code()).map(|code| code.into_owned()).unwrap_or_default();
        let (what, remedy, is_temporary) = match &error {
            sqlx::Error::Io(error) if error.kind() == io::ErrorKind::ConnectionRefused => (
                format!("{server} refuses the connection: nothing listens there"),
                "Start PostgreSQL, or correct host and port".into(),
                true,
            ),
            sqlx::Error::Io(error) if options.get_socket().is_none() && !is_of_a_connection(error) => {
                (format!("{server} can't be reached: {error}"), "Check that the host's name is right and can be resolved here".into(), true)
            }
            sqlx::Error::Io(error) => {
                (format!("{server} ended the connection: {error}"), "Check that PostgreSQL listens there, and its log".into(), true)
            }
            // Hung up in the middle of the greeting, as a balancer does whose server is down; or no PostgreSQL at all.
            sqlx::Error::Protocol(_) => (
                format!("{server} ended the connection: {}", error_chain(&error)),
                "Check that PostgreSQL listens there, and its log".into(),
                true,
            ),
            sqlx::Error::Tls(_) => {
                let remedy = "Check the server's certificate and sslmode= in the address".to_owned();
                (format!("{server}: {}", error_chain(&error)), remedy, false)
            }
            _ if code == "3D000" => {
                let remedy = format!("Create it (CREATE DATABASE \"{database}\"), or correct the name at the end of the address");
                (format!("{server} has no database {database:?}"), remedy, false)
            }
            _ if code.starts_with("28") => {
                let remedy = "Correct user and password in the address, or allow the user in PostgreSQL's pg_hba.conf".to_owned();
                (format!("{server} doesn't let the user {user:?} in: {}", error_chain(&error)), remedy, false)
            }
            _ if code == "53300" => {
                let remedy = "Set database.max_connections lower, or raise max_connections of PostgreSQL".to_owned();
                (format!("{server} has no connection left for us"), remedy, true)
            }
            _ if code == "57P03" => (
                format!("{server} is starting or stopping"),
                "Start the service again in a moment; look into PostgreSQL's log".into(),
                true,
            ),
            _ => (format!("{server} can't be used: {}", error_chain(&error)), "PostgreSQL's log may say more".into(), false),
        };
        Self { what, remedy, is_temporary }
    }

    /// The pooler in front loses statements that are prepared through it.
    pub(super) fn pooler(options: &PgConnectOptions, error: DbError) -> Self {
        Self {
            what: format!("{} can't be used: {}", describe_server(options), error_chain(&error)),
            remedy: "docs/operations.md, PostgreSQL, says what poolers must support".into(),
            is_temporary: error.is_temporary(),
        }
    }
}

fn is_of_a_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
    matches!(error.kind(), BrokenPipe | ConnectionAborted | ConnectionReset | UnexpectedEof)
}

/// `PostgreSQL at HOST:PORT`; never with user, password or what else the address holds.
fn describe_server(options: &PgConnectOptions) -> String {
    let mut text = "PostgreSQL at ".to_owned();
    let (host, port) = (options.get_host(), options.get_port());
    let written = match options.get_socket() {
        Some(socket) => write!(text, "{} (port {port})", socket.display()),
        None if host.contains(':') && !host.starts_with('[') => write!(text, "[{host}]:{port}"),
        None => write!(text, "{host}:{port}"),
    };
    // Writing into a text can't fail.
    debug_assert!(written.is_ok());
    text
}
