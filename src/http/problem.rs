//! The one table from error to HTTP: every code a caller can meet, with its status and title. Features name a code through
//! [`AsProblem`]; the answer is a problem document (RFC 9457) with the request id.

use std::borrow::Cow;

use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::{HttpResponse, HttpResponseBuilder, ResponseError};
use serde::Serialize;

use super::excerpt;
use crate::telemetry::error_chain;

/// Longest text of a problem, in characters: what happened and what to do, with a name or a value of the caller's in it.
const MAX_DETAIL: usize = 1000;
/// Longest text of one fault, and longest pointer to it.
const MAX_FAULT: usize = 500;
const MAX_POINTER: usize = 200;
/// Faults that one answer lists.
const MAX_FAULTS: usize = 100;

macro_rules! codes {
    ($($name:ident = $status:literal, $code:literal, $title:literal;)+) => {
        /// A stable name for what went wrong. Clients branch on this, never on the prose.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Code { $(#[doc = $title] $name,)+ }

        impl Code {
            /// Every code, for the document and its tests.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// The name as clients see it.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$name => $code,)+ }
            }

            /// The title: the same for every occurrence.
            #[must_use]
            pub fn title(self) -> &'static str {
                match self { $(Self::$name => $title,)+ }
            }

            /// The HTTP status.
            #[must_use]
            pub fn status(self) -> StatusCode {
                // The table holds statuses between 400 and 503 only; a slip would read as 500 and fail a test below.
                StatusCode::from_u16(match self { $(Self::$name => $status,)+ }).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
            }
        }
    };
}

codes! {
    MalformedRequest = 400, "malformed_request", "The request can't be read";
    InvalidInput = 422, "invalid_input", "Some values can't be used";
    Unauthenticated = 401, "unauthenticated", "Authentication is needed";
    InvalidToken = 401, "invalid_token", "The access token is not valid";
    Forbidden = 403, "forbidden", "This is not permitted";
    InstanceRequired = 403, "instance_required", "The token is not bound to an instance";
    CrossSiteRequest = 403, "cross_site_request", "Another site has sent this request";
    CallNotAllowed = 403, "call_not_allowed", "This client may not make this call to the vendor";
    NotFound = 404, "not_found", "There is nothing here";
    MethodNotAllowed = 405, "method_not_allowed", "The method is not allowed here";
    UploadTooSlow = 408, "upload_too_slow", "The file comes too slowly";
    BodyTooLarge = 413, "body_too_large", "The body is too large";
    UnsupportedMediaType = 415, "unsupported_media_type", "The media type is not supported";
    TooManyRequests = 429, "too_many_requests", "Too many requests";
    QuotaExhausted = 429, "quota_exhausted", "There is no room for another call right now";
    DailyQuotaExhausted = 429, "daily_quota_exhausted", "The day's quota is used up";
    Internal = 500, "internal_error", "Something went wrong on our side";
    Unavailable = 503, "unavailable", "The service can't answer right now";
    StorageFull = 503, "storage_full", "There is no room to save anything";
    TimedOut = 503, "timed_out", "The request took too long";
    IdempotencyKeyReused = 422, "idempotency_key_reused", "The idempotency key was used with another request";
    IdempotencyKeyInUse = 409, "idempotency_key_in_use", "The first request with this idempotency key is still under way";
    IdempotencyOutcomeUnknown = 409, "idempotency_outcome_unknown", "What became of the first request with this idempotency key is not known";
    InstanceExists = 409, "instance_exists", "This subscription has an instance already";
    PrerequisiteUnmet = 409, "prerequisite_unmet", "A prerequisite is not met";
    StepRequired = 409, "step_required", "An earlier set-up step is not done";
    SecretAlreadyRevealed = 409, "secret_already_revealed", "The secret has been shown already";
    NoMarketoCredentials = 409, "no_marketo_credentials", "No Marketo credentials are known";
    MarketoAddressWrong = 409, "marketo_address_wrong", "The Marketo address is wrong";
    MarketoClientUnknown = 409, "marketo_client_unknown", "Marketo does not know this client id";
    MarketoSecretWrong = 409, "marketo_secret_wrong", "Marketo refuses the client secret";
    MarketoPermissionMissing = 409, "marketo_permission_missing", "The Marketo API user lacks a permission";
    MarketoAddressNotAllowed = 409, "marketo_address_not_allowed", "Marketo denies every call of this service";
    MarketoRefused = 409, "marketo_refused", "Marketo refused the call";
    SalesforceRefused = 409, "salesforce_refused", "Salesforce refused the call";
    SalesforceNotConfigured = 409, "salesforce_not_configured", "The service's Salesforce app is not configured";
    ConnectionNeedsAttention = 409, "connection_needs_attention", "The connection waits for somebody to act";
    OtherOrganization = 409, "other_organization", "Another Salesforce organization has authorized";
    NotTheOwner = 403, "not_the_owner", "Only the owner of the connection can do this";
    AccessStillGranted = 409, "access_still_granted", "Access to another admin's connection is still granted";
    MarketoAccessRequired = 403, "marketo_access_required", "The owner of the connection has not granted access";
    NotAnAdmin = 409, "not_an_admin", "This is for active admins only";
    MemberRequired = 403, "member_required", "Only a person can do this, not a program";
    UpstreamUnavailable = 503, "upstream_unavailable", "An upstream service can't answer right now";
    AlreadyConnected = 409, "already_connected", "The connection exists already";
    NotConnected = 404, "not_connected", "There is no such connection";
    StateInvalid = 403, "state_invalid", "The authorization was not begun here, or too long ago";
    MemberSessionRequired = 403, "member_session_required", "The member is not logged in in this browser";
    AuthorizationDenied = 403, "authorization_denied", "The authorization was refused";
    NotAMarketoAdmin = 409, "not_a_marketo_admin", "This person is no Marketo admin";
    FirstUserExists = 409, "first_user_exists", "The first user has been invited already";
    EmailTaken = 409, "email_taken", "The e-mail address is in use";
    ActivationUnknown = 404, "activation_unknown", "This activation link is not known";
    ActivationUsed = 410, "activation_used", "This activation link has been used";
    ActivationExpired = 410, "activation_expired", "This activation link has expired";
    ActivationRevoked = 410, "activation_revoked", "This invitation has been revoked";
    ActivationReplaced = 410, "activation_replaced", "A newer link has taken the place of this one";
    ActivationMethodNotAllowed = 409, "activation_method_not_allowed", "This way of activating is switched off";
    EmailMismatch = 403, "email_mismatch", "The Salesforce user has another e-mail address";
    SubjectTokenInvalid = 400, "subject_token_invalid", "What was presented proves nobody's identity";
    AutoLoginOtherOrganization = 403, "auto_login_other_organization", "The Salesforce user belongs to another organization";
    AutoLoginSwitchedOff = 403, "auto_login_switched_off", "Auto-login is switched off";
    AutoLoginNotInvited = 403, "auto_login_not_invited", "This Salesforce user has not been invited";
    AutoLoginNotActivated = 403, "auto_login_not_activated", "The invitation has not been activated by Salesforce";
    AutoLoginDeactivated = 403, "auto_login_deactivated", "The member has been deactivated";
    AutoLoginOtherUser = 403, "auto_login_other_user", "The member is another Salesforce user";
    AlreadyMember = 409, "already_member", "The person is a member already";
    VersionMismatch = 412, "version_mismatch", "It has changed since";
    ScimTokenLimitReached = 409, "scim_token_limit_reached", "No more tokens for SCIM can be made";
    ScimUserNameTaken = 409, "scim_user_name_taken", "Another user has this userName";
    ScimInvalidFilter = 400, "scim_invalid_filter", "The filter can't be used";
    ScimInvalidPath = 400, "scim_invalid_path", "The path can't be used";
    ScimNoTarget = 400, "scim_no_target", "Nothing matches the path";
    ScimInvalidValue = 400, "scim_invalid_value", "Some values can't be used";
    ScimInvalidSyntax = 400, "scim_invalid_syntax", "The body is not of the form that is needed";
    ScimMutability = 400, "scim_mutability", "This can't be changed";
    NobodyInvited = 409, "nobody_invited", "Nobody was invited, since not all could be";
    InviteOnItsWay = 409, "invite_on_its_way", "The message of this invitation has not left yet";
    InviteSettled = 409, "invite_settled", "Nothing more can come of this invitation";
    ResendTooSoon = 429, "resend_too_soon", "The invitation was sent only just now";
    InviteLimitReached = 429, "invite_limit_reached", "As many invitations were sent as may be for now";
    OriginalUserStays = 409, "original_user_stays", "The original user can't be removed any more";
    SeatLimitReached = 409, "seat_limit_reached", "All user seats are taken";
    TeamExists = 409, "team_exists", "A team of this name exists";
    TeamUnknown = 409, "team_unknown", "There is no team of this name";
    TeamLimitReached = 409, "team_limit_reached", "No more teams can be made";
    LastAdmin = 409, "last_admin", "An instance needs an admin";
    NotYourself = 409, "not_yourself", "Nobody can do this to themselves";
    OwnsMarketo = 409, "owns_marketo", "The member owns the Marketo connection";
    MemberNotActivated = 409, "member_not_activated", "The person has not activated";
    EveryoneIsFixed = 409, "everyone_is_fixed", "The team Everyone can't be changed";
    LoginRefused = 401, "login_refused", "The e-mail address or the password is wrong";
    LoginLockedOut = 429, "login_locked_out", "Too many failed logins";
    PasswordLoginSwitchedOff = 403, "password_login_switched_off", "Logging in by password is switched off";
    MemberDeactivated = 403, "member_deactivated", "The member has been deactivated";
    CurrentPasswordWrong = 403, "current_password_wrong", "The current password is another one";
    NoPassword = 409, "no_password", "There is no password to change";
    ResetLinkUnusable = 404, "reset_link_unusable", "The link can't be used";
    ImportUnreadable = 422, "import_unreadable", "The file is no list of invitations";
    MappingUnfit = 409, "mapping_unfit", "The mapping does not fit the file";
    ImportAlreadyConfirmed = 409, "import_already_confirmed", "The import has been confirmed already";
    CursorGone = 410, "cursor_gone", "The place to read on from is gone";
    ImportNotConfirmed = 409, "import_not_confirmed", "The import has not been confirmed";
    ImportRowsDeleted = 410, "import_rows_deleted", "The rows of the import have been deleted";
    ImportLimitReached = 409, "import_limit_reached", "Too many imports wait to be confirmed";
    SyncRunning = 409, "sync_running", "A sync is under way already";
    RunStateUnfit = 409, "run_state_unfit", "The state of the run does not allow this";
    DeadLetterSuperseded = 409, "dead_letter_superseded", "Trying the job again makes no sense any more";
}

/// One fault of the input.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = InputFault)]
pub struct ValidationError {
    /// JSON pointer (RFC 6901) into the body, or `#query/NAME`, `#path/NAME`, `#header/NAME`.
    pub pointer: String,
    /// Stable name of the fault.
    pub code: String,
    /// What is wrong and what would be accepted.
    pub detail: String,
}

impl ValidationError {
    /// A fault at `pointer`. Both texts may hold what the caller sent; they are cut to what an answer repeats of it.
    pub fn new(pointer: impl Into<String>, code: &str, detail: impl Into<String>) -> Self {
        let (pointer, detail) = (bounded(pointer.into(), MAX_POINTER), bounded(detail.into(), MAX_FAULT));
        Self { pointer, code: code.to_owned(), detail }
    }
}

/// `text`, cut to what an answer repeats of a caller's text.
fn bounded(text: String, longest: usize) -> String {
    match excerpt(&text, longest) {
        Cow::Borrowed(_) => text,
        Cow::Owned(cut) => cut,
    }
}

/// The body of every error answer, media type `application/problem+json` (RFC 9457).
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = Problem)]
pub struct ProblemBody {
    /// Identifies the kind of problem: `urn:msi-actions:problem:CODE`.
    #[schema(example = "urn:msi-actions:problem:invalid_input")]
    pub r#type: String,
    /// The same for every problem of this kind.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// What happened this time and what to do.
    pub detail: String,
    /// Stable name of the problem; branch on this.
    #[schema(example = "invalid_input")]
    pub code: String,
    /// Quote this when asking for help; every log line of the request has it.
    pub request_id: String,
    /// Every fault of the input, up to 100.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<ValidationError>,
    /// How many more faults there are than `errors` lists, if there are more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub more_errors: Option<usize>,
    /// Address of what stands in the way or of what to do next.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub link: Option<String>,
}

/// What goes back when a request fails.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{}: {detail}", code.as_str())]
pub struct Problem {
    code: Code,
    detail: String,
    errors: Vec<ValidationError>,
    more_errors: usize,
    link: Option<String>,
    headers: Vec<(HeaderName, String)>,
}

impl Problem {
    /// A problem of this kind; `detail` says what happened and what to do. It may hold what the caller sent, and is cut to what an
    /// answer repeats of it.
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        let detail = bounded(detail.into(), MAX_DETAIL);
        Self { code, detail, errors: Vec::new(), more_errors: 0, link: None, headers: Vec::new() }
    }

    /// Input that can't be used, with every fault.
    #[must_use]
    pub fn invalid(errors: Vec<ValidationError>) -> Self {
        let detail = match errors.as_slice() {
            [one] => one.detail.clone(),
            many if many.len() > MAX_FAULTS => {
                format!(
                    "{} values can't be used; errors lists the first {MAX_FAULTS}, {} more follow.",
                    many.len(),
                    many.len() - MAX_FAULTS
                )
            }
            many => format!("{} values can't be used; see errors.", many.len()),
        };
        Self::new(Code::InvalidInput, detail).with_errors(errors)
    }

    /// Adds what is wrong, one by one. Of very many faults the first are listed, and the others counted.
    #[must_use]
    pub fn with_errors(mut self, mut errors: Vec<ValidationError>) -> Self {
        self.more_errors = errors.len().saturating_sub(MAX_FAULTS);
        errors.truncate(MAX_FAULTS);
        self.errors = errors;
        self
    }

    /// Adds the address of what stands in the way.
    #[must_use]
    pub fn with_link(mut self, link: impl Into<String>) -> Self {
        self.link = Some(link.into());
        self
    }

    /// Adds a header to the answer.
    #[must_use]
    pub fn with_header(mut self, name: HeaderName, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// The kind of problem.
    #[must_use]
    pub fn code(&self) -> Code {
        self.code
    }

    /// What happened this time.
    #[must_use]
    pub fn detail(&self) -> &str {
        &self.detail
    }

    /// Faults of the input, the first of them when there are very many.
    #[must_use]
    pub fn errors(&self) -> &[ValidationError] {
        &self.errors
    }

    /// How many more faults there are.
    #[must_use]
    pub fn more_errors(&self) -> usize {
        self.more_errors
    }

    /// Headers of the answer.
    #[must_use]
    pub fn headers(&self) -> &[(HeaderName, String)] {
        &self.headers
    }

    /// The answer, with the id of the request it answers.
    #[must_use]
    pub fn respond(&self, request_id: &str) -> HttpResponse {
        let mut answer = HttpResponseBuilder::new(self.code.status());
        for (name, value) in &self.headers {
            if let Ok(value) = HeaderValue::from_str(value) {
                answer.insert_header((name.clone(), value));
            }
        }
        let body = ProblemBody {
            r#type: format!("urn:msi-actions:problem:{}", self.code.as_str()),
            title: self.code.title().to_owned(),
            status: self.code.status().as_u16(),
            detail: self.detail.clone(),
            code: self.code.as_str().to_owned(),
            request_id: request_id.to_owned(),
            errors: self.errors.clone(),
            more_errors: Some(self.more_errors).filter(|more| *more > 0),
            link: self.link.clone(),
        };
        answer.content_type("application/problem+json").json(body)
    }
}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        self.code.status()
    }

    fn error_response(&self) -> HttpResponse {
        // The middleware (`http/middleware.rs`) writes the answer again with the request id.
        self.respond("")
    }
}

/// What a feature's error enum implements, beside its routes, so that `?` turns it into a problem.
pub trait AsProblem: std::error::Error {
    /// The problem a caller sees. Internal causes must not appear in it.
    fn as_problem(&self) -> Problem;
}

impl<E: AsProblem + 'static> From<E> for Problem {
    fn from(error: E) -> Self {
        let problem = error.as_problem();
        if problem.code.status().is_server_error() {
            tracing::error!(code = problem.code.as_str(), error = %error_chain(&error), "request failed");
        }
        problem
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_code_has_a_name_of_its_own_and_an_error_status() {
        let names: HashSet<_> = Code::ALL.iter().map(|code| code.as_str()).collect();
        assert_eq!(names.len(), Code::ALL.len());
        for code in Code::ALL {
            assert!(code.status().is_client_error() || code.status().is_server_error(), "{code:?}");
            assert_eq!(code.status() == StatusCode::INTERNAL_SERVER_ERROR, *code == Code::Internal, "{code:?}");
        }
    }

    #[test]
    fn of_very_many_faults_the_first_are_listed_and_the_others_counted() {
        let problem = Problem::invalid((0..250).map(|at| ValidationError::new(format!("/{at}"), "wrong", "no")).collect());
        assert_eq!((problem.errors().len(), problem.more_errors()), (100, 150));
        assert!(problem.detail().starts_with("250 values") && problem.detail().contains("150 more"), "{}", problem.detail());
    }
}
