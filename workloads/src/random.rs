//! Random numbers for the preparation of programs: one seed, one stream per use.
//!
//! Streams of one generator are independent, so more draws for one use never change those of another.

use rand::Rng;
use rand::seq::SliceRandom;
use rand_pcg::Pcg64;

/// Stream number `number` of the seed. A program numbers its uses from 0.
pub(crate) fn stream(seed: u64, number: u64) -> Pcg64 {
    Pcg64::new(seed.into(), number.into())
}

/// The numbers below `count` in random order.
pub(crate) fn order(count: u32, random: &mut impl Rng) -> Vec<u32> {
    let mut order: Vec<u32> = (0..count).collect();
    order.shuffle(random);
    order
}

/// A number below `bound`, by Lemire's multiplication without rejection: over 64 bits its bias is
/// too small to show in any count here, and it draws exactly once.
pub(crate) fn below(random: &mut impl Rng, bound: u32) -> u32 {
    ((u128::from(random.next_u64()) * u128::from(bound)) >> 64) as u32
}
