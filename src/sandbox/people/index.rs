//! When people were created: spread over the last fourteen months, later for higher indices, so that a window of time is
//! found by halving and never by looking at everyone.

use super::chance::Chance;

const CREATION: u64 = 11;
/// Long enough that a full export takes more than thirteen windows of 31 days.
const SPAN_DAYS: i64 = 430;

/// Maps indices to creation times and back. Times are Unix seconds.
#[derive(Debug, Clone, Copy)]
pub struct Timeline {
    seed: u64,
    people: u64,
    first: i64,
    epoch: i64,
}

impl Timeline {
    /// `people` creations in the 430 days that end at `epoch`.
    pub fn ending_at(epoch: i64, people: u64, seed: u64) -> Self {
        Self { seed, people, first: epoch - SPAN_DAYS * 86_400, epoch }
    }

    /// The end of the span: nobody generated was created or changed later.
    pub fn epoch(&self) -> i64 {
        self.epoch
    }

    /// The beginning of the span.
    pub fn first(&self) -> i64 {
        self.first
    }

    /// How many people there are on the line.
    pub fn people(&self) -> u64 {
        self.people
    }

    /// When person `index` was created. Never falls as the index grows.
    pub fn created_at(&self, index: u64) -> i64 {
        const FINE: i128 = 1 << 16;
        let span = i128::from(self.epoch - self.first);
        let nudge = i128::from(Chance::new(self.seed, index, CREATION).below(1 << 16));
        let place = (i128::from(index) * FINE + nudge) * span / (i128::from(self.people.max(1)) * FINE);
        self.first + i64::try_from(place).unwrap_or(0)
    }

    /// The first index created at `instant` or later; the number of people when there is none.
    pub fn first_since(&self, instant: i64) -> u64 {
        let (mut low, mut high) = (0, self.people);
        while low < high {
            let middle = low + (high - low) / 2;
            if self.created_at(middle) < instant { low = middle + 1 } else { high = middle }
        }
        low
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn creation_times_never_fall_and_fill_fourteen_windows() {
        let line = Timeline::ending_at(1_800_000_000, 10_000, 1);
        let mut before = i64::MIN;
        for index in 0..10_000 {
            let at = line.created_at(index);
            assert!(at >= before && at <= line.epoch());
            before = at;
        }
        let span = line.created_at(9_999) - line.created_at(0);
        assert!(span > 13 * 31 * 86_400, "{span}");
    }

    #[test]
    fn a_window_is_found_without_looking_at_everyone() {
        let line = Timeline::ending_at(1_800_000_000, 1_500_000, 3);
        for instant in [line.created_at(0), line.created_at(700_000), line.epoch() - 86_400] {
            let found = line.first_since(instant);
            assert!(line.created_at(found) >= instant);
            assert!(found == 0 || line.created_at(found - 1) < instant);
        }
        assert_eq!(line.first_since(line.epoch() + 1), 1_500_000);
        assert_eq!(line.first_since(0), 0);
    }
}
