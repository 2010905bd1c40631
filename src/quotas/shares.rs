use crate::config::{MarketoSettings, SalesforceSettings, share_of};

/// What the settings leave us of each quota.
#[derive(Debug, Clone)]
pub(super) struct QuotaShares {
    pub(super) marketo: MarketoSettings,
    pub(super) salesforce: SalesforceSettings,
}

impl QuotaShares {
    /// Marketo calls in 20 seconds.
    pub(super) fn short_window(&self) -> i64 {
        saturating_i64(share_of(self.marketo.share, self.marketo.quota_calls_per_20_seconds.into()))
    }

    /// Marketo calls under way at once.
    pub(super) fn at_once(&self) -> i64 {
        saturating_i64(share_of(self.marketo.share, self.marketo.quota_calls_at_once.into()))
    }

    /// Marketo calls a day.
    pub(super) fn marketo_day(&self) -> i64 {
        saturating_i64(share_of(self.marketo.share, self.marketo.quota_calls_per_day.into()))
    }

    /// Bytes of Marketo export files that everybody together may have a day.
    pub(super) fn export_quota(&self) -> u64 {
        u64::from(self.marketo.quota_export_megabytes_per_day) * 1_000_000
    }

    /// Bytes of Marketo export files a day.
    pub(super) fn exports(&self) -> i64 {
        saturating_i64(share_of(self.marketo.share, self.export_quota()))
    }

    /// Salesforce calls a day, of the number that Salesforce allows everybody together.
    pub(super) fn salesforce_day(&self, allowed: i64) -> i64 {
        saturating_i64(share_of(self.salesforce.share, u64::try_from(allowed).unwrap_or(0)))
    }
}

/// As the database stores counts.
pub(super) fn saturating_i64(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
