use serde::{Deserialize, Serialize};
use time::Duration;

use super::csv::{Analysis, Mapping};
use crate::auth::Role;
use crate::clock::Timestamp;
use crate::db::text_enum;
use crate::ids::{ImportId, InstanceId, InviteId, TeamId};
use crate::invites::InviteOutcomeKind;

/// Imports that an instance can have waiting to be confirmed.
pub(super) const MAX_UNCONFIRMED: i64 = 20;
/// How long an import waits to be confirmed; after that it is removed, sooner when files are kept for a shorter time.
pub(super) const UNCONFIRMED_FOR: Duration = Duration::days(7);

text_enum! {
    /// How far an import has come.
    pub enum ImportState {
        /// The file has been read; nobody is invited yet.
        Analyzed = "analysed",
        /// People are being invited.
        Confirmed = "confirmed",
        /// Every row has a result.
        Completed = "completed",
        /// The import can't go on; see `error`.
        Failed = "failed",
    }
}

impl ImportState {
    /// Whether nothing will change any more.
    pub(super) fn is_final(self) -> bool {
        matches!(self, Self::Completed | Self::Failed)
    }
}

/// What was confirmed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = ImportConfirmation)]
pub struct Confirmation {
    pub mapping: Mapping,
    /// For rows that name no role.
    pub role: Role,
    /// Teams that everybody joins besides Everyone and those of their row.
    pub teams: Vec<TeamId>,
}

/// How many rows ended how.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ImportCounts {
    pub invited: u64,
    pub already_member: u64,
    pub already_invited: u64,
    /// Only of imports that earlier versions made: addresses that were in use.
    pub other_instance: u64,
    pub invalid: u64,
    pub no_seat: u64,
    #[serde(default)]
    pub too_many_messages: u64,
}

impl ImportCounts {
    pub(super) fn add(&mut self, outcome: InviteOutcomeKind) {
        let count = match outcome {
            InviteOutcomeKind::Invited => &mut self.invited,
            InviteOutcomeKind::AlreadyMember => &mut self.already_member,
            InviteOutcomeKind::AlreadyInvited => &mut self.already_invited,
            InviteOutcomeKind::OtherInstance => &mut self.other_instance,
            InviteOutcomeKind::Invalid => &mut self.invalid,
            InviteOutcomeKind::NoSeat => &mut self.no_seat,
            InviteOutcomeKind::TooManyMessages => &mut self.too_many_messages,
        };
        *count += 1;
    }
}

/// What became of one row, as it is kept beside it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct RowOutcome {
    #[serde(rename = "status")]
    pub(super) kind: InviteOutcomeKind,
    /// Why the row invited nobody.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) reason: Option<String>,
    /// The invitation made now, or the one that holds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) invite_id: Option<InviteId>,
}

/// What became of one row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = ImportRowResult)]
pub struct RowResult {
    /// The row's number in the file, as in the errors.
    pub row: u64,
    /// What the row has in the e-mail column.
    pub email: String,
    pub outcome: InviteOutcomeKind,
    /// Why the row invited nobody.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The invitation made now, or the one that holds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub invite_id: Option<InviteId>,
}

/// An import of a file, without its rows.
#[derive(Debug, Clone)]
pub(super) struct Import {
    pub(super) id: ImportId,
    pub(super) instance: InstanceId,
    pub(super) state: ImportState,
    /// As the sender called the file.
    pub(super) file_name: Option<String>,
    pub(super) analysis: Analysis,
    pub(super) confirmation: Option<Confirmation>,
    /// Who sent the file or, once confirmed, who confirmed it: `client:ID` or `member:ID`.
    pub(super) invited_by: String,
    /// Rows that have a result.
    pub(super) rows_done: u64,
    pub(super) counts: ImportCounts,
    pub(super) error: Option<String>,
    pub(super) created_at: Timestamp,
    pub(super) confirmed_at: Option<Timestamp>,
    pub(super) completed_at: Option<Timestamp>,
    /// When its rows were deleted, some time after it ended.
    pub(super) rows_deleted_at: Option<Timestamp>,
}

impl Import {
    /// The current mapping.
    pub(super) fn mapping(&self) -> Mapping {
        self.confirmation.as_ref().map_or_else(|| self.analysis.mapping.into(), |confirmation| confirmation.mapping)
    }

    /// Rows done a second since the confirmation, and when all will be, while there are some to do and some done.
    pub(super) fn pace(&self, now: Timestamp) -> Option<(u64, Timestamp)> {
        let began = self.confirmed_at.filter(|_| self.state == ImportState::Confirmed && self.rows_done > 0)?;
        let seconds = (now.instant() - began.instant()).whole_seconds().max(1);
        let rate = (self.rows_done / seconds.unsigned_abs()).max(1);
        let left = self.analysis.rows.saturating_sub(self.rows_done) / rate;
        Some((rate, now + Duration::seconds(i64::try_from(left).ok()?)))
    }
}
