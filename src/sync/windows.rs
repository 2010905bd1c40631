//! The spans of creation time into which a full read is cut: Marketo exports at most 31 days at a time.
//!
//! Marketo can't be asked for the oldest person, for a number of people, or for an export without a filter, and that ids grow
//! with the creation date is nowhere promised. So a run that must miss nobody covers all time since the configured earliest day;
//! a window without people costs an export without a file.

use time::Duration;

use crate::clock::Timestamp;

/// A span of creation time. Marketo's pages don't say whether the ends belong to it, so neighbours share theirs: nobody falls
/// between two, and a person read twice is written once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    pub start: Timestamp,
    pub end: Timestamp,
}

/// The spans that cover `earliest` to `latest`, each of at most `days` days, oldest first. Whole seconds, as Marketo's filter
/// takes them; the last one reaches the full second after `latest`.
#[must_use]
pub fn spans(earliest: Timestamp, latest: Timestamp, days: u16) -> Vec<Span> {
    let width = Duration::days(i64::from(days.clamp(1, 31)));
    let whole = |at: Timestamp| Timestamp::from(at.instant().replace_nanosecond(0).unwrap_or(at.instant()));
    let mut start = whole(earliest);
    let latest = whole(latest) + Duration::seconds(1);
    let mut all = Vec::new();
    while start < latest {
        let end = (start + width).min(latest);
        all.push(Span { start, end });
        start = end;
    }
    all
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use time::OffsetDateTime;

    use super::*;

    fn at(seconds: i64, nanos: u32) -> Timestamp {
        let instant = OffsetDateTime::from_unix_timestamp(seconds).expect("in range").replace_nanosecond(nanos).expect("in range");
        Timestamp::from(instant)
    }

    #[test]
    fn a_fortnight_is_one_span_and_two_months_are_two() {
        let days = |count: i64| at(1_700_000_000 + count * 86_400, 0);
        assert_eq!(spans(days(0), days(14), 31).len(), 1);
        assert_eq!(spans(days(0), days(61), 31).len(), 2);
        assert!(spans(days(5), days(0), 31).is_empty());
    }

    proptest! {
        #[test]
        fn the_spans_cover_everything_without_a_gap_and_none_is_too_long(
            from in 1_100_000_000_i64..1_800_000_000, length in 0_i64..700_000_000, nanos in 0_u32..1_000_000_000, days in 0_u16..60,
        ) {
            let (earliest, latest) = (at(from, nanos), at(from + length, nanos));
            let all = spans(earliest, latest, days);
            prop_assert!(all[0].start <= earliest && all[all.len() - 1].end > latest);
            for pair in all.windows(2) {
                prop_assert_eq!(pair[0].end, pair[1].start);
            }
            for span in &all {
                prop_assert!(span.end > span.start && span.end - span.start <= Duration::days(31));
                prop_assert_eq!(span.start.instant().nanosecond(), 0);
            }
        }
    }
}
