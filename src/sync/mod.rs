//! The people sync: its preview, its runs and the engine that carries them out. Everything here that uses the database fails with
//! [`SyncError::Db`] when that fails.
//!
//! A run reads all people from Marketo by bulk exports and all owners from Salesforce by bulk queries into staging tables, then
//! merges those who qualify into `people`. Who qualifies: the vendor's documentation says people who are a Salesforce lead or
//! contact "and have a Salesforce owner (any user)". A lead may also be owned by a queue (id `00G…`), which is no user; such a
//! person isn't synced until a user (`005…`) takes the lead. A converted lead counts as the contact it became.

mod active_run;
mod attempt;
mod control;
mod cursor;
mod engine;
pub mod failure;
pub mod fields;
mod gap;
pub mod http;
mod incremental;
mod jobs;
mod notices;
mod preview;
mod progress;
mod queries;
mod queue;
mod report;
mod rows;
mod run;
mod salesforce_object;
mod service;
mod start;
mod store;
mod subject;
mod tidy;
mod windows;
mod wiring;

use crate::connections::ConnectionError;
use crate::db::DbError;
use crate::ids::RunId;
use crate::marketo::MarketoError;
use crate::salesforce::SalesforceError;

pub use active_run::ActiveRun;
pub use control::ControlOutcome;
pub use failure::RunFailure;
pub use gap::{GapResolution, SyncGap};
pub use preview::{CostEstimate, FieldPreview, FieldState, NotQualifyingGroup, NotQualifyingReason, PeopleEstimate, SyncPreview};
pub use report::{ChangesReport, NotQualified, RunReport, RunUsage, VendorUsage};
pub use rows::RejectedRow;
pub use run::{RunKind, RunPhase, RunRequest, RunState, SyncRun};
pub use service::SyncService;
pub use store::RunFilter;
pub use subject::SyncRunSubject;
pub use wiring::wire;

/// Why a run or a request about one fails.
#[derive(Debug, thiserror::Error)]
pub enum SyncError {
    /// A step of the onboarding must come first.
    #[error("{0}")]
    StepRequired(StepRequired),
    /// Another run has not ended.
    #[error("{0}")]
    RunActive(ActiveRun),
    /// The state of the run doesn't allow the request; the text says why, and what to do instead.
    #[error("{0}")]
    RunStateConflict(&'static str),
    /// A failed run can't be retried because a newer one was started.
    #[error(
        "another run, {newer}, was begun since, and what this one has read is older than what that one has written; start a new run \
         with POST /v1/sync/runs {{\"kind\":\"{}\"}}", kind.as_str()
    )]
    RetryTooLate { newer: RunId, kind: RunKind },
    /// No such run.
    #[error("there is no such run")]
    RunNotFound,
    /// Fields without which nobody can be synced.
    #[error("Marketo lacks the fields without which nobody can be synced: {0}")]
    FieldsMissing(String),
    /// Several exports ended without a file.
    #[error("Marketo's export {0}")]
    ExportFailed(String),
    /// An export doesn't have the requested columns.
    #[error("Marketo's export can't be read: {0}")]
    ExportUnreadable(String),
    /// Several query jobs ended without results.
    #[error("Salesforce ended the query job {job} of {object} without results")]
    QueryFailed { object: &'static str, job: String },
    /// The result of a query doesn't have the requested form.
    #[error("the result of Salesforce's query job can't be read: {0}")]
    QueryUnreadable(String),
    /// More people qualify than an instance can have.
    #[error("{people} people qualify, more than the {limit} an instance can sync")]
    TooManyPeople { people: i64, limit: u64 },
    /// A spool file couldn't be written or read.
    #[error("the downloaded export can't be kept on disk: {0}")]
    Spool(#[source] std::io::Error),
    /// A crash of the database lost staged data.
    #[error("the database lost what the sync had read")]
    StagingLost,
    /// This process stops; another resumes the run.
    #[error("the process that carried the sync out has stopped")]
    ProcessStopping,
    /// Somebody requested that the run be paused or canceled.
    #[error("somebody asked for the sync to stop")]
    StopRequested,
    /// Another attempt holds the lease of the run.
    #[error("another process has taken the sync over")]
    LeaseLost,
    /// A vendor works at an export or a query; ask again after this time.
    #[error("a vendor is still at work")]
    VendorAtWork(time::Duration),
    /// Too many attempts failed; the reason of the last one.
    #[error("the work on the sync failed several times, and is not tried again by itself: {0}")]
    AttemptsExhausted(String),
    /// A task ended because of a fault in this service.
    #[error("the sync was stopped by a fault of its own")]
    Internal,
    #[error(transparent)]
    Connection(#[from] ConnectionError),
    #[error(transparent)]
    Seal(#[from] crate::vault::SealError),
    #[error(transparent)]
    Db(#[from] DbError),
}

impl From<crate::mail::QueueError> for SyncError {
    fn from(error: crate::mail::QueueError) -> Self {
        match error {
            crate::mail::QueueError::Db(error) => Self::Db(error),
            crate::mail::QueueError::Seal(error) => Self::Seal(error),
        }
    }
}

impl From<MarketoError> for SyncError {
    fn from(error: MarketoError) -> Self {
        Self::Connection(error.into())
    }
}

impl From<SalesforceError> for SyncError {
    fn from(error: SalesforceError) -> Self {
        Self::Connection(error.into())
    }
}

/// A step of the onboarding that is not done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum StepRequired {
    #[error("Salesforce is not connected yet; that is step 2 of the set-up: POST /v1/connections/salesforce")]
    ConnectSalesforce,
    #[error("Marketo is not connected yet; that is step 3 of the set-up: POST /v1/connections/marketo")]
    ConnectMarketo,
    #[error(
        "everybody must be read once before changes can be followed; that is step 4 of the set-up: POST /v1/sync/runs with the kind full"
    )]
    SyncEverybody,
}

impl StepRequired {
    /// The path of the route that does the step.
    #[must_use]
    pub fn link(self) -> &'static str {
        match self {
            Self::ConnectSalesforce => "/v1/connections/salesforce",
            Self::ConnectMarketo => "/v1/connections/marketo",
            Self::SyncEverybody => "/v1/sync/runs",
        }
    }
}
