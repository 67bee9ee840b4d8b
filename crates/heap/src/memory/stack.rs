//! A growing stack of 32-bit words that can be pushed to through a shared reference.
//!
//! It returns no references and calls no closures, so a barrier that takes `&self` can log to it. Its
//! address space is reserved once: growing never moves it, and a page is charged when it is first
//! reached.

use crate::memory::Memory;
use crate::memory::budget::Budget;
use crate::memory::os::{PAGE_BYTES, Reservation};
use crate::memory::value::{ObjectReference, Value};
use std::cell::Cell;
use std::io;
use std::sync::Arc;

const CAPACITY: u32 = 1 << 30;
const PAGE_ENTRIES: u32 = (PAGE_BYTES / 4) as u32;

/// A stack of words, owned by one thread at a time.
#[derive(Debug)]
pub struct Stack {
    memory: Reservation,
    /// **Invariant:** `len <= committed <= CAPACITY`.
    len: Cell<u32>,
    committed: Cell<u32>,
    /// Whether returned pages are decommitted, or stay populated.
    decommits: bool,
    /// Whether its pages also count as those of a queue.
    is_queue: bool,
    budget: Arc<Budget>,
}

impl Stack {
    /// An empty stack whose pages are charged to `budget`.
    pub(crate) fn new(budget: Arc<Budget>, decommits: bool) -> io::Result<Self> {
        let memory = Reservation::new(CAPACITY as usize * 4)?;
        let (len, committed) = (Cell::new(0), Cell::new(0));
        Ok(Self { memory, len, committed, decommits, is_queue: false, budget })
    }

    /// The same for reached objects that are still to be marked, copied or dropped. Its pages also count
    /// towards [`Budget::queue_peak_bytes`].
    pub(crate) fn queue(budget: Arc<Budget>, decommits: bool) -> io::Result<Self> {
        let mut stack = Self::new(budget, decommits)?;
        stack.is_queue = true;
        stack.budget.add_queue();
        Ok(stack)
    }

    #[inline(always)]
    fn entry(&self, index: u32) -> *mut u32 {
        debug_assert!(index < CAPACITY);
        // SAFETY: callers keep `index` below `CAPACITY`, the length of the reservation.
        unsafe { self.memory.base().cast::<u32>().as_ptr().add(index as usize) }
    }

    /// Pushes a word.
    #[inline(always)]
    pub fn push(&self, word: u32) {
        let len = self.len.get();
        if len == self.committed.get() {
            self.commit_page();
        }
        // SAFETY: below `committed`, and the stack is not shared between threads (`Cell`).
        unsafe { self.entry(len).write(word) };
        self.len.set(len + 1);
    }

    #[cold]
    #[inline(never)]
    fn commit_page(&self) {
        let committed = self.committed.get();
        assert!(committed < CAPACITY, "a stack reached its capacity of 2^30 words (4 GiB)");
        let charge = if self.is_queue { Budget::charge_queue } else { Budget::charge };
        charge(&self.budget, PAGE_BYTES as u64);
        self.committed.set(committed + PAGE_ENTRIES);
    }

    /// Pops the word pushed last.
    #[inline(always)]
    pub fn pop(&self) -> Option<u32> {
        let len = self.len.get().checked_sub(1)?;
        self.len.set(len);
        // SAFETY: below the old length.
        Some(unsafe { self.entry(len).read() })
    }

    /// The top of the stack, for a loop of many pushes and pops: its length stays in a register instead
    /// of being stored at every step.
    #[inline(always)]
    pub fn top(&mut self) -> Top<'_> {
        Top {
            entries: self.entry(0),
            len: self.len.get(),
            committed: self.committed.get(),
            stack: self,
        }
    }

    /// Number of words.
    #[inline(always)]
    pub fn len(&self) -> u32 {
        self.len.get()
    }

    /// Whether it is empty.
    #[inline(always)]
    pub fn is_empty(&self) -> bool {
        self.len.get() == 0
    }

    /// Discards all words from `len` on.
    #[inline(always)]
    pub fn truncate(&self, len: u32) {
        self.len.set(self.len.get().min(len));
    }

    /// The word at `index`; 0 from the end of the stack on.
    #[inline(always)]
    pub fn get(&self, index: u32) -> u32 {
        if index < self.len.get() {
            // SAFETY: below the length.
            unsafe { self.entry(index).read() }
        } else {
            0
        }
    }

    /// Replaces the `N` topmost words by `word`, and clears the others of them; returns them.
    ///
    /// # Safety
    /// There must be `N`, and at least one.
    #[inline(always)]
    pub(crate) unsafe fn collapse<const N: usize>(&self, word: u32) -> [u32; N] {
        let start = self.len.get() - N as u32;
        let top = self.entry(start);
        // Volatile, so one by one: they have just been stored one by one, and a wide load would wait for that.
        // SAFETY: the `N` topmost words exist by the contract of this function.
        let words = std::array::from_fn(|i| unsafe { top.add(i).read_volatile() });
        // SAFETY: as above; the stack is not shared between threads (`Cell`).
        unsafe {
            top.write(word);
            (1..N).for_each(|i| top.add(i).write(0));
        }
        self.len.set(start + 1);
        words
    }

    /// Makes `len` the number of words.
    ///
    /// # Safety
    /// It must not exceed the present one.
    #[inline(always)]
    pub(crate) unsafe fn shorten(&self, len: u32) {
        debug_assert!(len <= self.len.get());
        self.len.set(len);
    }

    /// The word at `index`, on the stack or above it: there, the last one written, or 0.
    ///
    /// # Safety
    /// `index` must be that of a word once pushed.
    #[inline(always)]
    pub(crate) unsafe fn word(&self, index: u32) -> u32 {
        // SAFETY: a pushed word has an index below `CAPACITY`, by the contract of this function.
        unsafe { self.entry(index).read() }
    }

    /// Writes the word at `index`.
    ///
    /// # Safety
    /// As [`Stack::word`].
    #[inline(always)]
    pub(crate) unsafe fn set_word(&self, index: u32, word: u32) {
        // SAFETY: as in `word`; the stack is not shared between threads (`Cell`).
        unsafe { self.entry(index).write(word) };
    }

    /// Pushes a reference.
    #[inline(always)]
    pub fn push_object(&self, object: ObjectReference) {
        self.push(object.bits());
    }

    /// Pops the reference pushed last.
    #[inline(always)]
    pub fn pop_object(&self) -> Option<ObjectReference> {
        ObjectReference::from_bits(self.pop()?)
    }

    /// The references from the bottom up.
    #[inline(always)]
    pub fn objects(&self) -> impl Iterator<Item = ObjectReference> {
        (0..self.len()).filter_map(|index| ObjectReference::from_bits(self.get(index)))
    }

    /// [`Stack::objects`], each prefetched `DISTANCE` before it is returned.
    #[inline(always)]
    pub fn objects_ahead<'s, const DISTANCE: u32>(
        &'s self,
        memory: Memory<'s>,
    ) -> impl Iterator<Item = ObjectReference> + 's {
        let (entries, len) = (self.entry(0), self.len());
        // SAFETY: below the length at first; words beyond a later length stay mapped.
        let object = move |index: u32| unsafe { entries.add(index as usize).read() };
        let object = move |index| Value::from_bits(object(index)).referent();
        (0..len).filter_map(move |index| {
            if let Some(ahead) = object((index + DISTANCE).min(len - 1)) {
                memory.prefetch(ahead);
            }
            object(index)
        })
    }

    /// Replaces the word at `index`.
    ///
    /// # Panics
    /// If `index` is not below the length.
    #[inline(always)]
    pub fn set(&self, index: u32, word: u32) {
        assert!(index < self.len.get(), "no word {index} on the stack");
        // SAFETY: below the length.
        unsafe { self.entry(index).write(word) };
    }

    /// [`Stack::committed_bytes`], under the name that other queues use.
    pub fn metadata_bytes(&self) -> u64 {
        self.committed_bytes()
    }

    /// Bytes of the pages that were reached and not returned.
    pub fn committed_bytes(&self) -> u64 {
        u64::from(self.committed.get()) * 4
    }

    /// Returns all pages but those in use, and at least one.
    pub fn shrink(&self) {
        let keep = self.len.get().next_multiple_of(PAGE_ENTRIES).max(PAGE_ENTRIES);
        let committed = self.committed.get();
        if keep < committed {
            let bytes = (committed - keep) as usize * 4;
            if self.decommits {
                self.memory.decommit(keep as usize * 4, bytes);
            }
            self.discharge(bytes as u64);
            self.committed.set(keep);
        }
    }

    fn discharge(&self, bytes: u64) {
        let discharge = if self.is_queue { Budget::discharge_queue } else { Budget::discharge };
        discharge(&self.budget, bytes);
    }
}

/// A stack whose length is kept locally, until this value is dropped.
#[derive(Debug)]
pub struct Top<'s> {
    entries: *mut u32,
    len: u32,
    committed: u32,
    stack: &'s mut Stack,
}

impl Top<'_> {
    /// Pushes a word.
    #[inline(always)]
    pub fn push(&mut self, word: u32) {
        self.push_if(true, word);
    }

    /// Pushes a word if `wanted`, without a branch.
    #[inline(always)]
    pub fn push_if(&mut self, wanted: bool, word: u32) {
        if self.len == self.committed {
            self.stack.commit_page();
            self.committed = self.stack.committed.get();
        }
        // SAFETY: below `committed`; the stack is not shared between threads (`Cell`), and the word
        // at its length is no part of it.
        unsafe { self.entries.add(self.len as usize).write(word) };
        self.len += u32::from(wanted);
    }

    /// Discards all words from `len` on.
    #[inline(always)]
    pub fn truncate(&mut self, len: u32) {
        self.len = self.len.min(len);
    }

    /// Number of words.
    #[inline(always)]
    pub fn len(&self) -> u32 {
        self.len
    }

    /// Whether it is empty.
    #[inline(always)]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The word at `index`; 0 from the end of the stack on.
    #[inline(always)]
    pub fn get(&self, index: u32) -> u32 {
        if index < self.len {
            // SAFETY: below the length.
            unsafe { self.entries.add(index as usize).read() }
        } else {
            0
        }
    }

    /// Pushes a reference.
    #[inline(always)]
    pub fn push_object(&mut self, object: ObjectReference) {
        self.push(object.bits());
    }

    /// Pops the reference pushed last.
    #[inline(always)]
    pub fn pop_object(&mut self) -> Option<ObjectReference> {
        ObjectReference::from_bits(self.pop()?)
    }

    /// Pops the word pushed last.
    #[inline(always)]
    pub fn pop(&mut self) -> Option<u32> {
        self.len = self.len.checked_sub(1)?;
        // SAFETY: below the old length.
        Some(unsafe { self.entries.add(self.len as usize).read() })
    }
}

impl Drop for Top<'_> {
    #[inline(always)]
    fn drop(&mut self) {
        self.stack.len.set(self.len);
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        self.discharge(self.committed_bytes());
    }
}

#[cfg(test)]
mod tests;
