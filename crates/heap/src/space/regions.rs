//! The regions of a program: arenas by number, over one pool of chunks.

use crate::blocks::heap::Heap;
use crate::memory::charged_vec::ChargedVec;
use crate::memory::footprint::Occupancy;
use crate::memory::value::ObjectReference;
use crate::mutant;
use crate::object::header::{Extent, Layout, REGION};
use crate::space::Space;
use crate::space::arena::{Arena, ChunkPool};

/// Live regions. A number is reused once its region has ended.
#[derive(Debug)]
pub struct Regions {
    arenas: ChargedVec<Arena>,
    /// The arena that was allocated from last, taken out of `arenas`: programs mostly stay in one
    /// region for a while.
    current: Arena,
    /// Its number. **Invariant:** an empty arena lies in its place.
    current_number: u32,
    free: ChargedVec<u32>,
    pool: ChunkPool,
    heap: Heap,
}

impl Regions {
    /// No regions yet.
    pub fn new(heap: &Heap) -> Self {
        Self {
            arenas: heap.table(),
            current: Arena::region(),
            current_number: u32::MAX,
            free: heap.table(),
            pool: ChunkPool::new(heap),
            heap: heap.clone(),
        }
    }

    /// Begins a region; returns its number.
    pub fn begin(&mut self) -> u32 {
        if mutant!(self.heap.memory(), "two open regions have one number")
            && let Some(&region) = self.free.last()
        {
            return region;
        }
        if let Some(region) = self.free.pop() {
            return region;
        }
        self.arenas.push(Arena::region());
        self.arenas.len() as u32 - 1
    }

    /// A new object in a region, with [`REGION`] in its header; `None` if the limit has no room.
    #[inline(always)]
    pub fn alloc(&mut self, region: u32, layout: Layout, bits: u32) -> Option<ObjectReference> {
        if region == self.current_number
            && let Some(object) = self.current.alloc(layout, bits | REGION, &self.heap)
        {
            return Some(object);
        }
        self.alloc_slow(region, layout, bits)
    }

    #[cold]
    #[inline(never)]
    fn alloc_slow(&mut self, region: u32, layout: Layout, bits: u32) -> Option<ObjectReference> {
        self.make_current(region);
        let Self { current, pool, heap, .. } = self;
        let bits = bits | REGION;
        current
            .alloc(layout, bits, heap)
            .or_else(|| current.grow(layout, pool).then(|| current.alloc(layout, bits, heap))?)
    }

    fn make_current(&mut self, region: u32) {
        if region != self.current_number {
            if let Some(place) = self.arenas.get_mut(self.current_number as usize) {
                std::mem::swap(place, &mut self.current);
            }
            std::mem::swap(&mut self.arenas[region as usize], &mut self.current);
            self.current_number = region;
        }
    }

    /// The objects of a region that have own slots: their owned objects outlive the region's memory
    /// unless they are dropped first.
    pub fn owners(&mut self, region: u32) -> Vec<ObjectReference> {
        self.make_current(region);
        if !self.current.has_owners() {
            return Vec::new();
        }
        let memory = self.heap.memory();
        let owns = |&object: &ObjectReference| Extent::of(memory, object).own_end > 0;
        let forgets = usize::from(mutant!(memory, "a region drops nothing outside"));
        self.current.objects(memory).filter(owns).skip(forgets).collect()
    }

    /// Ends a region: frees all its objects, in time proportional to its chunks.
    pub fn end(&mut self, region: u32) {
        self.make_current(region);
        self.current.clear(&mut self.pool);
        self.free.push(region);
    }

    fn all(&self) -> impl Iterator<Item = &Arena> {
        self.arenas.iter().chain([&self.current])
    }
}

impl Space for Regions {
    /// Whether the object lies in a region that has not ended.
    fn is_allocated(&self, object: ObjectReference) -> bool {
        self.all().any(|arena| arena.is_allocated(object))
    }

    fn allocated(&self) -> Occupancy {
        let memory = self.heap.memory();
        let each = self.all().map(|arena| arena.allocated(memory));
        each.fold(Occupancy::default(), Occupancy::plus)
    }

    fn reserved_bytes(&self) -> u64 {
        self.pool.reserved_bytes()
    }

    fn metadata_bytes(&self) -> u64 {
        let chunks: u64 = self.all().map(Arena::metadata_bytes).sum();
        chunks + self.pool.metadata_bytes() + self.arenas.bytes() + self.free.bytes()
    }
}

impl Drop for Regions {
    fn drop(&mut self) {
        let all = self.arenas.iter_mut().chain([&mut self.current]);
        all.for_each(|arena| arena.clear(&mut self.pool));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::space::tests;
    use proptest::prelude::*;

    const LEAF: Layout = Layout::shape(0, 2, 0, 0);
    const OWNER: Layout = Layout::shape(1, 0, 0, 1);

    fn regions() -> (Regions, Heap) {
        let heap = tests::heap();
        (Regions::new(&heap), heap)
    }

    proptest! {
        #[test]
        fn a_region_ends_with_its_objects_and_no_others(
            steps in proptest::collection::vec((0usize..6, 0u32..3, 1usize..200), 1..60),
        ) {
            let (mut regions, heap) = regions();
            let mut open: Vec<(u32, Vec<ObjectReference>, Vec<ObjectReference>)> = Vec::new();
            for (which, what, count) in steps {
                if what == 0 || open.is_empty() {
                    let number = regions.begin();
                    prop_assert!(open.iter().all(|&(other, ..)| other != number));
                    open.push((number, Vec::new(), Vec::new()));
                } else if what == 1 {
                    let place = which % open.len();
                    let (region, objects, owners) = &mut open[place];
                    for index in 0..count {
                        let layout = if index % 3 == 0 { OWNER } else { LEAF };
                        let object = regions.alloc(*region, layout, 0).unwrap();
                        prop_assert!(heap.memory().has(object, REGION));
                        objects.push(object);
                        owners.extend((index % 3 == 0).then_some(object));
                    }
                    prop_assert_eq!(&regions.owners(*region), owners);
                } else {
                    let (region, objects, _) = open.swap_remove(which % open.len());
                    regions.end(region);
                    prop_assert!(objects.iter().all(|&object| !regions.is_allocated(object)));
                }
                let objects: usize = open.iter().map(|(_, objects, _)| objects.len()).sum();
                prop_assert_eq!(regions.allocated().objects, objects as u64);
                let mut all = open.iter().flat_map(|(_, objects, _)| objects);
                prop_assert!(all.all(|&object| regions.is_allocated(object)));
                let committed_bytes = heap.budget().committed_bytes();
                prop_assert_eq!(committed_bytes, tests::accounted_bytes(&heap, &[&regions]));
            }
        }
    }

    #[test]
    fn many_small_regions_stay_small() {
        const MANY: u64 = 100_000;
        let (mut regions, heap) = regions();
        let numbers: Vec<u32> = (0..MANY).map(|_| regions.begin()).collect();
        for &region in &numbers {
            regions.alloc(region, LEAF, 0).unwrap();
        }
        let bytes_each = (regions.reserved_bytes() + regions.metadata_bytes()) / MANY;
        assert!(bytes_each < 800, "a region of one object takes {bytes_each} bytes");
        numbers.iter().for_each(|&region| regions.end(region));
        assert_eq!((regions.allocated().objects, regions.reserved_bytes()), (0, 0));
        assert_eq!(heap.budget().committed_bytes(), tests::accounted_bytes(&heap, &[&regions]));
    }
}
