//! The transaction at the end of a round.

use super::IncrementalRun;
use super::bulk_csv;
use super::round::SyncRound;
use crate::clock::Timestamp;
use crate::db::Tx;
use crate::ids::RunId;
use crate::sync::SyncError;
use crate::sync::rows::{SourceWindow, read_owners, read_people, read_rejected};
use crate::sync::store;
use crate::sync::store::merge::MergeCounts;

impl IncrementalRun {
    /// Merges the round's people, removes those who don't qualify any more, and moves the cursor past what the round has read: what
    /// happened in Marketo from `since` on.
    ///
    /// # Errors
    /// [`SyncError::TooManyPeople`] when the round adds people beyond what an instance can have. As in a full run, nobody is written
    /// then, and the cursor stays.
    pub(super) async fn settle(&mut self, round: SyncRound, since: Timestamp) -> Result<(), SyncError> {
        let now = self.now();
        let SyncRound { people, missing_ids, owners, unmatched_records, .. } = round;
        // People who are gone are written without any record, so they don't qualify and are removed.
        let missing = missing_ids.len();
        let export = bulk_csv::write_people(people.values(), &missing_ids, &self.cursor.fields)?;
        drop(people);
        let window = SourceWindow { position: self.progress.rounds, start: since };
        let (mut packed, mut owned) = (Vec::new(), Vec::new());
        let outcome = read_people(export.as_slice(), &self.cursor.fields, window, usize::MAX, |rows| {
            packed.push(rows);
            true
        })?;
        read_owners(bulk_csv::write_owners(owners.iter())?.as_slice(), usize::MAX, |rows| {
            owned.push(rows);
            true
        })?;
        let mut tx = self.service.db.begin().await?;
        if outcome.rejected > 0 {
            self.save_rejected(&mut tx, &export, window).await?;
        }
        self.progress.report.reject(&outcome);
        if !packed.is_empty() {
            let round = RunId(self.service.clock.new_id());
            let settled = store::merge_round(&mut tx, self.instance, round, (packed, owned), now).await?;
            if settled.inserted > 0 {
                self.service.check_people_limit(store::count_people(&mut tx, self.instance).await?)?;
            }
            let missing = i64::try_from(missing).unwrap_or(i64::MAX);
            // Those who are gone were written without being read.
            let merged = MergeCounts { read: settled.read - missing, without_record: settled.without_record - missing, ..settled };
            merged.add_to(&mut self.progress.report);
        }
        store::save_unmatched_records(&mut tx, self.instance, &unmatched_records).await?;
        store::delete_unmatched_records(&mut tx, self.instance, self.cursor.salesforce_until()).await?;
        store::save_live_cursor(&mut tx, self.instance, self.attempt.run, &self.cursor, now).await?;
        self.progress.consecutive_failures = 0;
        self.progress.rounds += 1;
        self.save(&mut tx, None).await?;
        Ok(tx.commit().await?)
    }

    /// Saves the rejected rows of a round for a download.
    async fn save_rejected(&self, tx: &mut Tx, export: &[u8], window: SourceWindow) -> Result<(), SyncError> {
        let mut rejected = Vec::new();
        read_rejected(export, &self.cursor.fields, window, (usize::MAX, self.progress.report.room_for_rejected()), |rows| {
            rejected.extend(rows);
            true
        })?;
        store::insert_rejected(tx, self.instance, self.attempt.run, (window.position, window.start), &rejected).await?;
        Ok(store::prune_rejected(tx, self.instance).await?)
    }
}
