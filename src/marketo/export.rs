use serde_json::json;
use time::format_description::BorrowedFormatItem;
use time::format_description::well_known::Rfc3339;
use time::macros::format_description;
use time::{Duration, OffsetDateTime, UtcOffset};

use super::client::{MarketoApiCall, MarketoClient};
use super::diagnosis;
use super::error::MarketoError;
use super::wire::{Envelope, ExportRow};
use crate::upstream::{CallFailure, shortened};

/// Longest time span of a date filter.
const MAX_WINDOW: Duration = Duration::days(31);
/// ISO 8601 without milliseconds, which is what date filters take.
const FILTER_TIME: &[BorrowedFormatItem<'_>] = format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]Z");

/// Which people an export holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExportFilter {
    /// The date looked at.
    pub by: FilterBy,
    /// Begin of the span; whole seconds count.
    pub start: OffsetDateTime,
    /// End of the span, at most 31 days after its begin.
    pub end: OffsetDateTime,
}

/// The date that an export is filtered by; a job has one filter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FilterBy {
    /// When the person was created; every subscription has it.
    CreatedAt,
    /// When the person was changed; some subscriptions refuse it (1035).
    UpdatedAt,
}

/// Where an export job stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ExportStatus {
    /// Made, waiting to be enqueued.
    Created,
    /// Waiting for its turn.
    Queued,
    /// Being written.
    Processing,
    /// Ended by request.
    Canceled,
    /// The file is ready.
    Completed,
    /// Ended without a file.
    Failed,
}

impl ExportStatus {
    /// Marketo's word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Created => "Created",
            Self::Queued => "Queued",
            Self::Processing => "Processing",
            Self::Canceled => "Canceled",
            Self::Completed => "Completed",
            Self::Failed => "Failed",
        }
    }

    fn parse(word: &str) -> Option<Self> {
        Some(match word {
            "Created" => Self::Created,
            "Queued" => Self::Queued,
            "Processing" => Self::Processing,
            // The vendor's pages spell it both ways.
            "Canceled" | "Cancelled" => Self::Canceled,
            "Completed" => Self::Completed,
            "Failed" => Self::Failed,
            _ => return None,
        })
    }

    /// Whether the status won't change any more.
    #[must_use]
    pub fn is_final(self) -> bool {
        matches!(self, Self::Canceled | Self::Completed | Self::Failed)
    }
}

/// An export job as Marketo describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExportJob {
    /// Marketo's id of the job.
    pub export_id: String,
    /// Where it stands; Marketo looks every 60 seconds at most.
    pub status: ExportStatus,
    /// When it was made.
    pub created_at: Option<OffsetDateTime>,
    /// When it ended; with `file_size` it tells how much of a day's quota is used.
    pub finished_at: Option<OffsetDateTime>,
    /// People in the file; once completed.
    pub number_of_records: Option<u64>,
    /// Bytes of the file; once completed.
    pub file_size: Option<u64>,
    /// `sha256:` and the hash of the file in hexadecimal; once completed.
    pub file_checksum: Option<String>,
    /// Why it failed.
    pub error_message: Option<String>,
}

/// A page of export jobs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExportPage {
    /// Jobs of the last 7 days, those of the asking API user only.
    pub jobs: Vec<ExportJob>,
    /// Asks for the next page, if there is one.
    pub next_page_token: Option<String>,
}

impl TryFrom<ExportRow> for ExportJob {
    type Error = MarketoError;

    fn try_from(row: ExportRow) -> Result<Self, MarketoError> {
        let Some(status) = ExportStatus::parse(&row.status) else {
            return Err(MarketoError::UnexpectedAnswer { message: format!("export status {:?}", shortened(&row.status)) });
        };
        let instant = |text: Option<String>| OffsetDateTime::parse(&text?, &Rfc3339).ok();
        Ok(Self {
            export_id: row.export_id,
            status,
            created_at: instant(row.created_at),
            finished_at: instant(row.finished_at),
            number_of_records: row.number_of_records,
            file_size: row.file_size,
            file_checksum: row.file_checksum,
            error_message: row.error_msg.map(|text| shortened(&text)),
        })
    }
}

impl MarketoClient {
    /// Makes an export job of `fields` (REST names) in CSV; it does nothing until [`MarketoClient::enqueue_export`].
    ///
    /// A lost answer is followed by a second request: the job then left behind is never enqueued and writes no file.
    ///
    /// # Errors
    /// [`MarketoError::InvalidRequest`] for a span over 31 days; [`MarketoError::UnsupportedFilter`] (1035);
    /// [`MarketoError::ExportQuota`] (1029); see [`MarketoError`] for the rest.
    pub async fn create_export(&self, fields: &[String], filter: ExportFilter) -> Result<ExportJob, MarketoError> {
        if filter.start >= filter.end || filter.end - filter.start > MAX_WINDOW {
            return Err(MarketoError::InvalidRequest { message: "an export covers more than nothing and at most 31 days".into() });
        }
        self.tracker.admit_export().await?;
        let by = match filter.by {
            FilterBy::CreatedAt => "createdAt",
            FilterBy::UpdatedAt => "updatedAt",
        };
        let window = json!({ "startAt": filter_time(filter.start)?, "endAt": filter_time(filter.end)? });
        let body = json!({ "fields": fields, "format": "CSV", "filter": { by: window } });
        self.export_call(MarketoApiCall::post_json(self.resource_url(&["bulk", "v1", "leads", "export", "create.json"])?, body)).await
    }

    /// Puts a job into the queue; one that is in it already stays there.
    ///
    /// # Errors
    /// [`MarketoError::ExportQueueFull`], [`MarketoError::ExportQuota`] (both 1029); see [`MarketoError`] for the rest.
    pub async fn enqueue_export(&self, export_id: &str) -> Result<ExportJob, MarketoError> {
        self.tracker.admit_export().await?;
        match self.export_call(MarketoApiCall::post(self.job_address(export_id, "enqueue.json")?)).await {
            // An earlier attempt, whose answer was lost, had worked.
            Err(MarketoError::AlreadyQueued(_)) => self.export_status(export_id).await,
            outcome => outcome,
        }
    }

    /// Where a job stands. Asking more than once in 60 seconds tells nothing new.
    ///
    /// # Errors
    /// See [`MarketoError`].
    pub async fn export_status(&self, export_id: &str) -> Result<ExportJob, MarketoError> {
        self.export_call(MarketoApiCall::get(self.job_address(export_id, "status.json")?)).await
    }

    /// Ends a job that isn't needed any more.
    ///
    /// # Errors
    /// See [`MarketoError`].
    pub async fn cancel_export(&self, export_id: &str) -> Result<ExportJob, MarketoError> {
        self.export_call(MarketoApiCall::post(self.job_address(export_id, "cancel.json")?)).await
    }

    /// The API user's jobs of the last 7 days, of any status if none is named; `page` is the token of an earlier answer.
    /// The way to find a job again after a crash, and to add up the day's bytes.
    ///
    /// # Errors
    /// See [`MarketoError`].
    pub async fn list_exports(&self, statuses: &[ExportStatus], page: Option<&str>) -> Result<ExportPage, MarketoError> {
        let mut url = self.resource_url(&["bulk", "v1", "leads", "export.json"])?;
        let words: Vec<_> = statuses.iter().map(|status| status.as_str()).collect();
        {
            let mut query = url.query_pairs_mut();
            query.append_pair("batchSize", "300");
            if !words.is_empty() {
                query.append_pair("status", &words.join(","));
            }
            if let Some(token) = page {
                query.append_pair("nextPageToken", token);
            }
        }
        let answer: Envelope<ExportRow> = self.json(&MarketoApiCall::get(url)).await?;
        let jobs = answer.result.into_iter().map(ExportJob::try_from).collect::<Result<_, _>>()?;
        Ok(ExportPage { jobs, next_page_token: answer.next_page_token.filter(|token| !token.is_empty()) })
    }

    pub(super) fn job_address(&self, export_id: &str, verb: &str) -> Result<url::Url, MarketoError> {
        self.resource_url(&["bulk", "v1", "leads", "export", export_id, verb])
    }

    async fn export_call(&self, call: MarketoApiCall) -> Result<ExportJob, MarketoError> {
        let answer: Envelope<ExportRow> = self.json(&call).await?;
        let row = answer.result.into_iter().next();
        let row = row.ok_or_else(|| MarketoError::UnexpectedAnswer { message: "no export job in it".into() });
        let job: ExportJob = row.and_then(TryInto::try_into).inspect_err(|error| self.report(error))?;
        if job.status == ExportStatus::Failed {
            let category = diagnosis::explain(diagnosis::EXPORT_FAILED).category;
            self.tracker.failed(CallFailure::new(diagnosis::EXPORT_FAILED, category, Some(&job.export_id)));
        }
        Ok(job)
    }
}

fn filter_time(at: OffsetDateTime) -> Result<String, MarketoError> {
    let text = at.to_offset(UtcOffset::UTC).format(FILTER_TIME);
    text.map_err(|_| MarketoError::InvalidRequest { message: "a date that can't be written".into() })
}
