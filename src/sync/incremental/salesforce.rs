//! Reads Salesforce's modified records: their owner may have changed, or they were converted or deleted.
//!
//! Windows of `SystemModstamp` are half-open and end a little before Salesforce's present, by its own clock; the next one reaches
//! back, because a change becomes visible later than it was made. Within a window, reading continues after the last record's time and id.

use time::Duration;

use super::IncrementalRun;
use super::modified::ModifiedRecord;
use super::round::SyncRound;
use crate::clock::Timestamp;
use crate::salesforce::soql_instant;
use crate::sync::SyncError;
use crate::sync::cursor::{ModifiedWindow, OVERLAP, VISIBILITY_LAG};
use crate::sync::gap::SyncGap;
use crate::sync::salesforce_object::SalesforceObject;

/// Records of a page, and the most pages of each object that a round reads.
const PAGE_RECORDS: usize = 2000;
const MAX_PAGES: usize = 2;
/// The time between two readings of Salesforce's logs of deletions, which also list records that were purged from the recycle bin.
const DELETION_LOG_INTERVAL: Duration = Duration::hours(1);

fn build_query(object: SalesforceObject, window: &ModifiedWindow) -> String {
    let converted = if object == SalesforceObject::Lead { "IsConverted, " } else { "" };
    let from = soql_instant(window.from.instant());
    let mut text =
        format!("SELECT Id, OwnerId, IsDeleted, {converted}SystemModstamp FROM {} WHERE SystemModstamp >= {from}", object.name());
    if let Some(until) = window.until {
        text.push_str(&format!(" AND SystemModstamp < {}", soql_instant(until.instant())));
    }
    if let Some(after) = &window.after {
        // The id was checked to be letters and digits when it was read.
        text.push_str(&format!(" AND (SystemModstamp > {from} OR Id > '{after}')"));
    }
    text.push_str(&format!(" ORDER BY SystemModstamp, Id LIMIT {PAGE_RECORDS}"));
    text
}

impl IncrementalRun {
    /// Reads the next pages of modified records; `true` when there is more.
    pub(super) async fn read_salesforce(&mut self, round: &mut SyncRound) -> Result<bool, SyncError> {
        let mut has_more = false;
        for object in [SalesforceObject::Lead, SalesforceObject::Contact] {
            has_more |= self.read_window(object, round).await?;
        }
        Ok(has_more)
    }

    fn window(&mut self, object: SalesforceObject) -> &mut ModifiedWindow {
        match object {
            SalesforceObject::Lead => &mut self.cursor.leads,
            SalesforceObject::Contact => &mut self.cursor.contacts,
        }
    }

    async fn read_window(&mut self, object: SalesforceObject, round: &mut SyncRound) -> Result<bool, SyncError> {
        for _ in 0..MAX_PAGES {
            let question = build_query(object, self.window(object));
            let answer = self.salesforce.query_with_deleted(&question).await?;
            let until = self.window(object).until.unwrap_or_else(|| Timestamp::from(answer.at) - VISIBILITY_LAG);
            let count = answer.records.len();
            let read: Option<Vec<ModifiedRecord>> = answer.records.iter().map(ModifiedRecord::read).collect();
            let mut read = read.ok_or_else(|| SyncError::QueryUnreadable(format!("a modified {} lacks a field", object.name())))?;
            // They are ordered by time, so those that are too recent are at the end.
            read.retain(|one| one.at < until);
            self.changes_report().salesforce_records += i64::try_from(read.len()).unwrap_or(i64::MAX);
            let is_full = count == PAGE_RECORDS && read.len() == count;
            let last = read.last().map(|one| (one.at, one.id.to_string()));
            round.add_modified(object, read);
            let window = self.window(object);
            match last.filter(|_| is_full) {
                Some((at, id)) => *window = ModifiedWindow { from: at, after: Some(id), until: Some(until) },
                None => {
                    *window = ModifiedWindow { from: window.from.max(until - OVERLAP), after: None, until: None };
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }

    /// Reads the logs of deletions if an hour has passed.
    pub(super) async fn read_deletion_logs(&mut self, round: &mut SyncRound) -> Result<(), SyncError> {
        let (start, end) = (self.cursor.logs_until, self.cursor.salesforce_until() + OVERLAP);
        if end - start < DELETION_LOG_INTERVAL {
            return Ok(());
        }
        let mut covered = end;
        for object in [SalesforceObject::Lead, SalesforceObject::Contact] {
            let log = self.salesforce.deleted(object.name(), (start - OVERLAP).instant(), end.instant()).await?;
            let (earliest, until) = (Timestamp::from(log.earliest), Timestamp::from(log.until));
            if earliest > start {
                self.add_gap(SyncGap::log_purged(earliest));
            }
            covered = covered.min(until);
            let gone = log.ids.iter().filter_map(|id| id.parse().ok()).map(|id| ModifiedRecord { id, owner: None, at: until });
            let gone: Vec<ModifiedRecord> = gone.filter(|gone| !round.has_modified(object, &gone.id)).collect();
            round.add_modified(object, gone);
        }
        self.cursor.logs_until = covered.max(start);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    #[test]
    fn a_window_continues_after_the_last_records_time_and_id() {
        let from = Timestamp::from(datetime!(2026-06-15 12:00 UTC));
        let window = ModifiedWindow { from, after: Some("00QR0000000UyrWMAS".into()), until: Some(from + Duration::minutes(1)) };
        assert_eq!(
            build_query(SalesforceObject::Lead, &window),
            "SELECT Id, OwnerId, IsDeleted, IsConverted, SystemModstamp FROM Lead WHERE SystemModstamp >= 2026-06-15T12:00:00.000Z \
             AND SystemModstamp < 2026-06-15T12:01:00.000Z AND (SystemModstamp > 2026-06-15T12:00:00.000Z OR Id > '00QR0000000UyrWMAS') \
             ORDER BY SystemModstamp, Id LIMIT 2000"
        );
    }
}
