use serde::Serialize;

use crate::clock::Timestamp;
use crate::ids::ImportId;
use crate::imports::csv::{Analysis, CsvColumn, Dialect, ProposedMapping, RowError};
use crate::imports::import::{Confirmation, Import, ImportCounts, ImportState};

/// How far an import has come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = InviteImportProgress)]
pub(super) struct ImportProgress {
    pub(super) id: ImportId,
    pub(super) state: ImportState,
    /// As the sender called the file.
    #[serde(skip_serializing_if = "Option::is_none")]
    file_name: Option<String>,
    /// Rows with something in them; headers, and notes below the table, are not counted.
    rows: u64,
    /// Rows without an error under the mapping.
    valid_rows: u64,
    /// How many errors there are under the mapping; a row can have several.
    error_count: u64,
    /// Rows that have a result, of `rows`.
    rows_done: u64,
    /// Rows done a second, while the import is under way.
    #[serde(skip_serializing_if = "Option::is_none")]
    rate_per_second: Option<u64>,
    /// When all will be done at this rate.
    #[serde(skip_serializing_if = "Option::is_none")]
    eta: Option<Timestamp>,
    /// How many rows have ended how.
    counts: ImportCounts,
    /// Why the import can't go on.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    /// Who sent the file or, once confirmed, who confirmed it: `client:ID` or `member:ID`.
    invited_by: String,
    created_at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    confirmed_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    completed_at: Option<Timestamp>,
    /// When the file's rows were deleted, which hold personal data; the counts stay. A setting of the service says how long after the
    /// end that is, 30 days if not otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    rows_deleted_at: Option<Timestamp>,
}

impl ImportProgress {
    pub(super) fn new(import: &Import, now: Timestamp) -> Self {
        let (rate_per_second, eta) = import.pace(now).unzip();
        Self {
            id: import.id,
            state: import.state,
            file_name: import.file_name.clone(),
            rows: import.analysis.rows,
            valid_rows: import.analysis.valid_rows,
            error_count: import.analysis.error_count,
            rows_done: import.rows_done,
            rate_per_second,
            eta,
            counts: import.counts,
            error: import.error.clone(),
            invited_by: import.invited_by.clone(),
            created_at: import.created_at,
            confirmed_at: import.confirmed_at,
            completed_at: import.completed_at,
            rows_deleted_at: import.rows_deleted_at,
        }
    }
}

/// An import: what is in the file and, once confirmed, how far it has come.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = InviteImport)]
pub(super) struct ImportView {
    #[serde(flatten)]
    #[schema(inline)]
    progress: ImportProgress,
    dialect: Dialect,
    columns: Vec<CsvColumn>,
    /// The mapping: the proposed one until somebody chooses another.
    mapping: ProposedMapping,
    /// The first rows, as they are in the file; long cells are cut.
    sample: Vec<Vec<String>>,
    /// The first 100 errors; `…/errors` lists all.
    errors: Vec<RowError>,
    /// Lines at the end that are no rows of the table, such as the notes below a report. They invite nobody.
    notes: u64,
    /// What was confirmed.
    #[serde(skip_serializing_if = "Option::is_none")]
    confirmation: Option<Confirmation>,
}

impl ImportView {
    pub(super) fn id(&self) -> ImportId {
        self.progress.id
    }

    pub(super) fn new(import: Import, now: Timestamp) -> Self {
        let progress = ImportProgress::new(&import, now);
        let Analysis { dialect, columns, mapping, sample, errors, notes, .. } = import.analysis;
        Self { progress, dialect, columns, mapping, sample, errors, notes, confirmation: import.confirmation }
    }
}
