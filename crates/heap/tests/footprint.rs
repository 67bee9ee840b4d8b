//! The footprint equals the resident memory of the process.
//!
//! The only test of its program, since it measures the resident memory of the whole process.

#![forbid(unsafe_code)]

use heap::os::resident_bytes;
use heap::{
    Heap, HeapConfig, Layout, MarkBits, MarkTables, NoMarks, NonMovingSpace, ObjectReference,
    SlotKind,
};

/// Maximum difference between the footprint and the growth of the resident memory.
const TOLERANCE_BYTES: u64 = 3 << 20;
const VOLUME_BYTES: u64 = 200 << 20;

struct Measured<M: MarkTables> {
    space: NonMovingSpace<M>,
    objects: Vec<ObjectReference>,
    start_bytes: u64,
}

impl<M: MarkTables> Measured<M> {
    /// A space whose heap commits memory on first touch, to be filled with `count` objects.
    fn new(count: usize) -> Self {
        // The list is touched now, so that it does not grow in resident memory later.
        let mut objects = vec![ObjectReference::from_bits(2).expect("even"); count];
        objects.clear();
        let heap = Heap::new(HeapConfig::default()).expect("address space");
        let start_bytes = resident();
        Self { space: NonMovingSpace::new(&heap).expect("address space"), objects, start_bytes }
    }

    fn fill(&mut self, layouts: &[Layout]) {
        let mut bytes = 0;
        for layout in layouts.iter().cycle() {
            self.objects.push(self.space.alloc_or_grow(*layout, 0).expect("no limit"));
            bytes += u64::from(layout.bytes());
            if bytes >= VOLUME_BYTES {
                break;
            }
        }
    }

    fn check(&self, when: &str) {
        let grown_bytes = resident().saturating_sub(self.start_bytes);
        let committed_bytes = self.space.heap().budget().committed_bytes();
        assert!(
            grown_bytes.abs_diff(committed_bytes) < TOLERANCE_BYTES,
            "{when}: {grown_bytes} bytes more are resident, but {committed_bytes} are committed"
        );
    }
}

impl Measured<NoMarks> {
    fn free(&mut self, is_freed: impl Fn(usize) -> bool) {
        let mut index = 0;
        let Self { space, objects, .. } = self;
        objects.retain(|&object| {
            index += 1;
            !is_freed(index) || !space.free(object)
        });
    }
}

fn resident() -> u64 {
    resident_bytes().expect("this system reports resident memory")
}

fn array(words: u32) -> Layout {
    Layout::array(SlotKind::Own, 0, words).expect("it is short")
}

fn small_objects_are_allocated_and_freed() {
    let layouts = [Layout::shape(2, 0, 0, 0), Layout::shape(0, 3, 1, 2), array(20), array(500)];
    let mut cells = Measured::<NoMarks>::new(2_500_000);
    cells.fill(&layouts);
    cells.check("200 MB of cells");
    cells.free(|index| index % 3 != 0);
    cells.check("two thirds freed, block by block");
    cells.fill(&layouts[1..3]);
    cells.check("holes filled and more");
    cells.free(|_| true);
    cells.check("all cells freed");
}

fn large_objects_are_allocated_and_freed() {
    let mut large = Measured::<NoMarks>::new(8000);
    large.fill(&[array(4000), array(8000), array(2100), array(40_000)]);
    large.check("200 MB of large objects");
    large.free(|index| index % 2 == 0);
    large.check("half of the large objects freed");
    large.free(|_| true);
    large.check("all large objects freed");
}

fn marked_objects_are_swept() {
    let mut marked = Measured::<MarkBits>::new(800_000);
    marked.fill(&[Layout::shape(2, 0, 0, 0), array(20), array(500), array(4000)]);
    marked.check("200 MB under mark bits");
    marked.space.sweep();
    marked.check("nothing marked");
    marked.objects.clear();
    marked.fill(&[Layout::shape(0, 3, 1, 2), array(300)]);
    marked.check("another 200 MB");
}

#[test]
fn resident_memory_equals_the_footprint() {
    small_objects_are_allocated_and_freed();
    large_objects_are_allocated_and_freed();
    marked_objects_are_swept();
}
