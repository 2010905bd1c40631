//! Random choices of a test that can be made again.

use std::sync::Mutex;

/// The variable that sets the seed.
const VARIABLE: &str = "TEST_SEED";

/// Random numbers from a seed, which is printed: with `TEST_SEED` set to it the same choices are made again.
pub struct RandomChoices(Mutex<u64>);

impl RandomChoices {
    /// The seed is the one that `TEST_SEED` says, or a new one.
    pub fn new(test: &str) -> Self {
        let seed = match std::env::var(VARIABLE) {
            Ok(text) => text.parse().unwrap_or_else(|error| panic!("{VARIABLE} is a number up to {}: {error}", u64::MAX)),
            Err(_) => u64::from_le_bytes(msi_actions::crypto::random_bytes()),
        };
        println!("{test}: {VARIABLE}={seed} makes the same random choices");
        Self::from_seed(seed)
    }

    fn from_seed(seed: u64) -> Self {
        Self(Mutex::new(seed))
    }

    /// A number below `most`.
    pub fn below(&self, most: u64) -> u64 {
        let mut state = self.0.lock().unwrap();
        // SplitMix64 (Steele, Lea and Flood, 2014).
        *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = *state;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (bits ^ (bits >> 31)) % most
    }
}

#[test]
fn a_seed_makes_the_same_choices_again() {
    let choices = |seed| {
        let chance = RandomChoices::from_seed(seed);
        (0..20).map(|_| chance.below(1000)).collect::<Vec<_>>()
    };
    assert_eq!(choices(7), choices(7));
    assert_ne!(choices(7), choices(8));
}
