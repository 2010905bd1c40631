use super::csv::{RowError, StoredRows};
use super::import::{Import, RowOutcome, RowResult};
use super::store::{self, StoredChunk};
use crate::db::{Db, DbError};
use crate::invites::InviteOutcomeKind;
use crate::members::Teams;

/// Errors that one row can have at most, as the places of errors are counted.
const ERRORS_OF_A_ROW: u64 = 16;

/// An error and its place among all errors of the import: they are listed in the order of their places.
pub(super) type PlacedError = (i64, RowError);

/// The errors after the place `after`, at most `most` of them. Teams made since the file was checked are known here.
pub(super) async fn errors_after(
    db: &Db,
    import: &Import,
    teams: &Teams,
    after: Option<i64>,
    most: usize,
) -> Result<Vec<PlacedError>, DbError> {
    let from = after.map_or(0, |after| u64::try_from(after).unwrap_or(0).saturating_add(1));
    let (mut row, mut errors) = (from / ERRORS_OF_A_ROW, Vec::new());
    while errors.len() < most
        && let Some(stored) = store::chunk_from(db, import.instance, import.id, row, 1).await?
    {
        row = stored.chunk.first + u64::from(stored.chunk.rows);
        let placed = errors_of(&stored, import, teams).into_iter();
        errors.extend(placed.filter(|(position, _)| u64::try_from(*position).is_ok_and(|position| position >= from)));
    }
    errors.truncate(most);
    Ok(errors)
}

/// Every error of a chunk, with its place.
pub(super) fn errors_of(stored: &StoredChunk, import: &Import, teams: &Teams) -> Vec<PlacedError> {
    let all = stored.chunk.all_errors(import.analysis.rows, &import.mapping(), import.analysis.columns.len(), teams);
    let placed = all.into_iter().flat_map(|(row, errors)| {
        (row * ERRORS_OF_A_ROW..).zip(errors).filter_map(|(position, error)| Some((i64::try_from(position).ok()?, error)))
    });
    placed.collect()
}

/// What became of the rows after the row at place `after`, at most `most` of them; those without a result are left out.
pub(super) async fn results_after(
    db: &Db,
    import: &Import,
    kind: Option<InviteOutcomeKind>,
    after: Option<i64>,
    most: usize,
) -> Result<Vec<(i64, RowResult)>, DbError> {
    let from = after.map_or(0, |after| u64::try_from(after).unwrap_or(0).saturating_add(1));
    let (mut row, mut results) = (from, Vec::new());
    while results.len() < most
        && let Some(stored) = store::chunk_from(db, import.instance, import.id, row, 0).await?
    {
        let Some(outcomes) = stored.outcomes else { break };
        row = stored.chunk.first + u64::from(stored.chunk.rows);
        let mut rows = StoredRows::new(&stored.chunk.body);
        for (position, outcome) in (stored.chunk.first..).zip(outcomes) {
            let Some((number, cells)) = rows.next_row() else { break };
            if position >= from && kind.is_none_or(|kind| kind == outcome.kind) {
                let email = super::csv::shorten(cells.cell(Some(import.mapping().email)));
                let reason = reason(&outcome);
                let result = RowResult { row: number, email, outcome: outcome.kind, reason, invite_id: outcome.invite_id };
                results.push((i64::try_from(position).unwrap_or(i64::MAX), result));
            }
        }
    }
    results.truncate(most);
    Ok(results)
}

/// Why a row invited nobody.
pub(super) fn reason(outcome: &RowOutcome) -> Option<String> {
    let usual = match outcome.kind {
        InviteOutcomeKind::Invited | InviteOutcomeKind::Invalid => None,
        InviteOutcomeKind::AlreadyMember => Some("the person is a member already"),
        InviteOutcomeKind::AlreadyInvited => Some("the person has an invitation that still holds; no second message was sent"),
        InviteOutcomeKind::OtherInstance => Some("the address is in use"),
        InviteOutcomeKind::NoSeat => Some("all user seats were taken"),
        InviteOutcomeKind::TooManyMessages => Some("as many invitations were sent as may be within 24 hours; send the file again later"),
    };
    outcome.reason.clone().or_else(|| usual.map(str::to_owned))
}
