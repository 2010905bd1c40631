//! When people were created: spread over the last fourteen months, later for higher indices, so that a binary search finds the people of a
//! time window without looking at everyone.

use super::seeded_random::SeededRandom;

const CREATION_TOPIC: u64 = 11;
/// Long enough that a full export takes more than thirteen windows of 31 days.
const PERIOD_DAYS: i64 = 430;

/// Maps indices to creation times and back. Times are Unix seconds.
#[derive(Debug, Clone, Copy)]
pub struct CreationTimeline {
    seed: u64,
    people: u64,
    start: i64,
    end: i64,
}

impl CreationTimeline {
    /// `people` creations in the 430 days that end at `end`.
    pub fn ending_at(end: i64, people: u64, seed: u64) -> Self {
        Self { seed, people, start: end - PERIOD_DAYS * 86_400, end }
    }

    /// The end: no generated person was created or changed later.
    pub fn end(&self) -> i64 {
        self.end
    }

    /// The start: nobody was created earlier.
    pub fn start(&self) -> i64 {
        self.start
    }

    /// How many people were generated.
    pub fn people(&self) -> u64 {
        self.people
    }

    /// When person `index` was created. Never falls as the index grows.
    pub fn created_at(&self, index: u64) -> i64 {
        const STEPS: i128 = 1 << 16;
        let period = i128::from(self.end - self.start);
        let jitter = i128::from(SeededRandom::new(self.seed, index, CREATION_TOPIC).below(1 << 16));
        let offset = (i128::from(index) * STEPS + jitter) * period / (i128::from(self.people.max(1)) * STEPS);
        self.start + i64::try_from(offset).unwrap_or(0)
    }

    /// The first index created at `instant` or later; the number of people when there is none.
    pub fn first_index_since(&self, instant: i64) -> u64 {
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
        let timeline = CreationTimeline::ending_at(1_800_000_000, 10_000, 1);
        let mut before = i64::MIN;
        for index in 0..10_000 {
            let at = timeline.created_at(index);
            assert!(at >= before && at <= timeline.end());
            before = at;
        }
        let period = timeline.created_at(9_999) - timeline.created_at(0);
        assert!(period > 13 * 31 * 86_400, "{period}");
    }

    #[test]
    fn the_first_index_since_a_time_is_found() {
        let timeline = CreationTimeline::ending_at(1_800_000_000, 1_500_000, 3);
        for instant in [timeline.created_at(0), timeline.created_at(700_000), timeline.end() - 86_400] {
            let found = timeline.first_index_since(instant);
            assert!(timeline.created_at(found) >= instant);
            assert!(found == 0 || timeline.created_at(found - 1) < instant);
        }
        assert_eq!(timeline.first_index_since(timeline.end() + 1), 1_500_000);
        assert_eq!(timeline.first_index_since(0), 0);
    }
}
