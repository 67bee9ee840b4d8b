//! The state of a program under way: the shadow, the handles of the real heap; and the choice of operands.

use crate::detector::{Detector, Detectors, Place, violate};
use crate::faulty::Faulty;
use crate::program::{Form, Pick, Program, Schedule};
use crate::shadow::{GLOBALS, Id, Shadow};
use crate::watched::Watched;
use heap::{Caps, Checker, Global, Kind, Local, Mutator, Ref, Region, Root, Slot, SlotKind, Word};
use rand::SeedableRng;
use rand_pcg::Pcg32;

/// An object of the heap and its id in the shadow.
#[derive(Clone, Copy, Debug)]
pub(crate) struct View<'m> {
    pub(crate) id: Id,
    pub(crate) object: Ref<'m>,
}

/// The mutator of a watched collector, behind barriers that may be faulty.
pub(crate) type M = Mutator<Faulty<Watched>, Checker>;

/// The real root or local of a handle of the shadow.
#[derive(Debug)]
pub(crate) enum Held {
    Root(Root),
    Local(Local),
}

pub(crate) const ROOTS: [Global; GLOBALS] = [Global::new(0), Global::new(63)];

/// Plays one program.
pub(crate) struct Player<'p> {
    pub(crate) shadow: Shadow,
    /// Parallel to the shadow's handles.
    pub(crate) held: Vec<Option<Held>>,
    pub(crate) detectors: Detectors,
    pub(crate) regions: Vec<Option<Region>>,
    pub(crate) program: &'p Program,
    /// Number of the next operation.
    pub(crate) next: usize,
    pub(crate) depth: usize,
    pub(crate) allocations: u32,
    pub(crate) random: Pcg32,
    /// Whether the next allocation must find no new memory.
    pub(crate) fails_next: bool,
    /// Whether the allocation under way may fail.
    pub(crate) may_fail: bool,
}

impl<'p> Player<'p> {
    pub(crate) fn new(program: &'p Program, caps: Caps, detectors: Detectors) -> Self {
        let seed = match program.schedule {
            Schedule::Random(_, seed) => seed,
            _ => 0,
        };
        Self {
            shadow: Shadow::new(caps),
            held: Vec::new(),
            detectors,
            regions: Vec::new(),
            program,
            next: 0,
            depth: 0,
            allocations: 0,
            random: Pcg32::seed_from_u64(seed),
            fails_next: false,
            may_fail: false,
        }
    }

    /// Number of operations begun.
    pub(crate) fn begun(&self) -> usize {
        self.next
    }

    /// The target of a handle that moves into an object; the handle is lost if there was no room for that.
    pub(crate) fn part(&mut self, handle: usize, built: bool) -> Id {
        let hold = self.shadow.handles[handle].as_mut().expect("it was picked");
        let target = hold.target.expect("it refers to an object");
        if built {
            self.shadow.handles[handle] = None;
        } else {
            hold.lost = true;
        }
        target
    }

    /// A slot of the object with this id, by number.
    pub(crate) fn place<K: Kind>(&self, id: Id, slot: u32) -> Slot<K> {
        let is_array = self.shadow.objects[id].form.is_array();
        if is_array { Slot::element(slot) } else { Slot::of_shape(slot) }
    }

    /// Whether a detector is active.
    pub(crate) fn checks(&self, detector: Detector) -> bool {
        self.detectors.has(detector)
    }

    /// Reports a difference from the model.
    pub(crate) fn differs(&self, id: Id, slot: u32, message: String) {
        if self.checks(Detector::Model) {
            let form = self.shadow.objects[id].form;
            let place = Place { parent: format!("#{id} ({form:?})"), slot, child: String::new() };
            violate(Detector::Model, message, Some(place));
        }
    }

    // ---- picking operands -------------------------------------------------------------------------

    /// Picks among the handles that `wanted` accepts, newest first.
    pub(crate) fn handle(&self, pick: Pick, wanted: impl Fn(&Held) -> bool) -> Option<usize> {
        let is_wanted = |&index: &usize| self.held[index].as_ref().is_some_and(&wanted);
        let wanted: Vec<usize> = (0..self.held.len()).rev().filter(is_wanted).collect();
        wanted.get(usize::from(pick).checked_rem(wanted.len())?).copied()
    }

    pub(crate) fn root(&self, pick: Pick) -> Option<usize> {
        self.handle(pick, |held| matches!(held, Held::Root(_)))
    }

    pub(crate) fn local(&self, pick: Pick) -> Option<usize> {
        self.handle(pick, |held| matches!(held, Held::Local(_)))
    }

    pub(crate) fn take_root(&mut self, index: usize) -> Root {
        let Some(Held::Root(root)) = self.held[index].take() else { unreachable!() };
        root
    }

    pub(crate) fn take_local(&mut self, index: usize) -> Local {
        let Some(Held::Local(local)) = self.held[index].take() else { unreachable!() };
        local
    }

    pub(crate) fn hold_root(&mut self, root: Root, target: Id) {
        self.shadow.push(true, Some(target));
        self.held.push(Some(Held::Root(root)));
    }

    pub(crate) fn hold_local(&mut self, local: Local, target: Option<Id>) {
        self.shadow.push(false, target);
        self.held.push(Some(Held::Local(local)));
    }

    pub(crate) fn region(&self, pick: Pick) -> Option<usize> {
        let open: Vec<_> =
            (0..self.regions.len()).rev().filter(|&r| self.regions[r].is_some()).collect();
        open.get(usize::from(pick).checked_rem(open.len())?).copied()
    }

    /// Picks an object and one of its slots of the kinds that `wanted` accepts.
    pub(crate) fn slot<'m>(
        &self,
        views: &[View<'m>],
        object: Pick,
        slot: Pick,
        wanted: impl Fn(SlotKind) -> bool,
    ) -> Option<(View<'m>, u32)> {
        let view = choose(views, object)?;
        let slots: Vec<u32> = self.shadow.objects[view.id].form.slots(wanted).collect();
        Some((*view, *slots.get(usize::from(slot).checked_rem(slots.len())?)?))
    }
}

/// Number of the newest objects from which most operands are picked.
const NEAR: usize = 6;

/// Picks an object: mostly one of the newest, so that operations affect each other.
pub(crate) fn choose<'v, 'm>(views: &'v [View<'m>], pick: Pick) -> Option<&'v View<'m>> {
    let among = if pick < 192 { views.len().min(NEAR) } else { views.len() };
    views.get(usize::from(pick).checked_rem(among)?)
}

/// A payload word of an object of this form: 0 holds its id, 1 its data.
pub(crate) fn word_of(form: Form, index: u32) -> Word {
    let slots = form.layout().slots();
    if form.is_array() { Word::element(slots, index) } else { Word::of_shape(slots, index) }
}
