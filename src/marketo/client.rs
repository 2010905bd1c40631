use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use reqwest::header::{ACCEPT_ENCODING, CONTENT_TYPE, DATE, HeaderMap, RANGE, RETRY_AFTER};
use reqwest::{Method, Response};
use secrecy::{ExposeSecret, SecretString};
use serde::de::DeserializeOwned;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc2822;
use url::Url;

use super::error::{MarketoError, MarketoRefusal};
use super::quota;
use super::wire::AnswerVerdict;
use crate::upstream::{CallPermit, Quota, QuotaTracker, RetryDelays, RetryPolicy, TokenSource, shortened, without_body};

/// Marketo counts calls over this time.
const RATE_WINDOW: Duration = Duration::from_secs(20);
/// Longest time for a call whose answer is JSON; downloads are bounded by the client's read time-out instead.
const CALL_TIMEOUT: Duration = Duration::from_secs(120);
/// How long a call waits for room within the quotas unless told otherwise: somebody waits for the outcome.
const DEFAULT_MAX_WAIT: Duration = Duration::from_secs(15);
/// Largest JSON answer read. The largest known ones, 300 people or the fields of a big subscription, stay well below.
const MAX_ANSWER: usize = 16 * 1024 * 1024;
/// How long to leave Marketo alone when the export queue is full.
const QUEUE_PAUSE: Duration = Duration::from_secs(300);

/// A client for one subscription. Its calls are admitted by the tracker, which keeps the subscription's quotas.
#[derive(Clone)]
pub struct MarketoClient {
    pub(super) http: reqwest::Client,
    pub(super) base: Url,
    pub(super) tokens: Arc<dyn TokenSource>,
    pub(super) tracker: Arc<dyn QuotaTracker>,
    /// How long a call waits for room within the quotas.
    max_wait: Duration,
    pub(super) retry: RetryPolicy,
    /// Wait after 606: the 20 seconds in which Marketo counts calls.
    rate_window: Duration,
}

impl std::fmt::Debug for MarketoClient {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("MarketoClient").field("base", &self.base.as_str()).finish_non_exhaustive()
    }
}

/// A request, kept so that it can be sent again.
pub(super) struct MarketoApiCall {
    method: Method,
    url: Url,
    body: RequestBody,
    range: Option<String>,
}

enum RequestBody {
    Empty,
    Json(serde_json::Value),
    Form(String),
}

impl MarketoApiCall {
    pub(super) fn get(url: Url) -> Self {
        Self { method: Method::GET, url, body: RequestBody::Empty, range: None }
    }

    pub(super) fn post(url: Url) -> Self {
        Self { method: Method::POST, ..Self::get(url) }
    }

    pub(super) fn post_json(url: Url, body: serde_json::Value) -> Self {
        Self { body: RequestBody::Json(body), ..Self::post(url) }
    }

    pub(super) fn post_form(url: Url, body: String) -> Self {
        Self { body: RequestBody::Form(body), ..Self::post(url) }
    }

    /// The bytes to send of the answer, as the value of a `Range` header (RFC 9110, 14.2).
    pub(super) fn with_range(mut self, range: String) -> Self {
        self.range = Some(range);
        self
    }
}

impl MarketoClient {
    /// A client of the subscription at `base` (the REST endpoint without `/rest`, which may have a path of its own), whose calls
    /// `tracker` admits and keeps the book of.
    #[must_use]
    pub fn new(http: reqwest::Client, base: Url, tokens: Arc<dyn TokenSource>, tracker: Arc<dyn QuotaTracker>) -> Self {
        Self { http, base, tokens, tracker, max_wait: DEFAULT_MAX_WAIT, retry: RetryPolicy::default(), rate_window: RATE_WINDOW }
    }

    /// The same client, whose calls wait that long for room within the quotas.
    #[must_use]
    pub fn with_max_wait(self, max_wait: Duration) -> Self {
        Self { max_wait, ..self }
    }

    /// The same client with another wait after 606.
    #[must_use]
    pub fn with_rate_window(self, rate_window: Duration) -> Self {
        Self { rate_window, ..self }
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

    /// Reports a failed attempt, and what it tells of the quotas.
    pub(super) fn report(&self, error: &MarketoError) {
        // Too many at once is over as soon as one of them ends: there is nothing to learn from it but to wait a little.
        let learnt = error.quota().filter(|quota| *quota != Quota::Concurrent && !matches!(error, MarketoError::ShareUsedUp(_)));
        if let (Some(quota), Some(reset)) = (learnt, error.retry_after()) {
            self.tracker.refused(quota, reset);
        }
        if let Some(failure) = error.failure() {
            self.tracker.failed(failure);
        }
    }

    /// The address of a resource; `segments` are encoded.
    pub(super) fn resource_url(&self, segments: &[&str]) -> Result<Url, MarketoError> {
        endpoint(&self.base, segments)
    }

    /// Makes `call` and decodes its JSON answer, repeating it as the vendor's table of codes says.
    pub(super) async fn json<T: DeserializeOwned>(&self, call: &MarketoApiCall) -> Result<T, MarketoError> {
        let mut course = MarketoAttempts::start(self).await?;
        let body = loop {
            let outcome = {
                let _permit = self.permit().await?;
                self.once(call, &course.token).await
            };
            match outcome {
                Ok(body) => break body,
                Err(error) => course.recover(error).await?,
            }
        };
        serde_json::from_slice(&body).map_err(not_understood).inspect_err(|error| self.report(error))
    }

    async fn once(&self, call: &MarketoApiCall, token: &SecretString) -> Result<Bytes, MarketoError> {
        let mut response = self.send(call, token, Some(CALL_TIMEOUT)).await?;
        let headers = response.headers().clone();
        let body = read(&mut response, BytesMut::new()).await?;
        check_refusal(&body, &headers)?;
        Ok(body)
    }

    /// Makes `call` and hands out the open answer of status 2xx.
    pub(super) async fn send(
        &self,
        call: &MarketoApiCall,
        token: &SecretString,
        timeout: Option<Duration>,
    ) -> Result<Response, MarketoError> {
        let mut request = self.http.request(call.method.clone(), call.url.clone()).bearer_auth(token.expose_secret());
        request = match &call.body {
            RequestBody::Empty => without_body(request, &call.method),
            RequestBody::Json(body) => request.json(body),
            RequestBody::Form(body) => request.header(CONTENT_TYPE, "application/x-www-form-urlencoded").body(body.clone()),
        };
        if let Some(range) = &call.range {
            request = request.header(RANGE, range);
        }
        request = match timeout {
            Some(timeout) => request.timeout(timeout),
            // Ranges and checksums are of the file itself, not of a compressed form of it.
            None => request.header(ACCEPT_ENCODING, "identity"),
        };
        let mut response = request.send().await.map_err(MarketoError::unreachable)?;
        if response.status().is_success() {
            return Ok(response);
        }
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let body = read(&mut response, BytesMut::new()).await?;
        check_refusal(&body, &headers)?;
        Err(MarketoError::from_status(status, shortened(&String::from_utf8_lossy(&body)), retry_after(&headers)))
    }

    /// Waits for a permit within the quotas.
    pub(super) async fn permit(&self) -> Result<CallPermit, MarketoError> {
        Ok(self.tracker.admit(self.max_wait).await?)
    }
}

/// One call's way through refusals: which token it uses, how long it waits before the next attempt.
pub(super) struct MarketoAttempts<'a> {
    client: &'a MarketoClient,
    pub(super) token: SecretString,
    has_refreshed: bool,
    delays: RetryDelays,
}

impl<'a> MarketoAttempts<'a> {
    pub(super) async fn start(client: &'a MarketoClient) -> Result<Self, MarketoError> {
        Ok(Self { client, token: client.tokens.token().await?, has_refreshed: false, delays: client.retry.delays() })
    }

    /// Prepares the next attempt after `error`, waiting as long as it takes.
    ///
    /// # Errors
    /// `error` itself when repeating is pointless or was done often enough.
    pub(super) async fn recover(&mut self, error: MarketoError) -> Result<(), MarketoError> {
        self.client.report(&error);
        if matches!(error, MarketoError::TokenRefused(_)) && !self.has_refreshed {
            self.token = self.client.tokens.replace_rejected(&self.token).await?;
            self.has_refreshed = true;
            return Ok(());
        }
        let Some(delay) = self.delays.next() else { return Err(error) };
        let wait = match error {
            MarketoError::RateLimit(_) => self.client.rate_window,
            MarketoError::Unreachable { .. } | MarketoError::Temporary(_) | MarketoError::ConcurrencyLimit(_) => {
                delay.max(error.retry_after().unwrap_or_default())
            }
            _ => return Err(error),
        };
        if wait > self.client.retry.longest_delay.max(self.client.rate_window) {
            return Err(error);
        }
        tracing::info!(code = error.code(), wait_ms = wait.as_millis() as u64, "a call to Marketo will be repeated");
        tokio::time::sleep(wait).await;
        Ok(())
    }
}

/// `base` with `segments` appended to its path; each segment is encoded.
pub(super) fn endpoint(base: &Url, segments: &[&str]) -> Result<Url, MarketoError> {
    let mut url = base.clone();
    match url.path_segments_mut() {
        Ok(mut path) => path.pop_if_empty().extend(segments),
        Err(()) => return Err(MarketoError::InvalidRequest { message: "the base address has no path".into() }),
    };
    Ok(url)
}

/// The rest of an answer, after `so_far`.
pub(super) async fn read(response: &mut Response, mut so_far: BytesMut) -> Result<Bytes, MarketoError> {
    while let Some(chunk) = response.chunk().await.map_err(MarketoError::unreachable)? {
        if so_far.len() + chunk.len() > MAX_ANSWER {
            return Err(MarketoError::UnexpectedAnswer { message: format!("it is larger than {MAX_ANSWER} bytes") });
        }
        so_far.extend_from_slice(&chunk);
    }
    Ok(so_far.freeze())
}

/// The refusal that `body` holds, if it holds one: errors come with HTTP 200 and `success: false`, in the user management
/// API with another status and no `success`.
pub(super) fn check_refusal(body: &[u8], headers: &HeaderMap) -> Result<(), MarketoError> {
    let Ok(verdict) = serde_json::from_slice::<AnswerVerdict>(body) else { return Ok(()) };
    let Some(fault) = verdict.errors.into_iter().next() else {
        if verdict.success == Some(false) {
            return Err(MarketoError::UnexpectedAnswer { message: "success is false, but no error is given".into() });
        }
        return Ok(());
    };
    if verdict.success == Some(true) {
        return Ok(());
    }
    let (code, message) = (fault.code, shortened(&fault.message));
    let mut error = MarketoRefusal { code, message, request_id: verdict.request_id, retry_after: retry_after(headers) };
    let pause = match MarketoError::from_refusal(error.clone()) {
        MarketoError::DailyQuota(_) | MarketoError::ExportQuota(_) => vendor_time(headers).map(quota::until_reset),
        MarketoError::ExportQueueFull(_) => Some(QUEUE_PAUSE),
        MarketoError::RateLimit(_) => Some(RATE_WINDOW),
        _ => None,
    };
    error.retry_after = error.retry_after.or(pause);
    Err(MarketoError::from_refusal(error))
}

/// `Retry-After` in its form of seconds (RFC 9110, 10.2.3).
pub(super) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok().map(Duration::from_secs)
}

/// Marketo's own clock.
fn vendor_time(headers: &HeaderMap) -> Option<OffsetDateTime> {
    OffsetDateTime::parse(headers.get(DATE)?.to_str().ok()?, &Rfc2822).ok()
}

pub(super) fn not_understood(error: serde_json::Error) -> MarketoError {
    // The place is enough to find the fault; the text itself may hold people's data.
    let message = format!("{:?} error at line {} column {}", error.classify(), error.line(), error.column());
    MarketoError::UnexpectedAnswer { message }
}
