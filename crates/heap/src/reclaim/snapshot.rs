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
//!    and looks at what that shades. When nothing is grey, everything is marked that can be, but for
//!    what only ephemerons and finalizable objects keep: the program traces that itself.
//! 5. *Sweep*: the blocks are lent to the thread and come back with their counts (`cells/lent.rs`).
//!
//! **Invariant:** the stacks that both touch are charged on the program's thread, whenever it hands over
//! or has been at the desk: so a footprint and the account that it is compared with are of one moment.

use crate::blocks::heap::Heap;
use crate::context::weak::ReferenceProcessor;
use crate::memory::budget::Budget;
use crate::memory::stack::Stack;
use crate::memory::sync::{self, Mutex};
use crate::memory::value::ObjectReference;
use crate::mutant;
use crate::space::cells::{ConcurrentMarks, SweeperBits, UnsweptBlock};
use crate::space::non_moving::NonMovingSpace;
use crate::trace::background::{Background, Delay};
use crate::trace::grey_queue::GreyQueue;
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
    bits: SweeperBits,
    /// What the stacks of both threads hold, and what of it the heap has been charged.
    account: Arc<Budget>,
    charged_bytes: Cell<u64>,
    delay: RefCell<Delay>,
    heap: Heap,
}

/// What lies on the desk.
#[derive(Debug)]
struct Work {
    greys: GreyQueue,
    inbox: Arc<Mutex<Stack>>,
    bits: SweeperBits,
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
    pub fn new(
        objects: &NonMovingSpace<ConcurrentMarks>,
        distance: usize,
        delay_us: u64,
    ) -> io::Result<Self> {
        let heap = objects.heap().clone();
        let bits = || objects.sweeper_bits();
        let account = Arc::new(Budget::new(u64::MAX));
        let stack = || Stack::new(Arc::clone(&account), heap.decommits());
        let queue = || Stack::queue(Arc::clone(&account), heap.decommits());
        heap.budget().add_queue();
        let inbox = Arc::new(Mutex::new(queue()?));
        let work = Work {
            greys: GreyQueue::on(queue()?, distance),
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
            log: queue()?,
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
    pub fn set_credit(&mut self, slices: u64) {
        self.background.set_credit(slices);
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
            self.log.push_object(object);
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

    /// What is to be done when nothing is grey any more, all of it at once and on the program's thread: see
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

    /// Units of marking done in this cycle.
    pub fn done(&self) -> u64 {
        self.background.with(|work| work.done)
    }

    // ---- sweeping --------------------------------------------------------------------------------

    /// Everything is marked: reclaims the large objects that are not, and lends the blocks of cells.
    pub fn hand_to_sweeper(&self, objects: &mut NonMovingSpace<ConcurrentMarks>) {
        self.with(|work| objects.hand_to_sweeper(|block| work.lent.push(block.0)));
    }

    /// Sweeps up to so many blocks on the program's thread, and takes back up to `most_back` that have
    /// been swept; waits for a slice if need be. Tells whether there are more.
    pub fn sweep_some(
        &self,
        objects: &mut NonMovingSpace<ConcurrentMarks>,
        most: u32,
        most_back: u32,
    ) -> bool {
        self.with(|work| {
            work.sweep(most);
            work.give_back(objects, most_back)
        })
    }

    /// Takes back up to so many blocks that have been swept, unless the thread is sweeping just now. Tells
    /// whether there are more.
    pub fn take_swept(&self, objects: &mut NonMovingSpace<ConcurrentMarks>, most: u32) -> bool {
        let has_more = self.background.with_if_free(|work| work.give_back(objects, most));
        self.settle();
        has_more.unwrap_or(true)
    }

    /// The cycle is over: the thread stops, and stacks give their memory back.
    pub fn end(&mut self) {
        self.background.set_credit(0);
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
        let committed_bytes = self.account.committed_bytes();
        let before = self.charged_bytes.replace(committed_bytes);
        self.heap.budget().charge(committed_bytes.saturating_sub(before));
        self.heap.budget().discharge(before.saturating_sub(committed_bytes));
        self.heap.budget().include_queue_peak(self.account.queue_peak_bytes().unwrap_or(0));
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
        while let Some(object) = inbox.pop_object() {
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
            let live = self.bits.sweep(&self.heap, UnsweptBlock(lent));
            self.swept.push(lent);
            self.swept.push(live);
        }
    }

    /// Tells whether there are more.
    fn give_back(&self, objects: &mut NonMovingSpace<ConcurrentMarks>, most: u32) -> bool {
        for _ in 0..most {
            let Some(live) = self.swept.pop() else { break };
            let lent = self.swept.pop().expect("a count lies above its block");
            objects.take_swept(UnsweptBlock(lent), live);
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
mod tests;
