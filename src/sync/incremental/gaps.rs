//! Finding gaps between the changes that were read, and deciding how to fill them.
//!
//! Marketo may forget deletions after 14 days, Salesforce after 15; before that a lost paging token is replaced by one for the time up to
//! which its log was read, so that the log is read again. Where Marketo's log of changes can't be read at all, a run exports only those
//! who changed since, while deletions, merges and Salesforce's records are still read from their own places, which misses nothing either.
//!
//! What the vendors have forgotten takes a full run, although it reads much that is known: deleted people are in no export of changes and
//! are found only by reading everybody else. So do changed fields: earlier changes of a field that was not synced were not read.

use time::Duration;

use crate::clock::Timestamp;
use crate::sync::cursor::ChangesCursor;
use crate::sync::gap::SyncGap;
use crate::sync::notices;
use crate::sync::run::RunState;
use crate::sync::store::LastFullRun;

/// How far back both vendors certainly remember changes, with a day to spare for reading them.
const VENDORS_REMEMBER: Duration = Duration::days(13);
/// How long no full run starts by itself after one that failed, was canceled or did not help.
const FULL_RUN_PAUSE: Duration = Duration::hours(6);

/// Finds the gap of a cursor so old that the vendors may have forgotten changes after it.
pub(super) fn find_forgotten(cursor: &ChangesCursor, now: Timestamp) -> Option<SyncGap> {
    let oldest = cursor.marketo_until.min(cursor.salesforce_until());
    (now - oldest > VENDORS_REMEMBER).then(|| SyncGap::changes_forgotten(oldest))
}

/// Whether a full run may start by itself, given the last one. One that did not make an unreadable log readable isn't repeated at once.
pub(super) fn may_start_full_run(last: Option<LastFullRun>, has_unreadable_log: bool, now: Timestamp) -> bool {
    last.is_none_or(|last| match last.state {
        RunState::Completed => {
            !(has_unreadable_log && last.started_by == notices::schedule_origin().actor) || now - last.created_at > FULL_RUN_PAUSE
        }
        RunState::Failed | RunState::Canceled => now - last.created_at > FULL_RUN_PAUSE,
        _ => false,
    })
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    #[test]
    fn an_old_cursor_has_a_gap_when_the_vendors_may_have_forgotten() {
        let then = Timestamp::from(datetime!(2026-06-01 12:00 UTC));
        let cursor = ChangesCursor::without_tokens(then);
        assert_eq!(find_forgotten(&cursor, then + Duration::days(12)), None);
        assert_eq!(find_forgotten(&cursor, then + Duration::days(14)).map(|gap| gap.code), Some("changes_forgotten".into()));
    }

    #[test]
    fn a_full_run_does_not_start_again_soon_after_a_failed_one() {
        let now = Timestamp::from(datetime!(2026-06-01 12:00 UTC));
        let last = |hours, state| {
            Some(LastFullRun { created_at: now - Duration::hours(hours), state, started_by: notices::schedule_origin().actor })
        };
        let may = |last, has_unreadable_log| may_start_full_run(last, has_unreadable_log, now);
        let (completed, failed, paused) = (RunState::Completed, RunState::Failed, RunState::Paused);
        assert!(may(None, true) && may(last(1, completed), false) && may(last(7, failed), false) && may(last(7, completed), true));
        assert!(!may(last(1, failed), false) && !may(last(9, paused), false) && !may(last(1, completed), true));
    }
}
