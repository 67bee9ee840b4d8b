//! The shadow of a heap: the objects that a discipline must hold and may have reclaimed, in plain Rust.
//!
//! It is as simple as possible: the holders of an object are counted anew for every decision, over all objects.

use crate::program::Form;
use crate::rules::Rules;
use heap::{Caps, SlotKind};
use std::collections::VecDeque;

/// An object by its order of allocation; ids are never used again.
pub(crate) type Id = usize;

/// Globals that programs use.
pub(crate) const GLOBALS: usize = 2;

/// The content of a slot.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Content {
    Null,
    Int(i32),
    To(Id),
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    Live,
    /// Dead, but borrows hold its memory.
    Released,
    Freed,
}

#[derive(Clone, Debug)]
pub(crate) struct Object {
    pub(crate) form: Form,
    pub(crate) data: u64,
    pub(crate) region: Option<usize>,
    /// The slots that are not null, in no order; none once the object is freed.
    slots: Vec<(u32, Content)>,
    /// Whether its count, or that of its borrows, has reached the maximum and sticks.
    is_stuck: bool,
    is_borrowed_for_ever: bool,
    state: State,
}

impl Object {
    pub(crate) fn slot(&self, index: u32) -> Content {
        let found = self.slots.iter().find(|&&(slot, _)| slot == index);
        found.map_or(Content::Null, |&(_, content)| content)
    }

    fn reclaim(&mut self) {
        self.state = State::Freed;
        self.slots = Vec::new();
    }

    /// The slots that refer to an object: number, id of the referent, kind.
    pub(crate) fn edges(&self) -> impl Iterator<Item = (u32, Id, SlotKind)> {
        self.slots.iter().filter_map(|&(slot, content)| match content {
            Content::To(id) => Some((slot, id, self.form.kind(slot))),
            _ => None,
        })
    }
}

/// A root or local.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Hold {
    pub(crate) owned: bool,
    pub(crate) target: Option<Id>,
    /// A failed operation consumed its value: the root stays, unreadable, until its scope ends.
    pub(crate) lost: bool,
}

/// The edge by which a walk over the shadow reached an object.
#[derive(Clone, Copy, Debug)]
pub(crate) enum From {
    Handle(usize),
    Global(usize),
    /// Index in the list of objects reached before, and slot.
    Slot(usize, u32),
    /// The queue of finalizable objects.
    Queue,
}

impl From {
    fn slot(self) -> u32 {
        match self {
            Self::Slot(_, slot) => slot,
            _ => 0,
        }
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Shadow {
    pub(crate) rules: Rules,
    most_counted: u32,
    pub(crate) objects: Vec<Object>,
    pub(crate) handles: Vec<Option<Hold>>,
    pub(crate) globals: [Option<Id>; GLOBALS],
    /// The object that a scope returns while it ends.
    pub(crate) returned: Option<Id>,
    /// Objects registered for finalization, in this order, with their tags; then those that are ready.
    pub(crate) registered: Vec<(Id, u32)>,
    pub(crate) ready: VecDeque<(Id, u32)>,
    /// Unreferenced objects without an id that were not reclaimed.
    pub(crate) litter: u64,
}

impl Shadow {
    pub(crate) fn new(caps: Caps) -> Self {
        Self {
            rules: Rules::of(caps),
            most_counted: caps.most_counted,
            objects: Vec::new(),
            handles: Vec::new(),
            globals: [None; GLOBALS],
            returned: None,
            registered: Vec::new(),
            ready: VecDeque::new(),
            litter: 0,
        }
    }

    pub(crate) fn allocate(&mut self, form: Form, region: Option<usize>) -> Id {
        let region = region.filter(|_| self.rules.have_regions());
        self.objects.push(Object {
            form,
            data: 0,
            region,
            slots: Vec::new(),
            is_stuck: false,
            is_borrowed_for_ever: false,
            state: State::Live,
        });
        self.objects.len() - 1
    }

    /// An object without references that is dropped or freed at once.
    pub(crate) fn litter(&mut self, freed: bool) {
        self.litter += match self.rules {
            Rules::NeverReclaims | Rules::EndsRegions | Rules::Traces | Rules::CountsLater => 1,
            Rules::FreesByHand => u64::from(!freed),
            Rules::Owns | Rules::Counts | Rules::CountsAndTraces | Rules::CountsWeakly => 0,
        };
    }

    pub(crate) fn set(&mut self, id: Id, slot: u32, content: Content) -> Content {
        let slots = &mut self.objects[id].slots;
        let place = slots.iter().position(|&(other, _)| other == slot);
        let old = place.map_or(Content::Null, |place| slots.swap_remove(place).1);
        if content != Content::Null {
            slots.push((slot, content));
        }
        old
    }

    /// Fills all slots of a new array of one kind with the same reference.
    pub(crate) fn fill(&mut self, array: Id, target: Id) {
        let (form, most) = (self.objects[array].form, self.most_counted);
        let slots = form.layout().slots();
        self.objects[array].slots = (0..slots).map(|slot| (slot, Content::To(target))).collect();
        let borrows = form.kind(0) == SlotKind::Borrow && self.rules == Rules::CountsWeakly;
        if borrows {
            // All strong references together count as one borrow.
            self.objects[target].is_borrowed_for_ever |= slots + 1 >= most;
        } else if self.held()[target] >= most {
            self.objects[target].is_stuck = true;
        }
    }

    pub(crate) fn push(&mut self, owned: bool, target: Option<Id>) {
        self.handles.push(Some(Hold { owned, target, lost: false }));
    }

    /// Ends the scope that began with this many handles.
    pub(crate) fn leave(&mut self, base: usize) {
        self.handles.truncate(base);
    }

    /// The program frees a root's object, and the objects below it.
    pub(crate) fn free(&mut self, handle: usize) {
        let hold = self.handles[handle].take().expect("a root is freed once");
        if self.rules == Rules::FreesByHand {
            let mut tree: Vec<Id> = hold.target.into_iter().collect();
            while let Some(id) = tree.pop() {
                assert_eq!(self.objects[id].state, State::Live, "{id} is freed twice");
                let edges = self.objects[id].edges();
                tree.extend(edges.filter(|edge| edge.2 == SlotKind::Own).map(|edge| edge.1));
                self.objects[id].reclaim();
            }
        }
    }

    pub(crate) fn end_region(&mut self, region: usize) {
        for object in self.objects.iter_mut().filter(|object| object.region == Some(region)) {
            object.reclaim();
        }
    }

    /// A full collection: traces, if the discipline traces; reclaims deferred garbage, if it defers.
    pub(crate) fn collect(&mut self) {
        match self.rules {
            Rules::Traces | Rules::CountsAndTraces => {
                self.litter = 0;
                let is_reached = self.reached(&self.ready);
                self.clear_weak(&is_reached);
                let (kept, ready) = self.registered.iter().partition(|&&(id, _)| is_reached[id]);
                self.registered = kept;
                self.ready.extend::<Vec<_>>(ready);
                let is_reached = self.reached(&self.ready);
                let objects = self.objects.iter_mut().zip(is_reached);
                objects.filter(|(_, reached)| !reached).for_each(|(object, _)| object.reclaim());
            }
            Rules::CountsLater => {
                self.litter = 0;
                self.reclaim_unheld();
            }
            _ => {}
        }
    }

    /// Clears weak slots with an unreached referent, and ephemerons with an unreached key or none.
    fn clear_weak(&mut self, is_reached: &[bool]) {
        for object in &mut self.objects {
            let dies = |content| !matches!(content, Content::To(id) if is_reached[id]);
            let old = object.slots.clone();
            let key = |slot: u32| old.iter().find(|&&(other, _)| other == slot & !1);
            object.slots.retain(|&(slot, content)| match object.form {
                Form::WeakArray(_) => !dies(content),
                Form::Ephemerons(_) => key(slot).is_some_and(|&(_, key)| !dies(key)),
                _ => true,
            });
        }
    }

    /// For each object, whether the program can reach it, from the `ready` ones as well.
    pub(crate) fn reached(&self, ready: &VecDeque<(Id, u32)>) -> Vec<bool> {
        let mut is_reached = vec![false; self.objects.len()];
        let also = ready.iter().map(|&(id, _)| (id, From::Queue)).collect();
        self.reach_from(also, true, |_| true).iter().for_each(|&(id, _)| is_reached[id] = true);
        is_reached
    }

    /// The end of a run: all handles end, and the objects of those that own are freed.
    pub(crate) fn tear_down(&mut self) {
        self.globals = [None; GLOBALS];
        self.registered.clear();
        self.ready.clear();
        for handle in 0..self.handles.len() {
            match self.handles[handle] {
                Some(Hold { owned: true, .. }) => self.free(handle),
                _ => self.handles[handle] = None,
            }
        }
        self.settle();
        self.collect();
        if self.rules == Rules::EndsRegions {
            self.litter = 0;
            let outside = self.objects.iter_mut().filter(|object| object.region.is_none());
            outside.for_each(Object::reclaim);
        }
    }

    /// For each object, the number of handles and slots that hold it.
    fn held(&self) -> Vec<u32> {
        let mut held = vec![0; self.objects.len()];
        let mut hold = |kind, id: Id| held[id] += u32::from(self.rules.hold(kind));
        for handle in self.handles.iter().flatten() {
            if let Some(id) = handle.target {
                hold(handle.owned.then_some(SlotKind::Own), id);
            }
        }
        self.globals.iter().flatten().for_each(|&id| hold(None, id));
        self.returned.iter().for_each(|&id| hold(Some(SlotKind::Own), id));
        for object in self.objects.iter().filter(|object| object.state == State::Live) {
            object.edges().for_each(|(_, id, kind)| hold(Some(kind), id));
        }
        held
    }

    /// An operation that may reclaim: frees all objects that nothing holds, if the discipline does so at once.
    pub(crate) fn settle(&mut self) {
        if self.rules.reclaim_unheld() {
            self.reclaim_unheld();
        }
    }

    fn reclaim_unheld(&mut self) {
        loop {
            let held = self.held();
            let mut reclaimed = 0;
            for (object, &held) in self.objects.iter_mut().zip(&held) {
                let is_unheld = held == 0 && !object.is_stuck && object.region.is_none();
                if object.state == State::Live && is_unheld {
                    object.state = State::Released;
                    reclaimed += 1;
                }
            }
            if reclaimed == 0 {
                break;
            }
        }
        let mut lingers = vec![false; self.objects.len()];
        if self.rules == Rules::CountsWeakly {
            let live = self.objects.iter().filter(|object| object.state == State::Live);
            live.flat_map(Object::edges).for_each(|(_, id, _)| lingers[id] = true);
        }
        for (object, lingers) in self.objects.iter_mut().zip(lingers) {
            if object.state == State::Released && !lingers && !object.is_borrowed_for_ever {
                object.reclaim();
            }
        }
    }

    pub(crate) fn is_freed(&self, id: Id) -> bool {
        self.objects[id].state == State::Freed
    }

    /// For each object, whether a borrow of it finds it.
    pub(crate) fn findable(&self) -> Vec<bool> {
        let objects = self.objects.iter();
        if self.rules == Rules::CountsWeakly {
            let held = self.held();
            objects
                .zip(held)
                .map(|(object, held)| object.state == State::Live && (held > 0 || object.is_stuck))
                .collect()
        } else {
            objects.map(|object| object.state != State::Freed).collect()
        }
    }

    /// Number of objects whose memory is not free: the maximum for a discipline that reclaims at collections.
    pub(crate) fn allocated(&self) -> u64 {
        let known = self.objects.iter().filter(|object| object.state != State::Freed);
        self.litter + known.count() as u64
    }

    /// Minimum number of objects: those that a collection now would leave.
    pub(crate) fn kept(&self) -> u64 {
        match self.rules {
            Rules::Traces | Rules::CountsAndTraces | Rules::CountsLater => {
                let mut collected = self.clone();
                collected.collect();
                collected.allocated()
            }
            _ => self.allocated(),
        }
    }

    /// The objects reachable from handles and globals through slots of the kinds that `follow` accepts, each
    /// with the edge to it; with `lost` also from lost handles. Newest handle first, and after each object its
    /// referents.
    pub(crate) fn reach(&self, lost: bool, follow: impl Fn(SlotKind) -> bool) -> Vec<(Id, From)> {
        self.reach_from(Vec::new(), lost, follow)
    }

    /// [`Shadow::reach`], from the `pending` objects as well. Weak slots are never followed, ephemerons if their
    /// key is reached otherwise.
    fn reach_from(
        &self,
        mut pending: Vec<(Id, From)>,
        lost: bool,
        follow: impl Fn(SlotKind) -> bool,
    ) -> Vec<(Id, From)> {
        let findable = self.findable();
        let mut seen = vec![false; self.objects.len()];
        let mut reached: Vec<(Id, From)> = Vec::new();
        for (index, global) in self.globals.iter().enumerate().rev() {
            pending.extend(global.map(|id| (id, From::Global(index))));
        }
        for (index, handle) in self.handles.iter().enumerate() {
            if let Some(Hold { target: Some(id), .. }) = handle.filter(|hold| lost || !hold.lost) {
                pending.push((id, From::Handle(index)));
            }
        }
        while let Some((id, from)) = pending.pop().or_else(|| {
            follow(SlotKind::Ephemeral).then(|| self.value_of_reached_key(&reached, &seen))?
        }) {
            if std::mem::replace(&mut seen[id], true) {
                continue;
            }
            let place = reached.len();
            reached.push((id, from));
            let first = pending.len();
            for (slot, target, kind) in self.objects[id].edges() {
                let is_found = kind != SlotKind::Borrow || findable[target];
                if follow(kind) && !kind.is_weak() && is_found && !seen[target] {
                    pending.push((target, From::Slot(place, slot)));
                }
            }
            pending[first..].sort_by_key(|&(_, from)| std::cmp::Reverse(from.slot()));
        }
        reached
    }

    /// An unseen value of a reached ephemeron whose key is reached as well.
    fn value_of_reached_key(&self, reached: &[(Id, From)], seen: &[bool]) -> Option<(Id, From)> {
        reached.iter().enumerate().find_map(|(place, &(array, _))| {
            let object = &self.objects[array];
            let values = object.edges().filter(|&(slot, value, kind)| {
                let is_value = kind == SlotKind::Ephemeral && slot % 2 == 1;
                let has_key = |key| matches!(key, Content::To(key) if seen[key]);
                is_value && !seen[value] && has_key(object.slot(slot - 1))
            });
            values
                .map(|(slot, value, _)| (value, From::Slot(place, slot)))
                .min_by_key(|value| value.0)
        })
    }
}
