//! Shifts of object size that leave holes: after `exploit_free_list` of Julia's GCBenchmarks, the holes of the
//! Whippet collector's mt-gcbench, and Robson's lower bound (1971) for allocators that do not move.
//!
//! A *round* allocates a fixed volume of objects, then frees all but some of them, in reverse order.
//! Survivors stay until their schedule ends. Three schedules, in sequence:
//!
//! 1. *Ascending*: one size per round, 32, 64, 128 .. 4096 bytes; every k-th object survives. Each
//!    size meets a heap full of holes that are too small for it.
//! 2. *Power law*: sizes of which a share 1/x has at least x words of payload; survivors are drawn.
//!    Holes of all sizes lie between survivors of all sizes.
//! 3. *Switch*: the object sizes of one application (DaCapo's lusearch, two fifths of whose bytes are in
//!    buffers of 1 to 8 KB), then those of another (h2, mostly small records); survivors are drawn.
//!
//! *Ownership*: an object owns the next one of its list; there is a list of the round's objects and
//! one of the survivors.
//!
//! *Separates*: committed from live memory. Tracing and freeing are easy here; reuse of holes is not.
//! The metric is peak footprint over live bytes.

use crate::program::Program;
use crate::random;
use heap::{Collector, Mutator, OutOfMemory, Own, Probe, Root, Slot, Word};
use rand::Rng;
use rand_pcg::Pcg64;
use serde::Deserialize;
use std::num::NonZeroU32;

/// Array header, one slot padded to a word.
const OVERHEAD_BYTES: u32 = 24;
/// Maximum payload words under the power law.
const LONGEST_WORDS: u32 = 256;
/// Object size of the ascending schedule's first round; it doubles from round to round.
const SMALLEST_BYTES: u32 = 32;
/// Rounds of each schedule.
const ROUNDS: u32 = 8;

/// Upper ends of the bins of DaCapo's object size histograms, in bytes.
const BIN_BYTES: [u32; 9] = [16, 24, 32, 48, 64, 128, 256, 1024, 8192];
/// Objects of lusearch per bin, in tenths of a percent (DaCapo Chopin, nominal statistics).
const LUSEARCH: [u32; 9] = [51, 456, 109, 173, 52, 86, 52, 7, 15];
/// Objects of h2 per bin, in tenths of a percent (DaCapo Chopin, nominal statistics).
const H2: [u32; 9] = [49, 329, 248, 91, 208, 58, 15, 2, 0];

const NEXT: Slot<Own> = Slot::element(0);
const LENGTH: Word = Word::element(1, 0);

/// Parameters in the suite file.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Parameters {
    /// Bytes allocated in a round.
    round_bytes: u64,
    /// One object of this many survives its round.
    keep_one_in: NonZeroU32,
}

/// The program: all objects are drawn beforehand.
#[derive(Clone, Debug)]
pub struct Fragmentation {
    schedules: [Schedule; 3],
}

#[derive(Clone, Debug)]
struct Schedule {
    name: &'static str,
    rounds: Vec<Vec<Drawn>>,
}

/// An object to be allocated: payload words, times two, plus one if it survives its round.
#[derive(Clone, Copy, Debug)]
struct Drawn(u16);

impl Drawn {
    fn new(words: u32, survives: bool) -> Self {
        Self((words << 1) as u16 | u16::from(survives))
    }

    fn words(self) -> u32 {
        u32::from(self.0 >> 1)
    }

    fn survives(self) -> bool {
        self.0 & 1 == 1
    }

    fn bytes(self) -> u64 {
        u64::from(OVERHEAD_BYTES + 8 * self.words())
    }
}

heap::shape! {
    /// The owner of a list: objects move between lists by exchanges of slots.
    struct List { own FIRST; }
}

impl Program for Fragmentation {
    type Parameters = Parameters;

    fn prepare(parameters: Parameters, seed: u64) -> Self {
        let one_in = parameters.keep_one_in.get();
        let ascending = |round: u32| {
            let words = ((SMALLEST_BYTES << round) - OVERHEAD_BYTES) / 8;
            parameters.round(|index| Drawn::new(words, index.is_multiple_of(one_in)))
        };
        let drawn = |sizes: Sizes, stream: u32| {
            let mut random = random::stream(seed, stream.into());
            parameters.round(|_| {
                Drawn::new(sizes.words(&mut random), random::below(&mut random, one_in) == 0)
            })
        };
        let power_law = |round| drawn(Sizes::PowerLaw, round);
        let switch = |round| {
            let application = if round < ROUNDS / 2 { &LUSEARCH } else { &H2 };
            drawn(Sizes::Histogram(application), ROUNDS + round)
        };
        let rounds = |round: &dyn Fn(u32) -> Vec<Drawn>| (0..ROUNDS).map(round).collect();
        Self {
            schedules: [
                Schedule { name: "ascending", rounds: rounds(&ascending) },
                Schedule { name: "power law", rounds: rounds(&power_law) },
                Schedule { name: "switch", rounds: rounds(&switch) },
            ],
        }
    }

    fn run<C: Collector, P: Probe>(&self, m: &mut Mutator<C, P>) -> Result<String, OutOfMemory> {
        let fresh = m.alloc::<List>()?;
        let survivors = m.alloc::<List>()?;
        let mut answers = Vec::new();
        for schedule in &self.schedules {
            if let Some(earlier) = m.take(m.get(&survivors), List::FIRST) {
                m.free(earlier);
            }
            m.phase(schedule.name);
            for round in &schedule.rounds {
                fill(m, round, &fresh)?;
                thin_out(m, round, &fresh, &survivors);
            }
            let (objects, bytes) = survey(m, &survivors);
            answers.push(format!("{}: {objects} objects, {bytes} bytes", schedule.name));
        }
        Ok(answers.join("; "))
    }
}

impl Parameters {
    /// Draws objects by number until the bytes of a round are reached.
    fn round(&self, mut object: impl FnMut(u32) -> Drawn) -> Vec<Drawn> {
        let mut bytes = 0;
        let mut round = Vec::new();
        while bytes < self.round_bytes {
            let drawn = object(round.len() as u32);
            bytes += drawn.bytes();
            round.push(drawn);
        }
        round
    }
}

/// Distributions of object sizes.
#[derive(Clone, Copy, Debug)]
enum Sizes {
    /// At least x words of payload with probability 1/x.
    PowerLaw,
    /// A bin by its share, then any size in the bin.
    Histogram(&'static [u32; 9]),
}

impl Sizes {
    /// Payload words of one object: at least the word that holds its length, so the first bins of a
    /// histogram become 32 bytes.
    fn words(self, random: &mut Pcg64) -> u32 {
        match self {
            Self::PowerLaw => {
                let divisor = u64::from(random.next_u32()) + 1;
                ((1 << 32) / divisor).min(LONGEST_WORDS.into()) as u32
            }
            Self::Histogram(shares) => {
                let mut pick = random::below(random, shares.iter().sum());
                let mut bin = 0;
                while pick >= shares[bin] {
                    pick -= shares[bin];
                    bin += 1;
                }
                let first = if bin == 0 { 1 } else { BIN_BYTES[bin - 1] / 8 + 1 };
                let sizes_in_bin = BIN_BYTES[bin] / 8 - first + 1;
                let bytes = 8 * (first + random::below(random, sizes_in_bin));
                (bytes.saturating_sub(OVERHEAD_BYTES) / 8).max(1)
            }
        }
    }
}

/// Allocates a round's objects and links each in front of the list.
fn fill<C: Collector, P: Probe>(
    m: &mut Mutator<C, P>,
    round: &[Drawn],
    list: &Root,
) -> Result<(), OutOfMemory> {
    for drawn in round {
        let object = m.alloc_array(Own, 1, drawn.words())?;
        m.set_word(m.get(&object), LENGTH, drawn.words().into());
        push(m, list, object);
    }
    Ok(())
}

/// Frees a round's objects except the survivors, youngest first.
fn thin_out<C: Collector, P: Probe>(
    m: &mut Mutator<C, P>,
    round: &[Drawn],
    fresh: &Root,
    survivors: &Root,
) {
    for drawn in round.iter().rev() {
        let Some(object) = m.take(m.get(fresh), List::FIRST) else { return };
        m.swap(m.get(fresh), List::FIRST, m.get(&object), NEXT);
        if drawn.survives() {
            push(m, survivors, object);
        } else {
            m.free(object);
        }
    }
}

#[inline]
fn push<C: Collector, P: Probe>(m: &Mutator<C, P>, list: &Root, object: Root) {
    m.swap(m.get(&object), NEXT, m.get(list), List::FIRST);
    m.put(m.get(list), List::FIRST, object);
}

/// Objects of a list and their bytes, from the lengths that the objects hold.
fn survey<C: Collector, P: Probe>(m: &Mutator<C, P>, list: &Root) -> (u64, u64) {
    let (mut objects, mut bytes) = (0, 0);
    let mut next = m.load(m.get(list), List::FIRST);
    while let Some(object) = next {
        objects += 1;
        bytes += u64::from(OVERHEAD_BYTES) + 8 * m.word(object, LENGTH);
        next = m.load(object, NEXT);
    }
    (objects, bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Census, literals};

    /// Sums over the drawn objects.
    fn expected(program: &Fragmentation) -> (String, Census) {
        let (mut live, mut answers) = (2 * 16, Vec::new());
        let mut census = Census { objects: 2, allocated_bytes: live, peak_live_bytes: live };
        for schedule in &program.schedules {
            live = 2 * 16;
            let mut survivors = 0;
            for round in &schedule.rounds {
                let bytes = round.iter().map(|drawn| drawn.bytes()).sum::<u64>();
                census.objects += round.len() as u64;
                census.allocated_bytes += bytes;
                census.peak_live_bytes = census.peak_live_bytes.max(live + bytes);
                for drawn in round.iter().filter(|drawn| drawn.survives()) {
                    survivors += 1;
                    live += drawn.bytes();
                }
            }
            let bytes = live - 2 * 16;
            answers.push(format!("{}: {survivors} objects, {bytes} bytes", schedule.name));
        }
        (answers.join("; "), census)
    }

    #[test]
    fn the_suite_holds_the_sums_of_the_drawn_objects() {
        literals::check("fragmentation", |parameters, seed| {
            expected(&Fragmentation::prepare(parameters, seed))
        });
    }

    #[test]
    fn sizes_follow_their_distributions() {
        let mut random = random::stream(1, 0);
        let n = 100_000;
        let long = (0..n).filter(|_| Sizes::PowerLaw.words(&mut random) >= 16).count();
        assert!((long * 16).abs_diff(n) < n / 20, "1/16 of {n}, not {long}, have 16 words or more");
        for (shares, percent) in [(&LUSEARCH, 1.5), (&H2, 0.0)] {
            let sizes = Sizes::Histogram(shares);
            let above = (0..n).filter(|_| sizes.words(&mut random) * 8 > 1024).count();
            let found = 100.0 * above as f64 / n as f64;
            assert!((found - percent).abs() < 0.2, "{found} % above 1 KB, published {percent} %");
        }
    }
}
