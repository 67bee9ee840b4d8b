//! Semispace copying (Fenichel and Yochelson 1969), scanned without a stack (Cheney, "A nonrecursive list
//! compacting algorithm", CACM 1970), stop-the-world.
//!
//! 1. *Allocate* by bumping through blocks. A block is taken only if the heap also has room for a copy of
//!    everything: about half of the limit is kept free for the copies.
//! 2. *Flip*: the space becomes from-space, and an empty one becomes to-space. The referents of the roots
//!    are copied there.
//! 3. *Scan*: objects in to-space are black up to a cursor and grey behind it, so to-space is the queue.
//!    Each slot that the cursor passes is updated to the copy of its referent; the first slot that reaches
//!    the referent makes the copy, and leaves a forwarding reference in the original.
//! 4. *Large objects* do not move. One that is reached is marked in its header and waits on a stack until
//!    the cursor has caught up.
//! 5. *Process weak references*: weak slots, ephemerons, finalizable objects (see
//!    [`heap::ReferenceProcessor`]). Objects that they keep are copied in the same way.
//! 6. *Release* from-space, block by block, without scanning it; then the unreached large objects.
//!
//! No barrier. It reclaims cycles, its work grows with the live objects and not with the heap, and
//! allocation is as fast as can be. But it needs twice the memory, copies long-lived objects again and
//! again, and leaves objects in breadth-first order.

use heap::contract::*;
use heap::{CopySpace, Copying, Cursor, LARGE, MovableSpace, Moves, REACHED, Room, Stack};

/// Copies the reachable objects to the other half, and releases this one.
#[derive(Debug)]
pub struct SemiSpace {
    /// To-space, and large objects.
    objects: CopySpace,
    /// Reached large objects whose slots are still to be updated.
    grey: Stack,
    sizer: Sizer,
}

impl Collector for SemiSpace {
    const CAPS: Caps = Caps::MOVING;
    const PARAMETERS: &'static [Parameter] = &Sizer::PARAMETERS;

    fn new(heap: &Heap, config: &Config) -> io::Result<Self> {
        Ok(Self {
            objects: CopySpace::over(MovableSpace::new(heap)?),
            grey: heap.queue()?,
            sizer: Sizer::new(heap, config),
        })
    }

    traced!(objects; grey; stop_and_collect);
}

// ---- the algorithm ------------------------------------------------------------------------------

impl StopTheWorld for SemiSpace {
    fn space_and_sizer(&mut self) -> (&mut dyn CollectedSpace, &mut Sizer) {
        (&mut self.objects, &mut self.sizer)
    }

    fn trace_and_reclaim(&mut self, cx: &mut Context, _: Cause) {
        let memory = cx.heap.memory();
        let mut from_space = self.objects.small.flip();
        let mut copier = Copier {
            memory,
            to: &mut self.objects.small,
            cursor: Cursor::default(),
            grey: &self.grey,
            moves: &mut cx.moves,
        };
        cx.roots.update(|object| copier.forward(object, &mut |_| ()));
        copier.scan(|_| ());
        let place = |object| place_if_reached(memory, object);
        while cx.weak.advance(place, |object| _ = copier.forward(object, &mut |_| ())) {
            copier.scan(|object| cx.weak.object_reached(object));
        }
        from_space.clear();
        self.objects.large.sweep_unreached();
        self.grey.shrink();
    }
}

/// A collection under way.
struct Copier<'c> {
    memory: Memory<'c>,
    to: &'c mut MovableSpace<Copying>,
    /// Objects of to-space before it are black.
    cursor: Cursor,
    grey: &'c Stack,
    moves: &'c mut Moves,
}

impl Copier<'_> {
    /// Copies an object unless it has been copied or is large. Returns its place; calls `visit` with an
    /// object that was not reached before.
    #[inline(always)]
    fn forward(
        &mut self,
        object: ObjectReference,
        visit: &mut impl FnMut(ObjectReference),
    ) -> ObjectReference {
        if let Some(copy) = self.memory.forwarded(object) {
            return copy;
        }
        if self.memory.has(object, LARGE) {
            if self.reach_large(object) {
                visit(object);
            }
            return object;
        }
        let copy = self.to.copy(object);
        self.memory.forward(object, copy);
        self.moves.record(object, copy);
        visit(object);
        copy
    }

    #[cold]
    #[inline(never)]
    fn reach_large(&self, object: ObjectReference) -> bool {
        let is_new = !self.memory.has(object, REACHED);
        if is_new {
            self.memory.set_bits(object, REACHED);
            self.grey.push_object(object);
        }
        is_new
    }

    /// Updates the slots of all reached objects, until no further one is reached.
    #[inline(always)]
    fn scan(&mut self, mut visit: impl FnMut(ObjectReference)) {
        loop {
            while let Some(object) = self.to.next_object(&mut self.cursor) {
                self.update(object, &mut visit);
            }
            match self.grey.pop_object() {
                Some(large) => self.update(large, &mut visit),
                None => break,
            }
        }
    }

    #[inline(always)]
    fn update(&mut self, object: ObjectReference, visit: &mut impl FnMut(ObjectReference)) {
        self.memory.update_slots(object, |child| self.forward(child, visit));
    }
}

/// The place of an object, if it was reached in this collection.
fn place_if_reached(memory: Memory<'_>, object: ObjectReference) -> Option<ObjectReference> {
    let stays = memory.has(object, LARGE) && memory.has(object, REACHED);
    memory.forwarded(object).or_else(|| stays.then_some(object))
}

impl Inspect for SemiSpace {
    fn room(&self) -> Room {
        Room::COPIED
    }
}
