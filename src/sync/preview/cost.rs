//! Estimates what a full sync would cost at the vendors, and how long it would take.

use std::time::Duration;

use serde::Serialize;

use crate::quotas::VendorLimits;
use crate::sync::SyncRun;
use crate::upstream::Quota;

/// Calls for one export: create, queue, two questions for its status, download.
const CALLS_PER_EXPORT: u64 = 5;
/// Calls for one query: create, a few questions for its state.
const CALLS_PER_QUERY: u64 = 5;
/// Records of one page of a query.
const PAGE_RECORDS: u64 = 50_000;

/// What a full sync would cost. All of it is an estimate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct CostEstimate {
    /// People that Marketo has to export, those who don't qualify included: as many as last time, or as Salesforce has records.
    pub people_read: u64,
    /// Marketo exports, one for each window of creation time; fewer when a window holds nobody.
    pub exports: u64,
    /// Bytes of export files.
    pub export_bytes: u64,
    /// Bytes that this service may still export today, out of its share of the subscription's daily quota.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub export_bytes_remaining_today: Option<u64>,
    /// Days that the export quota makes it take: 1 unless the files are larger than what is left today. A run that has to wait
    /// pauses, and goes on by itself when the quota begins afresh.
    pub days: u64,
    pub marketo_calls: u64,
    pub salesforce_calls: u64,
    /// Seconds at the speed of the last full run; absent before the first one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seconds: Option<u64>,
    /// What the estimate rests on.
    pub basis: &'static str,
}

/// What the estimate rests on.
pub(super) struct CostBasis {
    pub leads: u64,
    pub contacts: u64,
    pub windows: u64,
    pub bytes_per_person: u64,
    pub poll_interval: Duration,
}

impl CostEstimate {
    /// Makes the estimate; `last` is the last run that read everybody.
    pub(super) fn new(basis: &CostBasis, last: Option<&SyncRun>, limits: &VendorLimits) -> Self {
        let unsigned = |number: i64| u64::try_from(number).unwrap_or(0);
        let records = basis.leads.saturating_add(basis.contacts);
        let report = last.and_then(|run| run.report.as_ref()).filter(|report| report.read > 0 && report.is_complete);
        let people_read = report.map_or(records, |report| records.max(unsigned(report.read)));
        let export_bytes = match report {
            Some(report) => people_read.saturating_mul(unsigned(report.export_bytes)) / unsigned(report.read).max(1),
            None => people_read.saturating_mul(basis.bytes_per_person),
        };
        let exports = limits.limits.iter().find(|limit| limit.quota == Quota::Exports);
        let export_bytes_remaining_today = exports.and_then(|limit| limit.remaining).map(unsigned);
        let a_day = exports.and_then(|limit| limit.share).map(unsigned).filter(|share| *share > 0);
        let over = export_bytes.saturating_sub(export_bytes_remaining_today.unwrap_or(u64::MAX));
        let days = 1 + a_day.map_or(0, |share| over.div_ceil(share));
        let taken = last.and_then(|run| run.finished_at.zip(run.started_at)).map(|(end, begin)| end - begin);
        let seconds = report.zip(taken).and_then(|(report, taken)| {
            let milliseconds = u64::try_from(taken.whole_milliseconds()).ok()?.max(1);
            Some(people_read.saturating_mul(milliseconds) / unsigned(report.read).max(1) / 1000)
        });
        let pages = basis.leads.div_ceil(PAGE_RECORDS) + basis.contacts.div_ceil(PAGE_RECORDS);
        let measured =
            "The number of people and bytes, and the speed, are those of the last full run; calls are counted by the plan of a run.";
        let guessed = "Before a first run: as many people as Salesforce has records, rows as long as the sampled ones, calls by the plan of a run. \
                       People of Marketo whom Salesforce doesn't have come on top.";
        Self {
            people_read,
            exports: basis.windows,
            export_bytes,
            export_bytes_remaining_today,
            days,
            marketo_calls: 1 + basis.windows.saturating_mul(CALLS_PER_EXPORT),
            salesforce_calls: 2 * CALLS_PER_QUERY + pages,
            // A run takes at least one wait for the status of an export.
            seconds: seconds.map(|seconds| seconds.max(basis.poll_interval.as_secs())),
            basis: if report.is_some() { measured } else { guessed },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::quotas::QuotaUsage;
    use crate::upstream::Vendor;

    fn limits(share: i64, used: i64) -> VendorLimits {
        let exports = QuotaUsage {
            quota: Quota::Exports,
            allowed: Some(2 * share),
            share: Some(share),
            used_by_us: used,
            remaining: Some(share - used),
            used_by_all: None,
            reported_at: None,
            resets_at: None,
        };
        VendorLimits { vendor: Vendor::Marketo, account: "123-ABC-456".into(), share: 0.5, limits: vec![exports], exhausted: Vec::new() }
    }

    fn basis(people: u64) -> CostBasis {
        CostBasis {
            leads: people / 2,
            contacts: people - people / 2,
            windows: 14,
            bytes_per_person: 200,
            poll_interval: Duration::from_secs(60),
        }
    }

    #[test]
    fn exports_beyond_the_daily_quota_take_more_days() {
        let days = |people, used| CostEstimate::new(&basis(people), None, &limits(250_000_000, used)).days;
        assert_eq!(days(1_000_000, 0), 1, "200 MB");
        assert_eq!(days(1_000_000, 100_000_000), 2, "150 MB are left today");
        assert_eq!(days(1_500_000, 0), 2, "300 MB");
        assert_eq!(days(3_750_000, 0), 3, "750 MB");
    }

    #[test]
    fn calls_are_counted_by_windows_and_pages() {
        let cost = CostEstimate::new(&basis(200_000), None, &limits(250_000_000, 0));
        assert_eq!((cost.exports, cost.marketo_calls, cost.salesforce_calls), (14, 71, 14));
        assert_eq!((cost.export_bytes, cost.seconds), (40_000_000, None));
    }
}
