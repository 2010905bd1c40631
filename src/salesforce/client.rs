use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use reqwest::header::{ACCEPT, DATE, HeaderMap, RETRY_AFTER};
use reqwest::{Method, Response};
use secrecy::{ExposeSecret, SecretString};
use serde::de::DeserializeOwned;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc2822;
use url::Url;

use super::error::{ApiRefusal, SalesforceError, not_understood};
use super::wire::SalesforceErrorEntry;
use crate::upstream::{Quota, QuotaTracker, RetryDelays, RetryPolicy, TokenSource, shortened, without_body};

/// Longest time for a call whose answer is JSON; result pages are bounded by the client's read time-out instead. Salesforce
/// itself stops a synchronous request after two minutes.
const CALL_TIMEOUT: Duration = Duration::from_secs(130);
/// How long a call waits for room within the quota unless told otherwise: somebody waits for the outcome.
const DEFAULT_MAX_WAIT: Duration = Duration::from_secs(15);
/// How long to leave an organization alone whose calls of the last 24 hours are used up. They come back one by one, as the calls
/// of a day ago fall out of the count; Salesforce doesn't say when.
const USED_UP_PAUSE: Duration = Duration::from_secs(900);
/// Largest JSON answer read; the largest known ones, descriptions and pages of 2,000 records, stay well below.
const MAX_ANSWER: usize = 32 * 1024 * 1024;

/// How much of its API calls an organization has used in the last 24 hours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ApiUsage {
    /// Calls made, by everybody.
    pub used: u64,
    /// Calls allowed.
    pub limit: u64,
}

/// A client for one organization, as one user. Clones share what is known of the API usage.
#[derive(Clone)]
pub struct SalesforceClient {
    pub(super) http: reqwest::Client,
    pub(super) instance_url: Url,
    api_version: String,
    pub(super) tokens: Arc<dyn TokenSource>,
    pub(super) tracker: Arc<dyn QuotaTracker>,
    /// How long a call waits for room within the quota.
    pub(super) max_wait: Duration,
    usage: Arc<Mutex<Option<ApiUsage>>>,
    retry: RetryPolicy,
}

impl std::fmt::Debug for SalesforceClient {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut shown = out.debug_struct("SalesforceClient");
        shown.field("instance_url", &self.instance_url.as_str()).field("api_version", &self.api_version).finish_non_exhaustive()
    }
}

/// A request, kept so that it can be sent again.
pub(super) struct SalesforceApiCall {
    method: Method,
    url: Url,
    body: Option<serde_json::Value>,
    accept: &'static str,
    /// Whether making it twice does no harm.
    repeatable: bool,
}

impl SalesforceApiCall {
    pub(super) fn get(url: Url) -> Self {
        Self { method: Method::GET, url, body: None, accept: "application/json", repeatable: true }
    }

    /// The rows of a bulk result.
    pub(super) fn get_csv(url: Url) -> Self {
        Self { accept: "text/csv", ..Self::get(url) }
    }

    /// Creates something, so it isn't repeated when nobody knows whether it was carried out.
    pub(super) fn create(url: Url, body: serde_json::Value) -> Self {
        Self { method: Method::POST, body: Some(body), repeatable: false, ..Self::get(url) }
    }

    pub(super) fn patch(url: Url, body: serde_json::Value) -> Self {
        Self { method: Method::PATCH, body: Some(body), ..Self::get(url) }
    }

    pub(super) fn delete(url: Url) -> Self {
        Self { method: Method::DELETE, ..Self::get(url) }
    }
}

impl SalesforceClient {
    /// A client of the organization at `instance_url` (from the token answer), speaking `api_version` (`vNN.0`), whose calls
    /// `tracker` admits and keeps the book of.
    #[must_use]
    pub fn new(
        http: reqwest::Client,
        instance_url: Url,
        api_version: &str,
        tokens: Arc<dyn TokenSource>,
        tracker: Arc<dyn QuotaTracker>,
    ) -> Self {
        let (api_version, usage, retry) = (api_version.to_owned(), Arc::default(), RetryPolicy::default());
        Self { http, instance_url, api_version, tokens, tracker, max_wait: DEFAULT_MAX_WAIT, usage, retry }
    }

    /// The same client, whose calls wait that long for room within the quotas.
    #[must_use]
    pub fn with_max_wait(self, max_wait: Duration) -> Self {
        Self { max_wait, ..self }
    }

    /// The same client, whose calls are booked in the tracker that `wrap` makes of its own.
    #[must_use]
    pub fn with_quota_tracker(mut self, wrap: impl FnOnce(Arc<dyn QuotaTracker>) -> Arc<dyn QuotaTracker>) -> Self {
        self.tracker = wrap(self.tracker);
        self
    }

    /// The same client with another retry policy.
    #[must_use]
    pub fn with_retry(self, retry: RetryPolicy) -> Self {
        Self { retry, ..self }
    }

    /// Reports a failed attempt, and what it tells of the quota.
    pub(super) fn report(&self, error: &SalesforceError) {
        // The same code tells of too many calls at once, which is over in a moment.
        if let SalesforceError::RequestLimitExceeded(refusal) = error
            && refusal.message.contains("TotalRequests")
        {
            self.tracker.refused(Quota::Day, refusal.retry_after.unwrap_or(USED_UP_PAUSE));
        }
        if let Some(failure) = error.failure() {
            self.tracker.failed(failure);
        }
    }

    /// The organization's API usage as the last answer gave it (`Sforce-Limit-Info`, which not every answer has).
    #[must_use]
    pub fn api_usage(&self) -> Option<ApiUsage> {
        *self.usage.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The address of a resource under the versioned base; `segments` are encoded.
    pub(super) fn resource_url(&self, segments: &[&str]) -> Result<Url, SalesforceError> {
        let mut all = vec!["services", "data", self.api_version.as_str()];
        all.extend(segments);
        endpoint(&self.instance_url, &all)
    }

    /// The address that an answer named by path, for example `/services/data/v66.0/query/01g…-2000`: only the part from
    /// `/services/` on is taken, so that no answer can send us to another host.
    pub(super) fn at_named(&self, named: &str) -> Result<Url, SalesforceError> {
        let unusable = || SalesforceError::UnexpectedAnswer { message: format!("address {:?}", shortened(named)) };
        let tail = &named[named.find("/services/").ok_or_else(unusable)?..];
        let (path, query) = tail.split_once('?').map_or((tail, None), |(path, query)| (path, Some(query)));
        let mut url = self.instance_url.clone();
        url.set_path(&format!("{}{path}", self.instance_url.path().trim_end_matches('/')));
        url.set_query(query);
        Ok(url)
    }

    /// Makes `call` and decodes its JSON answer.
    pub(super) async fn json<T: DeserializeOwned>(&self, call: &SalesforceApiCall) -> Result<T, SalesforceError> {
        serde_json::from_slice(&self.bytes(call).await?).map_err(not_understood).inspect_err(|error| self.report(error))
    }

    /// Makes `call` and reads its answer, repeating both as long as that helps.
    pub(super) async fn bytes(&self, call: &SalesforceApiCall) -> Result<Bytes, SalesforceError> {
        Ok(self.dated(call).await?.0)
    }

    /// The same with the answer's `Date` (RFC 9110, 6.6.1): Salesforce's own clock, in whole seconds.
    pub(super) async fn dated(&self, call: &SalesforceApiCall) -> Result<(Bytes, Option<OffsetDateTime>), SalesforceError> {
        let mut course = SalesforceAttempts::start(self).await?;
        loop {
            let outcome = match self.once(call, &course.token, Some(CALL_TIMEOUT)).await {
                Ok(response) => {
                    let date = response.headers().get(DATE).and_then(|date| OffsetDateTime::parse(date.to_str().ok()?, &Rfc2822).ok());
                    read(response).await.map(|body| (body, date)).map_err(|error| lost(error, call))
                }
                Err(error) => Err(error),
            };
            match outcome {
                Ok(read) => return Ok(read),
                Err(error) => course.recover(error).await?,
            }
        }
    }

    /// Makes `call`, repeating it as long as that helps, and hands out the open answer of status 2xx.
    pub(super) async fn open(&self, call: &SalesforceApiCall) -> Result<Response, SalesforceError> {
        let mut course = SalesforceAttempts::start(self).await?;
        loop {
            match self.once(call, &course.token, None).await {
                Ok(response) => return Ok(response),
                Err(error) => course.recover(error).await?,
            }
        }
    }

    async fn once(&self, call: &SalesforceApiCall, token: &SecretString, timeout: Option<Duration>) -> Result<Response, SalesforceError> {
        self.tracker.admit(self.max_wait).await?;
        let request = self.http.request(call.method.clone(), call.url.clone()).bearer_auth(token.expose_secret());
        let mut request = request.header(ACCEPT, call.accept);
        request = match &call.body {
            Some(body) => request.json(body),
            None => without_body(request, &call.method),
        };
        if let Some(timeout) = timeout {
            request = request.timeout(timeout);
        }
        let sent = request.send().await;
        let response =
            sent.map_err(|error| if call.repeatable { SalesforceError::unreachable(error) } else { SalesforceError::lost(error) })?;
        self.note_usage(response.headers());
        if response.status().is_success() { Ok(response) } else { Err(Failure::read(response).await.into_error()) }
    }

    pub(super) fn note_usage(&self, headers: &HeaderMap) {
        let usage = headers.get("sforce-limit-info").and_then(|value| value.to_str().ok()).and_then(parse_usage);
        if let Some(usage) = usage {
            self.tracker.report_usage(usage.used, usage.limit);
        }
        if usage.is_some() {
            *self.usage.lock().unwrap_or_else(PoisonError::into_inner) = usage;
        }
    }
}

/// One call's way through refusals: which token it uses, how long it waits before the next attempt.
struct SalesforceAttempts<'a> {
    client: &'a SalesforceClient,
    token: SecretString,
    has_refreshed: bool,
    delays: RetryDelays,
}

impl<'a> SalesforceAttempts<'a> {
    async fn start(client: &'a SalesforceClient) -> Result<Self, SalesforceError> {
        Ok(Self { client, token: client.tokens.token().await?, has_refreshed: false, delays: client.retry.delays() })
    }

    /// Prepares the next attempt after `error`, waiting as long as it takes.
    ///
    /// # Errors
    /// `error` itself when repeating is pointless or was done often enough.
    async fn recover(&mut self, error: SalesforceError) -> Result<(), SalesforceError> {
        self.client.report(&error);
        if matches!(error, SalesforceError::SessionInvalid(_)) && !self.has_refreshed {
            self.token = self.client.tokens.replace_rejected(&self.token).await?;
            self.has_refreshed = true;
            return Ok(());
        }
        let Some(delay) = self.delays.next() else { return Err(error) };
        let wait = delay.max(error.retry_after().unwrap_or_default());
        if !error.passes_soon() || wait > self.client.retry.longest_delay {
            return Err(error);
        }
        tracing::info!(code = error.code(), wait_ms = wait.as_millis() as u64, "a call to Salesforce will be repeated");
        tokio::time::sleep(wait).await;
        Ok(())
    }
}

/// `base` with `segments` appended to its path; each segment is encoded.
pub(super) fn endpoint(base: &Url, segments: &[&str]) -> Result<Url, SalesforceError> {
    let mut url = base.clone();
    match url.path_segments_mut() {
        Ok(mut path) => path.pop_if_empty().extend(segments),
        Err(()) => return Err(SalesforceError::InvalidRequest { message: "the base address has no path".into() }),
    };
    Ok(url)
}

/// Reads a whole answer.
pub(super) async fn read(mut response: Response) -> Result<Bytes, SalesforceError> {
    let mut body = BytesMut::new();
    while let Some(chunk) = response.chunk().await.map_err(SalesforceError::unreachable)? {
        if body.len() + chunk.len() > MAX_ANSWER {
            return Err(SalesforceError::UnexpectedAnswer { message: format!("it is larger than {MAX_ANSWER} bytes") });
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.freeze())
}

/// An answer that broke off, of a call that may not be made twice, is lost.
fn lost(error: SalesforceError, call: &SalesforceApiCall) -> SalesforceError {
    match error {
        SalesforceError::Unreachable { message } if !call.repeatable => SalesforceError::AnswerLost { message },
        other => other,
    }
}

/// An answer of status 3xx, 4xx or 5xx, read.
pub(super) struct Failure {
    pub(super) status: u16,
    pub(super) body: Bytes,
    retry_after: Option<Duration>,
}

impl Failure {
    pub(super) async fn read(response: Response) -> Self {
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        // The status alone is enough when the body is lost.
        Self::from_parts(status, &headers, read(response).await.unwrap_or_default())
    }

    /// An answer that was read already.
    pub(super) fn from_parts(status: u16, headers: &HeaderMap, body: Bytes) -> Self {
        let retry_after = headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.trim().parse().ok());
        Self { status, body, retry_after: retry_after.map(Duration::from_secs) }
    }

    /// The error it holds, by the shape of the REST and Bulk APIs.
    pub(super) fn into_error(self) -> SalesforceError {
        let Self { status, body, retry_after } = self;
        if (300..400).contains(&status) {
            // Seen when a login address is valid but isn't the organization's own; the token is for that one only.
            return SalesforceError::UnexpectedAnswer { message: format!("HTTP {status} sends us to another address") };
        }
        let fault = serde_json::from_slice::<Vec<SalesforceErrorEntry>>(&body).ok().and_then(|faults| faults.into_iter().next());
        let (code, message, fields) = match fault {
            Some(fault) => (fault.code, shortened(&fault.message), fault.fields),
            None => (status.to_string(), shortened(&String::from_utf8_lossy(&body)), Vec::new()),
        };
        SalesforceError::from_refusal(ApiRefusal { status, code, message, fields, retry_after })
    }
}

/// `api-usage=18/5000`, possibly among other entries.
fn parse_usage(text: &str) -> Option<ApiUsage> {
    let figures = text.split([';', ',']).find_map(|entry| entry.trim().strip_prefix("api-usage="))?;
    let (used, limit) = figures.split_once('/')?;
    Some(ApiUsage { used: used.trim().parse().ok()?, limit: limit.trim().parse().ok()? })
}
