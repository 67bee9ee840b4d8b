//! The root stack: the objects that the program itself holds, in scopes.
//!
//! A move consumes a root, in any order, so the stack has holes. Holes on top are trimmed, never below
//! the mark of the innermost scope: the program may still hold an index below it. An entry is null (a
//! hole), a reference (a root that owns) or a reference plus one (a local, which does not own). The mark of
//! a scope looks as a null local.

use crate::blocks::heap::Heap;
use crate::memory::stack::Stack;
use crate::memory::value::{ObjectReference, Value};
use crate::mutant;
use std::cell::Cell;
use std::io;
use std::num::NonZeroU32;

/// Number of global roots: static variables of the program.
pub const GLOBALS: u32 = 64;

/// A null local; without a reference it still differs from a hole.
const LOCAL: u32 = 1;

/// A root that owns its object: neither `Copy` nor `Clone`, so two owners cannot be written.
///
/// Moving it into a slot, dropping it or freeing it consumes it. A root that is not consumed is dropped
/// when its scope ends, as in Rust.
#[derive(Debug)]
#[must_use = "a root owns its object: move it into a slot, drop it or keep it until its scope ends"]
pub struct Root {
    /// Not 0, the index of a global, so that a result with a root is no larger than the root.
    index: NonZeroU32,
}

/// A root that does not own: a borrow kept across safepoints, counted under reference counting.
#[derive(Debug)]
#[must_use = "a local that is never read need not be kept"]
pub struct Local {
    index: NonZeroU32,
}

/// A root outside every scope: a static variable. It does not own.
#[derive(Clone, Copy, Debug)]
pub struct Global {
    index: u32,
}

impl Global {
    /// Static variable number `index`.
    ///
    /// # Panics
    /// (At compile time, in constants.) From [`GLOBALS`] on.
    pub const fn new(index: u32) -> Self {
        assert!(index < GLOBALS, "there are 64 global roots");
        Self { index }
    }
}

/// The handles whose object [`crate::Mutator::get`] reads.
pub trait Rooted: sealed::Place {}

pub(crate) mod sealed {
    /// The index of the entry; not for programs.
    pub trait Place {
        /// The tag of its entry.
        const TAG: u32;

        fn index(&self) -> u32;
    }
}

macro_rules! rooted {
    ($($type:ty: $tag:expr),+) => {$(
        impl sealed::Place for $type {
            const TAG: u32 = $tag;

            #[inline(always)]
            fn index(&self) -> u32 {
                self.index.into()
            }
        }
        impl Rooted for $type {}
    )+};
}
rooted!(Root: 0, Local: LOCAL, Global: LOCAL);

/// The index of an entry above the globals.
#[inline(always)]
fn place(index: u32) -> NonZeroU32 {
    debug_assert!(index >= GLOBALS);
    // SAFETY: the globals are pushed when the stack is made and never popped, so the index of any other
    // entry is above them.
    unsafe { NonZeroU32::new_unchecked(index) }
}

/// The decoded content of an entry.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RootEntry {
    /// The object.
    pub object: ObjectReference,
    /// Whether the entry owns it.
    pub owned: bool,
}

/// The roots of one mutator.
#[derive(Debug)]
pub struct RootStack {
    /// **Invariant:** the globals lie at the bottom, so there are at least [`GLOBALS`] entries. **Invariant:**
    /// the words above the top are holes, so a handle whose scope has ended finds no object.
    entries: Stack,
    /// **Invariant:** no live entry of an outer scope lies at or above `base`, and below it lies the mark of
    /// the scope, so the topmost entry is never a handle's of an outer one.
    base: Cell<u32>,
    heap: Heap,
}

impl RootStack {
    pub(crate) fn new(heap: &Heap) -> io::Result<Self> {
        let entries = heap.stack()?;
        for _ in 0..GLOBALS {
            entries.push(LOCAL);
        }
        Ok(Self { entries, base: Cell::new(GLOBALS), heap: heap.clone() })
    }

    #[inline(always)]
    pub(crate) fn push_root(&self, object: ObjectReference) -> Root {
        let index = self.entries.len();
        self.entries.push_object(object);
        Root { index: place(index) }
    }

    #[inline(always)]
    pub(crate) fn push_local(&self, object: Option<ObjectReference>) -> Local {
        let index = self.entries.len();
        self.entries.push(local_entry(object));
        Local { index: place(index) }
    }

    /// The object of an entry.
    ///
    /// # Panics
    /// If the entry is a hole (its scope has ended) or a null local or global.
    #[inline(always)]
    pub(crate) fn get(&self, place: &impl sealed::Place) -> ObjectReference {
        match self.peek(place.index()) {
            Some(object) => object,
            None => no_object(place.index()),
        }
    }

    #[inline(always)]
    pub(crate) fn peek(&self, index: u32) -> Option<ObjectReference> {
        Value::from_bits(self.entry(index)).referent()
    }

    /// The entry at an index below the length or of a handle; 0 if the handle's scope has ended.
    #[inline(always)]
    fn entry(&self, index: u32) -> u32 {
        // SAFETY: a handle's index is that of an entry once pushed, here or on another mutator's stack.
        unsafe { self.entries.word(index) }
    }

    #[inline(always)]
    fn set_entry(&self, index: u32, entry: u32) {
        // SAFETY: as in `entry`.
        unsafe { self.entries.set_word(index, entry) };
    }

    /// Removes an entry and returns its object.
    #[inline(always)]
    pub(crate) fn consume(&self, place: &impl sealed::Place) -> ObjectReference {
        let object = self.get(place);
        self.vacate(place);
        object
    }

    /// Takes the root off the stack that its scope returns, and returns its object.
    #[inline(always)]
    pub(crate) fn take_result(&self, root: &Root) -> ObjectReference {
        if mutant!(self.heap.memory(), "a scope drops what it returns") {
            return self.get(root);
        }
        self.consume(root)
    }

    /// Removes an entry, null or not.
    #[inline(always)]
    pub(crate) fn vacate(&self, place: &impl sealed::Place) {
        self.vacate_at(place.index());
    }

    #[inline(always)]
    fn vacate_at(&self, index: u32) {
        self.set_entry(index, 0);
        if index + 1 == self.entries.len() {
            self.trim(index);
        }
    }

    /// Removes `roots`, passes their objects to `visit` and pushes `entry`: the step that builds an object
    /// of its parts. Where the roots are the topmost entries, as in any program that builds bottom up, the
    /// stack changes once, not once per root.
    #[inline(always)]
    pub(crate) fn replace<R: sealed::Place, const N: usize>(
        &self,
        roots: [R; N],
        entry: u32,
        visit: impl FnOnce([Value; N]),
    ) -> u32 {
        const { assert!(N as u32 <= GLOBALS) };
        let start = self.entries.len() - N as u32;
        let on_top = |(i, root): (usize, &R)| root.index() == start + i as u32;
        if N > 0 && roots.iter().enumerate().all(on_top) {
            // SAFETY: `N` is not 0, and the stack has at least `GLOBALS` entries.
            let entries = unsafe { self.entries.collapse::<N>(entry) };
            visit(entries.map(|entry| Value::from_bits(entry & !R::TAG)));
            return start;
        }
        visit(roots.each_ref().map(|root| self.peek(root.index()).into()));
        self.replace_below(roots.map(|root| root.index()), entry)
    }

    /// The same where other entries lie above, out of the way of the usual case.
    #[cold]
    #[inline(never)]
    fn replace_below<const N: usize>(&self, roots: [u32; N], entry: u32) -> u32 {
        // Last first: roots are usually consumed in the order of a stack.
        let kept = usize::from(mutant!(self.heap.memory(), "a part stays a root"));
        roots.iter().rev().skip(kept).for_each(|&root| self.vacate_at(root));
        self.entries.push(entry);
        self.entries.len() - 1
    }

    /// [`RootStack::replace`] by a root.
    #[inline(always)]
    pub(crate) fn replace_by_root<const N: usize>(
        &self,
        roots: [Root; N],
        object: ObjectReference,
        visit: impl FnOnce([Value; N]),
    ) -> Root {
        Root { index: place(self.replace(roots, object.bits(), visit)) }
    }

    /// [`RootStack::replace`] by a local.
    #[inline(always)]
    pub(crate) fn replace_by_local<const N: usize>(
        &self,
        locals: [Local; N],
        object: ObjectReference,
        visit: impl FnOnce([Value; N]),
    ) -> Local {
        Local { index: place(self.replace(locals, local_entry(Some(object)), visit)) }
    }

    /// Makes `len` the length, or less: holes on top are removed.
    #[inline(always)]
    fn trim(&self, mut len: u32) {
        // The mark of a scope is no hole, nor is a global.
        while self.entry(len - 1) == 0 {
            len -= 1;
        }
        // SAFETY: callers pass at most the length.
        unsafe { self.entries.shorten(len) };
    }

    /// Assigns another object, or none, to a non-owning entry; returns the old one.
    #[inline(always)]
    pub(crate) fn assign(
        &self,
        place: &impl sealed::Place,
        object: Option<ObjectReference>,
    ) -> Option<ObjectReference> {
        let old = self.entry(place.index());
        if old == 0 {
            no_object(place.index());
        }
        self.set_entry(place.index(), local_entry(object));
        Value::from_bits(old).referent()
    }

    /// Begins a scope; returns the argument for [`RootStack::leave`].
    #[inline(always)]
    pub(crate) fn enter(&self) -> u32 {
        let trims = mutant!(self.heap.memory(), "a hole is trimmed below its scope");
        self.entries.push(if trims { 0 } else { LOCAL });
        self.base.replace(self.entries.len())
    }

    /// Pops the topmost entry of the innermost scope; `None` when it is empty.
    #[inline(always)]
    pub(crate) fn pop(&self) -> Option<RootEntry> {
        while self.entries.len() > self.base.get() {
            let index = self.entries.len() - 1;
            let entry = decode(self.entry(index));
            self.set_entry(index, 0);
            self.entries.truncate(index);
            if entry.is_some() {
                return entry;
            }
        }
        None
    }

    /// Ends the innermost scope and discards its remaining entries.
    #[inline(always)]
    pub(crate) fn leave(&self, outer_base: u32) {
        if !mutant!(self.heap.memory(), "a scope leaves its roots behind") {
            let mark = self.base.get() - 1;
            (mark..self.entries.len()).for_each(|index| self.set_entry(index, 0));
            self.entries.truncate(mark);
        }
        self.base.set(outer_base);
        self.trim(self.entries.len());
    }

    /// Pops the topmost entry of any scope, then the globals: for the end of a run.
    pub(crate) fn pop_any(&self) -> Option<RootEntry> {
        self.base.set(GLOBALS);
        self.pop().or_else(|| {
            // The entries of the globals stay, emptied: no root may take their place.
            (0..GLOBALS).find_map(|index| {
                let entry = decode(self.entry(index))?;
                self.set_entry(index, LOCAL);
                Some(entry)
            })
        })
    }

    /// Every rooted object, with repetitions.
    pub fn iter(&self) -> impl Iterator<Item = RootEntry> {
        (0..self.entries.len()).filter_map(|index| decode(self.entry(index)))
    }

    /// [`RootStack::iter`], for the start of a trace.
    pub fn to_mark(&self) -> impl Iterator<Item = RootEntry> {
        let memory = self.heap.memory();
        let (loses, owned) =
            (mutant!(memory, "a root is lost"), mutant!(memory, "locals are no roots"));
        self.iter().skip(usize::from(loses)).filter(move |root| root.owned || !owned)
    }

    /// Updates every entry to the place that `new` returns for its object.
    pub fn update(&self, mut new: impl FnMut(ObjectReference) -> ObjectReference) {
        let forgets = u32::from(mutant!(self.heap.memory(), "the last root is not updated"));
        for index in 0..self.entries.len() - forgets {
            let entry = self.entry(index);
            if let Some(object) = Value::from_bits(entry).referent() {
                self.set_entry(index, new(object).bits() | entry & LOCAL);
            }
        }
    }

    /// Number of entries, those of holes and of scopes included.
    pub fn depth(&self) -> u32 {
        self.entries.len()
    }

    /// Committed bytes.
    pub fn metadata_bytes(&self) -> u64 {
        self.entries.committed_bytes()
    }
}

#[inline(always)]
fn local_entry(object: Option<ObjectReference>) -> u32 {
    object.map_or(0, ObjectReference::bits) | LOCAL
}

/// The content of an entry; `None` for a hole and a null local.
fn decode(entry: u32) -> Option<RootEntry> {
    Some(RootEntry { object: Value::from_bits(entry).referent()?, owned: entry & LOCAL == 0 })
}

#[cold]
#[inline(never)]
fn no_object(index: u32) -> ! {
    panic!("root {index} holds no object: its scope has ended, or it is null")
}

#[cfg(test)]
mod tests;
