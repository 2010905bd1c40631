use std::time::Duration;

use super::diagnosis;
use crate::upstream::{CallFailure, Quota, QuotaExhausted, TokenUnavailable, causes};

/// A refusal in the vendor's own words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{code} {message}")]
pub struct MarketoRefusal {
    /// Marketo's error code, for example `603`; of a refusal without one the HTTP status.
    pub code: String,
    /// Marketo's text, cut at a few hundred characters.
    pub message: String,
    /// The id by which Marketo's support finds the request.
    pub request_id: Option<String>,
    /// When it makes sense to ask again, if that is known.
    pub retry_after: Option<Duration>,
}

/// Why a call to Marketo brought nothing. Codes: <https://experienceleague.adobe.com/en/docs/marketo-developer/marketo/rest/error-codes>.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MarketoError {
    /// No connection, or none that lasted until the answer was there.
    #[error("Marketo can't be reached: {message}")]
    Unreachable { message: String },
    /// Something answers at the address of the identity service, but not Marketo.
    #[error("what answers at this address isn't Marketo: {message}")]
    NotMarketo { message: String },
    /// The subscription has no client with this id.
    #[error("Marketo doesn't know the client id: {message}")]
    UnknownClient { message: String },
    /// The client exists, its secret is another.
    #[error("Marketo refuses the client secret: {message}")]
    WrongSecret { message: String },
    /// Identity refuses the credentials without saying which of them.
    #[error("Marketo refuses the client id or secret: {message}")]
    ClientRefused { message: String },
    /// We have no token to call with.
    #[error(transparent)]
    TokenUnavailable(#[from] TokenUnavailable),
    /// Our share of a quota is used up, so nothing was sent.
    #[error("Marketo was not called: {0}")]
    ShareUsedUp(#[from] QuotaExhausted),
    /// 601, 602: the token is refused, the refreshed one as well.
    #[error("Marketo refuses the access token: {0}")]
    TokenRefused(MarketoRefusal),
    /// 603: the API user's role lacks a permission, or an allow-list of addresses leaves us out.
    #[error("Marketo denies access: {0}")]
    AccessDenied(MarketoRefusal),
    /// 606: too many calls in 20 seconds, still so after waiting.
    #[error("too many calls to Marketo: {0}")]
    RateLimit(MarketoRefusal),
    /// 615: too many calls at once, still so after waiting.
    #[error("too many calls to Marketo at once: {0}")]
    ConcurrencyLimit(MarketoRefusal),
    /// 607: the subscription's calls of today are used up.
    #[error("the Marketo subscription's daily calls are used up: {0}")]
    DailyQuota(MarketoRefusal),
    /// 1029: ten export jobs are queued.
    #[error("Marketo's export queue is full: {0}")]
    ExportQueueFull(MarketoRefusal),
    /// 1029: today's megabytes of export files are used up.
    #[error("the Marketo subscription's daily export quota is used up: {0}")]
    ExportQuota(MarketoRefusal),
    /// 1029: the job was enqueued before.
    #[error("the export job is queued already: {0}")]
    AlreadyQueued(MarketoRefusal),
    /// 1035: this subscription can't filter exports that way.
    #[error("Marketo doesn't offer this export filter: {0}")]
    UnsupportedFilter(MarketoRefusal),
    /// 1003: invalid data, or more than 1,000 people match.
    #[error("Marketo can't work with the data of the request: {0}")]
    InvalidData(MarketoRefusal),
    /// Any other refusal that repeating won't change.
    #[error("Marketo refuses the request: {0}")]
    Rejected(MarketoRefusal),
    /// 502, 604, 608, 611, 614, 713 and HTTP 5xx, still so after several attempts.
    #[error("Marketo is in trouble: {0}")]
    Temporary(MarketoRefusal),
    /// The file of an export that isn't complete or isn't known.
    #[error("Marketo has no file for this export: {message}")]
    FileNotReady { message: String },
    /// A download was cut more often than we resume it.
    #[error("the download of the export was cut too often, at byte {received}: {message}")]
    Interrupted { received: u64, message: String },
    /// The downloaded file hasn't the announced size.
    #[error("the export file has {received} bytes where Marketo announced {expected}")]
    SizeMismatch { expected: u64, received: u64 },
    /// The downloaded file hasn't the announced SHA-256.
    #[error("the export file's checksum is {received} where Marketo announced {expected}")]
    ChecksumMismatch { expected: String, received: String },
    /// The local file couldn't be written.
    #[error("the export can't be written to disk: {message}")]
    File { message: String },
    /// The caller asked for what Marketo is known to refuse; nothing was sent.
    #[error("the request can't be sent to Marketo: {message}")]
    InvalidRequest { message: String },
    /// An answer that doesn't have the documented shape.
    #[error("Marketo's answer can't be understood: {message}")]
    UnexpectedAnswer { message: String },
}

impl MarketoError {
    /// The error for a vendor code.
    pub(super) fn from_refusal(refusal: MarketoRefusal) -> Self {
        let about = refusal.message.to_lowercase();
        match refusal.code.as_str() {
            "601" | "602" => Self::TokenRefused(refusal),
            "603" => Self::AccessDenied(refusal),
            "606" => Self::RateLimit(refusal),
            "607" => Self::DailyQuota(refusal),
            "615" => Self::ConcurrencyLimit(refusal),
            "1003" => Self::InvalidData(refusal),
            // One code, three meanings, told apart by the text alone.
            "1029" if about.contains("quota") => Self::ExportQuota(refusal),
            "1029" if about.contains("already queued") => Self::AlreadyQueued(refusal),
            "1029" => Self::ExportQueueFull(refusal),
            "1035" => Self::UnsupportedFilter(refusal),
            "502" | "604" | "608" | "611" | "614" | "713" => Self::Temporary(refusal),
            _ => Self::Rejected(refusal),
        }
    }

    /// The error for an HTTP status whose body says nothing more.
    pub(super) fn from_status(status: u16, message: String, retry_after: Option<Duration>) -> Self {
        let refusal = MarketoRefusal { code: status.to_string(), message, request_id: None, retry_after };
        match status {
            401 => Self::TokenRefused(refusal),
            403 => Self::AccessDenied(refusal),
            429 => Self::RateLimit(refusal),
            500..=599 => Self::Temporary(refusal),
            _ => Self::Rejected(refusal),
        }
    }

    /// A failure below HTTP. The text never holds the address asked, which may carry credentials.
    pub(super) fn unreachable(error: reqwest::Error) -> Self {
        Self::Unreachable { message: causes(&error.without_url()) }
    }

    /// Whether Marketo can't work with a value that was sent, such as a paging token that is too old or none of its own (1001,
    /// 1003), or has nothing there (702, 703).
    #[must_use]
    pub fn refuses_value(&self) -> bool {
        let known = |code: &str| matches!(code, "702" | "703" | "1001");
        matches!(self, Self::InvalidData(_)) || matches!(self, Self::Rejected(refusal) if known(&refusal.code))
    }

    /// Whether people can't be looked up by the field that was named (1006, 1011).
    #[must_use]
    pub fn refuses_lookup(&self) -> bool {
        matches!(self, Self::Rejected(refusal) if matches!(refusal.code.as_str(), "1006" | "1011"))
    }

    fn refusal(&self) -> Option<&MarketoRefusal> {
        match self {
            Self::TokenRefused(refusal)
            | Self::AccessDenied(refusal)
            | Self::RateLimit(refusal)
            | Self::ConcurrencyLimit(refusal)
            | Self::DailyQuota(refusal)
            | Self::ExportQueueFull(refusal)
            | Self::ExportQuota(refusal)
            | Self::AlreadyQueued(refusal)
            | Self::UnsupportedFilter(refusal)
            | Self::InvalidData(refusal)
            | Self::Rejected(refusal)
            | Self::Temporary(refusal) => Some(refusal),
            _ => None,
        }
    }

    /// Marketo's code, when Marketo gave one; of a refusal without one the HTTP status.
    #[must_use]
    pub fn code(&self) -> Option<&str> {
        self.refusal().map(|refusal| refusal.code.as_str())
    }

    /// Marketo's own words when there are any, else ours.
    #[must_use]
    pub fn message(&self) -> String {
        self.refusal().map_or_else(|| self.to_string(), |refusal| refusal.message.clone())
    }

    /// When it makes sense to ask again: after a daily quota the time until it is reset, after a limit a little while.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::ShareUsedUp(exhausted) => Some(exhausted.retry_after),
            _ => self.refusal().and_then(|refusal| refusal.retry_after),
        }
    }

    /// The quota that stands in the way, ours or the vendor's.
    #[must_use]
    pub fn quota(&self) -> Option<Quota> {
        match self {
            Self::ShareUsedUp(exhausted) => Some(exhausted.quota),
            Self::RateLimit(_) => Some(Quota::ShortWindow),
            Self::ConcurrencyLimit(_) => Some(Quota::Concurrent),
            Self::DailyQuota(_) => Some(Quota::Day),
            Self::ExportQuota(_) => Some(Quota::Exports),
            _ => None,
        }
    }

    /// One sentence for the person who has to act.
    #[must_use]
    pub fn remedy(&self) -> &'static str {
        match self {
            Self::Unreachable { .. } => diagnosis::CHECK_REACH,
            Self::NotMarketo { .. } => diagnosis::CHECK_ADDRESS,
            Self::UnknownClient { .. } => diagnosis::CHECK_ID,
            Self::WrongSecret { .. } => diagnosis::COPY_SECRET,
            Self::ClientRefused { .. } => diagnosis::COPY_BOTH,
            Self::TokenUnavailable(_) | Self::TokenRefused(_) => diagnosis::CONNECT_AGAIN,
            Self::AccessDenied(_) => diagnosis::GRANT_ACCESS,
            Self::RateLimit(_) | Self::ConcurrencyLimit(_) => diagnosis::WAIT_A_MOMENT,
            Self::ShareUsedUp(exhausted) if exhausted.quota.is_daily() => {
                "Wait until midnight US Central time, when the quota starts afresh, or raise marketo.share in this service's settings."
            }
            Self::ShareUsedUp(_) => "Wait a moment; if it goes on, raise marketo.share in this service's settings.",
            Self::DailyQuota(_) => diagnosis::WAIT_FOR_CALLS,
            Self::ExportQueueFull(_) => "Wait some minutes until other export jobs of the subscription have run.",
            Self::ExportQuota(_) => "Wait until midnight US Central time, when the export quota starts afresh, or raise it with Marketo.",
            Self::AlreadyQueued(_) => "Nothing: the job is under way.",
            Self::UnsupportedFilter(_) => diagnosis::CREATION_DATE,
            Self::InvalidData(_) => diagnosis::LESS_OR_MENDED,
            Self::Rejected(_) => diagnosis::SEE_MESSAGE,
            Self::Temporary(_) => diagnosis::LATER,
            Self::FileNotReady { .. } => diagnosis::ASK_FOR_THE_STATUS,
            Self::Interrupted { .. } | Self::SizeMismatch { .. } | Self::ChecksumMismatch { .. } => diagnosis::DOWNLOAD_AGAIN,
            Self::File { .. } => "Make room in this service's data directory, and check that it may write there.",
            Self::InvalidRequest { .. } | Self::UnexpectedAnswer { .. } => diagnosis::REPORT,
        }
    }

    /// What the diagnostics keep of it; nothing of what is no failure of a call, or was reported where it happened.
    #[must_use]
    pub fn failure(&self) -> Option<CallFailure> {
        let name = match self {
            Self::Unreachable { .. } => diagnosis::UNREACHABLE,
            Self::NotMarketo { .. } => diagnosis::NOT_MARKETO,
            Self::UnknownClient { .. } => diagnosis::UNKNOWN_CLIENT,
            Self::WrongSecret { .. } => diagnosis::WRONG_SECRET,
            Self::ClientRefused { .. } => diagnosis::CLIENT_REFUSED,
            Self::FileNotReady { .. } => diagnosis::FILE_NOT_READY,
            Self::Interrupted { .. } => diagnosis::DOWNLOAD_CUT,
            Self::SizeMismatch { .. } | Self::ChecksumMismatch { .. } => diagnosis::FILE_CORRUPT,
            Self::UnexpectedAnswer { .. } => diagnosis::UNEXPECTED_ANSWER,
            _ => self.code()?,
        };
        let request_id = self.refusal().and_then(|refusal| refusal.request_id.as_deref());
        Some(CallFailure::new(name, diagnosis::explain(name).category, request_id))
    }
}
