//! The jobs of bulk extract and their states: two run at a time, ten may be queued or running, files of 500 MB are made a day.

use super::call_quota::central_day;
use super::error::MarketoApiError;
use super::export_job::{ExportFile, ExportJobState, ExportKind, ExportOrder, SandboxExportJob};

const MAX_RUNNING: usize = 2;
const MAX_QUEUED: usize = 10;
const MEGABYTE: u64 = 1024 * 1024;
const FILE_LIFETIME_SECONDS: i64 = 7 * 86_400;
const JOB_LIFETIME_SECONDS: i64 = 30 * 86_400;

/// Every job of the last thirty days.
#[derive(Debug)]
pub struct ExportJobs {
    jobs: Vec<SandboxExportJob>,
    /// Since when each slot for a running job is free; `None` while a job runs in it.
    free_slots_since: [Option<i64>; MAX_RUNNING],
    /// Bytes of files allowed a day; the control can set it.
    pub daily_bytes: u64,
}

impl Default for ExportJobs {
    fn default() -> Self {
        Self { jobs: Vec::new(), free_slots_since: [Some(i64::MIN); MAX_RUNNING], daily_bytes: 500 * MEGABYTE }
    }
}

impl ExportJobs {
    /// The job of a kind with this id.
    ///
    /// # Errors
    /// 1013 when there is none.
    pub fn job(&mut self, kind: ExportKind, id: &str) -> Result<&mut SandboxExportJob, MarketoApiError> {
        let found = self.jobs.iter_mut().find(|job| job.id == id && job.order.selection.kind() == kind);
        found.ok_or_else(|| MarketoApiError::new("1013", "Object not found"))
    }

    /// All jobs of a kind, oldest first.
    pub fn jobs(&self, kind: ExportKind) -> impl Iterator<Item = &SandboxExportJob> {
        self.jobs.iter().filter(move |job| job.order.selection.kind() == kind)
    }

    /// Bytes of the files finished on the (Central Time) day of `now`.
    pub fn bytes_today(&self, now: i64) -> u64 {
        let is_of_today = |job: &&SandboxExportJob| job.finished_at.is_some_and(|at| central_day(at) == central_day(now));
        self.jobs.iter().filter(is_of_today).filter_map(|job| job.file.as_ref()).map(|file| file.bytes).sum()
    }

    fn check_bytes(&self, now: i64) -> Result<(), MarketoApiError> {
        if self.bytes_today(now) < self.daily_bytes {
            return Ok(());
        }
        Err(MarketoApiError::new("1029", format!("Export daily quota {}MB exceeded", self.daily_bytes / MEGABYTE)))
    }

    /// Creates a job.
    ///
    /// # Errors
    /// 1029 when today's bytes are used up.
    pub fn create(&mut self, id: String, order: ExportOrder, now: i64) -> Result<&SandboxExportJob, MarketoApiError> {
        self.check_bytes(now)?;
        let job = SandboxExportJob {
            id,
            order,
            state: ExportJobState::Created,
            created_at: now,
            queued_at: None,
            started_at: None,
            finished_at: None,
            file: None,
            error: None,
            shown_status: None,
            slot: 0,
        };
        self.jobs.push(job);
        // There is one: it was just pushed.
        self.jobs.last().ok_or_else(|| MarketoApiError::new("611", "System error"))
    }

    /// Puts a created job into the queue.
    ///
    /// # Errors
    /// 1013 for an unknown job; 1029 when the queue is full, today's bytes are used up or the job was queued before.
    pub fn enqueue(&mut self, kind: ExportKind, id: &str, now: i64) -> Result<&mut SandboxExportJob, MarketoApiError> {
        self.check_bytes(now)?;
        let unfinished = self.jobs.iter().filter(|job| matches!(job.state, ExportJobState::Queued | ExportJobState::Processing)).count();
        let job = self.job(kind, id)?;
        match job.state {
            ExportJobState::Created if unfinished >= MAX_QUEUED => Err(MarketoApiError::new("1029", "Too many jobs in queue")),
            ExportJobState::Created => {
                job.state = ExportJobState::Queued;
                job.queued_at = Some(now);
                job.forget_shown_status();
                Ok(job)
            }
            _ => Err(MarketoApiError::new("1029", "Job already queued")),
        }
    }

    /// Cancels a job that hasn't ended.
    ///
    /// # Errors
    /// 1013 for an unknown job, 1003 for one that has ended.
    pub fn cancel(&mut self, kind: ExportKind, id: &str, now: i64) -> Result<&mut SandboxExportJob, MarketoApiError> {
        let job = self.job(kind, id)?;
        if matches!(job.state, ExportJobState::Completed | ExportJobState::Failed | ExportJobState::Canceled) {
            return Err(MarketoApiError::invalid("exportId"));
        }
        let slot = (job.state == ExportJobState::Processing).then_some(job.slot);
        job.state = ExportJobState::Canceled;
        job.finished_at = Some(now);
        job.forget_shown_status();
        if let Some(slot) = slot {
            self.free_slots_since[slot] = Some(now);
        }
        self.job(kind, id)
    }

    /// Brings every job to its state at `now`, when each takes `processing` seconds, and removes old jobs and files.
    pub fn advance(&mut self, now: i64, processing: i64) {
        loop {
            let mut has_changed = false;
            for job in self.jobs.iter_mut().filter(|job| job.state == ExportJobState::Processing) {
                if let Some(ended_at) = job.started_at.map(|at| at + processing).filter(|&at| at <= now) {
                    job.state = ExportJobState::Completed;
                    job.finished_at = Some(ended_at);
                    self.free_slots_since[job.slot] = Some(ended_at);
                    has_changed = true;
                }
            }
            let free = self.free_slots_since.iter().enumerate().filter_map(|(slot, since)| Some(((*since)?, slot))).min();
            if let Some((since, slot)) = free
                && let Some(next) = self.jobs.iter_mut().filter(|job| job.state == ExportJobState::Queued).min_by_key(|job| job.queued_at)
            {
                next.state = ExportJobState::Processing;
                next.started_at = Some(next.queued_at.unwrap_or(now).max(since));
                next.slot = slot;
                self.free_slots_since[slot] = None;
                has_changed = true;
            }
            if !has_changed {
                break;
            }
        }
        for job in &mut self.jobs {
            let is_old = job.finished_at.is_some_and(|at| at + FILE_LIFETIME_SECONDS < now);
            if let Some(file) = job.file.as_ref().filter(|_| is_old) {
                file.remove();
            }
        }
        self.jobs.retain(|job| job.finished_at.is_none_or(|at| at + JOB_LIFETIME_SECONDS > now));
    }

    /// Completed jobs whose file isn't written yet.
    pub fn jobs_without_file(&self) -> Vec<(String, ExportOrder)> {
        self.jobs
            .iter()
            .filter(|job| job.state == ExportJobState::Completed && job.file.is_none())
            .map(|job| (job.id.clone(), job.order.clone()))
            .collect()
    }

    /// Records the file of a completed job, or why there is none.
    pub fn record_file(&mut self, id: &str, outcome: Result<ExportFile, String>) {
        let Some(job) = self.jobs.iter_mut().find(|job| job.id == id) else { return };
        match outcome {
            Ok(file) => job.file = Some(file),
            Err(error) => {
                job.state = ExportJobState::Failed;
                job.error = Some(error);
            }
        }
    }

    /// The file of a completed job, for seven days.
    pub fn file(&self, kind: ExportKind, id: &str, now: i64) -> Option<ExportFile> {
        let job = self.jobs(kind).find(|job| job.id == id && job.state == ExportJobState::Completed)?;
        let is_available = job.finished_at.is_some_and(|at| now <= at + FILE_LIFETIME_SECONDS);
        job.file.clone().filter(|_| is_available)
    }

    /// Removes the files of every job.
    pub fn remove_files(&self) {
        self.jobs.iter().filter_map(|job| job.file.as_ref()).for_each(ExportFile::remove);
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::super::export_job::{ExportFileFormat, ExportSelection, LeadExportFilter};
    use super::*;

    fn order() -> ExportOrder {
        ExportOrder {
            fields: vec!["id".into()],
            headers: vec!["id".into()],
            format: ExportFileFormat::Csv,
            selection: ExportSelection::Leads(LeadExportFilter::CreatedAt(0, 1)),
        }
    }

    fn queue(exports: &mut ExportJobs, count: usize, now: i64) -> Vec<Result<(), String>> {
        (0..count)
            .map(|number| {
                let id = format!("{now}-{number}");
                exports.create(id.clone(), order(), now).map_err(|error| error.message)?;
                exports.enqueue(ExportKind::Leads, &id, now).map(|_| ()).map_err(|error| error.message)
            })
            .collect()
    }

    #[test]
    fn two_jobs_run_at_a_time_and_the_next_starts_when_one_ends() {
        let mut exports = ExportJobs::default();
        assert!(queue(&mut exports, 4, 1000).iter().all(Result::is_ok));
        let states = |exports: &mut ExportJobs, now| {
            exports.advance(now, 60);
            exports.jobs(ExportKind::Leads).map(|job| job.state.name()).collect::<Vec<_>>()
        };
        assert_eq!(states(&mut exports, 1000), ["Processing", "Processing", "Queued", "Queued"]);
        assert_eq!(states(&mut exports, 1070), ["Completed", "Completed", "Processing", "Processing"]);
        assert_eq!(exports.jobs[2].started_at, Some(1060));
        assert_eq!(states(&mut exports, 1120), ["Completed"; 4]);
        assert_eq!(exports.jobs[3].finished_at, Some(1120));
    }

    #[test]
    fn the_11th_queued_job_is_refused() {
        let mut exports = ExportJobs::default();
        let outcomes = queue(&mut exports, 11, 1000);
        assert!(outcomes[..10].iter().all(Result::is_ok));
        assert_eq!(outcomes[10], Err("Too many jobs in queue".into()));
        assert_eq!(
            exports.enqueue(ExportKind::Leads, "1000-0", 1000).map(|_| ()).map_err(|error| error.message),
            Err("Job already queued".into())
        );
    }

    #[test]
    fn jobs_are_refused_until_midnight_when_the_daily_bytes_are_used_up() {
        let mut exports = ExportJobs { daily_bytes: 10, ..ExportJobs::default() };
        queue(&mut exports, 1, 1000);
        exports.advance(1000, 0);
        exports.record_file(
            "1000-0",
            Ok(ExportFile { path: PathBuf::new(), bytes: 10, records: 1, sha256: String::new(), outlives_job: false }),
        );
        assert!(queue(&mut exports, 1, 1001)[0].as_ref().is_err_and(|message| message.starts_with("Export daily quota")));
        assert_eq!(queue(&mut exports, 1, 1001 + 86_400), [Ok(())]);
    }

    #[test]
    fn a_lagging_status_changes_once_a_minute() {
        let mut exports = ExportJobs::default();
        queue(&mut exports, 1, 1000);
        let mut status = |now: i64| {
            exports.advance(now, 10);
            exports.job(ExportKind::Leads, "1000-0").map(|job| job.show_status(now, true)["status"].clone()).expect("the job exists")
        };
        assert_eq!(status(1001), "Processing");
        assert_eq!(status(1060), "Processing");
        assert_eq!(status(1061), "Completed");
    }
}
