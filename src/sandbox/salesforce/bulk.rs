//! Bulk API 2.0 query jobs: their life, and their results as CSV, page by page.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::query::Plan;
use super::records::Org;
use crate::sandbox::faults::FaultKind;
use crate::sandbox::moment::iso_salesforce_json;

/// Rows of a page at most, whatever `maxRecords` says: it is an upper bound.
pub const PAGE: usize = 50_000;
const KEPT_SECONDS: i64 = 7 * 86_400;

/// States of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    UploadComplete,
    InProgress,
    JobComplete,
    Failed,
    Aborted,
}

impl State {
    fn name(self) -> &'static str {
        match self {
            Self::UploadComplete => "UploadComplete",
            Self::InProgress => "InProgress",
            Self::JobComplete => "JobComplete",
            Self::Failed => "Failed",
            Self::Aborted => "Aborted",
        }
    }

    /// True when nothing more will happen.
    pub fn is_final(self) -> bool {
        matches!(self, Self::JobComplete | Self::Failed | Self::Aborted)
    }
}

/// One job. Times are Unix seconds.
#[derive(Debug, Clone)]
pub struct Job {
    pub id: String,
    pub operation: &'static str,
    pub plan: Plan,
    /// Version that made it, for example `v66.0`.
    pub version: String,
    pub user_id: String,
    pub created_at: i64,
    pub delimiter: Delimiter,
    pub crlf: bool,
    pub aborted: bool,
    pub failed: bool,
    /// Rows found, once the job is complete and was counted.
    pub rows: Option<u64>,
}

/// What separates columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Delimiter(&'static str, u8);

impl Delimiter {
    /// By the API's name.
    pub fn named(name: &str) -> Option<Self> {
        const KNOWN: [Delimiter; 6] = [
            Delimiter("BACKQUOTE", b'`'),
            Delimiter("CARET", b'^'),
            Delimiter("COMMA", b','),
            Delimiter("PIPE", b'|'),
            Delimiter("SEMICOLON", b';'),
            Delimiter("TAB", b'\t'),
        ];
        KNOWN.into_iter().find(|known| known.0 == name)
    }
}

impl Job {
    /// What it asks for, together with how often people were changed.
    pub fn question(&self, revision: u64) -> String {
        format!("{revision} {:?} {} {:?} {}", self.plan, self.operation, self.delimiter, self.crlf)
    }

    /// Where it is at `now` when jobs take `processing` seconds.
    pub fn state(&self, now: i64, processing: i64) -> State {
        match now - self.created_at {
            _ if self.aborted => State::Aborted,
            _ if self.failed => State::Failed,
            age if age >= processing => State::JobComplete,
            age if age * 2 >= processing => State::InProgress,
            _ => State::UploadComplete,
        }
    }

    /// The answer to its creation.
    pub fn made(&self) -> Value {
        self.brief(State::UploadComplete)
    }

    fn brief(&self, state: State) -> Value {
        let at = iso_salesforce_json(self.created_at);
        let version: f64 = self.version.trim_start_matches('v').parse().unwrap_or_default();
        json!({
            "id": self.id,
            "operation": self.operation,
            "object": self.plan.object.name,
            "createdById": self.user_id,
            "createdDate": at,
            "systemModstamp": at,
            "state": state.name(),
            "concurrencyMode": "Parallel",
            "contentType": "CSV",
            "apiVersion": version,
            "lineEnding": if self.crlf { "CRLF" } else { "LF" },
            "columnDelimiter": self.delimiter.0,
        })
    }

    /// Its status.
    pub fn status(&self, state: State, processing: i64) -> Value {
        let mut shown = self.brief(state);
        shown["jobType"] = json!("V2Query");
        shown["retries"] = json!(0);
        shown["totalProcessingTime"] = json!(processing * 1000);
        shown["isPkChunkingSupported"] = json!(false);
        shown["numberRecordsProcessed"] = json!(if state == State::JobComplete { self.rows.unwrap_or(0) } else { 0 });
        shown
    }
}

/// Every job of the last seven days.
#[derive(Debug, Default)]
pub struct Jobs(Vec<Job>);

impl Jobs {
    /// Adds a job and forgets old ones.
    pub fn add(&mut self, job: Job) {
        self.0.retain(|old| old.created_at + KEPT_SECONDS > job.created_at);
        self.0.push(job);
    }

    /// The job with this id, of 15 or 18 characters.
    pub fn find(&mut self, id: &str) -> Option<&mut Job> {
        self.0.iter_mut().find(|job| super::ids::same(&job.id, id))
    }

    /// Removes a job.
    pub fn remove(&mut self, id: &str) {
        self.0.retain(|job| !super::ids::same(&job.id, id));
    }

    /// All jobs, oldest first.
    pub fn all(&self) -> &[Job] {
        &self.0
    }

    /// How many there are.
    pub fn made(&self) -> usize {
        self.0.len()
    }
}

/// Where a page begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Locator {
    pub step: u64,
    pub shown: u64,
}

impl Locator {
    /// The beginning of the results.
    pub const START: Self = Self { step: 0, shown: 0 };

    /// As opaque text.
    pub fn text(self) -> String {
        URL_SAFE_NO_PAD.encode(format!("{}.{}", self.step, self.shown))
    }

    /// From opaque text.
    pub fn read(text: &str) -> Option<Self> {
        let text = String::from_utf8(URL_SAFE_NO_PAD.decode(text).ok()?).ok()?;
        let (step, shown) = text.split_once('.')?;
        Some(Self { step: step.parse().ok()?, shown: shown.parse().ok()? })
    }
}

/// A page of results.
#[derive(Debug)]
pub struct Page {
    pub csv: Vec<u8>,
    pub rows: usize,
    pub next: Option<Locator>,
}

/// Writes the page that begins at `from`, header line first. Blocks.
pub fn page(job: &Job, org: &Org<'_>, from: Locator, most: usize, row_fault: Option<&FaultKind>) -> std::io::Result<Page> {
    let terminator = if job.crlf { csv::Terminator::CRLF } else { csv::Terminator::Any(b'\n') };
    let mut writer = csv::WriterBuilder::new()
        .delimiter(job.delimiter.1)
        .quote_style(csv::QuoteStyle::Always)
        .terminator(terminator)
        .flexible(true)
        .from_writer(Vec::new());
    let fields = job.plan.fields();
    writer.write_record(fields.iter().map(super::soql::Resolved::header))?;
    let (mut rows, mut records, mut failed) = (0, 0, None);
    let next = job.plan.walk(org, from.step, from.shown, most.min(PAGE), |record| {
        let mut row: Vec<String> = fields.iter().map(|field| org.value(&record, field).csv()).collect();
        match row_fault.filter(|_| rows == 0) {
            Some(FaultKind::MalformedRow) => row.push("one column too many".into()),
            Some(FaultKind::OversizeLine { bytes }) => {
                if let Some(last) = row.last_mut() {
                    *last = "x".repeat(*bytes);
                }
            }
            _ => {}
        }
        records += 1;
        for _ in 0..if row_fault == Some(&FaultKind::RepeatRows) { 2 } else { 1 } {
            failed = failed.take().or(writer.write_record(&row).err());
            rows += 1;
        }
    });
    if let Some(error) = failed {
        return Err(error.into());
    }
    let csv = writer.into_inner().map_err(|error| std::io::Error::other(error.to_string()))?;
    Ok(Page { csv, rows, next: next.map(|step| Locator { step, shown: from.shown + records }) })
}

/// Where up to `count` pages of [`PAGE`] rows begin, from `from` on, and where the page after them does. Blocks.
pub fn page_starts(job: &Job, org: &Org<'_>, from: Locator, count: usize) -> (Vec<Locator>, Option<Locator>) {
    let mut starts = Vec::new();
    let mut next = Some(from);
    while let Some(start) = next.filter(|_| starts.len() < count) {
        starts.push(start);
        let mut shown = start.shown;
        next = job.plan.walk(org, start.step, start.shown, PAGE, |_| shown += 1).map(|step| Locator { step, shown });
    }
    (starts, next)
}
