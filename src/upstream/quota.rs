//! What a client reports about its calls while it makes them. The client knows no feature and no database; whoever keeps the
//! book does.

use std::any::Any;
use std::fmt;
use std::time::Duration;

use super::BoxFuture;

/// What kind of trouble a failure is, as the product's diagnostics page groups them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = DiagnosticCategory)]
pub enum Category {
    /// The connection must be made again, or the user or organization is locked out.
    Authentication,
    /// A permission, a rule of the subscription or organization, or its data stands in the way.
    AccessValidation,
    /// Passes by itself; repeated automatically where that helps.
    Intermittent,
    /// Anything else.
    Other,
}

impl Category {
    /// The category of an HTTP status that came without a vendor's code.
    #[must_use]
    pub fn of_status(status: u16) -> Self {
        match status {
            401 => Self::Authentication,
            403 => Self::AccessValidation,
            429 | 500..=599 => Self::Intermittent,
            _ => Self::Other,
        }
    }
}

/// What is known of a code: texts for the person who has to act.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CodeExplanation {
    /// What kind of trouble it is.
    pub category: Category,
    /// What it means.
    pub meaning: &'static str,
    /// What to do about it.
    pub remedy: &'static str,
}

impl CodeExplanation {
    /// A code that stands in no table, when the vendor's own status says no more.
    #[must_use]
    pub fn unknown(code: &str) -> Self {
        let category = code.parse().map_or(Category::Other, Category::of_status);
        Self {
            category,
            meaning: "This service has no explanation of the code.",
            remedy: "Quote the code and the request id to the vendor's support.",
        }
    }
}

/// A call that failed. It holds no text of the vendor's, which may be about people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallFailure {
    /// The vendor's code, an HTTP status, or a name of ours such as `UNREACHABLE`.
    pub code: String,
    /// What kind of trouble it is.
    pub category: Category,
    /// The vendor's id of the request or of the job.
    pub request_id: Option<String>,
}

/// Most characters of a code or of a vendor's id.
const MAX_NAME_LENGTH: usize = 80;

impl CallFailure {
    /// A failure by its code. A code or an id that is none by its form could be any text and is left out.
    #[must_use]
    pub fn new(code: &str, category: Category, request_id: Option<&str>) -> Self {
        let code = if Self::is_code(code) { code } else { "UNREADABLE_CODE" };
        // Salesforce's numbers have a space within.
        let request_id = request_id.filter(|id| Self::is_code(&id.replace(' ', "")));
        Self { code: code.to_owned(), category, request_id: request_id.map(str::to_owned) }
    }

    /// Whether a text has the form of a code.
    #[must_use]
    pub fn is_code(text: &str) -> bool {
        let named = |one: u8| one.is_ascii_alphanumeric() || matches!(one, b'_' | b'-' | b'.' | b'#' | b'(' | b')');
        (1..=MAX_NAME_LENGTH).contains(&text.len()) && text.bytes().all(named)
    }
}

/// A quota of a vendor's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = QuotaKind)]
pub enum Quota {
    /// Calls within a short span of time.
    ShortWindow,
    /// Calls under way at once.
    Concurrent,
    /// Calls of a day.
    Day,
    /// Bytes of export files of a day.
    Exports,
}

impl Quota {
    /// Whether it is a matter of hours, not of seconds, until there is room again.
    #[must_use]
    pub fn is_daily(self) -> bool {
        matches!(self, Self::Day | Self::Exports)
    }
}

impl fmt::Display for Quota {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::ShortWindow => "the calls in a short time",
            Self::Concurrent => "the calls at once",
            Self::Day => "the calls of a day",
            Self::Exports => "the export files of a day",
        })
    }
}

/// There is no room for a call, and the caller is not patient enough to wait for it. Nothing was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this service's share of {quota} is used up")]
pub struct QuotaExhausted {
    /// Which quota leaves no room.
    pub quota: Quota,
    /// When there will be room.
    pub retry_after: Duration,
}

/// A call's place within the quotas, given back when dropped. Keep it for as long as the call is under way.
pub struct CallPermit {
    _held: Option<Box<dyn Any + Send + Sync>>,
}

impl CallPermit {
    /// A place that nobody waits for.
    #[must_use]
    pub fn untracked() -> Self {
        Self { _held: None }
    }

    /// A place that `held` gives back when it is dropped.
    pub fn with_slot(held: impl Send + Sync + 'static) -> Self {
        Self { _held: Some(Box::new(held)) }
    }
}

/// Keeps the book of a connection's calls, and lets no more of them begin than the quotas allow.
pub trait QuotaTracker: Send + Sync {
    /// Waits for room for one attempt, at most as long as `max_wait`.
    ///
    /// # Errors
    /// [`QuotaExhausted`] when there will be no room in that time.
    fn admit(&self, max_wait: Duration) -> BoxFuture<'_, Result<CallPermit, QuotaExhausted>>;

    /// Whether another export file may be asked for today.
    ///
    /// # Errors
    /// [`QuotaExhausted`] when the day's share is used up.
    fn admit_export(&self) -> BoxFuture<'_, Result<(), QuotaExhausted>>;

    /// An attempt failed; the call may be repeated and succeed yet. Neither waits nor fails, nor do the following.
    fn failed(&self, failure: CallFailure);

    /// The vendor says how many calls everybody together has `used`, of how many allowed.
    fn report_usage(&self, used: u64, allowed: u64);

    /// The vendor refuses because `quota` is used up, by whomever; `reset` is when it begins afresh.
    fn refused(&self, quota: Quota, reset: Duration);

    /// Bytes of an export file arrived.
    fn exported(&self, bytes: u64);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_that_is_no_code_is_not_kept() {
        let failure = CallFailure::new("Ann Smith <ann@example.com>", Category::Other, Some("id of ann@example.com"));
        assert_eq!((failure.code.as_str(), failure.request_id), ("UNREADABLE_CODE", None));
        let failure = CallFailure::new("INVALID_FIELD", Category::Other, Some("e42b#14272d07d78"));
        assert_eq!((failure.code.as_str(), failure.request_id.as_deref()), ("INVALID_FIELD", Some("e42b#14272d07d78")));
    }
}
