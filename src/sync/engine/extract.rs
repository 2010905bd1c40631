//! Reads people from Marketo: one export for each window of time, a bounded number of them at once. While one file is read into the
//! staging table, the next one is downloaded, and Marketo makes those after it. When Marketo takes long and nothing is left to read here,
//! the attempt ends until Marketo is asked again.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::{Notify, mpsc};

use super::export::{UnreadExport, download_export};
use super::{FullRun, MAX_WAIT_WITHIN_ATTEMPT};
use crate::clock::monotonic_now;
use crate::ids::{InstanceId, RunId};
use crate::marketo::{ExportFilter, ExportJob, ExportStatus, FilterBy, MarketoClient, MarketoError};
use crate::sync::attempt::RunAttempt;
use crate::sync::store::{self, ExportState, WindowExport};
use crate::sync::windows::ExportWindows;
use crate::sync::{RunPhase, SyncError, SyncService};

/// Exports that may fail in a row before the run fails.
const MAX_FAILURES: u32 = 3;
/// Files that may wait to be read, besides one being read and one being downloaded.
const MAX_WAITING_FILES: usize = 1;

/// An export that Marketo works at.
struct PendingExport {
    export: WindowExport,
    export_id: String,
    /// When to ask for its status next.
    poll_at: Instant,
    /// Whether an earlier attempt created it, or it isn't queued, so that Marketo may not know it any more.
    may_be_unknown: bool,
}

/// Counts downloaded files that aren't read yet.
#[derive(Debug, Default)]
struct UnreadFiles {
    count: AtomicUsize,
    one_was_read: Notify,
}

impl UnreadFiles {
    fn add_one(&self) {
        self.count.fetch_add(1, Ordering::SeqCst);
    }

    fn remove_one(&self) {
        self.count.fetch_sub(1, Ordering::SeqCst);
        self.one_was_read.notify_one();
    }

    fn is_empty(&self) -> bool {
        self.count.load(Ordering::SeqCst) == 0
    }
}

/// What asking for the status of pending exports came to.
enum ExportPoll {
    /// One has ended; without a job when Marketo doesn't know it any more.
    Ended(Box<PendingExport>, Option<ExportJob>),
    /// None has ended; ask again after this time.
    Pending(Duration),
}

/// Creates exports and downloads their files.
struct Exporter {
    service: SyncService,
    instance: InstanceId,
    run: RunId,
    attempt: RunAttempt,
    marketo: MarketoClient,
    fields: Vec<String>,
    by: FilterBy,
    /// Windows that no export is planned for yet.
    windows: ExportWindows,
    /// The number of the next window.
    position: i64,
    planned: VecDeque<WindowExport>,
    pending: Vec<PendingExport>,
    unread: Arc<UnreadFiles>,
    /// Consecutive exports that failed.
    failures: u32,
}

impl FullRun {
    /// Reads everybody, or everybody who changed, into the staging table.
    pub(super) async fn extract(&mut self) -> Result<(), SyncError> {
        loop {
            let mut exporter = self.create_exporter().await?;
            let (sender, mut arriving) = mpsc::channel(MAX_WAITING_FILES);
            let (unread, critical_step) = (exporter.unread.clone(), self.attempt.critical_step.clone());
            let reading = async {
                while let Some(export) = arriving.recv().await {
                    if let Err(error) = self.stage_export(export).await {
                        // The exporter stops here, but not while it creates an export, whose id would be lost.
                        let _critical_step = critical_step.lock().await;
                        return Err(error);
                    }
                    unread.remove_one();
                }
                Ok(())
            };
            match futures_util::future::try_join(exporter.download_all(sender), reading).await {
                Err(error) if self.plan.changed_since.is_some() && is_unsupported(&error) => self.read_everybody_instead().await?,
                Err(error) => return Err(error),
                Ok((None, ())) => return Ok(()),
                Ok((Some(wait), ())) => {
                    self.progress.export_failures = exporter.failures;
                    return Err(self.release_until(wait).await);
                }
            }
        }
    }

    async fn create_exporter(&mut self) -> Result<Exporter, SyncError> {
        let mut windows =
            ExportWindows::new(self.plan.changed_since.unwrap_or(self.plan.earliest), self.plan.latest, self.service.settings.window_days);
        let (mut planned, mut pending) = (VecDeque::new(), Vec::new());
        let (mut position, mut so_far) = (0, 0);
        for export in store::list_exports(&self.service.db, self.instance, self.run).await? {
            windows.skip_past(export.window);
            if let Some(records) = export.records {
                windows.adapt_to(export.window, records);
            }
            position = export.position + 1;
            match (export.state, export.export_id.clone()) {
                (ExportState::Staged, _) => so_far += export.records.unwrap_or(0),
                (ExportState::Created, Some(export_id)) => {
                    pending.push(PendingExport { export, export_id, poll_at: monotonic_now(), may_be_unknown: true });
                }
                _ => planned.push_back(export),
            }
        }
        self.begin_phase(RunPhase::ReadingPeople, so_far, None).await?;
        Ok(Exporter {
            service: self.service.clone(),
            instance: self.instance,
            run: self.run,
            attempt: self.attempt.clone(),
            marketo: self.marketo.clone(),
            fields: self.plan.fields.iter().map(|field| field.rest_name.clone()).collect(),
            by: if self.plan.changed_since.is_some() { FilterBy::UpdatedAt } else { FilterBy::CreatedAt },
            windows,
            position,
            planned,
            pending,
            unread: Arc::default(),
            failures: self.progress.export_failures,
        })
    }

    /// Reads everybody because the subscription has no filter for changes.
    async fn read_everybody_instead(&mut self) -> Result<(), SyncError> {
        tracing::info!(run = %self.run, "the subscription has no filter for changes; everybody is read");
        self.plan.changed_since = None;
        let mut tx = self.service.db.begin().await?;
        store::delete_planned_exports(&mut tx, self.instance, self.run).await?;
        store::update_plan(&mut tx, self.instance, self.run, &self.plan).await?;
        Ok(tx.commit().await?)
    }
}

fn is_unsupported(error: &SyncError) -> bool {
    use crate::connections::ConnectionError::Marketo;
    matches!(error, SyncError::Connection(Marketo(MarketoError::UnsupportedFilter(_))))
}

impl Exporter {
    /// Downloads the file of every window, in any order. Returns how long to wait if Marketo takes too long for this attempt.
    async fn download_all(&mut self, files: mpsc::Sender<UnreadExport>) -> Result<Option<Duration>, SyncError> {
        loop {
            self.create_exports().await?;
            if self.pending.is_empty() {
                return Ok(None);
            }
            let (one, job) = match self.wait_for_one().await? {
                ExportPoll::Ended(one, job) => (*one, job),
                ExportPoll::Pending(wait) => return Ok(Some(wait)),
            };
            let completed = job.filter(|job| job.status == ExportStatus::Completed);
            if let Some(people) = completed.as_ref().and_then(|job| i64::try_from(job.number_of_records?).ok()) {
                self.windows.adapt_to(one.export.window, people);
            }
            // Marketo works at the next one while this one is downloaded.
            self.create_exports().await?;
            let downloaded = match completed {
                Some(job) => download_export(&self.service, &self.marketo, &self.attempt, &one.export, job).await?,
                None => None,
            };
            if let Some(file) = downloaded {
                self.failures = 0;
                let is_last = self.planned.is_empty() && self.pending.is_empty();
                let windows = self.position + self.windows.remaining();
                self.unread.add_one();
                if files.send(UnreadExport { export: one.export, file, windows, is_last }).await.is_err() {
                    // The reader has stopped and reports why.
                    return Ok(None);
                }
                continue;
            }
            self.failures += 1;
            if self.failures >= MAX_FAILURES {
                return Err(SyncError::ExportFailed(format!("{} ended without a file", one.export_id)));
            }
            tracing::warn!(run = %self.run, export = one.export_id, "an export came to nothing and is made again");
            let mut tx = self.attempt.begin_transaction(&self.service).await?;
            store::reset_export(&mut tx, self.instance, self.run, one.export.position).await?;
            tx.commit().await?;
            self.planned.push_front(one.export);
        }
    }

    /// Creates exports until as many are pending as may be, or Marketo's queue is full.
    async fn create_exports(&mut self) -> Result<(), SyncError> {
        while self.pending.len() < self.service.settings.exports_at_once {
            let Some(export) = self.next_window().await? else { return Ok(()) };
            match self.create_export(export).await? {
                (made, true) => self.pending.push(made),
                (made, false) => {
                    // It stays created at Marketo; asking for its status later finds that it has yet to be queued.
                    self.pending.push(PendingExport { may_be_unknown: true, ..made });
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// The next window to export. It is saved first, so that a crash neither skips a window nor repeats one.
    async fn next_window(&mut self) -> Result<Option<WindowExport>, SyncError> {
        if let Some(planned) = self.planned.pop_front() {
            return Ok(Some(planned));
        }
        let Some(window) = self.windows.next() else { return Ok(None) };
        let position = self.position;
        let mut tx = self.attempt.begin_transaction(&self.service).await?;
        store::plan_export(&mut tx, self.instance, self.run, position, window).await?;
        tx.commit().await?;
        self.position += 1;
        Ok(Some(WindowExport { position, window, state: ExportState::Planned, export_id: None, records: None }))
    }

    /// Creates an export and queues it; `false` when the queue is full. Its id is saved before it is queued: a crash in between leaves
    /// an export that never runs and costs nothing.
    async fn create_export(&mut self, export: WindowExport) -> Result<(PendingExport, bool), SyncError> {
        // An export whose id is lost would be created again.
        let _critical_step = self.attempt.critical_step.clone().lock_owned().await;
        let (start, end) = (export.window.start.instant(), export.window.end.instant());
        let job = self.marketo.create_export(&self.fields, ExportFilter { by: self.by, start, end }).await?;
        let mut tx = self.attempt.begin_transaction(&self.service).await?;
        store::mark_export_created(&mut tx, self.instance, self.run, export.position, &job.export_id).await?;
        tx.commit().await?;
        let queued = self.enqueue(&job.export_id).await?;
        let poll_at = monotonic_now() + self.service.poll_interval;
        Ok((PendingExport { export, export_id: job.export_id, poll_at, may_be_unknown: false }, queued))
    }

    async fn enqueue(&self, export_id: &str) -> Result<bool, SyncError> {
        match self.marketo.enqueue_export(export_id).await {
            Ok(_) => Ok(true),
            Err(MarketoError::ExportQueueFull(_)) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Waits until a pending export has ended, unless that takes too long for this attempt.
    async fn wait_for_one(&mut self) -> Result<ExportPoll, SyncError> {
        loop {
            let next = self.pending.iter().enumerate().min_by_key(|(_, one)| one.poll_at).map(|(index, _)| index);
            // The caller has checked that one is pending.
            let index = next.ok_or(SyncError::Internal)?;
            if let Some(wait) = self.wait_until(self.pending[index].poll_at).await {
                return Ok(ExportPoll::Pending(wait));
            }
            let one = &self.pending[index];
            match self.marketo.export_status(&one.export_id).await {
                Ok(job) if job.status.is_final() => {
                    return Ok(ExportPoll::Ended(Box::new(self.pending.swap_remove(index)), Some(job)));
                }
                Ok(job) if job.status == ExportStatus::Created => {
                    self.enqueue(&job.export_id).await?;
                }
                Ok(_) => {}
                Err(MarketoError::Rejected(_)) if one.may_be_unknown => {
                    return Ok(ExportPoll::Ended(Box::new(self.pending.swap_remove(index)), None));
                }
                Err(error) => return Err(error.into()),
            }
            self.pending[index].poll_at = monotonic_now() + self.service.poll_interval;
        }
    }

    /// Waits until `when`; returns the remaining time instead when it is long and no file is left to read here.
    async fn wait_until(&self, when: Instant) -> Option<Duration> {
        loop {
            let left = when.saturating_duration_since(monotonic_now());
            if left > MAX_WAIT_WITHIN_ATTEMPT && self.unread.is_empty() {
                return Some(left);
            }
            tokio::select! {
                () = tokio::time::sleep_until(when.into()) => return None,
                () = self.unread.one_was_read.notified() => {}
            }
        }
    }
}
