//! The JSON form of a run.

use serde::Serialize;

use crate::clock::Timestamp;
use crate::ids::RunId;
use crate::sync::{RunFailure, RunKind, RunPhase, RunReport, RunRequest, RunState, SyncRun};

/// A run of the sync.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
#[schema(as = SyncRun)]
pub(super) struct RunBody {
    id: RunId,
    kind: RunKind,
    /// A full run with this reads only who changed in Marketo since then; one was begun to fill a gap.
    #[serde(skip_serializing_if = "Option::is_none")]
    changed_since: Option<Timestamp>,
    state: RunState,
    /// What somebody asked of it; it is done within a few seconds, at the next batch.
    #[serde(skip_serializing_if = "Option::is_none")]
    requested: Option<RunRequest>,
    /// Why it is paused: `requested`, or the code of what it waits for (see `waiting_for`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pause_reason: Option<String>,
    /// When it goes on by itself; a paused run without it waits for somebody to resume it.
    #[serde(skip_serializing_if = "Option::is_none")]
    resumes_at: Option<Timestamp>,
    phase: RunPhase,
    /// How much of the phase is done; the phase says what is counted.
    done: i64,
    /// How much there is to do in the phase; absent while that isn't known.
    #[serde(skip_serializing_if = "Option::is_none")]
    total: Option<i64>,
    /// What is counted a second since the phase began.
    #[serde(skip_serializing_if = "Option::is_none")]
    rate_per_second: Option<i64>,
    /// When the phase ends at this rate.
    #[serde(skip_serializing_if = "Option::is_none")]
    eta: Option<Timestamp>,
    /// What was done so far; the last word once the run has ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    report: Option<RunReport>,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<RunFailure>,
    /// A trouble that passes by itself; the run goes on afterwards.
    #[serde(skip_serializing_if = "Option::is_none")]
    waiting_for: Option<RunFailure>,
    /// Who started it: `client:ID`, `member:ID` or `schedule`.
    started_by: String,
    created_at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    started_at: Option<Timestamp>,
    updated_at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    finished_at: Option<Timestamp>,
}

impl RunBody {
    pub(super) fn id(&self) -> RunId {
        self.id
    }
}

impl From<SyncRun> for RunBody {
    fn from(run: SyncRun) -> Self {
        Self {
            id: run.id,
            kind: run.kind,
            changed_since: run.changed_since,
            state: run.state,
            requested: run.requested,
            pause_reason: run.pause_reason,
            resumes_at: run.resumes_at,
            phase: run.phase,
            done: run.done,
            total: run.total,
            rate_per_second: run.rate_per_second,
            eta: run.eta,
            report: run.report,
            error: run.error,
            waiting_for: run.waiting_for,
            started_by: run.started_by,
            created_at: run.created_at,
            started_at: run.started_at,
            updated_at: run.updated_at,
            finished_at: run.finished_at,
        }
    }
}
