//! Marking a snapshot of the graph and sweeping the rest, on a thread that runs concurrently with the program.
//!
//! 1. *Begin*: the roots are marked and pushed. From now on the program allocates black, and logs each
//!    reference that it overwrites. So every object reachable at the beginning will be marked (Yuasa
//!    1990), and no other one is scanned: none that the program initialises meanwhile.
//! 2. *Mark*: the thread scans grey objects, a slice at a time. It skips references to new objects: the
//!    bit of a new object was stored before the object was published, by a releasing store
//!    ([`crate::Memory::publish`]), and the slot is loaded acquiring.
//! 3. *Log*: overwritten references go to a log of the program's own, and from there in chunks to an
//!    inbox, which the thread empties when it begins a slice (the buffers of Printezis and Detlefs 2000
//!    and Detlefs and others 2004). Marked objects are left out. If the inbox has grown too long, the
//!    program marks its objects itself, so that none is logged again.
//! 4. *Assist*: the program marks beside the thread, with bits of its own. It takes some of the thread's
//!    grey objects, and scans what is reached from them. Where there are none to take (a list has one at
//!    a time), it marks in turn with the thread.
//! 5. *End*: the thread is dry. The program, which alone can add to the log, hands over the rest of it
//!    and of its grey objects, and scans some. When no object is grey, all are marked but those that only
//!    ephemerons and finalizable objects keep: the program traces these itself.
//! 6. *Sweep*: the thread sweeps the blocks and returns them with their counts (`cells/concurrent.rs`).
//!
//! **Invariant:** the stacks that both threads use are charged on the program's thread, whenever it hands
//! over or has locked the shared state: so a footprint and the account compared with it are of one moment.

use crate::blocks::heap::Heap;
use crate::context::weak::ReferenceProcessor;
use crate::memory::budget::Budget;
use crate::memory::stack::Stack;
use crate::memory::sync::{self, AtomicU64, Mutex};
use crate::memory::value::ObjectReference;
use crate::mutant;
use crate::space::cells::{ConcurrentMarks, SweeperBits, UnsweptBlock};
use crate::space::non_moving::NonMovingSpace;
use crate::trace::background::{Background, Delay};
use crate::trace::grey_queue::GreyQueue;
use std::cell::{Cell, RefCell};
use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

/// References handed over at a time.
const CHUNK: u32 = if cfg!(tiny) { 16 } else { 1024 };

/// Maximum words that the program takes from the thread at a time.
const PACKET: u32 = if cfg!(tiny) { 4 } else { 512 };

/// References in the inbox at which the program marks them itself.
const MAX_INBOX: u32 = 64 * CHUNK;

/// Maximum work of the thread while it holds the lock.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Slice {
    /// Units of marking: objects and slots.
    pub work: u64,
    /// Blocks to sweep.
    pub blocks: u32,
}

impl Slice {
    /// Unbounded.
    pub const ALL: Self = Self { work: u64::MAX, blocks: u32::MAX };
}

/// Marks and sweeps concurrently with the program.
#[derive(Debug)]
pub struct SnapshotTracer {
    background: Background<Work>,
    inbox: Arc<Mutex<Stack>>,
    /// Grey objects that the program scans.
    own: RefCell<GreyQueue>,
    /// Overwritten references that have not been handed over.
    log: Stack,
    bits: SweeperBits,
    /// Units of marking done in this cycle, by both.
    done: Arc<AtomicU64>,
    /// Account of the stacks of both threads, and the bytes of it that the heap has been charged.
    account: Arc<Budget>,
    charged_bytes: Cell<u64>,
    delay: RefCell<Delay>,
    heap: Heap,
}

/// State shared by both threads, under the lock of [`Background`].
#[derive(Debug)]
struct Work {
    greys: GreyQueue,
    inbox: Arc<Mutex<Stack>>,
    bits: SweeperBits,
    /// Blocks to be swept.
    unswept: Stack,
    /// Blocks that have been swept, each below its number of live cells.
    swept: Stack,
    /// The thread's slice.
    slice: Slice,
    done: Arc<AtomicU64>,
    heap: Heap,
}

impl SnapshotTracer {
    /// A tracer for a space with two sets of marks; it prefetches `distance` objects ahead. Hand-overs
    /// are delayed by at most `delay_us`.
    ///
    /// # Errors
    /// If the operating system refuses address space for the stacks.
    pub fn new(
        objects: &NonMovingSpace<ConcurrentMarks>,
        distance: usize,
        delay_us: u64,
    ) -> io::Result<Self> {
        let heap = objects.heap().clone();
        let bits = || objects.small.sweeper_bits();
        let account = Arc::new(Budget::new(u64::MAX));
        let stack = || Stack::new(Arc::clone(&account), heap.decommits());
        let queue = || Stack::queue(Arc::clone(&account), heap.decommits());
        heap.budget().add_queue();
        let inbox = Arc::new(Mutex::new(queue()?));
        let done = Arc::new(AtomicU64::new(0));
        let work = Work {
            greys: GreyQueue::on(queue()?, distance),
            inbox: Arc::clone(&inbox),
            bits: bits(),
            unswept: stack()?,
            swept: stack()?,
            slice: Slice::ALL,
            done: Arc::clone(&done),
            heap: heap.clone(),
        };
        Ok(Self {
            background: Background::new(work, Work::do_slice, delay_us),
            inbox,
            own: RefCell::new(GreyQueue::on(queue()?, distance)),
            log: queue()?,
            bits: bits(),
            done,
            charged_bytes: Cell::new(0),
            delay: RefCell::new(Delay::new(delay_us)),
            account,
            heap,
        })
    }

    // ---- marking ---------------------------------------------------------------------------------

    /// Begins a cycle with these roots; the thread works in slices of `slice`. The space must already
    /// allocate black.
    pub fn begin(&self, roots: impl Iterator<Item = ObjectReference>, slice: Slice) {
        self.with(|work| {
            work.slice = slice;
            work.done.store(0, Relaxed);
            roots.for_each(|root| work.shade(root));
        });
    }

    /// Lets the thread do `slices` slices.
    pub fn set_credit(&mut self, slices: u64) {
        self.background.set_credit(slices);
    }

    /// Waits until it has done them or has run dry.
    pub fn wait(&self) {
        self.background.wait();
    }

    /// Whether the thread has no work left.
    pub fn is_dry(&self) -> bool {
        self.background.is_dry()
    }

    /// A slot no longer refers to this object.
    #[inline(always)]
    pub fn log(&self, object: ObjectReference) {
        if !self.bits.is_new(object) && !self.bits.is_traced(object) {
            self.log.push_object(object);
            if self.log.len() >= CHUNK {
                self.hand_over();
            }
        }
    }

    /// Moves the log to the inbox.
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
        let is_long = inbox.len() >= MAX_INBOX;
        drop(inbox);
        if is_long {
            self.with(|work| work.empty_inbox());
        }
        self.settle();
    }

    /// Hands over the rest of the log and does up to `max_work` units of marking on the program's
    /// thread. Returns whether work is left.
    pub fn mark_some(&self, max_work: u64) -> bool {
        if mutant!(self.heap.memory(), "the last chunk is not handed over") {
            self.log.truncate(0);
        }
        if mutant!(self.heap.memory(), "a remark is skipped") && self.is_dry() {
            return false;
        }
        self.hand_over();
        let own = self.own.borrow();
        let loses =
            mutant!(self.heap.memory(), "objects that the program took from the thread are lost");
        self.with(|work| {
            own.give(if loses { 0 } else { u32::MAX }, &work.greys);
            work.mark(max_work)
        })
    }

    /// Reference processing once no object is grey, at once and on the program's thread: see
    /// [`ReferenceProcessor`].
    pub fn trace_weak(&self, weak: &mut ReferenceProcessor) {
        let is_reached = |object| self.bits.is_new(object) || self.bits.is_traced(object);
        let place = |object| is_reached(object).then_some(object);
        self.with(|work| {
            while weak.advance(place, |object| work.shade(object)) {
                let Work { greys, bits, heap, .. } = work;
                greys.trace(
                    heap,
                    u64::MAX,
                    |object| bits.trace(object),
                    |object| weak.object_reached(object),
                );
            }
        });
    }

    /// Does up to `max_work` units of marking on the program's thread, beside the other one: takes grey
    /// objects of it, and keeps those left for the next time. If the thread has too few to divide, marks in
    /// turn with it. Returns whether work is left, as far as it knows.
    pub fn assist(&self, max_work: u64) -> bool {
        let mut own = self.own.borrow_mut();
        let mut left = max_work;
        while left > 0 {
            if own.is_empty() {
                self.with(|work| work.greys.give(PACKET.min(work.greys.len() / 2), &own));
            }
            if own.is_empty() {
                return self.with(|work| work.mark(left));
            }
            let trace = |object| self.bits.trace_beside(object);
            let done = own.trace(&self.heap, left, trace, |_| ());
            self.done.fetch_add(done, Relaxed);
            left = left.saturating_sub(done);
        }
        self.settle();
        true
    }

    /// Units of marking done in this cycle, those of the thread's present slice left out.
    pub fn done(&self) -> u64 {
        self.done.load(Relaxed)
    }

    // ---- sweeping --------------------------------------------------------------------------------

    /// Marking is done: reclaims unmarked large objects, and hands the blocks of cells to the sweeper.
    pub fn hand_to_sweeper(&self, objects: &mut NonMovingSpace<ConcurrentMarks>) {
        self.with(|work| objects.hand_to_sweeper(|block| work.unswept.push(block.0)));
    }

    /// Sweeps up to `max_swept` blocks on the program's thread and takes up to `max_taken` swept ones;
    /// waits for a slice if need be. Returns whether blocks are left.
    pub fn sweep_some(
        &self,
        objects: &mut NonMovingSpace<ConcurrentMarks>,
        max_swept: u32,
        max_taken: u32,
    ) -> bool {
        self.with(|work| {
            work.sweep(max_swept);
            work.take_swept(objects, max_taken)
        })
    }

    /// Takes up to `max` swept blocks, unless the thread is sweeping now. Returns whether blocks are left.
    pub fn take_swept(&self, objects: &mut NonMovingSpace<ConcurrentMarks>, max: u32) -> bool {
        let has_more = self.background.with_if_free(|work| work.take_swept(objects, max));
        self.settle();
        has_more.unwrap_or(true)
    }

    /// Ends the cycle: the thread stops, and stacks release their memory.
    pub fn end(&mut self) {
        self.background.set_credit(0);
        self.with(|work| {
            work.greys.shrink();
            self.own.borrow().shrink();
            [&work.unswept, &work.swept, &sync::lock(&work.inbox), &self.log]
                .into_iter()
                .for_each(Stack::shrink);
        });
    }

    // ---- checks and accounts ---------------------------------------------------------------------

    /// Whether an object was allocated since marking began, or marked by the program.
    pub fn is_new(&self, object: ObjectReference) -> bool {
        self.bits.is_new(object)
    }

    /// Whether an object is marked, new ones left out. The answer is stable only while the thread is
    /// stopped.
    pub fn is_traced(&self, object: ObjectReference) -> bool {
        self.bits.is_traced(object)
    }

    /// Whether an object is still to be scanned. Slow: for checks.
    pub fn is_grey(&self, object: ObjectReference) -> bool {
        let has = |stack: &Stack| (0..stack.len()).any(|index| stack.get(index) == object.bits());
        has(&self.log)
            || has(&sync::lock(&self.inbox))
            || self.own.borrow().contains(object)
            || self.background.with(|work| work.greys.contains(object))
    }

    /// Bytes of all stacks when the program last handed over or locked the shared state.
    pub fn metadata_bytes(&self) -> u64 {
        self.charged_bytes.get()
    }

    /// Charges the heap for the present size of the stacks.
    fn settle(&self) {
        let committed_bytes = self.account.committed_bytes();
        let before = self.charged_bytes.replace(committed_bytes);
        self.heap.budget().charge(committed_bytes.saturating_sub(before));
        self.heap.budget().discharge(before.saturating_sub(committed_bytes));
        self.heap.budget().include_queue_peak(self.account.queue_peak_bytes().unwrap_or(0));
    }

    /// Locks the shared state.
    fn with<R>(&self, work: impl FnOnce(&mut Work) -> R) -> R {
        let result = self.background.with(work);
        self.settle();
        result
    }
}

impl Work {
    /// A slice of marking or sweeping. Returns whether work is left.
    fn do_slice(&mut self) -> bool {
        if self.unswept.is_empty() {
            return self.mark(self.slice.work);
        }
        self.sweep(self.slice.blocks);
        !self.unswept.is_empty()
    }

    /// Returns whether work is left.
    fn mark(&mut self, max_work: u64) -> bool {
        self.empty_inbox();
        let bits = &self.bits;
        let done = self.greys.trace(&self.heap, max_work, |object| bits.trace(object), |_| ());
        self.done.fetch_add(done, Relaxed);
        !self.greys.is_empty()
    }

    fn shade(&self, object: ObjectReference) {
        if self.bits.trace(object) {
            self.greys.push(object);
        }
    }

    /// Shades the objects that were handed over.
    fn empty_inbox(&self) {
        let inbox = sync::lock(&self.inbox);
        let forgets = mutant!(self.heap.memory(), "a logged object is marked and not scanned");
        while let Some(object) = inbox.pop_object() {
            if forgets {
                self.bits.trace(object);
            } else {
                self.shade(object);
            }
        }
    }

    fn sweep(&self, max: u32) {
        for _ in 0..max {
            let Some(block) = self.unswept.pop() else { break };
            let live = self.bits.sweep(&self.heap, UnsweptBlock(block));
            self.swept.push(block);
            self.swept.push(live);
        }
    }

    /// Returns whether blocks are left.
    fn take_swept(&self, objects: &mut NonMovingSpace<ConcurrentMarks>, max: u32) -> bool {
        for _ in 0..max {
            let Some(live) = self.swept.pop() else { break };
            let block = self.swept.pop().expect("a count lies above its block");
            objects.small.take_swept(UnsweptBlock(block), live);
        }
        !(self.unswept.is_empty() && self.swept.is_empty())
    }
}

impl Drop for SnapshotTracer {
    fn drop(&mut self) {
        self.heap.budget().discharge(self.charged_bytes.get());
    }
}

#[cfg(all(test, not(loom)))]
mod tests;
