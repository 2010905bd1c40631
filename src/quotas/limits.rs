use serde::Serialize;

use crate::clock::Timestamp;
use crate::upstream::{Quota, Vendor};

/// How much of a vendor's quotas is used.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct VendorLimits {
    pub vendor: Vendor,
    /// Munchkin id of the subscription, or id of the organization.
    pub account: String,
    /// The part of each quota that this service may use.
    pub share: f64,
    pub limits: Vec<LimitState>,
    /// Quotas that the vendor says are used up, by whomever; no call is made until then.
    pub stopped_by_vendor: Vec<StoppedQuota>,
}

/// One quota.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct LimitState {
    /// Calls, or bytes of export files.
    pub quota: Quota,
    /// What the vendor allows everybody together; absent while it hasn't said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allowed: Option<i64>,
    /// What this service may use of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub our_share: Option<i64>,
    /// What this service has used, all its processes together. Calls handed to a process count until it gives them back.
    pub used_by_us: i64,
    /// What is left of our share.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub left: Option<i64>,
    /// What everybody has used, where the vendor says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub everybody_used: Option<i64>,
    /// When the vendor said so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub told_at: Option<Timestamp>,
    /// When room comes back; absent where it comes back bit by bit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resets_at: Option<Timestamp>,
}

impl LimitState {
    pub(super) fn new(quota: Quota, allowed: Option<i64>, our_share: Option<i64>, used_by_us: i64) -> Self {
        let left = our_share.map(|share| (share - used_by_us).max(0));
        Self { quota, allowed, our_share, used_by_us, left, everybody_used: None, told_at: None, resets_at: None }
    }
}

/// A quota that the vendor says is used up.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = Stopped)]
pub struct StoppedQuota {
    pub quota: Quota,
    /// When it begins afresh.
    pub until: Timestamp,
}
