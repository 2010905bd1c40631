use super::csv::{RowFault, StoredRows};
use super::import::{Import, RowOutcome, RowResult};
use super::store::{self, StoredChunk};
use crate::db::{Db, DbError};
use crate::invites::ResultStatus;
use crate::members::Teams;

/// Faults that one row can have at most, as the places of faults are counted.
const FAULTS_OF_A_ROW: u64 = 16;

/// A fault and its place among all faults of the import: they are listed in the order of their places.
pub(super) type PlacedFault = (i64, RowFault);

/// The faults after the place `after`, at most `most` of them. Teams made since the file was checked are known here.
pub(super) async fn faults_after(
    db: &Db,
    import: &Import,
    teams: &Teams,
    after: Option<i64>,
    most: usize,
) -> Result<Vec<PlacedFault>, DbError> {
    let from = after.map_or(0, |after| u64::try_from(after).unwrap_or(0).saturating_add(1));
    let (mut row, mut faults) = (from / FAULTS_OF_A_ROW, Vec::new());
    while faults.len() < most
        && let Some(kept) = store::chunk_from(db, import.instance, import.id, row, 1).await?
    {
        row = kept.chunk.first + u64::from(kept.chunk.rows);
        let placed = faults_of(&kept, import, teams).into_iter();
        faults.extend(placed.filter(|(place, _)| u64::try_from(*place).is_ok_and(|place| place >= from)));
    }
    faults.truncate(most);
    Ok(faults)
}

/// Every fault of a chunk, with its place.
pub(super) fn faults_of(kept: &StoredChunk, import: &Import, teams: &Teams) -> Vec<PlacedFault> {
    let all = kept.chunk.all_faults(import.analysis.rows, &import.mapping(), import.analysis.columns.len(), teams);
    let placed = all.into_iter().flat_map(|(row, faults)| {
        (row * FAULTS_OF_A_ROW..).zip(faults).filter_map(|(place, fault)| Some((i64::try_from(place).ok()?, fault)))
    });
    placed.collect()
}

/// What became of the rows after the row at place `after`, at most `most` of them; those without a result are left out.
pub(super) async fn results_after(
    db: &Db,
    import: &Import,
    status: Option<ResultStatus>,
    after: Option<i64>,
    most: usize,
) -> Result<Vec<(i64, RowResult)>, DbError> {
    let from = after.map_or(0, |after| u64::try_from(after).unwrap_or(0).saturating_add(1));
    let (mut row, mut results) = (from, Vec::new());
    while results.len() < most
        && let Some(kept) = store::chunk_from(db, import.instance, import.id, row, 0).await?
    {
        let Some(outcomes) = kept.outcomes else { break };
        row = kept.chunk.first + u64::from(kept.chunk.rows);
        let mut rows = StoredRows::new(&kept.chunk.body);
        for (place, outcome) in (kept.chunk.first..).zip(outcomes) {
            let Some((number, cells)) = rows.next_row() else { break };
            if place >= from && status.is_none_or(|status| status == outcome.status) {
                let email = super::csv::shorten(cells.cell(Some(import.mapping().email)));
                let reason = reason(&outcome);
                let result = RowResult { row: number, email, status: outcome.status, reason, invite_id: outcome.invite_id };
                results.push((i64::try_from(place).unwrap_or(i64::MAX), result));
            }
        }
    }
    results.truncate(most);
    Ok(results)
}

/// Why a row invited nobody.
pub(super) fn reason(outcome: &RowOutcome) -> Option<String> {
    let usual = match outcome.status {
        ResultStatus::Invited | ResultStatus::Invalid => None,
        ResultStatus::AlreadyMember => Some("the person is a member already"),
        ResultStatus::AlreadyInvited => Some("the person has an invitation that still holds; no second message was sent"),
        ResultStatus::OtherInstance => Some("the address is in use"),
        ResultStatus::NoSeat => Some("all user seats were taken"),
        ResultStatus::TooManyMessages => Some("as many invitations were sent as may be within 24 hours; send the file again later"),
    };
    outcome.reason.clone().or_else(|| usual.map(str::to_owned))
}
