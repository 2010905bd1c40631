//! Rejected rows: rows of an export that can't be used.

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::db::text_enum;

text_enum! {
    /// Why a row can't be used.
    pub enum RejectionReason {
        WrongNumberOfColumns = "wrong_number_of_columns",
        NoMarketoId = "no_marketo_id",
        NotUtf8 = "not_utf8",
        ValueTooLong = "value_too_long",
    }
}

/// A row that can't be used. Nothing of it is kept but the person's id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct RejectedRow {
    /// Marketo's id of the person, if that much can be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub marketo_id: Option<i64>,
    /// `wrong_number_of_columns`, `no_marketo_id`, `not_utf8` or `value_too_long`.
    #[schema(value_type = String)]
    pub reason: RejectionReason,
    /// Begin of the window of creation time that was exported; in an incremental run the time from which changes were read.
    pub window_start: Timestamp,
}

/// A rejected row of an export.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::sync) struct RejectedRecord {
    /// The record's number in the file, the header being the first one.
    pub line: i64,
    pub marketo_id: Option<i64>,
    pub reason: RejectionReason,
    /// The row's beginning.
    pub content: String,
}
