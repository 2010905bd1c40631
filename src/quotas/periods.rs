use time::Duration;

use crate::clock::Timestamp;
use crate::marketo::next_reset;
use crate::upstream::Vendor;

/// Marketo counts calls over this time.
const WINDOW: Duration = Duration::seconds(20);
/// For how long granted Marketo calls may be made.
pub(super) const MARKETO_GRANT_LIFE: Duration = Duration::seconds(2);
/// Room for clocks that differ and for calls that take different times to reach the vendor.
const SLACK: Duration = Duration::seconds(1);
/// How long after it was made a grant of Marketo calls counts: its last call may be made at its end.
pub(super) const GRANT_COUNTS_FOR: Duration =
    Duration::seconds(WINDOW.whole_seconds() + MARKETO_GRANT_LIFE.whole_seconds() + SLACK.whole_seconds());

/// The end of the period in which a call made at `now` is counted.
pub(super) fn period_end(vendor: Vendor, now: Timestamp) -> Timestamp {
    match vendor {
        Vendor::Marketo => next_reset(now.instant()).into(),
        Vendor::Salesforce => now + Duration::seconds(3600 - now.unix_seconds().rem_euclid(3600)),
    }
}

/// Periods that end after this count: of Marketo the one under way, of Salesforce those of the last 24 hours.
pub(super) fn counted_since(vendor: Vendor, now: Timestamp) -> Timestamp {
    match vendor {
        Vendor::Marketo => now,
        Vendor::Salesforce => now + -Duration::hours(24),
    }
}

/// Grants made after this count for the next 20 seconds.
pub(super) fn window_start(now: Timestamp) -> Timestamp {
    now + -GRANT_COUNTS_FOR
}
