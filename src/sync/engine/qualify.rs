//! Reads owners from Salesforce: a bulk query of the leads that aren't converted and one of the contacts, page by page into the staging
//! table. The queries hold nothing that Bulk API 2.0 refuses or that switches its chunking off (no order, limit or aggregate).

use std::io::{self, Read};
use std::sync::atomic::AtomicI64;
use std::time::Duration;

use bytes::{Buf, Bytes};
use futures_util::StreamExt;
use tokio::sync::mpsc;

use super::{FullRun, MAX_WAIT_WITHIN_ATTEMPT};
use crate::salesforce::{QueryJobState, ResultBody, ResultPage, SalesforceError};
use crate::sync::attempt::UsageMeter;
use crate::sync::progress::QueryProgress;
use crate::sync::rows::read_owners;
use crate::sync::salesforce_object::SalesforceObject;
use crate::sync::{RunPhase, SyncError, store};
use crate::telemetry::error_chain;

/// The most records of a page.
const PAGE: u32 = 50_000;
/// Query jobs, and readings of a page, that may fail before the run fails.
const MAX_FAILURES: u32 = 3;
/// Bounds of the wait between two questions for a job's state, which is an eighth of the time it has taken.
const MIN_POLL_WAIT: Duration = Duration::from_millis(250);
const MAX_POLL_WAIT: Duration = Duration::from_secs(15);
/// Chunks of a page that may wait for the parser, and batches of rows that may wait for the database.
const MAX_WAITING_CHUNKS: usize = 16;
const MAX_WAITING_BATCHES: usize = 4;

impl FullRun {
    /// Reads every owner into the staging table.
    pub(super) async fn qualify(&mut self) -> Result<(), SyncError> {
        let so_far = self.progress.leads.records + self.progress.contacts.records;
        self.begin_phase(RunPhase::ReadingOwners, so_far, None).await?;
        // Salesforce works at both queries while the first one is read.
        for object in [SalesforceObject::Lead, SalesforceObject::Contact] {
            if self.query_progress(object).job.is_none() {
                self.create_query(object).await?;
            }
        }
        for object in [SalesforceObject::Lead, SalesforceObject::Contact] {
            if !self.query_progress(object).is_complete {
                let job = self.wait_for(object).await?;
                self.read_pages(object, &job).await?;
            }
        }
        Ok(())
    }

    async fn create_query(&mut self, object: SalesforceObject) -> Result<String, SyncError> {
        let job = self.salesforce.create_query_job(object.soql()).await?;
        let (read, failures) = (self.query_progress(object).records, self.query_progress(object).failures);
        self.done -= read;
        let created_at = Some(self.service.clock.timestamp());
        *self.query_progress(object) = QueryProgress { job: Some(job.id.clone()), created_at, failures, ..Default::default() };
        let mut tx = self.service.db.begin().await?;
        self.save(&mut tx).await?;
        tx.commit().await?;
        Ok(job.id)
    }

    /// Waits until the query's job is complete; a job that failed or is gone is created again.
    async fn wait_for(&mut self, object: SalesforceObject) -> Result<String, SyncError> {
        loop {
            let id = match self.query_progress(object).job.clone() {
                Some(id) => id,
                None => self.create_query(object).await?,
            };
            let state = match self.salesforce.query_job(&id).await {
                Ok(job) if job.state == QueryJobState::JobComplete => {
                    let others = if object == SalesforceObject::Contact { self.progress.leads.records } else { 0 };
                    let count = job.records_processed.and_then(|count| i64::try_from(count).ok());
                    self.total = count.filter(|_| object == SalesforceObject::Contact).map(|count| count + others);
                    return Ok(id);
                }
                Ok(job) => job.state,
                Err(SalesforceError::Api(refusal)) if refusal.status == 404 => QueryJobState::Aborted,
                Err(error) => return Err(error.into()),
            };
            if state.is_final() {
                self.query_progress(object).failures += 1;
                if self.query_progress(object).failures >= MAX_FAILURES {
                    return Err(SyncError::QueryFailed { object: object.name(), job: id });
                }
                tracing::warn!(run = %self.run, job = id, object = object.name(), ?state, "a query job came to nothing and is made again");
                self.create_query(object).await?;
            }
            let created_at = self.query_progress(object).created_at;
            let taken = created_at.map_or(MAX_POLL_WAIT * 8, |at| (self.service.clock.timestamp() - at).unsigned_abs());
            let wait = poll_wait(taken);
            if wait > MAX_WAIT_WITHIN_ATTEMPT {
                return Err(self.release_until(wait).await);
            }
            tokio::time::sleep(wait).await;
        }
    }

    async fn read_pages(&mut self, object: SalesforceObject, job: &str) -> Result<(), SyncError> {
        let mut tries = 0;
        while !self.query_progress(object).is_complete {
            let locator = self.query_progress(object).locator.clone();
            let page = self.salesforce.query_results(job, locator.as_deref(), PAGE).await?;
            tries += 1;
            match self.read_page(object, page).await {
                Ok(()) => tries = 0,
                Err(error @ (SyncError::QueryUnreadable(_) | SyncError::Connection(_))) if tries < MAX_FAILURES => {
                    tracing::warn!(run = %self.run, error = %error_chain(&error), "a page of a query's result is read again");
                    tokio::time::sleep(MIN_POLL_WAIT).await;
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Reads a page, and records it as read in the transaction of its last batch: a crash repeats one page at most.
    async fn read_page(&mut self, object: SalesforceObject, page: ResultPage) -> Result<(), SyncError> {
        let (chunks, arriving) = mpsc::channel(MAX_WAITING_CHUNKS);
        let (sender, mut batches) = mpsc::channel(MAX_WAITING_BATCHES);
        let rows = self.service.settings.batch_rows;
        let parsing = tokio::task::spawn_blocking(move || {
            read_owners(ChunkReader { arriving, current: Bytes::new() }, rows, |owners| sender.blocking_send(owners).is_ok())
        });
        let staged = AtomicI64::new(0);
        let staging = store::stage_owners(&self.service.db, self.run, &mut batches, &staged);
        let meter = self.attempt.meters.salesforce.clone();
        let (sent, tx) = futures_util::future::join(send_chunks(page.body, chunks, meter), self.with_progress(&staged, staging)).await;
        drop(batches);
        let read = parsing.await.map_err(|_| SyncError::Internal)?;
        sent?;
        let (mut tx, read) = (tx?, read?);
        if let Some(announced) = page.records.and_then(|count| i64::try_from(count).ok()).filter(|announced| read.records < *announced) {
            return Err(SyncError::QueryUnreadable(format!("a page holds {} records where {announced} were announced", read.records)));
        }
        self.done += read.records;
        self.progress.report.salesforce_records += read.records;
        let query = self.query_progress(object);
        query.records += read.records;
        let is_after_last = query.record_page(&read);
        query.is_complete = page.locator.is_none();
        query.locator = page.locator;
        self.progress.may_have_duplicates |= !is_after_last;
        self.save_step(&mut tx).await?;
        Ok(tx.commit().await?)
    }
}

/// The wait until the next question for a job that has taken so long.
fn poll_wait(taken: Duration) -> Duration {
    (taken / 8).clamp(MIN_POLL_WAIT, MAX_POLL_WAIT)
}

/// Sends the page to the parser as it arrives. A parser that has stopped early reports why itself.
async fn send_chunks(mut body: ResultBody, chunks: mpsc::Sender<Bytes>, meter: UsageMeter) -> Result<(), SalesforceError> {
    while let Some(chunk) = body.next().await {
        let chunk = chunk?;
        meter.add_bytes(chunk.len());
        if chunks.send(chunk).await.is_err() {
            break;
        }
    }
    Ok(())
}

/// Reads chunks as they arrive, on a thread that may block.
struct ChunkReader {
    arriving: mpsc::Receiver<Bytes>,
    current: Bytes,
}

impl Read for ChunkReader {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while self.current.is_empty() {
            match self.arriving.blocking_recv() {
                Some(next) => self.current = next,
                None => return Ok(0),
            }
        }
        let count = into.len().min(self.current.len());
        self.current.copy_to_slice(&mut into[..count]);
        Ok(count)
    }
}
