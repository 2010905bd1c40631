//! Inviting by file: CSV files and workbooks, what is in them, and the people that are invited by them, in the background.

mod changes;
pub mod csv;
mod forget;
pub mod http;
mod import;
mod job;
mod mapping;
mod new_import;
mod rows;
mod store;
mod wiring;

use crate::clock::Timestamp;
use crate::db::DbError;
use crate::ids::ImportId;
use crate::invites::InviteError;
use crate::members::MemberError;

pub use job::{ImportInvites, ImportSubject};
pub use wiring::wire;

/// Why a file can't be read, or nothing can be done about an import.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// No such import.
    #[error("there is no such import in this instance")]
    Unknown,
    /// The import was confirmed before.
    #[error("the import has been confirmed already")]
    Confirmed(ImportId),
    /// The import has no results yet.
    #[error("the import has not been confirmed; there is a result once POST …/confirm has been called")]
    NotConfirmed(ImportId),
    /// The rows of the import are there no more.
    #[error("the import ended at {ended}, and its rows, which are personal data, were deleted at {at}; how many ended how is still known")]
    RowsDeleted { id: ImportId, ended: Timestamp, at: Timestamp },
    /// Too many imports wait.
    #[error("{0} imports wait to be confirmed, which is as many as an instance can have; confirm or delete one")]
    Limit(i64),
    /// Too many files are on their way.
    #[error("{0} files are on their way already, which is as many as are taken at once; send this one when another is done")]
    UploadsBusy(usize),
    /// The file is no list of invitations.
    #[error(transparent)]
    Unreadable(#[from] csv::Unreadable),
    /// A column of the mapping is not in the file.
    #[error("{field} is mapped to column {column}, but the file's columns are 0 to {last}")]
    MappingMismatch { field: &'static str, column: u16, last: usize },
    /// Two fields of the mapping have the same column.
    #[error("{field} and {other} are both mapped to column {column}; give each field a column of its own")]
    MappingShared { field: &'static str, other: &'static str, column: u16 },
    /// The work was cut short, for example by a shutdown.
    #[error("the work was interrupted; try again")]
    Interrupted,
    #[error(transparent)]
    Invite(#[from] InviteError),
    #[error(transparent)]
    Member(#[from] MemberError),
    #[error(transparent)]
    Db(#[from] DbError),
}
