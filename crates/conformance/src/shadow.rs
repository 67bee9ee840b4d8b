//! The shadow of a heap: what a discipline must hold and may have reclaimed, in plain Rust.
//!
//! Nothing clever: who holds an object is counted anew whenever it matters, over all objects.

use crate::program::Form;
use crate::rules::Rules;
use heap::{Caps, SlotKind};
use std::collections::VecDeque;

/// An object by its order of allocation; ids are never used again.
pub(crate) type Id = usize;

/// Globals that programs use.
pub(crate) const GLOBALS: usize = 2;

/// What a slot holds.
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
    /// The slots that are not null, in no order; none once it is freed.
    slots: Vec<(u32, Content)>,
    /// Whether its count, or that of its borrows, has reached the maximum, and sticks.
    is_stuck: bool,
    is_borrowed_for_ever: bool,
    state: State,
}

impl Object {
    pub(crate) fn slot(&self, index: u32) -> Content {
        let found = self.slots.iter().find(|&&(slot, _)| slot == index);
        found.map_or(Content::Null, |&(_, content)| content)
    }

    fn go(&mut self) {
        self.state = State::Freed;
        self.slots = Vec::new();
    }

    /// Slots that refer to an object, its id, and their kind.
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
    /// Its value was consumed by an operation that failed: it lasts, unreadable, until its scope ends.
    pub(crate) lost: bool,
}

/// Where a walk over the shadow came from.
#[derive(Clone, Copy, Debug)]
pub(crate) enum From {
    Handle(usize),
    Global(usize),
    /// Place in the list of what was reached before, and slot.
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
    /// On its way out of a scope that yields it.
    pub(crate) yielded: Option<Id>,
    /// Registered for finalization, in this order, with their tags, and ready for it.
    pub(crate) watched: Vec<(Id, u32)>,
    pub(crate) ready: VecDeque<(Id, u32)>,
    /// Objects without an id that nobody refers to and that were not reclaimed.
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
            yielded: None,
            watched: Vec::new(),
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

    /// The author frees what a root owns.
    pub(crate) fn free(&mut self, handle: usize) {
        let hold = self.handles[handle].take().expect("a root is freed once");
        if self.rules == Rules::FreesByHand {
            let mut tree: Vec<Id> = hold.target.into_iter().collect();
            while let Some(id) = tree.pop() {
                assert_eq!(self.objects[id].state, State::Live, "{id} is freed twice");
                let edges = self.objects[id].edges();
                tree.extend(edges.filter(|edge| edge.2 == SlotKind::Own).map(|edge| edge.1));
                self.objects[id].go();
            }
        }
    }

    pub(crate) fn end_region(&mut self, region: usize) {
        for object in self.objects.iter_mut().filter(|object| object.region == Some(region)) {
            object.go();
        }
    }

    /// Traces, if the discipline does; reclaims what it has put off, if it puts off.
    pub(crate) fn collect(&mut self) {
        match self.rules {
            Rules::Traces | Rules::CountsAndTraces => {
                self.litter = 0;
                let is_reached = self.reached(&self.ready);
                self.clear_hidden(&is_reached);
                let (kept, ready) = self.watched.iter().partition(|&&(id, _)| is_reached[id]);
                self.watched = kept;
                self.ready.extend::<Vec<_>>(ready);
                let is_reached = self.reached(&self.ready);
                let objects = self.objects.iter_mut().zip(is_reached);
                objects.filter(|(_, reached)| !reached).for_each(|(object, _)| object.go());
            }
            Rules::CountsLater => {
                self.litter = 0;
                self.reclaim_unheld();
            }
            _ => {}
        }
    }

    /// Weak slots of what is not reached, and ephemerons with such a key or none.
    fn clear_hidden(&mut self, is_reached: &[bool]) {
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

    /// Which objects the program can reach, or could if it had these, too.
    pub(crate) fn reached(&self, ready: &VecDeque<(Id, u32)>) -> Vec<bool> {
        let mut is_reached = vec![false; self.objects.len()];
        let also = ready.iter().map(|&(id, _)| (id, From::Queue)).collect();
        self.reach_from(also, true, |_| true).iter().for_each(|&(id, _)| is_reached[id] = true);
        is_reached
    }

    /// The end of a run: all handles go, those that own are freed.
    pub(crate) fn tear_down(&mut self) {
        self.globals = [None; GLOBALS];
        self.watched.clear();
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
            outside.for_each(Object::go);
        }
    }

    /// How many handles and slots hold each object.
    fn held(&self) -> Vec<u32> {
        let mut held = vec![0; self.objects.len()];
        let mut hold = |kind, id: Id| held[id] += u32::from(self.rules.hold(kind));
        for handle in self.handles.iter().flatten() {
            if let Some(id) = handle.target {
                hold(handle.owned.then_some(SlotKind::Own), id);
            }
        }
        self.globals.iter().flatten().for_each(|&id| hold(None, id));
        self.yielded.iter().for_each(|&id| hold(Some(SlotKind::Own), id));
        for object in self.objects.iter().filter(|object| object.state == State::Live) {
            object.edges().for_each(|(_, id, kind)| hold(Some(kind), id));
        }
        held
    }

    /// What an operation that may reclaim leaves: nothing that nobody holds, if the discipline sees
    /// to that at once.
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
                object.go();
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

    /// Objects whose memory is not free: for a discipline that reclaims at collections the most there
    /// may be.
    pub(crate) fn allocated(&self) -> u64 {
        let known = self.objects.iter().filter(|object| object.state != State::Freed);
        self.litter + known.count() as u64
    }

    /// The fewest objects that there may be: those that a collection just now would leave.
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

    /// Everything that can be reached from handles and globals through slots of the kinds that
    /// `follow` wants, and from where; with `lost` also from lost handles. Newest handle first, and
    /// after each object what it refers to.
    pub(crate) fn reach(&self, lost: bool, follow: impl Fn(SlotKind) -> bool) -> Vec<(Id, From)> {
        self.reach_from(Vec::new(), lost, follow)
    }

    /// The same, beginning with these objects. Weak slots are never followed, ephemerons if their key
    /// is reached otherwise.
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

    /// The value, not seen yet, of an ephemeron that was reached, and its key as well.
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
