//! Bulk API 2.0 query jobs: their states, and their results as CSV, page by page.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::org_snapshot::OrgSnapshot;
use super::query_plan::QueryPlan;
use crate::sandbox::faults::FaultKind;
use crate::sandbox::timestamps::format_salesforce_json;

/// Rows of a page at most, even when `maxRecords` allows more.
pub const MAX_PAGE_ROWS: usize = 50_000;
const JOB_LIFETIME_SECONDS: i64 = 7 * 86_400;

/// States of a query job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SandboxQueryJobState {
    UploadComplete,
    InProgress,
    JobComplete,
    Failed,
    Aborted,
}

impl SandboxQueryJobState {
    fn name(self) -> &'static str {
        match self {
            Self::UploadComplete => "UploadComplete",
            Self::InProgress => "InProgress",
            Self::JobComplete => "JobComplete",
            Self::Failed => "Failed",
            Self::Aborted => "Aborted",
        }
    }

    /// Whether the job has ended.
    pub fn is_final(self) -> bool {
        matches!(self, Self::JobComplete | Self::Failed | Self::Aborted)
    }
}

/// One query job. Times are Unix seconds.
#[derive(Debug, Clone)]
pub struct SandboxQueryJob {
    pub id: String,
    pub operation: &'static str,
    pub plan: QueryPlan,
    /// The API version that created it, for example `v66.0`.
    pub version: String,
    pub user_id: String,
    pub created_at: i64,
    pub delimiter: ColumnDelimiter,
    pub has_crlf: bool,
    pub is_aborted: bool,
    pub has_failed: bool,
    /// How many rows there are, once the job is complete and they were counted.
    pub rows: Option<u64>,
}

/// What separates columns: the API's name of it and the byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ColumnDelimiter(&'static str, u8);

impl ColumnDelimiter {
    /// The delimiter of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        const KNOWN: [ColumnDelimiter; 6] = [
            ColumnDelimiter("BACKQUOTE", b'`'),
            ColumnDelimiter("CARET", b'^'),
            ColumnDelimiter("COMMA", b','),
            ColumnDelimiter("PIPE", b'|'),
            ColumnDelimiter("SEMICOLON", b';'),
            ColumnDelimiter("TAB", b'\t'),
        ];
        KNOWN.into_iter().find(|known| known.0 == name)
    }
}

impl SandboxQueryJob {
    /// The key of its results in the cache: what it asks for, at a revision of the people.
    pub fn cache_key(&self, revision: u64) -> String {
        format!("{revision} {:?} {} {:?} {}", self.plan, self.operation, self.delimiter, self.has_crlf)
    }

    /// Its state at `now`, when jobs take `processing` seconds.
    pub fn state_at(&self, now: i64, processing: i64) -> SandboxQueryJobState {
        match now - self.created_at {
            _ if self.is_aborted => SandboxQueryJobState::Aborted,
            _ if self.has_failed => SandboxQueryJobState::Failed,
            age if age >= processing => SandboxQueryJobState::JobComplete,
            age if age * 2 >= processing => SandboxQueryJobState::InProgress,
            _ => SandboxQueryJobState::UploadComplete,
        }
    }

    /// The answer to its creation.
    pub fn render_created(&self) -> Value {
        self.render_summary(SandboxQueryJobState::UploadComplete)
    }

    fn render_summary(&self, state: SandboxQueryJobState) -> Value {
        let at = format_salesforce_json(self.created_at);
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
            "lineEnding": if self.has_crlf { "CRLF" } else { "LF" },
            "columnDelimiter": self.delimiter.0,
        })
    }

    /// Its status.
    pub fn render_status(&self, state: SandboxQueryJobState, processing: i64) -> Value {
        let mut status = self.render_summary(state);
        status["jobType"] = json!("V2Query");
        status["retries"] = json!(0);
        status["totalProcessingTime"] = json!(processing * 1000);
        status["isPkChunkingSupported"] = json!(false);
        status["numberRecordsProcessed"] = json!(if state == SandboxQueryJobState::JobComplete { self.rows.unwrap_or(0) } else { 0 });
        status
    }
}

/// Every job of the last seven days.
#[derive(Debug, Default)]
pub struct SandboxQueryJobs(Vec<SandboxQueryJob>);

impl SandboxQueryJobs {
    /// Adds a job and removes old ones.
    pub fn add(&mut self, job: SandboxQueryJob) {
        self.0.retain(|old| old.created_at + JOB_LIFETIME_SECONDS > job.created_at);
        self.0.push(job);
    }

    /// The job with this id, of 15 or 18 characters.
    pub fn find(&mut self, id: &str) -> Option<&mut SandboxQueryJob> {
        self.0.iter_mut().find(|job| super::ids::is_same_record(&job.id, id))
    }

    /// Removes a job.
    pub fn remove(&mut self, id: &str) {
        self.0.retain(|job| !super::ids::is_same_record(&job.id, id));
    }

    /// All jobs, oldest first.
    pub fn all(&self) -> &[SandboxQueryJob] {
        &self.0
    }

    /// How many jobs there are.
    pub fn count(&self) -> usize {
        self.0.len()
    }
}

/// Where a page of results begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ResultLocator {
    /// The step of the query plan.
    pub step: u64,
    /// How many records come before the page.
    pub records_before: u64,
}

impl ResultLocator {
    /// The beginning of the results.
    pub const START: Self = Self { step: 0, records_before: 0 };

    /// As opaque text.
    pub fn encode(self) -> String {
        URL_SAFE_NO_PAD.encode(format!("{}.{}", self.step, self.records_before))
    }

    /// From opaque text.
    pub fn decode(text: &str) -> Option<Self> {
        let text = String::from_utf8(URL_SAFE_NO_PAD.decode(text).ok()?).ok()?;
        let (step, records_before) = text.split_once('.')?;
        Some(Self { step: step.parse().ok()?, records_before: records_before.parse().ok()? })
    }
}

/// A page of results.
#[derive(Debug)]
pub struct CsvPage {
    pub csv: Vec<u8>,
    pub rows: usize,
    pub next: Option<ResultLocator>,
}

/// Writes the page that begins at `from`, header line first. Blocks.
pub fn write_page(
    job: &SandboxQueryJob,
    org: &OrgSnapshot<'_>,
    from: ResultLocator,
    max_rows: usize,
    row_fault: Option<&FaultKind>,
) -> std::io::Result<CsvPage> {
    let terminator = if job.has_crlf { csv::Terminator::CRLF } else { csv::Terminator::Any(b'\n') };
    let mut writer = csv::WriterBuilder::new()
        .delimiter(job.delimiter.1)
        .quote_style(csv::QuoteStyle::Always)
        .terminator(terminator)
        .flexible(true)
        .from_writer(Vec::new());
    let fields = job.plan.fields();
    writer.write_record(fields.iter().map(super::soql::FieldPath::column_header))?;
    let (mut rows, mut records, mut error) = (0, 0, None);
    let next = job.plan.read_page(org, from.step, from.records_before, max_rows.min(MAX_PAGE_ROWS), |record| {
        let mut row: Vec<String> = fields.iter().map(|field| org.field_value(&record, field).into_csv()).collect();
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
            error = error.take().or(writer.write_record(&row).err());
            rows += 1;
        }
    });
    if let Some(error) = error {
        return Err(error.into());
    }
    let csv = writer.into_inner().map_err(|error| std::io::Error::other(error.to_string()))?;
    Ok(CsvPage { csv, rows, next: next.map(|step| ResultLocator { step, records_before: from.records_before + records }) })
}

/// Where up to `count` pages of [`MAX_PAGE_ROWS`] rows begin, from `from` on, and where the page after them does. Blocks.
pub fn find_page_starts(
    job: &SandboxQueryJob,
    org: &OrgSnapshot<'_>,
    from: ResultLocator,
    count: usize,
) -> (Vec<ResultLocator>, Option<ResultLocator>) {
    let mut starts = Vec::new();
    let mut next = Some(from);
    while let Some(start) = next.filter(|_| starts.len() < count) {
        starts.push(start);
        let mut records_before = start.records_before;
        next = job
            .plan
            .read_page(org, start.step, start.records_before, MAX_PAGE_ROWS, |_| records_before += 1)
            .map(|step| ResultLocator { step, records_before });
    }
    (starts, next)
}
