//! Where the changes that were read don't join up, and how the gap is filled.
//!
//! Marketo may forget deletions after 14 days, Salesforce after 15; before that a lost paging token is made anew from the time up to
//! which its log was read, so that the log is read again. Where Marketo's log of changes can't be read at all, a run exports only those
//! who changed since, while deletions, merges and Salesforce's side are still read from their own places: that is exact, too.
//!
//! What the vendors have forgotten takes a full run, though it reads much that is known: who was deleted is in no export of changes, and
//! is found only by reading everybody else. So do changed fields: a value that nobody asked for before changed in nobody's log.

use time::Duration;

use crate::clock::Timestamp;
use crate::sync::cursor::Cursor;
use crate::sync::gap::Gap;
use crate::sync::notices;
use crate::sync::run::RunState;
use crate::sync::store::LastFull;

/// What both vendors still know for certain of the past, with a day to spare for reading it.
const REMEMBERED: Duration = Duration::days(13);
/// A full run that failed or was cancelled isn't begun again by itself before this time.
const REST: Duration = Duration::hours(6);

/// The gap of a cursor that is so old that the vendors may have forgotten what followed.
pub(super) fn forgotten(cursor: &Cursor, now: Timestamp) -> Option<Gap> {
    let oldest = cursor.marketo_until.min(cursor.salesforce_until());
    (now - oldest > REMEMBERED).then(|| Gap::changes_forgotten(oldest))
}

/// Whether a full run may begin by itself, after what became of the last one. One that would be in vain as long as a log can't be read is
/// not repeated at once.
pub(super) fn may_run_again(last: Option<LastFull>, unreadable: bool, now: Timestamp) -> bool {
    last.is_none_or(|last| match last.state() {
        RunState::Completed => !(unreadable && last.started_by == notices::schedule().actor) || now - last.created_at > REST,
        RunState::Failed | RunState::Cancelled => now - last.created_at > REST,
        _ => false,
    })
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    #[test]
    fn a_cursor_is_used_as_long_as_both_vendors_remember() {
        let then = Timestamp::from(datetime!(2026-06-01 12:00 UTC));
        let cursor = Cursor::nowhere(then);
        assert_eq!(forgotten(&cursor, then + Duration::days(12)), None);
        assert_eq!(forgotten(&cursor, then + Duration::days(14)).map(|gap| gap.code), Some("changes_forgotten".into()));
    }

    #[test]
    fn a_full_run_that_failed_is_left_alone_for_a_while() {
        let now = Timestamp::from(datetime!(2026-06-01 12:00 UTC));
        let last = |hours, state: &str| {
            let (state, started_by) = (state.to_owned(), notices::schedule().actor);
            Some(LastFull { created_at: now - Duration::hours(hours), state, started_by })
        };
        let may = |last, unreadable| may_run_again(last, unreadable, now);
        assert!(may(None, true) && may(last(1, "completed"), false) && may(last(7, "failed"), false) && may(last(7, "completed"), true));
        assert!(!may(last(1, "failed"), false) && !may(last(9, "paused"), false) && !may(last(1, "completed"), true));
    }
}
