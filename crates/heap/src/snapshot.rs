//! Marking a snapshot of the graph and sweeping what it leaves, on a thread beside the program.
//!
//! 1. *Begin*: the roots are marked and pushed. From now on the program allocates black, and logs each
//!    reference that it overwrites. So all that was reachable at the beginning will be marked (Yuasa
//!    1990), and nothing else is looked at: not one object that the program has initialised meanwhile.
//! 2. *Mark*: the thread looks at grey objects, a slice at a time. Of a reference that it loads, it asks
//!    whether the object is new. That bit was stored before the object was published, by a releasing
//!    store ([`crate::Memory::publish`]), and the slot is loaded acquiring.
//! 3. *Log*: references overwritten go to a log of the program's own, and from there in chunks to an
//!    inbox, which the thread empties when it begins a slice (the buffers of Printezis and Detlefs 2000
//!    and Detlefs and others 2004). What is marked is left out. If the inbox has grown too long, the
//!    program marks what is in it itself: then each object takes up a place once.
//! 4. *End*: the thread is dry. The program, which alone can add to the log, hands the rest of it over
//!    and looks at what that shades. When nothing is grey, everything is marked that can be.
//! 5. *Sweep*: the blocks are lent to the thread and come back with their counts (`cells/lent.rs`).
//!
//! **Invariant:** the stacks that both touch are charged on the program's thread, whenever it hands over
//! or has been at the desk: so a footprint and the account that it is compared with are of one moment.

use crate::background::{Background, Delay};
use crate::budget::Budget;
use crate::cells::{Lent, LentBits};
use crate::greys::Greys;
use crate::heap::Heap;
use crate::mutant;
use crate::object_space::ObjectSpace;
use crate::stack::Stack;
use crate::sync::{self, Mutex};
use crate::value::ObjectReference;
use std::cell::{Cell, RefCell};
use std::io;
use std::sync::Arc;

/// References that are handed over at a time.
const CHUNK: u32 = if cfg!(tiny) { 16 } else { 1024 };

/// References in the inbox beyond which the program marks them itself.
const MOST_IN_INBOX: u32 = 64 * CHUNK;

/// The most that is done while the desk is taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Slice {
    /// Units of marking: objects and slots.
    pub work: u64,
    /// Blocks to sweep.
    pub blocks: u32,
}

impl Slice {
    /// As much as there is.
    pub const ALL: Self = Self { work: u64::MAX, blocks: u32::MAX };
}

/// Marks and sweeps beside the program.
#[derive(Debug)]
pub struct SnapshotTracer {
    background: Background<Work>,
    inbox: Arc<Mutex<Stack>>,
    /// References that were overwritten, and not handed over yet.
    log: Stack,
    bits: LentBits,
    /// What the stacks of both threads hold, and what of it the heap has been charged.
    account: Arc<Budget>,
    charged_bytes: Cell<u64>,
    delay: RefCell<Delay>,
    heap: Heap,
}

/// What lies on the desk.
#[derive(Debug)]
struct Work {
    greys: Greys,
    inbox: Arc<Mutex<Stack>>,
    bits: LentBits,
    /// Blocks to be swept.
    lent: Stack,
    /// Blocks that have been swept, each below its number of live cells.
    swept: Stack,
    /// What the thread does at a time.
    slice: Slice,
    /// Units of marking done in this cycle.
    done: u64,
    heap: Heap,
}

impl SnapshotTracer {
    /// A tracer for a space with two sets of marks; it prefetches `distance` objects ahead. Hand-overs
    /// are held up for `delay_us` at most.
    ///
    /// # Errors
    /// If the operating system refuses address space for the stacks.
    ///
    /// # Panics
    /// If the space was not made by [`ObjectSpace::with_marks_beside`].
    pub fn new(objects: &ObjectSpace, distance: usize, delay_us: u64) -> io::Result<Self> {
        let heap = objects.heap().clone();
        let bits = || objects.lent_bits().expect("a space with marks beside the program");
        let account = Arc::new(Budget::new(u64::MAX));
        let stack = || Stack::new(Arc::clone(&account), heap.decommits());
        let inbox = Arc::new(Mutex::new(stack()?));
        let work = Work {
            greys: Greys::on(stack()?, distance),
            inbox: Arc::clone(&inbox),
            bits: bits(),
            lent: stack()?,
            swept: stack()?,
            slice: Slice::ALL,
            done: 0,
            heap: heap.clone(),
        };
        Ok(Self {
            background: Background::new(work, Work::do_slice, delay_us),
            inbox,
            log: stack()?,
            bits: bits(),
            charged_bytes: Cell::new(0),
            delay: RefCell::new(Delay::new(delay_us)),
            account,
            heap,
        })
    }

    // ---- marking ---------------------------------------------------------------------------------

    /// Begins a cycle with these roots; the thread is to do this much at a time. The space must allocate
    /// black by now.
    pub fn begin(&self, roots: impl Iterator<Item = ObjectReference>, slice: Slice) {
        self.with(|work| {
            (work.slice, work.done) = (slice, 0);
            roots.for_each(|root| work.shade(root));
        });
    }

    /// Lets the thread do so many slices.
    pub fn allow(&mut self, slices: u64) {
        self.background.allow(slices);
    }

    /// Waits until it has done them, or has run dry.
    pub fn wait(&self) {
        self.background.wait();
    }

    /// Whether the thread has nothing more to do.
    pub fn is_dry(&self) -> bool {
        self.background.is_dry()
    }

    /// A slot no longer refers to this object.
    #[inline(always)]
    pub fn log(&self, object: ObjectReference) {
        if !self.bits.is_new(object) && !self.bits.is_traced(object) {
            self.log.push(object.bits());
            if self.log.len() >= CHUNK {
                self.hand_over();
            }
        }
    }

    /// Hands over what has been logged.
    #[cold]
    #[inline(never)]
    pub fn hand_over(&self) {
        if self.log.is_empty() {
            return self.settle();
        }
        if mutant!(self.heap.memory(), "a chunk of the log is lost") {
            self.log.truncate(0);
        }
        self.delay.borrow_mut().hold_up();
        let inbox = sync::lock(&self.inbox);
        while let Some(word) = self.log.pop() {
            inbox.push(word);
        }
        let is_long = inbox.len() >= MOST_IN_INBOX;
        drop(inbox);
        if is_long {
            self.with(|work| work.take_in());
        }
        self.settle();
    }

    /// Does a part of the marking on the program's thread, or the last of it: hands over what is left
    /// of the log. Tells whether there is more.
    pub fn mark_some(&self, most_work: u64) -> bool {
        if mutant!(self.heap.memory(), "the last chunk is not handed over") {
            self.log.truncate(0);
        }
        self.hand_over();
        self.with(|work| work.mark(most_work))
    }

    /// Units of marking done in this cycle.
    pub fn done(&self) -> u64 {
        self.background.with(|work| work.done)
    }

    // ---- sweeping --------------------------------------------------------------------------------

    /// Everything is marked: reclaims the large objects that are not, and lends the blocks of cells.
    pub fn lend(&self, objects: &mut ObjectSpace) {
        self.with(|work| objects.lend(|block| work.lent.push(block.0)));
    }

    /// Sweeps up to so many blocks on the program's thread, and takes back up to `most_back` that have
    /// been swept; waits for a slice if need be. Tells whether there are more.
    pub fn sweep_some(&self, objects: &mut ObjectSpace, most: u32, most_back: u32) -> bool {
        self.with(|work| {
            work.sweep(most);
            work.give_back(objects, most_back)
        })
    }

    /// Takes back up to so many blocks that have been swept, unless the thread is sweeping just now. Tells
    /// whether there are more.
    pub fn take_back(&self, objects: &mut ObjectSpace, most: u32) -> bool {
        let has_more = self.background.with_if_free(|work| work.give_back(objects, most));
        self.settle();
        has_more.unwrap_or(true)
    }

    /// The cycle is over: the thread stops, and stacks give their memory back.
    pub fn end(&mut self) {
        self.background.allow(0);
        self.with(|work| {
            work.greys.shrink();
            [&work.lent, &work.swept, &sync::lock(&work.inbox), &self.log]
                .into_iter()
                .for_each(Stack::shrink);
        });
    }

    // ---- checks and accounts ---------------------------------------------------------------------

    /// Whether an object was allocated since marking began.
    pub fn is_new(&self, object: ObjectReference) -> bool {
        self.bits.is_new(object)
    }

    /// Whether an object is marked, new ones left out. Only who has stopped the thread knows that it
    /// stays so.
    pub fn is_traced(&self, object: ObjectReference) -> bool {
        self.bits.is_traced(object)
    }

    /// Whether an object is still to be looked at. Slow: for checks.
    pub fn is_grey(&self, object: ObjectReference) -> bool {
        let has = |stack: &Stack| (0..stack.len()).any(|index| stack.get(index) == object.bits());
        has(&self.log)
            || has(&sync::lock(&self.inbox))
            || self.background.with(|work| work.greys.contains(object))
    }

    /// Bytes of all stacks when the program last handed over or was at the desk.
    pub fn metadata_bytes(&self) -> u64 {
        self.charged_bytes.get()
    }

    /// Charges the heap for what the stacks hold now.
    fn settle(&self) {
        let held_bytes = self.account.held_bytes();
        let before = self.charged_bytes.replace(held_bytes);
        self.heap.budget().charge(held_bytes.saturating_sub(before));
        self.heap.budget().discharge(before.saturating_sub(held_bytes));
    }

    /// Takes the desk.
    fn with<R>(&self, work: impl FnOnce(&mut Work) -> R) -> R {
        let result = self.background.with(work);
        self.settle();
        result
    }
}

impl Work {
    /// A slice of whatever is to be done. Tells whether there is more.
    fn do_slice(&mut self) -> bool {
        if self.lent.is_empty() {
            return self.mark(self.slice.work);
        }
        self.sweep(self.slice.blocks);
        !self.lent.is_empty()
    }

    /// Tells whether there is more.
    fn mark(&mut self, most_work: u64) -> bool {
        self.take_in();
        let bits = &self.bits;
        self.done += self.greys.trace(&self.heap, most_work, |object| bits.trace(object), |_| ());
        !self.greys.is_empty()
    }

    fn shade(&self, object: ObjectReference) {
        if self.bits.trace(object) {
            self.greys.push(object);
        }
    }

    /// What has been handed over turns grey.
    fn take_in(&self) {
        let inbox = sync::lock(&self.inbox);
        let forgets = mutant!(self.heap.memory(), "what was logged is marked and not looked at");
        while let Some(object) = inbox.pop().and_then(ObjectReference::from_bits) {
            if forgets {
                self.bits.trace(object);
            } else {
                self.shade(object);
            }
        }
    }

    fn sweep(&self, most: u32) {
        for _ in 0..most {
            let Some(lent) = self.lent.pop() else { break };
            let live = self.bits.sweep(&self.heap, Lent(lent));
            self.swept.push(lent);
            self.swept.push(live);
        }
    }

    /// Tells whether there are more.
    fn give_back(&self, objects: &mut ObjectSpace, most: u32) -> bool {
        for _ in 0..most {
            let Some(live) = self.swept.pop() else { break };
            let lent = self.swept.pop().expect("a count lies above its block");
            objects.take_back(Lent(lent), live);
        }
        !(self.lent.is_empty() && self.swept.is_empty())
    }
}

impl Drop for SnapshotTracer {
    fn drop(&mut self) {
        self.heap.budget().discharge(self.charged_bytes.get());
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::background::ALL_SLICES;
    use crate::header::{Extent, Layout, SlotKind, Slots};
    use crate::heap::HeapConfig;
    use crate::value::Value;
    use proptest::prelude::*;
    use std::collections::HashSet;

    const SMALL: Slice = Slice { work: 3, blocks: 1 };

    /// A program: its objects, of which the first few are its roots.
    struct Program {
        objects: ObjectSpace,
        tracer: SnapshotTracer,
        held: Vec<ObjectReference>,
        roots: usize,
    }

    impl Program {
        fn new(sizes: &[u32], roots: usize) -> Self {
            let heap = Heap::new(HeapConfig::default()).unwrap();
            let objects = ObjectSpace::with_marks_beside(&heap).unwrap();
            let tracer = SnapshotTracer::new(&objects, 4, 0).unwrap();
            let mut program = Self { objects, tracer, held: Vec::new(), roots };
            sizes.iter().for_each(|&slots| program.alloc(slots));
            program
        }

        fn alloc(&mut self, slots: u32) {
            let layout = Layout::array(SlotKind::Shared, slots, 0).unwrap();
            let objects = &mut self.objects;
            let object = objects.alloc(layout, 0).or_else(|| objects.alloc_growing(layout, 0));
            self.held.push(object.unwrap());
        }

        /// With the barrier.
        fn store(&self, from: usize, slot: u32, to: Value) {
            let memory = self.objects.heap().memory();
            let extent = Extent::of(memory, self.held[from]);
            if let Some(slot) = slot.checked_rem(extent.borrow_end) {
                let at = extent.slot(slot);
                let old = Value::from_bits(memory.read(self.held[from], at));
                old.reference().into_iter().for_each(|old| self.tracer.log(old));
                memory.publish(self.held[from], at, to.bits());
            }
        }

        fn reachable(&self) -> HashSet<ObjectReference> {
            let memory = self.objects.heap().memory();
            let (mut found, mut pending) = (HashSet::new(), self.held[..self.roots].to_vec());
            while let Some(object) = pending.pop() {
                if found.insert(object) {
                    pending.extend(memory.slots(object, Slots::All).filter_map(Value::reference));
                }
            }
            found
        }

        fn begin(&mut self, slice: Slice) {
            self.objects.begin_black();
            self.tracer.begin(self.held[..self.roots].iter().copied(), slice);
        }

        fn finish(&mut self) {
            while self.tracer.mark_some(u64::MAX) {}
            self.tracer.lend(&mut self.objects);
            self.tracer.allow(ALL_SLICES);
            while self.tracer.sweep_some(&mut self.objects, 1, 1) {}
            self.tracer.end();
        }
    }

    proptest! {
        /// What is reachable at the beginning or allocated since is kept, whatever the program does beside
        /// the thread, and nothing else.
        #[test]
        fn a_snapshot_is_kept_and_the_rest_reclaimed(
            sizes in proptest::collection::vec(prop_oneof![8 => 0u32..4, 1 => 4000u32..5000], 3..60),
            edges in proptest::collection::vec((any::<prop::sample::Index>(), any::<u32>(), any::<prop::sample::Index>()), 0..80),
            // The program allocates, or stores beside the thread, or waits for a slice of it.
            steps in proptest::collection::vec((0u8..4, any::<prop::sample::Index>(), any::<u32>(), any::<prop::sample::Index>()), 0..80),
            is_free: bool,
        ) {
            let mut program = Program::new(&sizes, 2);
            for (from, slot, to) in edges {
                let to = program.held[to.index(sizes.len())];
                program.store(from.index(sizes.len()), slot, to.into());
            }
            // Before the beginning nothing need be logged.
            program.tracer.log.truncate(0);
            let snapshot = program.reachable();
            program.begin(SMALL);
            if is_free {
                program.tracer.allow(ALL_SLICES);
            }
            for (step, from, slot, to) in steps {
                // Only what the program can still get at.
                let within: Vec<usize> = (0..program.held.len())
                    .filter(|&i| i >= sizes.len() || snapshot.contains(&program.held[i]))
                    .collect();
                let (from, to) = (within[from.index(within.len())], within[to.index(within.len())]);
                match step {
                    0 => program.alloc(slot % 5),
                    1 => program.store(from, slot, program.held[to].into()),
                    2 => program.store(from, slot, Value::NULL),
                    _ if is_free => program.tracer.hand_over(),
                    _ => {
                        program.tracer.allow(1);
                        program.tracer.wait();
                    }
                }
            }
            let new: HashSet<_> = program.held[sizes.len()..].iter().copied().collect();
            program.finish();
            for &object in &program.held {
                let is_kept = snapshot.contains(&object) || new.contains(&object);
                prop_assert_eq!(program.objects.is_allocated(object), is_kept);
            }
            let kept = snapshot.union(&new).count() as u64;
            prop_assert_eq!(program.objects.occupied().objects, kept);
            prop_assert_eq!(program.objects.verify(), Ok(()));
            let Program { objects, tracer, .. } = program;
            let footprint = objects.footprint(tracer.metadata_bytes());
            let heap = objects.heap().clone();
            let others = heap.retained_bytes() + heap.metadata_bytes();
            prop_assert_eq!(heap.budget().held_bytes(), footprint.total_bytes() + others);
            drop((objects, tracer));
            prop_assert_eq!(heap.budget().held_bytes(), footprint.used_bytes + others);
        }
    }

    #[test]
    fn a_full_inbox_is_marked_by_the_program() {
        let count = MOST_IN_INBOX as usize + 3 * CHUNK as usize;
        let mut program = Program::new(&vec![0; count], 1);
        program.begin(SMALL);
        // None of them is reachable, so none is marked unless it is logged.
        program.held.iter().for_each(|&object| program.tracer.log(object));
        let marked = program.held.iter().filter(|&&object| program.tracer.is_traced(object));
        assert!(marked.count() as u32 >= MOST_IN_INBOX);
        assert!(sync::lock(&program.tracer.inbox).len() < MOST_IN_INBOX);
        program.finish();
        assert_eq!(program.objects.occupied().objects as usize, count);
    }

    #[test]
    fn what_is_on_loan_is_not_allocated_from() {
        let mut program = Program::new(&[2; 100], 1);
        program.begin(SMALL);
        assert!(!program.tracer.mark_some(u64::MAX));
        program.tracer.lend(&mut program.objects);
        assert!(program.objects.verify().is_err(), "its blocks are lent");
        program.alloc(2);
        let (old, new) = (program.held[0].block(), program.held[100].block());
        assert_ne!(old, new);
        while program.tracer.sweep_some(&mut program.objects, u32::MAX, u32::MAX) {}
        program.tracer.end();
        assert_eq!(program.objects.verify(), Ok(()));
        assert_eq!(program.objects.occupied().objects, 2, "a root, and the new one");
    }
}
