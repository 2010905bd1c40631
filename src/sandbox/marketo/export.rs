//! Bulk extract of leads and activities: the jobs and their states. Two work at a time, ten may wait, 500 MB of files come out a day.

use super::error::Refusal;
use super::export_job::{ExportKind, Job, Order, Product, State};
use super::quota::central_day;

const RUNNING: usize = 2;
const QUEUED: usize = 10;
const MEGABYTE: u64 = 1024 * 1024;
const FILES_KEPT_SECONDS: i64 = 7 * 86_400;
const STATUS_KEPT_SECONDS: i64 = 30 * 86_400;

/// Every job of the last thirty days.
#[derive(Debug)]
pub struct Exports {
    jobs: Vec<Job>,
    /// Since when each working place is free; `None` while a job has it.
    places: [Option<i64>; RUNNING],
    /// Bytes of files a day; settable by control.
    pub daily_bytes: u64,
}

impl Default for Exports {
    fn default() -> Self {
        Self { jobs: Vec::new(), places: [Some(i64::MIN); RUNNING], daily_bytes: 500 * MEGABYTE }
    }
}

impl Exports {
    /// The job of a kind with this id.
    ///
    /// # Errors
    /// 1013 when there is none.
    pub fn job(&mut self, kind: ExportKind, id: &str) -> Result<&mut Job, Refusal> {
        let found = self.jobs.iter_mut().find(|job| job.id == id && job.order.selection.kind() == kind);
        found.ok_or_else(|| Refusal::new("1013", "Object not found"))
    }

    /// All jobs of a kind, oldest first.
    pub fn jobs(&self, kind: ExportKind) -> impl Iterator<Item = &Job> {
        self.jobs.iter().filter(move |job| job.order.selection.kind() == kind)
    }

    /// Bytes of the files finished on the (Central Time) day of `now`.
    pub fn bytes_today(&self, now: i64) -> u64 {
        let today = |job: &&Job| job.finished_at.is_some_and(|at| central_day(at) == central_day(now));
        self.jobs.iter().filter(today).filter_map(|job| job.product.as_ref()).map(|product| product.bytes).sum()
    }

    fn check_bytes(&self, now: i64) -> Result<(), Refusal> {
        if self.bytes_today(now) < self.daily_bytes {
            return Ok(());
        }
        Err(Refusal::new("1029", format!("Export daily quota {}MB exceeded", self.daily_bytes / MEGABYTE)))
    }

    /// Takes an order.
    ///
    /// # Errors
    /// 1029 when today's bytes are used up.
    pub fn create(&mut self, id: String, order: Order, now: i64) -> Result<&Job, Refusal> {
        self.check_bytes(now)?;
        let job = Job {
            id,
            order,
            state: State::Created,
            created_at: now,
            queued_at: None,
            started_at: None,
            finished_at: None,
            product: None,
            error: None,
            shown: None,
            place: 0,
        };
        self.jobs.push(job);
        // Just pushed.
        self.jobs.last().ok_or_else(|| Refusal::new("611", "System error"))
    }

    /// Puts a created job into the queue.
    ///
    /// # Errors
    /// 1013 for an unknown job; 1029 when the queue is full, today's bytes are used up or the job was queued before.
    pub fn enqueue(&mut self, kind: ExportKind, id: &str, now: i64) -> Result<&mut Job, Refusal> {
        self.check_bytes(now)?;
        let waiting = self.jobs.iter().filter(|job| matches!(job.state, State::Queued | State::Processing)).count();
        let job = self.job(kind, id)?;
        match job.state {
            State::Created if waiting >= QUEUED => Err(Refusal::new("1029", "Too many jobs in queue")),
            State::Created => {
                job.state = State::Queued;
                job.queued_at = Some(now);
                job.forget_shown();
                Ok(job)
            }
            _ => Err(Refusal::new("1029", "Job already queued")),
        }
    }

    /// Cancels a job that hasn't ended.
    ///
    /// # Errors
    /// 1013 for an unknown job, 1003 for one that has ended.
    pub fn cancel(&mut self, kind: ExportKind, id: &str, now: i64) -> Result<&mut Job, Refusal> {
        let job = self.job(kind, id)?;
        if matches!(job.state, State::Completed | State::Failed | State::Canceled) {
            return Err(Refusal::invalid("exportId"));
        }
        let working = (job.state == State::Processing).then_some(job.place);
        job.state = State::Canceled;
        job.finished_at = Some(now);
        job.forget_shown();
        if let Some(place) = working {
            self.places[place] = Some(now);
        }
        self.job(kind, id)
    }

    /// Moves every job to where it is at `now`, each taking `processing` seconds, and forgets what is too old.
    pub fn advance(&mut self, now: i64, processing: i64) {
        loop {
            let mut moved = false;
            for job in self.jobs.iter_mut().filter(|job| job.state == State::Processing) {
                if let Some(done) = job.started_at.map(|at| at + processing).filter(|&at| at <= now) {
                    job.state = State::Completed;
                    job.finished_at = Some(done);
                    self.places[job.place] = Some(done);
                    moved = true;
                }
            }
            let free = self.places.iter().enumerate().filter_map(|(place, free)| Some(((*free)?, place))).min();
            if let Some((since, place)) = free
                && let Some(next) = self.jobs.iter_mut().filter(|job| job.state == State::Queued).min_by_key(|job| job.queued_at)
            {
                next.state = State::Processing;
                next.started_at = Some(next.queued_at.unwrap_or(now).max(since));
                next.place = place;
                self.places[place] = None;
                moved = true;
            }
            if !moved {
                break;
            }
        }
        for job in &mut self.jobs {
            let outdated = job.finished_at.is_some_and(|at| at + FILES_KEPT_SECONDS < now);
            if let Some(product) = job.product.as_ref().filter(|_| outdated) {
                product.remove();
            }
        }
        self.jobs.retain(|job| job.finished_at.is_none_or(|at| at + STATUS_KEPT_SECONDS > now));
    }

    /// Completed jobs whose file isn't written yet.
    pub fn unwritten(&self) -> Vec<(String, Order)> {
        self.jobs
            .iter()
            .filter(|job| job.state == State::Completed && job.product.is_none())
            .map(|job| (job.id.clone(), job.order.clone()))
            .collect()
    }

    /// Records the file of a completed job, or why there is none.
    pub fn written(&mut self, id: &str, outcome: Result<Product, String>) {
        let Some(job) = self.jobs.iter_mut().find(|job| job.id == id) else { return };
        match outcome {
            Ok(product) => job.product = Some(product),
            Err(error) => {
                job.state = State::Failed;
                job.error = Some(error);
            }
        }
    }

    /// The file of a completed job, while it is kept.
    pub fn file(&self, kind: ExportKind, id: &str, now: i64) -> Option<Product> {
        let job = self.jobs(kind).find(|job| job.id == id && job.state == State::Completed)?;
        let kept = job.finished_at.is_some_and(|at| now <= at + FILES_KEPT_SECONDS);
        job.product.clone().filter(|_| kept)
    }

    /// Removes every prepared file.
    pub fn remove_files(&self) {
        self.jobs.iter().filter_map(|job| job.product.as_ref()).for_each(Product::remove);
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::super::export_job::{Filter, Format, Selection};
    use super::*;

    fn order() -> Order {
        Order {
            fields: vec!["id".into()],
            headers: vec!["id".into()],
            format: Format::Csv,
            selection: Selection::Leads(Filter::CreatedAt(0, 1)),
        }
    }

    fn queue(exports: &mut Exports, count: usize, now: i64) -> Vec<Result<(), String>> {
        (0..count)
            .map(|number| {
                let id = format!("{now}-{number}");
                exports.create(id.clone(), order(), now).map_err(|refusal| refusal.message)?;
                exports.enqueue(ExportKind::Leads, &id, now).map(|_| ()).map_err(|refusal| refusal.message)
            })
            .collect()
    }

    #[test]
    fn two_jobs_work_at_a_time_and_the_next_begins_when_one_ends() {
        let mut exports = Exports::default();
        assert!(queue(&mut exports, 4, 1000).iter().all(Result::is_ok));
        let states = |exports: &mut Exports, now| {
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
    fn the_eleventh_job_in_the_queue_is_refused() {
        let mut exports = Exports::default();
        let outcomes = queue(&mut exports, 11, 1000);
        assert!(outcomes[..10].iter().all(Result::is_ok));
        assert_eq!(outcomes[10], Err("Too many jobs in queue".into()));
        assert_eq!(
            exports.enqueue(ExportKind::Leads, "1000-0", 1000).map(|_| ()).map_err(|refusal| refusal.message),
            Err("Job already queued".into())
        );
    }

    #[test]
    fn a_used_up_day_refuses_further_jobs_until_midnight() {
        let mut exports = Exports { daily_bytes: 10, ..Exports::default() };
        queue(&mut exports, 1, 1000);
        exports.advance(1000, 0);
        exports.written("1000-0", Ok(Product { path: PathBuf::new(), bytes: 10, records: 1, sha256: String::new(), kept: false }));
        assert!(queue(&mut exports, 1, 1001)[0].as_ref().is_err_and(|message| message.starts_with("Export daily quota")));
        assert_eq!(queue(&mut exports, 1, 1001 + 86_400), [Ok(())]);
    }

    #[test]
    fn with_lag_the_state_shown_changes_once_a_minute() {
        let mut exports = Exports::default();
        queue(&mut exports, 1, 1000);
        let mut status = |now: i64| {
            exports.advance(now, 10);
            exports.job(ExportKind::Leads, "1000-0").map(|job| job.status_shown(now, true)["status"].clone()).expect("the job exists")
        };
        assert_eq!(status(1001), "Processing");
        assert_eq!(status(1060), "Processing");
        assert_eq!(status(1061), "Completed");
    }
}
