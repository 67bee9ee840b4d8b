//! Tests of `arena.rs`.

use super::*;
use crate::space::tests::{heap, limited_heap, limits};
use proptest::prelude::*;

fn array(slots: u32) -> Layout {
    Layout::array(SlotKind::Shared, slots, 0).unwrap()
}

fn layout() -> impl Strategy<Value = Layout> {
    prop_oneof![
        4 => (0u32..4, 0u32..4, 0u32..4).prop_map(|(own, shared, words)| {
            Layout::shape(own, shared, 0, words)
        }),
        2 => (0u32..300).prop_map(array),
        1 => (0u32..30_000).prop_map(array),
    ]
}

fn alloc(arena: &mut Arena, pool: &mut ChunkPool, layout: Layout) -> Option<ObjectReference> {
    let heap = pool.heap.clone();
    if let Some(object) = arena.alloc(layout, 0, &heap) {
        return Some(object);
    }
    arena.grow(layout, pool).then(|| arena.alloc(layout, 0, &heap))?
}

proptest! {
    /// Several arenas that share a pool: `None` ends one of them.
    #[test]
    fn arenas_hold_what_was_allocated_and_never_overlap(
        steps in proptest::collection::vec((0usize..5, prop::option::weighted(0.9, layout()), 1usize..20), 1..60),
        limit_bytes in limits(3..30),
    ) {
        let heap = limited_heap(limit_bytes);
        let mut pool = ChunkPool::new(&heap);
        let mut arenas: Vec<Arena> = (0..5).map(|_| Arena::region()).collect();
        let mut model: Vec<Vec<(ObjectReference, Layout)>> = vec![Vec::new(); 5];
        for (index, layout, count) in steps {
            if let Some(layout) = layout {
                for _ in 0..count {
                    let object = alloc(&mut arenas[index], &mut pool, layout);
                    prop_assert!(object.is_some() || limit_bytes.is_some(), "no limit, no room");
                    model[index].extend(object.map(|object| (object, layout)));
                }
            } else {
                arenas[index].clear(&mut pool);
                model[index].clear();
            }
            let mut ranges: Vec<(u32, u32)> = Vec::new();
            for (arena, objects) in arenas.iter().zip(&model) {
                let listed: Vec<_> = arena.objects(heap.memory()).collect();
                let expected: Vec<_> = objects.iter().map(|&(object, _)| object).collect();
                prop_assert_eq!(listed, expected);
                prop_assert_eq!(arena.allocated(heap.memory()).objects, objects.len() as u64);
                let bytes: u64 = objects.iter().map(|(_, layout)| u64::from(layout.bytes())).sum();
                prop_assert!(arena.allocated(heap.memory()).bytes >= bytes);
                let owns = |&(_, layout): &(_, Layout)| layout.slots_of(SlotKind::Own) > 0;
                prop_assert_eq!(arena.has_owners(), objects.iter().any(owns));
                for &(object, layout) in objects {
                    prop_assert!(arena.is_allocated(object));
                    ranges.push((object.granule(), object.granule() + layout.bytes() / 8));
                }
            }
            ranges.sort_unstable();
            prop_assert!(ranges.is_sorted_by(|a, b| a.1 <= b.0), "objects overlap");
            let tables: u64 = arenas.iter().map(Arena::metadata_bytes).sum();
            let parts = heap.retained_bytes() + heap.metadata_bytes() + pool.reserved_bytes();
            prop_assert_eq!(heap.reserved_bytes(), pool.reserved_bytes());
            prop_assert_eq!(heap.budget().committed_bytes(), parts + pool.metadata_bytes() + tables);
        }
        for arena in &mut arenas {
            arena.clear(&mut pool);
        }
        prop_assert_eq!(pool.reserved_bytes(), 0, "blocks are left after the end of all arenas");
    }
}

#[test]
fn chunks_double_from_the_smallest_to_a_block() {
    let heap = heap();
    let (mut arena, mut pool) = (Arena::region(), ChunkPool::new(&heap));
    let layout = Layout::shape(2, 0, 0, 0);
    for _ in 0..4 * BLOCK_BYTES / layout.bytes() {
        alloc(&mut arena, &mut pool, layout).unwrap();
    }
    let sizes: Vec<u32> = arena.chunks.iter().map(|chunk| chunk.bytes).collect();
    let doubled = (0..7).map(|times| FIRST_CHUNK_BYTES << times).chain([BLOCK_BYTES]);
    assert_eq!(sizes[..8], doubled.collect::<Vec<_>>());
    arena.clear(&mut pool);
    alloc(&mut arena, &mut pool, layout).unwrap();
    assert_eq!(arena.chunks[0].bytes, FIRST_CHUNK_BYTES, "a region that begins again starts small");
}

#[test]
fn the_largest_array_leaves_the_next_chunk_a_block() {
    let heap = heap();
    let (mut arena, mut pool) = (Arena::region(), ChunkPool::new(&heap));
    let largest = Layout::array(SlotKind::Own, 0, (i32::MAX as u32 - 16) / 8).unwrap();
    // Only reserved: its memory is not touched.
    assert!(arena.grow(largest, &mut pool));
    assert!(arena.grow(Layout::shape(0, 0, 0, 0), &mut pool));
    assert_eq!(arena.chunks[1].bytes, BLOCK_BYTES);
}
