//! Reading a list of people as people have them: CSV whatever the encoding and the delimiter, with headers or without, or a
//! spreadsheet. Pure: bytes come in, what is in them comes out. Everything here blocks and takes memory bounded by the limits
//! below, whatever the file.

mod address_cell;
mod analysis;
mod budget;
#[cfg(test)]
mod budget_tests;
mod check;
mod chunks;
mod dialect;
mod encoding;
mod export;
mod foreign;
mod headers;
mod languages;
mod mapping;
mod proposal;
mod row_reader;
mod rows;
#[cfg(test)]
mod tests;
mod workbook;
mod workbook_bounds;

use serde::{Deserialize, Serialize};

pub use analysis::{OptionalSink, analyze};
pub use budget::{AnalysisBudget, AnalysisLimits, AnalysisStop, LimitMet};
pub use check::RowCheck;
pub use chunks::{Chunk, ChunkSink, StoredRows};
pub use dialect::{Dialect, Format};
pub use export::{Export, file_row};
pub use foreign::ForeignFileKind;
pub use mapping::{ColumnNumber, Mapping, MappingMismatch, Proposal, ProposedMapping};
pub use rows::{Cells, ImportRow, read_row, shorten};

/// Most bytes of a file.
pub const MAX_FILE: u64 = 50 * 1024 * 1024;
/// Most rows of a file.
pub const MAX_ROWS: u64 = 200_000;
/// Most columns of a file.
pub const MAX_COLUMNS: usize = 200;
/// Most bytes of a row: one that is longer has a quote that nobody closed.
pub const MAX_ROW_LENGTH: usize = 1024 * 1024;
/// Most notes below the table, such as those that reports end with.
const MAX_NOTES: usize = 10;
/// Rows shown as a sample.
const SAMPLE_ROWS: usize = 5;
/// Errors listed; all are counted.
const LISTED_ERRORS: usize = 100;
/// Characters of a cell that are shown.
const SHOWN_CHARACTERS: usize = 200;

/// What a column can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Field {
    Email,
    FirstName,
    LastName,
    Role,
    Teams,
}

impl Field {
    /// Every field.
    pub const ALL: [Self; 5] = [Self::Email, Self::FirstName, Self::LastName, Self::Role, Self::Teams];

    /// The name as the API shows it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::FirstName => "first_name",
            Self::LastName => "last_name",
            Self::Role => "role",
            Self::Teams => "teams",
        }
    }
}

/// A column of the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = FileColumn)]
pub struct CsvColumn {
    /// Counted from 0; use it in the mapping.
    pub index: u16,
    /// The header, or `Column 1`, `Column 2`, … without headers.
    pub name: String,
}

/// One thing in a row that can't be used. The row invites nobody.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = ImportRowError)]
pub struct RowError {
    /// The row's number in the file. The first row, headers included, is 1; empty lines are not counted.
    pub row: u64,
    /// The column, counted from 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<u16>,
    /// Stable name of the error: `email_missing`, `email_invalid`, `duplicate`, `name_too_long`, `role_unknown`,
    /// `team_unknown`, `too_many_cells`, `quote_unclosed`.
    pub code: String,
    /// What is wrong.
    pub detail: String,
}

impl RowError {
    fn new(row: u64, column: Option<ColumnNumber>, code: &str, detail: impl Into<String>) -> Self {
        Self { row, column: column.map(|column| column.0), code: code.to_owned(), detail: detail.into() }
    }
}

/// What is in a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Analysis {
    pub dialect: Dialect,
    pub columns: Vec<CsvColumn>,
    pub mapping: ProposedMapping,
    /// The first rows, as they are in the file; long cells are cut.
    pub sample: Vec<Vec<String>>,
    /// The first 100 errors under the mapping.
    #[serde(alias = "faults")]
    pub errors: Vec<RowError>,
    /// How many errors there are.
    #[serde(alias = "faults_total")]
    pub error_count: u64,
    /// Rows with something in them, headers and notes not counted.
    pub rows: u64,
    /// Rows without an error under the mapping.
    pub valid_rows: u64,
    /// Lines at the end that are no rows of the table, such as the notes below a report. They invite nobody.
    #[serde(default)]
    pub notes: u64,
}

impl From<AnalysisStop> for Unreadable {
    fn from(stop: AnalysisStop) -> Self {
        match stop {
            AnalysisStop::Limit(limit) => Self::LimitMet(limit),
            AnalysisStop::Canceled => Self::Canceled,
        }
    }
}

/// Why a file is no list of invitations.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// Nothing in it.
    #[error("the file is empty")]
    Empty,
    /// Another kind of file.
    #[error("this is {}; {}", .0.what(), .0.instead())]
    Foreign(ForeignFileKind),
    /// A spreadsheet that can't be opened, or that no spreadsheet program writes.
    #[error("the spreadsheet can't be read: {0}; save it as CSV (comma separated values) and send that")]
    Workbook(&'static str),
    /// A row that never ends.
    #[error("the row that begins at line {line} is longer than {} KB; is a quotation mark left open there?", MAX_ROW_LENGTH / 1024)]
    RowTooLong {
        /// The line in the file, from 1.
        line: u64,
    },
    /// Making a list of it takes more than one file may take.
    #[error(transparent)]
    LimitMet(LimitMet),
    /// Nobody waits for the answer any more.
    #[error("the analysis was canceled")]
    Canceled,
    /// The file could not be read from its place on disk.
    #[error("the file could not be kept while it was read")]
    Lost,
    /// Headers, perhaps, and nothing below.
    #[error("the file has no rows below its headers")]
    NoRows,
    /// No column looks like e-mail addresses.
    #[error("no column holds e-mail addresses")]
    NoAddresses,
    /// Too many rows.
    #[error("the file has more than {MAX_ROWS} rows; split it")]
    TooManyRows,
    /// Too many columns.
    #[error("the file has more than {MAX_COLUMNS} columns; keep those needed")]
    TooManyColumns,
}
