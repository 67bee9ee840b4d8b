//! A vector whose capacity is charged to the account of a heap: the tables of spaces.

use crate::memory::budget::Budget;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;

/// A table that grows with its heap.
///
/// **Invariant:** its whole capacity is charged, so it grows by the methods of this type only.
#[derive(Debug)]
pub(crate) struct ChargedVec<T> {
    entries: Vec<T>,
    budget: Arc<Budget>,
}

impl<T> ChargedVec<T> {
    /// An empty table, charged to `budget`.
    pub(crate) fn new(budget: &Arc<Budget>) -> Self {
        Self { entries: Vec::new(), budget: Arc::clone(budget) }
    }

    /// Bytes of its capacity.
    pub(crate) fn bytes(&self) -> u64 {
        (self.entries.capacity() * size_of::<T>()) as u64
    }

    /// Lets `change` add entries, and charges for them beyond the limit if necessary.
    pub(crate) fn grow(&mut self, change: impl FnOnce(&mut Vec<T>)) {
        let before = self.bytes();
        change(&mut self.entries);
        self.budget.charge(self.bytes() - before);
    }

    /// Adds an entry, beyond the limit if necessary.
    pub(crate) fn push(&mut self, entry: T) {
        self.grow(|entries| entries.push(entry));
    }

    /// Extends the table to at least `len` entries; false if the limit has no room.
    pub(crate) fn try_extend(&mut self, len: usize, entry: T) -> bool
    where
        T: Clone,
    {
        if len > self.capacity() {
            let capacity = len.next_power_of_two().max(64);
            let bytes = ((capacity - self.capacity()) * size_of::<T>()) as u64;
            if !self.budget.try_charge(bytes) {
                return false;
            }
            let before = self.bytes();
            self.entries.reserve_exact(capacity - self.len());
            self.budget.charge(self.bytes() - before - bytes);
        }
        if len > self.len() {
            self.entries.resize(len, entry);
        }
        true
    }
}

impl<T> Deref for ChargedVec<T> {
    type Target = Vec<T>;

    #[inline(always)]
    fn deref(&self) -> &Vec<T> {
        &self.entries
    }
}

impl<T> DerefMut for ChargedVec<T> {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut Vec<T> {
        &mut self.entries
    }
}

impl<T> Drop for ChargedVec<T> {
    fn drop(&mut self) {
        self.budget.discharge(self.bytes());
    }
}
