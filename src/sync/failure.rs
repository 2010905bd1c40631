//! Why a run failed, and whether it is retried by itself.

use serde::{Deserialize, Serialize};
use time::Duration;

use super::SyncError;
use crate::clock::Timestamp;
use crate::connections::ConnectionError;
use crate::marketo::{MarketoError, next_reset};
use crate::salesforce::{Category, SalesforceError};
use crate::upstream::Quota;

/// Why a run failed, for people and programs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = SyncFailure)]
pub struct RunFailure {
    /// Stable name; branch on this. Codes of Salesforce's own appear in lower case behind `salesforce_`.
    #[schema(example = "marketo_export_quota")]
    pub code: String,
    /// What happened.
    pub detail: String,
    /// What to do about it.
    #[serde(alias = "what_to_do")]
    pub remedy: String,
}

/// Attempts after failures that are temporary, and after those that may be.
const MAX_ATTEMPTS_TEMPORARY: i64 = 12;
const MAX_ATTEMPTS_UNCERTAIN: i64 = 3;
/// The wait when Marketo's export queue is full and Marketo doesn't name one.
const EXPORT_QUEUE_WAIT: Duration = Duration::minutes(5);
/// The pause when an organization has used up its calls of the last 24 hours: they come back one by one, as the calls of a day ago
/// leave the count.
const SALESFORCE_LIMIT_PAUSE: Duration = Duration::minutes(15);

/// Failures after which resuming is pointless: the same data fails again.
const UNRESUMABLE_CODES: [&str; 3] = ["people_limit_exceeded", "marketo_export_unreadable", "salesforce_answer_unexpected"];

impl RunFailure {
    /// Describes `error`; `now` serves to say when a used-up quota resets.
    #[must_use]
    pub fn from_error(error: &SyncError, now: Timestamp) -> Self {
        let (code, remedy) = match error {
            SyncError::Connection(ConnectionError::Marketo(inner)) => return describe_marketo(inner, now),
            SyncError::Connection(ConnectionError::Salesforce(inner)) => return describe_salesforce(inner),
            SyncError::Connection(inner) => return describe_connection(inner),
            SyncError::StepRequired(_) => ("not_connected", "Connect it again, then start the sync again."),
            SyncError::FieldsMissing(_) => ("fields_missing", "See GET /v1/sync/preview for what to do about each field."),
            SyncError::ExportFailed(_) => {
                ("marketo_export_failed", "Start the sync again; if it fails again, give Marketo's support the export's id.")
            }
            SyncError::ExportUnreadable(_) => ("marketo_export_unreadable", "Report this to the maintainers of this service."),
            SyncError::QueryFailed { .. } => {
                ("salesforce_query_failed", "Start the sync again; if it fails again, give Salesforce's support the job's id.")
            }
            SyncError::QueryUnreadable(_) => ("salesforce_answer_unexpected", "Report this to the maintainers of this service."),
            SyncError::TooManyPeople { .. } => (
                "people_limit_exceeded",
                "Reduce the number of people that Marketo syncs with Salesforce, or ask the operator for a higher limit; then start a full sync.",
            ),
            SyncError::Spool(_) => ("spool_not_writable", "Make room in this service's data directory, and check that it may write there."),
            _ => ("internal_error", "Start the sync again; if it fails again, report this to the maintainers of this service."),
        };
        Self::new(code, format!("{error}."), remedy)
    }

    /// Whether a retry may continue with the data that was read.
    pub(super) fn allows_resuming(&self) -> bool {
        !UNRESUMABLE_CODES.contains(&self.code.as_str())
    }

    fn new(code: impl Into<String>, detail: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { code: code.into(), detail: detail.into(), remedy: remedy.into() }
    }
}

fn describe_marketo(error: &MarketoError, now: Timestamp) -> RunFailure {
    let code = match error {
        MarketoError::ShareUsedUp(exhausted) => match exhausted.quota {
            Quota::Day => "marketo_daily_quota",
            Quota::Exports => "marketo_export_quota",
            Quota::ShortWindow | Quota::Concurrent => "marketo_busy",
        },
        MarketoError::Unreachable { .. } => "marketo_unreachable",
        MarketoError::NotMarketo { .. } => "marketo_address_wrong",
        MarketoError::UnknownClient { .. } | MarketoError::WrongSecret { .. } | MarketoError::ClientRefused { .. } => {
            "marketo_credentials_refused"
        }
        MarketoError::TokenUnavailable(_) | MarketoError::TokenRefused(_) => "marketo_token_refused",
        MarketoError::AccessDenied(_) => "marketo_access_denied",
        MarketoError::RateLimit(_) | MarketoError::ConcurrencyLimit(_) => "marketo_busy",
        MarketoError::DailyQuota(_) => "marketo_daily_quota",
        MarketoError::ExportQuota(_) => "marketo_export_quota",
        MarketoError::ExportQueueFull(_) => "marketo_export_queue_full",
        MarketoError::UnsupportedFilter(_) => "marketo_filter_unsupported",
        MarketoError::AlreadyQueued(_) | MarketoError::InvalidData(_) | MarketoError::Rejected(_) => "marketo_refused",
        MarketoError::Temporary(_) => "marketo_unavailable",
        MarketoError::FileNotReady { .. } => "marketo_file_missing",
        MarketoError::Interrupted { .. } => "marketo_download_interrupted",
        MarketoError::SizeMismatch { .. } | MarketoError::ChecksumMismatch { .. } => "marketo_file_corrupt",
        MarketoError::File { .. } => "spool_not_writable",
        MarketoError::InvalidRequest { .. } | MarketoError::UnexpectedAnswer { .. } => "marketo_answer_unexpected",
    };
    let mut detail = format!("{error}.");
    if let (true, Some(wait)) = (error.quota().is_some_and(Quota::is_daily), error.retry_after()) {
        let wait = Duration::try_from(wait).unwrap_or(Duration::DAY);
        detail = format!("{detail} The quota begins afresh at {}.", now + wait);
    }
    RunFailure::new(code, detail, error.remedy())
}

fn describe_salesforce(error: &SalesforceError) -> RunFailure {
    let code = match (error.code(), error) {
        (Some(code), _) => format!("salesforce_{}", code.to_ascii_lowercase()),
        (None, SalesforceError::Unreachable { .. } | SalesforceError::AnswerLost { .. }) => "salesforce_unreachable".into(),
        (None, SalesforceError::ShareUsedUp(_)) => "salesforce_share_used_up".into(),
        (None, SalesforceError::TokenUnavailable(_)) => "salesforce_token_refused".into(),
        (None, SalesforceError::UnexpectedAnswer { .. } | SalesforceError::InvalidRequest { .. }) => "salesforce_answer_unexpected".into(),
        (None, _) => "salesforce_refused".into(),
    };
    RunFailure::new(code, format!("{error}."), error.remedy())
}

fn describe_connection(error: &ConnectionError) -> RunFailure {
    let remedy = "See GET /v1/instance/onboarding: steps 2 and 3 say what to do about the connections.";
    let code = match error {
        ConnectionError::NotConnected { .. } => "not_connected",
        ConnectionError::NeedsAttention(_) => "connection_needs_attention",
        _ => "connection_unusable",
    };
    RunFailure::new(code, format!("{error}."), remedy)
}

/// What happens to a run after a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RetryDecision {
    /// Another attempt is made after this time, because the failure is temporary.
    RetryAfter(Duration),
    /// The run is paused for this time, because a quota is used up.
    PauseFor(Duration),
    /// The run fails: another attempt is pointless, or there were enough.
    GiveUp,
}

/// Decides what happens after `error`, which is consecutive failure number `failures`.
#[must_use]
pub fn decide_retry(error: &SyncError, failures: i64, now: Timestamp) -> RetryDecision {
    let back_off = crate::jobs::back_off(failures);
    let (max_attempts, wait) = match error {
        SyncError::Db(error) | SyncError::Connection(ConnectionError::Db(error)) if error.is_temporary() => (i64::MAX, back_off),
        SyncError::Db(_) | SyncError::StagingLost => (MAX_ATTEMPTS_UNCERTAIN, back_off),
        // Most often a disk that is full.
        SyncError::Spool(_) => (MAX_ATTEMPTS_TEMPORARY, back_off),
        SyncError::Connection(ConnectionError::Marketo(inner)) => match inner {
            _ if inner.quota().is_some_and(Quota::is_daily) => {
                return RetryDecision::PauseFor(
                    inner.retry_after().map_or(next_reset(now.instant()) - now.instant(), |wait| to_duration(Some(wait))),
                );
            }
            MarketoError::Unreachable { .. }
            | MarketoError::Temporary(_)
            | MarketoError::RateLimit(_)
            | MarketoError::ConcurrencyLimit(_)
            | MarketoError::Interrupted { .. }
            | MarketoError::ShareUsedUp(_) => (MAX_ATTEMPTS_TEMPORARY, back_off.max(to_duration(inner.retry_after()))),
            MarketoError::ExportQueueFull(_) => (MAX_ATTEMPTS_TEMPORARY, to_duration(inner.retry_after()).max(EXPORT_QUEUE_WAIT)),
            // Why there is no token isn't known here; a vendor that can't be reached is one reason.
            MarketoError::TokenUnavailable(_) => (MAX_ATTEMPTS_UNCERTAIN, back_off),
            _ => return RetryDecision::GiveUp,
        },
        SyncError::Connection(ConnectionError::Salesforce(inner)) => match inner {
            SalesforceError::ShareUsedUp(exhausted) => return RetryDecision::PauseFor(to_duration(Some(exhausted.retry_after))),
            // The same code tells of too many calls at once, which is over in a moment.
            SalesforceError::RequestLimitExceeded(refusal) if refusal.message.contains("TotalRequests") => {
                return RetryDecision::PauseFor(to_duration(refusal.retry_after).max(SALESFORCE_LIMIT_PAUSE));
            }
            SalesforceError::TokenUnavailable(_) => (MAX_ATTEMPTS_UNCERTAIN, back_off),
            _ if inner.category() == Category::Intermittent => (MAX_ATTEMPTS_TEMPORARY, back_off.max(to_duration(inner.retry_after()))),
            _ => return RetryDecision::GiveUp,
        },
        _ => return RetryDecision::GiveUp,
    };
    if failures < max_attempts { RetryDecision::RetryAfter(wait) } else { RetryDecision::GiveUp }
}

fn to_duration(wait: Option<std::time::Duration>) -> Duration {
    wait.and_then(|wait| Duration::try_from(wait).ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;
    use crate::marketo::MarketoRefusal;

    fn refused(make: fn(MarketoRefusal) -> MarketoError, wait: Option<u64>) -> SyncError {
        let retry_after = wait.map(std::time::Duration::from_secs);
        SyncError::from(make(MarketoRefusal { code: "1029".into(), message: "said Marketo".into(), request_id: None, retry_after }))
    }

    fn noon() -> Timestamp {
        datetime!(2026-06-15 12:00 UTC).into()
    }

    #[test]
    fn a_failure_with_the_names_of_earlier_versions_is_read() {
        let stored = serde_json::json!({ "code": "spool_not_writable", "detail": "The disk is full.", "what_to_do": "Make room." });
        assert_eq!(serde_json::from_value::<RunFailure>(stored).unwrap().remedy, "Make room.");
    }

    #[test]
    fn a_used_up_quota_pauses_the_run_until_it_resets() {
        let error = refused(MarketoError::ExportQuota, Some(3600));
        let failure = RunFailure::from_error(&error, noon());
        assert_eq!(failure.code, "marketo_export_quota");
        assert!(failure.detail.contains("2026-06-15T13:00:00"), "{}", failure.detail);
        assert_eq!(decide_retry(&error, 1, noon()), RetryDecision::PauseFor(Duration::hours(1)));
        let silent = refused(MarketoError::DailyQuota, None);
        assert_eq!(decide_retry(&silent, 99, noon()), RetryDecision::PauseFor(Duration::hours(17)), "midnight US Central time, in summer");
        let winter = datetime!(2026-12-15 12:00 UTC).into();
        assert_eq!(decide_retry(&silent, 1, winter), RetryDecision::PauseFor(Duration::hours(18)));
    }

    #[test]
    fn a_temporary_failure_is_retried_a_limited_number_of_times() {
        let error = refused(MarketoError::Temporary, None);
        assert_eq!(decide_retry(&error, 1, noon()), RetryDecision::RetryAfter(Duration::seconds(4)));
        assert_eq!(decide_retry(&error, MAX_ATTEMPTS_TEMPORARY, noon()), RetryDecision::GiveUp);
        assert_eq!(
            decide_retry(&refused(MarketoError::ExportQueueFull, Some(300)), 1, noon()),
            RetryDecision::RetryAfter(EXPORT_QUEUE_WAIT)
        );
    }

    #[test]
    fn a_lasting_failure_is_not_retried() {
        for error in [refused(MarketoError::AccessDenied, None), SyncError::FieldsMissing("Marketo Id".into())] {
            assert_eq!(decide_retry(&error, 1, noon()), RetryDecision::GiveUp, "{error}");
        }
    }
}
