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
    pub limits: Vec<QuotaUsage>,
    /// Quotas that the vendor says are used up, by whomever; no call is made until then.
    pub exhausted: Vec<ExhaustedQuota>,
}

/// One quota.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct QuotaUsage {
    /// Calls, or bytes of export files.
    pub quota: Quota,
    /// What the vendor allows all its callers together; absent while it hasn't said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allowed: Option<i64>,
    /// What this service may use of `allowed`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub share: Option<i64>,
    /// What this service has used, all its processes together. Calls handed to a process count until it gives them back.
    pub used_by_us: i64,
    /// What is left of `share`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remaining: Option<i64>,
    /// What all callers have used, where the vendor says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub used_by_all: Option<i64>,
    /// When the vendor reported `allowed` and `used_by_all`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reported_at: Option<Timestamp>,
    /// When room comes back; absent where it comes back bit by bit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resets_at: Option<Timestamp>,
}

impl QuotaUsage {
    pub(super) fn new(quota: Quota, allowed: Option<i64>, share: Option<i64>, used_by_us: i64) -> Self {
        let remaining = share.map(|share| (share - used_by_us).max(0));
        Self { quota, allowed, share, used_by_us, remaining, used_by_all: None, reported_at: None, resets_at: None }
    }
}

/// A quota that the vendor says is used up.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct ExhaustedQuota {
    pub quota: Quota,
    /// When it begins afresh.
    pub resets_at: Timestamp,
}
