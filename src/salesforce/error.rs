use std::time::Duration;

use super::diagnosis;
use crate::upstream::{CallFailure, Category, QuotaExhausted, TokenUnavailable, causes};

/// A refusal of the REST or Bulk API.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{code} {message}")]
pub struct ApiRefusal {
    /// HTTP status.
    pub status: u16,
    /// `errorCode`; of a refusal without one the HTTP status.
    pub code: String,
    /// Salesforce's text, cut at a few hundred characters.
    pub message: String,
    /// Fields that the refusal is about.
    pub fields: Vec<String>,
    /// When Salesforce says to ask again.
    pub retry_after: Option<Duration>,
}

/// A refusal of the OAuth endpoints (RFC 6749, 5.2).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{error}: {description}")]
pub struct OAuthRefusal {
    /// HTTP status.
    pub status: u16,
    /// For example `invalid_grant`.
    pub error: String,
    /// Salesforce's text.
    pub description: String,
}

/// Why a call to Salesforce brought nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SalesforceError {
    /// No connection, so nothing was asked; or, of a question that changes nothing, none that lasted until the answer.
    #[error("Salesforce can't be reached: {message}")]
    Unreachable { message: String },
    /// The request may have been carried out, but its answer never came or came mutilated. After a refresh the old refresh
    /// token must not be presented again: if it was used, that would end the whole grant.
    #[error("Salesforce's answer was lost: {message}")]
    AnswerLost { message: String },
    /// The token endpoint refuses.
    #[error("Salesforce refuses authorization: {0}")]
    OAuth(OAuthRefusal),
    /// The token answer isn't signed with our client secret.
    #[error("the signature of Salesforce's token answer is wrong")]
    BadSignature,
    /// We have no token to call with.
    #[error(transparent)]
    TokenUnavailable(#[from] TokenUnavailable),
    /// Our share of the organization's calls is used up, so nothing was sent.
    #[error("Salesforce was not called: {0}")]
    ShareUsedUp(#[from] QuotaExhausted),
    /// 401: the access token is refused, the refreshed one as well.
    #[error("Salesforce refuses the access token: {0}")]
    SessionInvalid(ApiRefusal),
    /// The organization's concurrent or 24-hour API calls are used up. It comes as a 403 but is no matter of permission.
    #[error("the Salesforce organization's API calls are used up: {0}")]
    RequestLimitExceeded(ApiRefusal),
    /// Any other refusal; [`SalesforceError::category`] says of what kind.
    #[error("Salesforce refuses the request: {0}")]
    Api(ApiRefusal),
    /// A query job has no results yet.
    #[error("the results of the query job aren't ready")]
    ResultsNotReady,
    /// An answer that doesn't have the documented shape.
    #[error("Salesforce's answer can't be understood: {message}")]
    UnexpectedAnswer { message: String },
    /// The caller asked for what can't be asked; nothing was sent.
    #[error("the request can't be sent to Salesforce: {message}")]
    InvalidRequest { message: String },
}

impl SalesforceError {
    pub(super) fn from_refusal(refusal: ApiRefusal) -> Self {
        match (refusal.status, refusal.code.as_str()) {
            (401, _) | (_, "INVALID_SESSION_ID") => Self::SessionInvalid(refusal),
            (_, "REQUEST_LIMIT_EXCEEDED") => Self::RequestLimitExceeded(refusal),
            _ => Self::Api(refusal),
        }
    }

    /// A failure below HTTP of a question that changes nothing. The text never holds the address asked.
    pub(super) fn unreachable(error: reqwest::Error) -> Self {
        Self::Unreachable { message: causes(&error.without_url()) }
    }

    /// A failure below HTTP of a request that must not be made twice: only without a connection is it certain that it
    /// wasn't made.
    pub(super) fn lost(error: reqwest::Error) -> Self {
        if error.is_connect() || error.is_builder() {
            return Self::unreachable(error);
        }
        Self::AnswerLost { message: causes(&error.without_url()) }
    }

    fn refusal(&self) -> Option<&ApiRefusal> {
        match self {
            Self::SessionInvalid(refusal) | Self::RequestLimitExceeded(refusal) | Self::Api(refusal) => Some(refusal),
            _ => None,
        }
    }

    /// The code that the diagnostics know: Salesforce's `errorCode`, or what an OAuth error amounts to, for example
    /// `EXPIRED_ACCESS` or `INACTIVE_USER`. None when Salesforce gave no code.
    #[must_use]
    pub fn code(&self) -> Option<&str> {
        match self {
            Self::OAuth(refusal) => Some(diagnosis::of_oauth(&refusal.error, &refusal.description)),
            _ => self.refusal().map(|refusal| refusal.code.as_str()),
        }
    }

    /// Our name of a failure that Salesforce gives no code for; none of what is no failure of a call.
    fn name(&self) -> Option<&'static str> {
        match self {
            Self::Unreachable { .. } => Some(diagnosis::UNREACHABLE),
            Self::AnswerLost { .. } => Some(diagnosis::ANSWER_LOST),
            Self::BadSignature => Some(diagnosis::BAD_SIGNATURE),
            Self::UnexpectedAnswer { .. } => Some(diagnosis::UNEXPECTED_ANSWER),
            _ => None,
        }
    }

    /// What the diagnostics keep of it; nothing of what is no failure of a call, or was reported where it happened.
    #[must_use]
    pub fn failure(&self) -> Option<CallFailure> {
        let request_id = self.refusal().and_then(|refusal| diagnosis::error_id(&refusal.message));
        self.code().or(self.name()).map(|code| CallFailure::new(code, self.category(), request_id))
    }

    /// Salesforce's own words when there are any, else ours.
    #[must_use]
    pub fn message(&self) -> String {
        match self {
            Self::OAuth(refusal) if !refusal.description.is_empty() => refusal.description.clone(),
            _ => self.refusal().map_or_else(|| self.to_string(), |refusal| refusal.message.clone()),
        }
    }

    /// When Salesforce says to ask again.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::ShareUsedUp(exhausted) => Some(exhausted.retry_after),
            _ => self.refusal().and_then(|refusal| refusal.retry_after),
        }
    }

    fn status(&self) -> Option<u16> {
        match self {
            Self::OAuth(refusal) => Some(refusal.status),
            _ => self.refusal().map(|refusal| refusal.status),
        }
    }

    /// What kind of trouble it is.
    #[must_use]
    pub fn category(&self) -> Category {
        if let Some(known) = self.code().and_then(diagnosis::look_up) {
            return known.category;
        }
        match self {
            Self::Unreachable { .. } | Self::AnswerLost { .. } | Self::ResultsNotReady | Self::ShareUsedUp(_) => Category::Intermittent,
            Self::BadSignature | Self::TokenUnavailable(_) | Self::SessionInvalid(_) => Category::Authentication,
            Self::Api(refusal) if refusal.status == 403 => Category::AccessValidation,
            _ if self.status().is_some_and(|status| status >= 500 || status == 429) => Category::Intermittent,
            _ => Category::Other,
        }
    }

    /// Whether the same call may be made again in a moment. Used-up calls are intermittent too, but for hours.
    pub(super) fn passes_soon(&self) -> bool {
        let never = matches!(self, Self::RequestLimitExceeded(_) | Self::ShareUsedUp(_) | Self::ResultsNotReady | Self::AnswerLost { .. });
        !never && self.category() == Category::Intermittent
    }

    /// One sentence for the person who has to act.
    #[must_use]
    pub fn remedy(&self) -> &'static str {
        if let Some(known) = self.code().or(self.name()).and_then(diagnosis::look_up) {
            return known.remedy;
        }
        match self {
            Self::TokenUnavailable(_) | Self::SessionInvalid(_) => "Connect Salesforce again.",
            Self::ShareUsedUp(_) => {
                "Wait until calls of a day ago fall out of the count, or raise salesforce.share in this service's settings."
            }
            Self::ResultsNotReady => "Wait until the job has completed.",
            Self::InvalidRequest { .. } => "Report this to the maintainers of this service.",
            _ => match self.category() {
                Category::Intermittent => "Try again in some minutes.",
                Category::AccessValidation => "Ask the organization's administrator to grant the access that Salesforce's message names.",
                _ => "See Salesforce's message; if it doesn't explain itself, give it to Salesforce's support.",
            },
        }
    }
}

pub(super) fn not_understood(error: serde_json::Error) -> SalesforceError {
    // The place is enough to find the fault; the text itself may hold people's data.
    let message = format!("{:?} error at line {} column {}", error.classify(), error.line(), error.column());
    SalesforceError::UnexpectedAnswer { message }
}
