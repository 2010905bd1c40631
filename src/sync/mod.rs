//! The people sync: its preview, its runs and the engine that carries them out.
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

use crate::connections::ConnectionError;
use crate::db::DbError;
use crate::ids::RunId;
use crate::marketo::MarketoError;
use crate::salesforce::SalesforceError;

pub use active_run::UnderWay;
pub use control::Asked;
pub use failure::Failure;
pub use gap::{Gap, Remedy};
pub use incremental::SyncScheduleJob;
pub use jobs::SyncRunJob;
pub use preview::{CostEstimate, FieldPreview, FieldState, NotQualifying, PeopleEstimate, Preview, Reason};
pub use report::{ChangesReport, NotQualified, Report, Usage, VendorUsage};
pub use rows::RejectedRow;
pub use run::{Phase, Request, Run, RunKind, RunState};
pub use service::SyncService;
pub use store::RunFilter;
pub use subject::SyncRunSubject;
pub use tidy::SyncTidyJob;

/// Why something about the sync can't be done.
#[derive(Debug, thiserror::Error)]
pub enum SyncError {
    /// A step of the set-up guide must come first.
    #[error("{0}")]
    StepRequired(StepRequired),
    /// A run is under way, or paused.
    #[error("{0}")]
    Running(UnderWay),
    /// The state of a run doesn't allow what is asked; the text says why, and what to do instead.
    #[error("{0}")]
    RunStateUnfit(&'static str),
    /// A failed run can't be tried again: another was begun since.
    #[error(
        "another run, {newer}, was begun since, and what this one has read is older than what that one has written; start a new run \
         with POST /v1/sync/runs {{\"kind\":\"{}\"}}", kind.as_str()
    )]
    RetryTooLate { newer: RunId, kind: RunKind },
    /// No such run.
    #[error("there is no such run")]
    Unknown,
    /// Fields without which nobody can be synced.
    #[error("Marketo lacks the fields without which nobody can be synced: {0}")]
    FieldsMissing(String),
    /// Marketo ended an export without a file, several times.
    #[error("Marketo's export {0}")]
    ExportFailed(String),
    /// An export isn't what was asked for.
    #[error("Marketo's export can't be read: {0}")]
    ExportUnreadable(String),
    /// Salesforce ended a query job without results, several times.
    #[error("Salesforce ended the query job {job} of {object} without results")]
    QueryFailed { object: &'static str, job: String },
    /// A query's result isn't what was asked for.
    #[error("the result of Salesforce's query job can't be read: {0}")]
    QueryUnreadable(String),
    /// More people qualify than an instance may have.
    #[error("{people} people qualify, more than the {limit} an instance can sync")]
    TooManyPeople { people: i64, limit: u64 },
    /// A file couldn't be written or read.
    #[error("the downloaded export can't be kept on disk: {0}")]
    Spool(#[source] std::io::Error),
    /// The database has crashed and lost what was read.
    #[error("the database lost what the sync had read")]
    StagingLost,
    /// This process stops; another goes on with the run.
    #[error("the process that carried the sync out has stopped")]
    Stopped,
    /// Somebody asked for the run to be paused or cancelled.
    #[error("somebody asked for the sync to stop")]
    Asked,
    /// Another process carries the run out.
    #[error("another process has taken the sync over")]
    Superseded,
    /// A vendor works at an export or a query, and isn't asked again before this time is over.
    #[error("a vendor is still at work")]
    VendorAtWork(time::Duration),
    /// The run's job failed too often; the last reason.
    #[error("the work on the sync failed several times, and is not tried again by itself: {0}")]
    JobGivenUp(String),
    /// A task of ours ended by a fault.
    #[error("the sync was stopped by a fault of its own")]
    Broken,
    #[error(transparent)]
    Connection(#[from] ConnectionError),
    #[error(transparent)]
    Seal(#[from] crate::crypto::SealError),
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

/// A step of the set-up guide that is not done.
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
    /// The route that does the step.
    #[must_use]
    pub fn link(self) -> &'static str {
        match self {
            Self::ConnectSalesforce => "/v1/connections/salesforce",
            Self::ConnectMarketo => "/v1/connections/marketo",
            Self::SyncEverybody => "/v1/sync/runs",
        }
    }
}
