use serde::{Deserialize, Serialize};

use super::csv::{Analysis, Mapping};
use super::invite::ResultStatus;
use crate::auth::Role;
use crate::clock::Timestamp;
use crate::ids::{ImportId, InstanceId, InviteId, TeamId};

/// Rows whose results are kept one by one; all are counted.
pub(super) const LISTED_RESULTS: usize = 1000;

/// How far an import has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ImportState {
    /// The file has been read; nobody is invited yet.
    Analysed,
    /// People are being invited.
    Confirmed,
    /// Every row has a result.
    Completed,
    /// The import can't go on; see `error`.
    Failed,
}

impl ImportState {
    /// The state of this name.
    pub(super) fn read(text: &str) -> Option<Self> {
        match text {
            "analysed" => Some(Self::Analysed),
            "confirmed" => Some(Self::Confirmed),
            "completed" => Some(Self::Completed),
            "failed" => Some(Self::Failed),
            _ => None,
        }
    }
}

/// What was confirmed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Confirmation {
    pub mapping: Mapping,
    /// For rows that name no role.
    pub role: Role,
    /// Teams that everybody joins besides Everyone and those of their row.
    pub teams: Vec<TeamId>,
}

/// How many rows ended how.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Counts {
    pub invited: u64,
    pub already_member: u64,
    pub already_invited: u64,
    pub other_instance: u64,
    pub invalid: u64,
    pub no_seat: u64,
}

impl Counts {
    pub(super) fn add(&mut self, status: ResultStatus) {
        let count = match status {
            ResultStatus::Invited => &mut self.invited,
            ResultStatus::AlreadyMember => &mut self.already_member,
            ResultStatus::AlreadyInvited => &mut self.already_invited,
            ResultStatus::OtherInstance => &mut self.other_instance,
            ResultStatus::Invalid => &mut self.invalid,
            ResultStatus::NoSeat => &mut self.no_seat,
        };
        *count += 1;
    }
}

/// What became of one row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct RowResult {
    /// The row's number in the file, as in the faults.
    pub row: u64,
    /// The address in the row, if it is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    pub status: ResultStatus,
    /// Why the row invited nobody.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The invitation made now, or the one that holds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub invite_id: Option<InviteId>,
}

/// An import of a CSV file.
#[derive(Debug, Clone)]
pub(super) struct Import {
    pub(super) id: ImportId,
    pub(super) instance: InstanceId,
    pub(super) state: ImportState,
    pub(super) analysis: Analysis,
    pub(super) confirmation: Option<Confirmation>,
    /// Who sent the file or, once confirmed, who confirmed it: `client:ID` or `member:ID`.
    pub(super) invited_by: String,
    /// Rows that have a result.
    pub(super) rows_done: u64,
    pub(super) counts: Counts,
    pub(super) results: Vec<RowResult>,
    pub(super) error: Option<String>,
    pub(super) created_at: Timestamp,
    pub(super) confirmed_at: Option<Timestamp>,
    pub(super) completed_at: Option<Timestamp>,
}
