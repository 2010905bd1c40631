use std::fmt;
use std::pin::Pin;

use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use reqwest::header::HeaderMap;
use serde_json::json;

use super::client::{SalesforceApiCall, SalesforceClient};
use super::diagnosis;
use super::error::SalesforceError;
use super::wire::JobRow;
use crate::upstream::{CallFailure, shortened};

/// A query job of the Bulk API 2.0.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueryJob {
    /// Salesforce's id of the job; it and its results are kept for 7 days.
    pub id: String,
    /// Where it stands.
    pub state: QueryJobState,
    /// Object type that is queried.
    pub object: String,
    /// Records found so far.
    pub records_processed: Option<u64>,
}

/// Where a query job stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum QueryJobState {
    /// Waiting.
    UploadComplete,
    /// Running.
    InProgress,
    /// The results are ready.
    JobComplete,
    /// Ended without results. Salesforce gives no reason; its support needs the job's id.
    Failed,
    /// Ended by request.
    Aborted,
}

impl QueryJobState {
    fn parse(word: &str) -> Option<Self> {
        Some(match word {
            "UploadComplete" => Self::UploadComplete,
            "InProgress" => Self::InProgress,
            "JobComplete" => Self::JobComplete,
            "Failed" => Self::Failed,
            "Aborted" => Self::Aborted,
            _ => return None,
        })
    }

    /// Whether the state won't change any more.
    #[must_use]
    pub fn is_final(self) -> bool {
        matches!(self, Self::JobComplete | Self::Failed | Self::Aborted)
    }
}

/// The rows of a result page as they arrive: CSV with commas, lines ending in LF. An error ends it; the page may then be
/// asked for again.
pub type ResultBody = Pin<Box<dyn Stream<Item = Result<Bytes, SalesforceError>> + Send>>;

/// A page of a query job's results.
pub struct ResultPage {
    /// Asks for the next page; None on the last one.
    pub locator: Option<String>,
    /// Records on this page, if Salesforce says.
    pub records: Option<u64>,
    /// The page itself. Whether later pages repeat the header row isn't settled: compare the first line.
    pub body: ResultBody,
}

impl fmt::Debug for ResultPage {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("ResultPage").field("locator", &self.locator).field("records", &self.records).finish_non_exhaustive()
    }
}

impl TryFrom<JobRow> for QueryJob {
    type Error = SalesforceError;

    fn try_from(row: JobRow) -> Result<Self, SalesforceError> {
        let Some(state) = QueryJobState::parse(&row.state) else {
            return Err(SalesforceError::UnexpectedAnswer { message: format!("query job state {:?}", shortened(&row.state)) });
        };
        Ok(Self { id: row.id, state, object: row.object, records_processed: row.number_records_processed })
    }
}

impl SalesforceClient {
    /// Makes a query job; it starts by itself. `soql` may hold no aggregates, `GROUP BY`, `OFFSET` or child queries, and
    /// better no `ORDER BY` or `LIMIT`, which invite time-outs.
    ///
    /// # Errors
    /// [`SalesforceError::AnswerLost`]: the job may exist; making another one costs one of 10,000 a day. See
    /// [`SalesforceError`] for the rest.
    pub async fn create_query_job(&self, soql: &str) -> Result<QueryJob, SalesforceError> {
        let body = json!({
            "operation": "query", "query": soql, "contentType": "CSV", "columnDelimiter": "COMMA", "lineEnding": "LF",
        });
        self.job_call(SalesforceApiCall::create(self.resource_url(&["jobs", "query"])?, body)).await
    }

    /// Where a job stands.
    ///
    /// # Errors
    /// See [`SalesforceError`].
    pub async fn query_job(&self, id: &str) -> Result<QueryJob, SalesforceError> {
        self.job_call(SalesforceApiCall::get(self.resource_url(&["jobs", "query", id])?)).await
    }

    /// Ends a job that isn't needed any more.
    ///
    /// # Errors
    /// See [`SalesforceError`].
    pub async fn abort_query_job(&self, id: &str) -> Result<QueryJob, SalesforceError> {
        self.job_call(SalesforceApiCall::patch(self.resource_url(&["jobs", "query", id])?, json!({ "state": "Aborted" }))).await
    }

    /// Deletes an ended job and its results; one that isn't there is deleted already.
    ///
    /// # Errors
    /// See [`SalesforceError`].
    pub async fn delete_query_job(&self, id: &str) -> Result<(), SalesforceError> {
        match self.bytes(&SalesforceApiCall::delete(self.resource_url(&["jobs", "query", id])?)).await {
            Ok(_) => Ok(()),
            Err(SalesforceError::Api(refusal)) if refusal.status == 404 => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// A page of a completed job's results, at most `max_records` rows: the first one, or that of a `locator` from the page
    /// before. A page may be asked for again as long as the job exists.
    ///
    /// # Errors
    /// [`SalesforceError::ResultsNotReady`] before the job has completed; an [`SalesforceError::Api`] of status 409 when the
    /// job was made by another API version; see [`SalesforceError`] for the rest.
    pub async fn query_results(&self, id: &str, locator: Option<&str>, max_records: u32) -> Result<ResultPage, SalesforceError> {
        let mut url = self.resource_url(&["jobs", "query", id, "results"])?;
        url.query_pairs_mut().append_pair("maxRecords", &max_records.to_string());
        if let Some(locator) = locator {
            url.query_pairs_mut().append_pair("locator", locator);
        }
        let response = match self.open(&SalesforceApiCall::get_csv(url)).await {
            // The vendor's pages give both ways to say so.
            Ok(response) if response.status().as_u16() == 204 => return Err(SalesforceError::ResultsNotReady),
            Err(SalesforceError::Api(refusal)) if refusal.status == 412 => return Err(SalesforceError::ResultsNotReady),
            outcome => outcome?,
        };
        // The end of the data is the word null, or no locator at all.
        let locator = header(response.headers(), "sforce-locator").filter(|text| !text.is_empty() && *text != "null").map(str::to_owned);
        let records = header(response.headers(), "sforce-numberofrecords").and_then(|text| text.parse().ok());
        let client = self.clone();
        let body =
            response.bytes_stream().map(move |chunk| chunk.map_err(SalesforceError::unreachable).inspect_err(|error| client.report(error)));
        Ok(ResultPage { locator, records, body: Box::pin(body) })
    }

    async fn job_call(&self, call: SalesforceApiCall) -> Result<QueryJob, SalesforceError> {
        let row: JobRow = self.json(&call).await?;
        let job = QueryJob::try_from(row).inspect_err(|error| self.report(error))?;
        if job.state == QueryJobState::Failed {
            let category = diagnosis::explain(diagnosis::QUERY_JOB_FAILED).category;
            self.tracker.failed(CallFailure::new(diagnosis::QUERY_JOB_FAILED, category, Some(&job.id)));
        }
        Ok(job)
    }
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok().map(str::trim)
}
