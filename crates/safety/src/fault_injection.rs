//! Fault injection: the mistakes made in an otherwise correct program, and their times.
//!
//! A seed spreads a few mistakes over the run. The clock is the number of objects allocated, or of
//! objects freed, so one seed injects faults at the same places of the program under every
//! discipline.

use heap::{InjectedFault, Layout, ObjectReference, Offset32};
use rand::Rng;
use rand_pcg::Pcg64;
use std::collections::VecDeque;

/// Mistakes injected in one run.
pub(crate) const MISTAKES: u64 = 6;
/// Maximum allocations between a mistake and its consequence.
const DELAY: u32 = 48;
/// Slots of the table of borrows.
pub(crate) const BORROWS: u32 = 8;
/// Latest stores to own slots that are kept.
const STORES: usize = 256;

/// A programming mistake.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mistake {
    /// None: the program as it is.
    None,
    /// Omits a free; the root leaves its scope.
    OmitsFree,
    /// Abandons an object, as `mem::forget` does.
    Forgets,
    /// Omits a free; the root stays, as a forgotten entry of a table.
    KeepsRoot,
    /// Frees an object to which an own slot still refers.
    FreesEarly,
    /// Frees an object, and later again through a copy of the pointer.
    FreesTwice,
    /// Uses a borrow of an object that was freed.
    BorrowsTooLong,
    /// Ends a region in the middle of its use.
    ResetsRegion,
    /// Leaves an object uninitialised; the allocator decides its contents.
    LeavesUninitialised,
    /// Leaves an object uninitialised under an allocator that does not zero.
    LeavesUnzeroed,
}

impl Mistake {
    /// Description for tables and reports.
    pub fn words(self) -> &'static str {
        match self {
            Self::None => "no mistake",
            Self::OmitsFree => "some frees are omitted",
            Self::Forgets => "some objects are abandoned instead of freed",
            Self::KeepsRoot => "some frees are omitted, and a table keeps the objects",
            Self::FreesEarly => "some objects are freed while a slot still refers to them",
            Self::FreesTwice => "some objects are freed again through a copy of the pointer",
            Self::BorrowsTooLong => "some objects are used through a borrow after their free",
            Self::ResetsRegion => "some regions are ended while in use",
            Self::LeavesUninitialised => "some objects are not initialised",
            Self::LeavesUnzeroed => "some objects are not initialised, and show stale bytes",
        }
    }

    /// Whether its clock counts the program's frees; otherwise its allocations.
    pub(crate) fn occurs_at_frees(self) -> bool {
        let at_allocations = matches!(self, Self::None | Self::FreesEarly | Self::ResetsRegion);
        !at_allocations && !self.omits_initialisation()
    }

    /// Whether objects are left uninitialised, with or without an allocator that zeroes.
    pub(crate) fn omits_initialisation(self) -> bool {
        matches!(self, Self::LeavesUninitialised | Self::LeavesUnzeroed)
    }
}

/// A store to an own slot.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OwnStore {
    /// The object that has the slot.
    pub(crate) parent: ObjectReference,
    pub(crate) at: Offset32,
    /// The object stored.
    pub(crate) child: ObjectReference,
    /// Stamp of `child`.
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

/// A fault to be injected later.
#[derive(Clone, Copy, Debug)]
struct Delayed {
    /// The number of objects allocated by then.
    due: u64,
    fault: InjectedFault,
    /// Stamp of the object meant.
    stamp: u64,
}

/// The times of the mistakes, and the faults still to be injected.
#[derive(Debug)]
pub(crate) struct FaultSchedule {
    pub(crate) mistake: Mistake,
    /// Clock values of the next mistakes, ascending.
    times: VecDeque<u64>,
    random: Pcg64,
    stores: VecDeque<OwnStore>,
    now: VecDeque<(InjectedFault, u64)>,
    later: Vec<Delayed>,
    borrows: u32,
}

impl FaultSchedule {
    /// A schedule for a program that ends at clock `events`.
    pub(crate) fn new(mistake: Mistake, events: u64, seed: u64) -> Self {
        let mut random = Pcg64::new(seed.into(), mistake as u128);
        // One mistake in each of equal stretches of the program; none in the first and the last.
        let stretch = (events / (MISTAKES + 2)).max(1);
        let times = (1..=MISTAKES).map(|number| stretch * number + draw(&mut random, stretch));
        let times = if mistake == Mistake::None { VecDeque::new() } else { times.collect() };
        let (now, later) = (VecDeque::new(), Vec::new());
        Self { mistake, times, random, stores: VecDeque::new(), now, later, borrows: 0 }
    }

    /// Whether a mistake is due.
    pub(crate) fn is_due(&self, clock: u64) -> bool {
        self.times.front().is_some_and(|&time| clock >= time)
    }

    /// The mistake that was due has been made.
    pub(crate) fn advance(&mut self) {
        self.times.pop_front();
    }

    /// Records a store to an own slot.
    pub(crate) fn own_store(&mut self, store: OwnStore) {
        if self.mistake == Mistake::FreesEarly {
            if self.stores.len() == STORES {
                self.stores.pop_front();
            }
            self.stores.push_back(store);
        }
    }

    /// A random one of the recorded stores.
    pub(crate) fn draw_store(&mut self) -> Option<OwnStore> {
        let index = draw(&mut self.random, self.stores.len() as u64);
        self.stores.get(index as usize).copied()
    }

    /// Frees the object now, through a copy of its pointer.
    pub(crate) fn free_now(&mut self, object: ObjectReference, stamp: u64) {
        self.now
            .extend([(InjectedFault::Copy(object), stamp), (InjectedFault::Free(object), stamp)]);
    }

    /// Frees the object, which the program is about to free, a second time later.
    pub(crate) fn free_again(&mut self, object: ObjectReference, stamp: u64, clock: u64) {
        self.now.push_back((InjectedFault::Copy(object), stamp));
        self.later(clock, InjectedFault::Free(object), stamp);
    }

    /// Borrows the object, which the program is about to free, and uses the borrow later.
    pub(crate) fn borrow(
        &mut self,
        object: ObjectReference,
        layout: Layout,
        stamp: u64,
        clock: u64,
    ) {
        let slot = self.borrows % BORROWS;
        self.borrows += 1;
        self.now.push_back((InjectedFault::Borrow { slot, object }, stamp));
        self.later(clock, InjectedFault::Use { slot, layout }, stamp);
    }

    fn later(&mut self, clock: u64, fault: InjectedFault, stamp: u64) {
        let due = clock + 1 + draw(&mut self.random, u64::from(DELAY));
        self.later.push(Delayed { due, fault, stamp });
    }

    /// An object has moved. The discipline knows the copies of its pointer, so they follow.
    pub(crate) fn relocate(&mut self, from: ObjectReference, to: ObjectReference) {
        self.stores.iter_mut().for_each(|store| store.relocate(from, to));
        let now = self.now.iter_mut().map(|(fault, _)| fault);
        for fault in now.chain(self.later.iter_mut().map(|later| &mut later.fault)) {
            if let InjectedFault::Copy(object)
            | InjectedFault::Free(object)
            | InjectedFault::Borrow { object, .. } = fault
                && *object == from
            {
                *object = to;
            }
        }
    }

    /// The next fault to inject at `clock`, and the stamp of the object meant.
    pub(crate) fn next_fault(&mut self, clock: u64) -> Option<(InjectedFault, u64)> {
        self.now.pop_front().or_else(|| {
            let index = self.later.iter().position(|fault| fault.due <= clock)?;
            let Delayed { fault, stamp, .. } = self.later.remove(index);
            Some((fault, stamp))
        })
    }
}

/// A number below `bound`; 0 if that is 0.
fn draw(random: &mut Pcg64, bound: u64) -> u64 {
    ((u128::from(random.next_u64()) * u128::from(bound)) >> 64) as u64
}
