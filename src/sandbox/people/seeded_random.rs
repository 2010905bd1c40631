//! Repeatable random numbers: they depend on the seed, the index and what is being decided, and on nothing else.

/// A stream of random numbers (SplitMix64) that a seed, an index and a topic start.
#[derive(Debug, Clone, Copy)]
pub struct SeededRandom(u64);

impl SeededRandom {
    /// The stream that decides `topic` for `index`. The same three always give the same numbers.
    pub fn new(seed: u64, index: u64, topic: u64) -> Self {
        let mut mixed = Self(seed ^ topic.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        let salt = mixed.next();
        Self(salt ^ index.wrapping_mul(0xD1B5_4A32_D192_ED03))
    }

    /// The next number.
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number below `limit`; 0 when `limit` is 0.
    pub fn below(&mut self, limit: u64) -> u64 {
        if limit == 0 { 0 } else { self.next() % limit }
    }

    /// True in `per_thousand` of 1,000 cases.
    pub fn happens(&mut self, per_thousand: u64) -> bool {
        self.below(1000) < per_thousand
    }

    /// One of `choices`, which must not be empty.
    pub fn pick<T: Copy>(&mut self, choices: &[T]) -> T {
        let position = self.below(choices.len() as u64);
        choices[usize::try_from(position).unwrap_or(0)]
    }
}
