//! The export windows of a full run: Marketo exports at most 31 days at a time.
//!
//! Marketo can't be asked for the oldest person, for a number of people, or for an export without a filter, and that ids grow
//! with the creation date is nowhere promised. So a run that must miss nobody covers all time since the configured earliest day;
//! a window without people costs an export without a file. The width of the next window follows from the people in earlier ones.

use time::Duration;

use crate::clock::Timestamp;

/// About how many people a window should hold: a file of some 50 MB, which is quickly read again after a crash, and while it is read
/// Marketo makes the next one.
const PEOPLE_PER_WINDOW: i64 = 250_000;
/// The shortest window.
const MIN_WIDTH: Duration = Duration::minutes(10);

/// The span of time that one export asks for. Marketo's pages don't say whether the ends belong to it, so neighbors share theirs:
/// nobody falls between two, and a person read twice is written once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExportWindow {
    pub start: Timestamp,
    pub end: Timestamp,
}

/// The windows between `earliest` and the full second after `latest`, oldest first. They begin and end at whole seconds, as Marketo's
/// filter takes them.
#[derive(Debug, Clone)]
pub struct ExportWindows {
    next: Timestamp,
    end: Timestamp,
    width: Duration,
    max_width: Duration,
}

impl ExportWindows {
    /// Makes windows of at most `days` days.
    #[must_use]
    pub fn new(earliest: Timestamp, latest: Timestamp, days: u16) -> Self {
        let whole = |at: Timestamp| Timestamp::from(at.instant().replace_nanosecond(0).unwrap_or(at.instant()));
        let max_width = Duration::days(i64::from(days.clamp(1, 31)));
        Self { next: whole(earliest), end: whole(latest) + Duration::seconds(1), width: max_width, max_width }
    }

    /// Continues behind a window that was planned before.
    pub fn skip_past(&mut self, planned: ExportWindow) {
        self.next = self.next.max(planned.end);
    }

    /// Adapts the width to the people found in `window`: as densely populated, the next windows hold as many people as they should.
    pub fn adapt_to(&mut self, window: ExportWindow, people: i64) {
        let seconds = i128::from((window.end - window.start).whole_seconds());
        let width = seconds * i128::from(PEOPLE_PER_WINDOW) / i128::from(people.max(1));
        let width = Duration::seconds(i64::try_from(width).unwrap_or(i64::MAX));
        self.width = width.clamp(MIN_WIDTH, self.max_width);
    }

    /// How many more windows there are at the present width.
    #[must_use]
    pub fn remaining(&self) -> i64 {
        let (left, width) = ((self.end - self.next).whole_seconds().max(0), self.width.whole_seconds().max(1));
        left / width + i64::from(left % width > 0)
    }
}

impl Iterator for ExportWindows {
    type Item = ExportWindow;

    fn next(&mut self) -> Option<ExportWindow> {
        let start = self.next;
        if start >= self.end {
            return None;
        }
        self.next = (start + self.width).min(self.end);
        Some(ExportWindow { start, end: self.next })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use time::OffsetDateTime;

    use super::*;

    fn timestamp(seconds: i64, nanos: u32) -> Timestamp {
        let instant = OffsetDateTime::from_unix_timestamp(seconds).expect("in range").replace_nanosecond(nanos).expect("in range");
        Timestamp::from(instant)
    }

    fn days(count: i64) -> Timestamp {
        timestamp(1_700_000_000 + count * 86_400, 0)
    }

    #[test]
    fn a_fortnight_is_one_window_and_two_months_are_two() {
        assert_eq!(ExportWindows::new(days(0), days(14), 31).count(), 1);
        assert_eq!(ExportWindows::new(days(0), days(61), 31).count(), 2);
        assert_eq!(ExportWindows::new(days(0), days(61), 31).remaining(), 2);
        assert!(ExportWindows::new(days(5), days(0), 31).next().is_none());
    }

    #[test]
    fn many_people_make_the_next_windows_narrower_and_few_wider() {
        let mut windows = ExportWindows::new(days(0), days(400), 31);
        let first = windows.next().expect("a window");
        windows.adapt_to(first, 4 * PEOPLE_PER_WINDOW);
        let second = windows.next().expect("a window");
        assert_eq!((second.start, second.end - second.start), (first.end, Duration::days(31) / 4));
        windows.adapt_to(second, 0);
        let third = windows.next().expect("a window");
        assert_eq!(third.end - third.start, Duration::days(31));
    }

    proptest! {
        #[test]
        fn windows_cover_everything_and_none_is_too_long(
            from in 1_100_000_000_i64..1_800_000_000, length in 0_i64..700_000_000, nanos in 0_u32..1_000_000_000, days in 0_u16..60,
            held in prop::collection::vec(0_i64..3_000_000, 1..5), interrupted in any::<bool>(),
        ) {
            let (earliest, latest) = (timestamp(from, nanos), timestamp(from + length, nanos));
            let mut windows = ExportWindows::new(earliest, latest, days);
            let mut all: Vec<ExportWindow> = Vec::new();
            // Later ones are as the first few made them, which keeps their number within bounds.
            while let Some(window) = windows.next() {
                all.push(window);
                if let Some(people) = held.get(all.len()) {
                    windows.adapt_to(window, *people);
                } else {
                    windows.adapt_to(window, 0);
                }
                if interrupted && all.len() == 3 {
                    windows = ExportWindows::new(earliest, latest, days);
                    all.iter().for_each(|planned| windows.skip_past(*planned));
                }
            }
            prop_assert!(all[0].start <= earliest && all[all.len() - 1].end > latest);
            for pair in all.windows(2) {
                prop_assert_eq!(pair[0].end, pair[1].start);
            }
            for window in &all {
                prop_assert!(window.end > window.start && window.end - window.start <= Duration::days(31));
                prop_assert_eq!(window.start.instant().nanosecond(), 0);
            }
        }
    }
}
