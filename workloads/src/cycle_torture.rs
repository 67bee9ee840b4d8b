//! Cycle torture: rings of shared links, a few of which stay reachable while most die.
//!
//! Rings are built in batches, and a batch is dropped as a whole. A ring is a circulant graph: each
//! node has a link to the next one and up to three chords, each of which skips the same number of
//! nodes all around the ring. An acyclic ballast lives beside the rings. With one parameter varied at
//! a time, cost follows the dead objects (trial deletion), the live ones (tracing) or neither, because
//! no ring is reclaimed (counting). After the synthetic cyclic benchmarks with which Bacon and Rajan
//! evaluated the collection of cycles ("Concurrent cycle collection in reference counted systems",
//! 2001).
//!
//! *Ownership*: a node of a ring has no owner. Without regions, dropping a batch breaks no ring:
//! counting leaks all of them, by design of the program, and a program that frees by hand has no place
//! for the free. The variant `@regions` allocates each batch in a region, and the rings that stay in
//! another: a different program, as one would write it without a tracing collector.
//!
//! *Separates*: disciplines that reclaim cycles from the others, and the cost per dead and live node.

use crate::bounded::Bounded;
use crate::program::Program;
use crate::random::{below, stream};
use heap::{
    Collector, Local, Mutator, OutOfMemory, Own, Probe, Ref, Region, Root, Rooted, Shape, Shared,
    Slot,
};
use serde::Deserialize;

heap::shape! {
    /// A node of a ring, with the number of its ring.
    struct Node { shared NEXT, FIRST, SECOND, THIRD; word RING; }
}
heap::shape! {
    /// An element of the list of rings that stay.
    struct Kept { shared RING, REST; word NUMBER; }
}
heap::shape! {
    /// An element of the ballast.
    struct Ballast { word NUMBER; }
}

const CHORDS: [Slot<Shared>; 3] = [Node::FIRST, Node::SECOND, Node::THIRD];

/// Parameters in the suite file.
#[derive(Deserialize, Clone, Copy, Debug)]
#[serde(deny_unknown_fields)]
pub struct CycleTortureParameters {
    /// Rings built.
    pub rings: u32,
    /// Nodes of a ring.
    pub ring_length: Bounded<1, { u32::MAX }>,
    /// Chords of a node.
    pub chords: Bounded<0, 3>,
    /// Rings that stay, of a thousand.
    pub kept_permille: Bounded<0, 1000>,
    /// Rings built and dropped together.
    pub rings_per_batch: Bounded<1, { u32::MAX }>,
    /// Objects of the ballast.
    pub ballast: u32,
}

impl CycleTortureParameters {
    fn kept_rings(&self) -> u32 {
        (u64::from(self.rings) * u64::from(self.kept_permille.get()) / 1000) as u32
    }
}

/// The program without regions, prepared.
#[derive(Debug)]
pub struct CycleTorture(Plan);

/// The program with regions, prepared.
#[derive(Debug)]
pub struct InRegions(Plan);

#[derive(Debug)]
struct Plan {
    parameters: CycleTortureParameters,
    rings: Vec<Ring>,
}

/// A ring to be built.
#[derive(Clone, Copy, Debug)]
struct Ring {
    number: u32,
    stays: bool,
    /// Distance in nodes along the ring of each chord.
    skips: [u32; 3],
}

impl Plan {
    fn draw(parameters: CycleTortureParameters, seed: u64) -> Self {
        let (mut choice, mut chords) = (stream(seed, 0), stream(seed, 1));
        let mut to_keep = parameters.kept_rings();
        let draw_ring = |number| {
            // Each remaining ring has the same probability of being chosen.
            let stays = below(&mut choice, parameters.rings - number) < to_keep;
            to_keep -= u32::from(stays);
            let skips = [(); 3].map(|()| below(&mut chords, parameters.ring_length.get()));
            Ring { number, stays, skips }
        };
        Self { parameters, rings: (0..parameters.rings).map(draw_ring).collect() }
    }
}

impl Program for CycleTorture {
    type Parameters = CycleTortureParameters;

    fn prepare(parameters: CycleTortureParameters, seed: u64) -> Self {
        Self(Plan::draw(parameters, seed))
    }

    fn run<C: Collector, P: Probe>(&self, m: &mut Mutator<C, P>) -> Result<String, OutOfMemory> {
        m.phase("ballast");
        let ballast = build_ballast(m, self.0.parameters.ballast)?;
        m.phase("rings");
        let kept = m.null_local();
        for batch in self.0.batches() {
            m.scope(|m| self.0.build_batch(m, batch, &kept, &Anywhere, &Anywhere))?;
        }
        Ok(self.0.answer(m, &ballast, &kept))
    }
}

impl Program for InRegions {
    type Parameters = CycleTortureParameters;

    fn prepare(parameters: CycleTortureParameters, seed: u64) -> Self {
        Self(Plan::draw(parameters, seed))
    }

    fn run<C: Collector, P: Probe>(&self, m: &mut Mutator<C, P>) -> Result<String, OutOfMemory> {
        m.phase("ballast");
        let ballast = build_ballast(m, self.0.parameters.ballast)?;
        m.phase("rings");
        let kept = m.null_local();
        let lasting = m.region();
        for batch in self.0.batches() {
            let passing = m.region();
            m.scope(|m| self.0.build_batch(m, batch, &kept, &lasting, &passing))?;
            m.end_region(passing);
        }
        let answer = self.0.answer(m, &ballast, &kept);
        // Only the program ends a region; the end of a run does not.
        m.forget(kept);
        m.end_region(lasting);
        Ok(answer)
    }
}

/// A place to allocate objects.
trait Place {
    /// The handle of a new object.
    type Held: Rooted;

    fn alloc<S: Shape, C: Collector, P: Probe>(
        &self,
        m: &mut Mutator<C, P>,
    ) -> Result<Self::Held, OutOfMemory>;

    /// Gives up the handle of an object.
    fn release<C: Collector, P: Probe>(m: &mut Mutator<C, P>, held: Self::Held);
}

/// Outside all regions.
struct Anywhere;

impl Place for Anywhere {
    type Held = Root;

    #[inline(always)]
    fn alloc<S: Shape, C: Collector, P: Probe>(
        &self,
        m: &mut Mutator<C, P>,
    ) -> Result<Root, OutOfMemory> {
        m.alloc::<S>()
    }

    #[inline(always)]
    fn release<C: Collector, P: Probe>(m: &mut Mutator<C, P>, held: Root) {
        m.drop(held);
    }
}

impl Place for Region {
    type Held = Local;

    #[inline(always)]
    fn alloc<S: Shape, C: Collector, P: Probe>(
        &self,
        m: &mut Mutator<C, P>,
    ) -> Result<Local, OutOfMemory> {
        m.alloc_in::<S>(self)
    }

    #[inline(always)]
    fn release<C: Collector, P: Probe>(m: &mut Mutator<C, P>, held: Local) {
        m.forget(held);
    }
}

impl Plan {
    fn batches(&self) -> impl Iterator<Item = &[Ring]> {
        self.rings.chunks(self.parameters.rings_per_batch.as_usize())
    }

    /// Builds the rings of a batch and puts those that stay on the list. The others are held until
    /// the scope of the batch ends.
    fn build_batch<L: Place, C: Collector, P: Probe>(
        &self,
        m: &mut Mutator<C, P>,
        batch: &[Ring],
        kept: &Local,
        lasting: &L,
        passing: &L,
    ) -> Result<(), OutOfMemory> {
        for ring in batch {
            let first = self.build_ring(m, ring, if ring.stays { lasting } else { passing })?;
            if ring.stays {
                let element = lasting.alloc::<Kept, C, P>(m)?;
                let new = m.get(&element);
                m.set_word(new, Kept::NUMBER, ring.number.into());
                m.store(new, Kept::RING, m.get(&first));
                m.store(new, Kept::REST, m.try_get(kept));
                m.assign(kept, new);
                L::release(m, element);
            }
        }
        Ok(())
    }

    /// Builds a ring and returns its first node.
    fn build_ring<L: Place, C: Collector, P: Probe>(
        &self,
        m: &mut Mutator<C, P>,
        ring: &Ring,
        place: &L,
    ) -> Result<L::Held, OutOfMemory> {
        let length = self.parameters.ring_length.get();
        let first = place.alloc::<Node, C, P>(m)?;
        m.set_word(m.get(&first), Node::RING, ring.number.into());
        let last = m.local(m.get(&first));
        for _ in 1..length {
            let node = place.alloc::<Node, C, P>(m)?;
            let new = m.get(&node);
            m.set_word(new, Node::RING, ring.number.into());
            m.store(m.get(&last), Node::NEXT, new);
            m.assign(&last, new);
            L::release(m, node);
        }
        m.store(m.get(&last), Node::NEXT, m.get(&first));
        m.forget(last);
        for (&chord, &skip) in CHORDS[..self.parameters.chords.as_usize()].iter().zip(&ring.skips) {
            let mut near = m.get(&first);
            let mut far = (0..skip).fold(near, |node, _| next(m, node));
            for _ in 0..length {
                m.store(near, chord, far);
                (near, far) = (next(m, near), next(m, far));
            }
        }
        Ok(first)
    }

    /// Counts reachable objects after a last collection: nodes that still have the number of their
    /// ring, chords with the right target, ballast.
    fn answer<C: Collector, P: Probe>(
        &self,
        m: &mut Mutator<C, P>,
        ballast: &Root,
        kept: &Local,
    ) -> String {
        m.phase("collect");
        m.collect();
        m.phase("count");
        let (mut nodes, mut chords) = (0_u64, 0_u64);
        let mut rest = m.try_get(kept);
        // Both walks are bounded: if a live object was reclaimed, neither might end.
        for _ in 0..self.parameters.kept_rings() {
            let Some(element) = rest else { break };
            let first = m.load(element, Kept::RING).expect("an element keeps a ring");
            let number = m.word(element, Kept::NUMBER);
            let mut node = first;
            for _ in 0..self.parameters.ring_length.get() {
                nodes += u64::from(m.word(node, Node::RING) == number);
                chords +=
                    CHORDS.iter().filter(|&&chord| leads_right(m, node, chord)).count() as u64;
                node = next(m, node);
                if node == first {
                    break;
                }
            }
            rest = m.load(element, Kept::REST);
        }
        answer(nodes, chords, count_ballast(m, m.get(ballast), self.parameters.ballast))
    }
}

fn answer(nodes: u64, chords: u64, ballast: u64) -> String {
    format!("{nodes} nodes, {chords} chords, {ballast} ballast")
}

#[inline(always)]
fn next<'m, C: Collector, P: Probe>(m: &'m Mutator<C, P>, node: Ref<'m>) -> Ref<'m> {
    m.load(node, Node::NEXT).expect("a ring is closed")
}

/// Whether the next node's chord leads to the successor of the target of this node's chord.
#[inline]
fn leads_right<C: Collector, P: Probe>(
    m: &Mutator<C, P>,
    node: Ref<'_>,
    chord: Slot<Shared>,
) -> bool {
    m.load(node, chord).is_some_and(|far| m.load(next(m, node), chord) == Some(next(m, far)))
}

fn build_ballast<C: Collector, P: Probe>(
    m: &mut Mutator<C, P>,
    objects: u32,
) -> Result<Root, OutOfMemory> {
    let table = m.alloc_array(Own, objects, 0)?;
    for number in 0..objects {
        let object = m.alloc::<Ballast>()?;
        m.set_word(m.get(&object), Ballast::NUMBER, number.into());
        m.put(m.get(&table), Slot::element(number), object);
    }
    Ok(table)
}

fn count_ballast<C: Collector, P: Probe>(m: &Mutator<C, P>, table: Ref<'_>, objects: u32) -> u64 {
    let is_there = |&number: &u32| {
        m.load(table, Slot::<Own>::element(number))
            .is_some_and(|object| m.word(object, Ballast::NUMBER) == u64::from(number))
    };
    (0..objects).filter(is_there).count() as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Census, literals};
    use collectors::MarkSweep;
    use heap::{Config, HeapConfig, Off};

    fn few_rings() -> CycleTortureParameters {
        CycleTortureParameters {
            rings: 500,
            ring_length: Bounded::try_from(6).unwrap(),
            chords: Bounded::try_from(1).unwrap(),
            kept_permille: Bounded::try_from(40).unwrap(),
            rings_per_batch: Bounded::try_from(10).unwrap(),
            ballast: 50,
        }
    }

    fn expected(parameters: CycleTortureParameters, seed: u64) -> (String, Census) {
        let length = u64::from(parameters.ring_length.get());
        let chords = u64::from(parameters.chords.get());
        let (rings, kept) = (u64::from(parameters.rings), u64::from(parameters.kept_rings()));
        let ballast = u64::from(parameters.ballast);
        let (ring_bytes, element_bytes) = (32 * length, 24);
        let ballast_bytes = 16 + 4 * ballast.next_multiple_of(2) + 16 * ballast;
        let plan = Plan::draw(parameters, seed);
        let (mut live_bytes, mut peak_live_bytes) = (ballast_bytes, ballast_bytes);
        for batch in plan.batches() {
            let stay = batch.iter().filter(|ring| ring.stays).count() as u64;
            live_bytes += stay * (ring_bytes + element_bytes);
            let passing = batch.len() as u64 - stay;
            peak_live_bytes = peak_live_bytes.max(live_bytes + passing * ring_bytes);
        }
        let census = Census {
            objects: 1 + ballast + rings * length + kept,
            allocated_bytes: ballast_bytes + rings * ring_bytes + kept * element_bytes,
            peak_live_bytes,
        };
        (answer(kept * length, kept * length * chords, ballast), census)
    }

    #[test]
    fn the_suite_holds_the_closed_form() {
        literals::check("cycle-torture", expected);
        literals::check("cycle-torture@regions", expected);
    }

    #[test]
    fn exactly_the_requested_share_stays() {
        for (rings, permille) in [(1000, 100), (1000, 0), (1000, 1000), (7, 500)] {
            let kept_permille = Bounded::try_from(permille).unwrap();
            let parameters = CycleTortureParameters { rings, kept_permille, ..few_rings() };
            let plan = Plan::draw(parameters, 9);
            let stay = plan.rings.iter().filter(|ring| ring.stays).count() as u64;
            assert_eq!(stay, u64::from(rings) * permille / 1000);
            assert!(plan.rings.iter().all(|ring| ring.skips.iter().all(|&skip| skip < 6)));
        }
    }

    #[test]
    fn a_last_collection_leaves_only_live_objects_under_a_tracing_collector() {
        let mut m: Mutator<MarkSweep> =
            Mutator::new(HeapConfig::default(), &Config::default(), Off).unwrap();
        CycleTorture::prepare(few_rings(), 1).run(&mut m).unwrap();
        // The table and its objects, 20 rings and their elements of the list.
        assert_eq!(m.collector().parts().allocated().objects, 1 + 50 + 20 * (6 + 1));
    }
}
