//! The author who errs: what is done wrong, and when.
//!
//! A program is right but for a few mistakes, spread over its run by a seed. The clock is the number
//! of objects allocated, or of objects freed, so the same seed errs at the same places of the program
//! whatever the discipline.

use heap::{Deed, Layout, ObjectReference, Offset32};
use rand::Rng;
use rand_pcg::Pcg64;
use std::collections::VecDeque;

/// Mistakes in one run.
pub(crate) const MISTAKES: u64 = 6;
/// How many allocations at most lie between a mistake and its consequence.
const DELAY: u32 = 48;
/// Places of the table of borrows.
pub(crate) const BORROWS: u32 = 8;
/// How many of the latest stores to own slots are remembered.
const STORES: usize = 256;

/// What an author does wrong.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mistake {
    /// Nothing: the program as it is.
    None,
    /// Does not free, and the root goes out of scope.
    OmitsFree,
    /// Takes an object out of sight, as `mem::forget` does.
    Forgets,
    /// Does not free, and the root stays: a forgotten entry of a table.
    KeepsRoot,
    /// Frees an object to which an own slot still refers.
    FreesEarly,
    /// Frees an object, and later once more through a copy of the pointer.
    FreesTwice,
    /// Uses a borrow of an object that was freed.
    BorrowsTooLong,
    /// Ends a region in the middle of its use.
    ResetsRegion,
    /// Does not initialise an object; what it shows is up to the allocator.
    LeavesUninitialised,
    /// The same under an allocator that does not zero.
    LeavesUnzeroed,
}

impl Mistake {
    /// What is done, in words.
    pub fn words(self) -> &'static str {
        match self {
            Self::None => "no mistake",
            Self::OmitsFree => "some frees are left out",
            Self::Forgets => "some objects are taken out of sight instead of freed",
            Self::KeepsRoot => "some frees are left out, and a table keeps the objects",
            Self::FreesEarly => "some objects are freed while a slot still refers to them",
            Self::FreesTwice => "some objects are freed again through a copy of the pointer",
            Self::BorrowsTooLong => "some objects are used through a borrow after they were freed",
            Self::ResetsRegion => "some regions are ended while they are used",
            Self::LeavesUninitialised => "some objects are not initialised",
            Self::LeavesUnzeroed => {
                "some objects are not initialised, and show what was there before"
            }
        }
    }

    /// Whether its clock are the frees of the program; otherwise its allocations.
    pub(crate) fn errs_at_frees(self) -> bool {
        let at_allocations = matches!(self, Self::None | Self::FreesEarly | Self::ResetsRegion);
        !at_allocations && !self.leaves_out_initialisation()
    }

    /// Whether objects are not initialised, with or without an allocator that zeroes.
    pub(crate) fn leaves_out_initialisation(self) -> bool {
        matches!(self, Self::LeavesUninitialised | Self::LeavesUnzeroed)
    }
}

/// A store of an object to an own slot.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OwnStore {
    /// Whose slot it is.
    pub(crate) parent: ObjectReference,
    /// Which slot.
    pub(crate) at: Offset32,
    /// What was stored.
    pub(crate) child: ObjectReference,
    /// Which object that was.
    pub(crate) stamp: u64,
}

impl OwnStore {
    /// An object has moved.
    pub(crate) fn relocate(&mut self, from: ObjectReference, to: ObjectReference) {
        for object in [&mut self.parent, &mut self.child] {
            if *object == from {
                *object = to;
            }
        }
    }
}

/// Something still to be done.
#[derive(Clone, Copy, Debug)]
struct Consequence {
    /// When: the number of objects allocated.
    due: u64,
    deed: Deed,
    /// Which object is meant.
    stamp: u64,
}

/// When the author errs, and what is still to be done.
#[derive(Debug)]
pub(crate) struct Author {
    pub(crate) mistake: Mistake,
    /// The clock at which the next mistakes are made, in order.
    times: VecDeque<u64>,
    random: Pcg64,
    stores: VecDeque<OwnStore>,
    now: VecDeque<(Deed, u64)>,
    later: Vec<Consequence>,
    borrows: u32,
}

impl Author {
    /// An author whose clock runs to `events` in the whole program.
    pub(crate) fn new(mistake: Mistake, events: u64, seed: u64) -> Self {
        let mut random = Pcg64::new(seed.into(), mistake as u128);
        // One mistake in each of so many stretches of the program; none in its first and its last.
        let stretch = (events / (MISTAKES + 2)).max(1);
        let times = (1..=MISTAKES).map(|number| stretch * number + draw(&mut random, stretch));
        let times = if mistake == Mistake::None { VecDeque::new() } else { times.collect() };
        let (now, later) = (VecDeque::new(), Vec::new());
        Self { mistake, times, random, stores: VecDeque::new(), now, later, borrows: 0 }
    }

    /// Whether it is time for a mistake.
    pub(crate) fn is_time(&self, clock: u64) -> bool {
        self.times.front().is_some_and(|&time| clock >= time)
    }

    /// The mistake of this time was made.
    pub(crate) fn made(&mut self) {
        self.times.pop_front();
    }

    /// Remembers a store to an own slot.
    pub(crate) fn stored(&mut self, store: OwnStore) {
        if self.mistake == Mistake::FreesEarly {
            if self.stores.len() == STORES {
                self.stores.pop_front();
            }
            self.stores.push_back(store);
        }
    }

    /// One of the stores remembered, drawn at random.
    pub(crate) fn draw_store(&mut self) -> Option<OwnStore> {
        let index = draw(&mut self.random, self.stores.len() as u64);
        self.stores.get(index as usize).copied()
    }

    /// The object is freed too early.
    pub(crate) fn free_now(&mut self, object: ObjectReference, stamp: u64) {
        self.now.extend([(Deed::Copy(object), stamp), (Deed::Free(object), stamp)]);
    }

    /// The object, which is about to be freed, is to be freed again.
    pub(crate) fn free_again(&mut self, object: ObjectReference, stamp: u64, clock: u64) {
        self.now.push_back((Deed::Copy(object), stamp));
        self.later(clock, Deed::Free(object), stamp);
    }

    /// The object, which is about to be freed, is borrowed, to be used afterwards.
    pub(crate) fn borrow(
        &mut self,
        object: ObjectReference,
        layout: Layout,
        stamp: u64,
        clock: u64,
    ) {
        let slot = self.borrows % BORROWS;
        self.borrows += 1;
        self.now.push_back((Deed::Borrow { slot, object }, stamp));
        self.later(clock, Deed::Use { slot, layout }, stamp);
    }

    fn later(&mut self, clock: u64, deed: Deed, stamp: u64) {
        let due = clock + 1 + draw(&mut self.random, u64::from(DELAY));
        self.later.push(Consequence { due, deed, stamp });
    }

    /// An object has moved. A copy of a pointer is known to the discipline, so it follows.
    pub(crate) fn relocate(&mut self, from: ObjectReference, to: ObjectReference) {
        self.stores.iter_mut().for_each(|store| store.relocate(from, to));
        let now = self.now.iter_mut().map(|(deed, _)| deed);
        for deed in now.chain(self.later.iter_mut().map(|later| &mut later.deed)) {
            if let Deed::Copy(object) | Deed::Free(object) | Deed::Borrow { object, .. } = deed
                && *object == from
            {
                *object = to;
            }
        }
    }

    /// What is to be done now, and which object is meant.
    pub(crate) fn next_deed(&mut self, clock: u64) -> Option<(Deed, u64)> {
        self.now.pop_front().or_else(|| {
            let index = self.later.iter().position(|c| c.due <= clock)?;
            let Consequence { deed, stamp, .. } = self.later.remove(index);
            Some((deed, stamp))
        })
    }
}

/// A number below `bound`; 0 if that is 0.
fn draw(random: &mut Pcg64, bound: u64) -> u64 {
    ((u128::from(random.next_u64()) * u128::from(bound)) >> 64) as u64
}
