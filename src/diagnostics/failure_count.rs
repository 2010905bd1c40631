use uuid::Uuid;

use crate::clock::Timestamp;
use crate::ids::{ConnectionId, InstanceId};
use crate::upstream::{CallFailure, Vendor};

/// Failures of one kind that are not stored yet.
#[derive(Debug, Clone)]
pub struct FailureCount {
    pub id: Uuid,
    pub instance: InstanceId,
    pub vendor: Vendor,
    pub connection: Option<ConnectionId>,
    pub failure: CallFailure,
    pub occurrences: i64,
    pub first_seen_at: Timestamp,
    pub last_seen_at: Timestamp,
}
