//! People from Marketo: one export a window of creation time, a bounded number of them under way at Marketo, the next ones being
//! made there while a finished one is read here.

use std::collections::VecDeque;

use tokio::time::Instant;

use super::Pass;
use crate::marketo::{ExportFilter, ExportJob, ExportStatus, FilterBy, MarketoError};
use crate::sync::store::{self, Export, ExportState};
use crate::sync::{Phase, SyncError};

/// Exports made for a window before the run gives up.
const MOST_TRIES: u32 = 3;

/// An export at Marketo that isn't read yet.
struct UnderWay {
    export: Export,
    export_id: String,
    /// When its status is asked for next.
    next_question: Instant,
    /// Made before a crash: what became of it isn't known.
    found_again: bool,
}

impl Pass {
    /// Reads everybody into the staging table.
    pub(super) async fn extract(&mut self) -> Result<(), SyncError> {
        let so_far = store::staged_people_so_far(&self.service.db, self.instance, self.run).await?;
        self.begin_phase(Phase::ReadingPeople, so_far, None).await?;
        let mut planned = VecDeque::new();
        let mut under_way = Vec::new();
        for export in store::exports(&self.service.db, self.instance, self.run).await? {
            match (export.state, export.export_id.clone()) {
                (ExportState::Staged, _) => {}
                (ExportState::Created, Some(export_id)) => {
                    under_way.push(UnderWay { export, export_id, next_question: Instant::now(), found_again: true });
                }
                _ => planned.push_back(export),
            }
        }
        let mut failures = 0;
        loop {
            self.top_up(&mut planned, &mut under_way).await?;
            if under_way.is_empty() {
                return Ok(());
            }
            let (one, job) = self.next_to_end(&mut under_way).await?;
            // Marketo makes the next one while this one is read.
            self.top_up(&mut planned, &mut under_way).await?;
            let read = match job.filter(|job| job.status == ExportStatus::Completed) {
                Some(job) => self.take_in(&one.export, job, planned.is_empty() && under_way.is_empty()).await?,
                None => false,
            };
            if read {
                failures = 0;
                continue;
            }
            failures += 1;
            if failures == MOST_TRIES {
                return Err(SyncError::ExportFailed(format!("{} ended without a file", one.export_id)));
            }
            tracing::warn!(run = %self.run, export = one.export_id, "an export came to nothing and is made again");
            let mut tx = self.service.db.begin().await?;
            store::export_forgotten(&mut tx, self.instance, self.run, one.export.position).await?;
            tx.commit().await?;
            planned.push_front(one.export);
        }
    }

    /// Has exports made until as many are under way as may be. When Marketo's queue is full, those under way are waited for.
    async fn top_up(&mut self, planned: &mut VecDeque<Export>, under_way: &mut Vec<UnderWay>) -> Result<(), SyncError> {
        while under_way.len() < self.service.settings.exports_at_once {
            let Some(export) = planned.pop_front() else { return Ok(()) };
            match self.make(export).await? {
                (made, true) => under_way.push(made),
                (made, false) => {
                    // It stays at Marketo as made; asking for its status later finds it waiting to be queued.
                    under_way.push(UnderWay { found_again: true, ..made });
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// Makes an export and queues it; `false` when the queue is full. Its id is kept before it is queued: a crash in between
    /// leaves an export that never runs and costs nothing.
    async fn make(&mut self, export: Export) -> Result<(UnderWay, bool), SyncError> {
        let fields: Vec<_> = self.plan.fields.iter().map(|field| field.rest_name.clone()).collect();
        let (start, end) = (export.span.start.instant(), export.span.end.instant());
        let job = self.marketo.create_export(&fields, ExportFilter { by: FilterBy::CreatedAt, start, end }).await?;
        let mut tx = self.service.db.begin().await?;
        store::export_created(&mut tx, self.instance, self.run, export.position, &job.export_id).await?;
        tx.commit().await?;
        let queued = self.queue(&job.export_id).await?;
        let next_question = Instant::now() + self.service.poll_interval;
        Ok((UnderWay { export, export_id: job.export_id, next_question, found_again: false }, queued))
    }

    async fn queue(&self, export_id: &str) -> Result<bool, SyncError> {
        match self.marketo.enqueue_export(export_id).await {
            Ok(_) => Ok(true),
            Err(MarketoError::ExportQueueFull(_)) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Waits until one of the exports has ended; without a job when Marketo doesn't know it any more.
    async fn next_to_end(&mut self, under_way: &mut Vec<UnderWay>) -> Result<(UnderWay, Option<ExportJob>), SyncError> {
        loop {
            let next = under_way.iter().enumerate().min_by_key(|(_, one)| one.next_question).map(|(place, _)| place);
            // The caller has checked that there is one.
            let place = next.ok_or(SyncError::Broken)?;
            tokio::time::sleep_until(under_way[place].next_question).await;
            let one = &under_way[place];
            match self.marketo.export_status(&one.export_id).await {
                Ok(job) if job.status.is_final() => return Ok((under_way.swap_remove(place), Some(job))),
                Ok(job) if job.status == ExportStatus::Created => {
                    self.queue(&job.export_id).await?;
                }
                Ok(_) => {}
                Err(MarketoError::Rejected(_)) if one.found_again => return Ok((under_way.swap_remove(place), None)),
                Err(error) => return Err(error.into()),
            }
            under_way[place].next_question = Instant::now() + self.service.poll_interval;
        }
    }
}
