//! The run that keeps another from starting.

use std::fmt;

use super::run::{RunKind, RunState};
use super::store::RunRow;
use crate::clock::Timestamp;
use crate::ids::RunId;

/// A run that has not ended. An instance has one at a time; a paused one keeps what it has read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActiveRun {
    pub run: RunId,
    pub kind: RunKind,
    pub state: RunState,
    /// Why it is paused, and when it resumes by itself.
    pub pause_reason: Option<String>,
    pub resumes_at: Option<Timestamp>,
}

impl From<RunRow> for ActiveRun {
    fn from(row: RunRow) -> Self {
        Self { run: row.id, kind: row.kind, state: row.state, pause_reason: row.pause_reason, resumes_at: row.resumes_at }
    }
}

impl fmt::Display for ActiveRun {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { run, kind, .. } = self;
        let kind = kind.as_str();
        if self.state != RunState::Paused {
            return write!(out, "a sync is under way already, the {kind} run {run}; wait until it has ended");
        }
        match (self.resumes_at, self.pause_reason.as_deref()) {
            (Some(at), Some(because)) => write!(out, "the {kind} run {run} is paused ({because}) and goes on by itself at {at}")?,
            _ => write!(out, "the {kind} run {run} is paused until somebody resumes it")?,
        }
        write!(
            out,
            "; nothing else is synced meanwhile. Have it go on with POST /v1/sync/runs/{run}/resume, or end it with POST \
             /v1/sync/runs/{run}/cancel and start another"
        )
    }
}
