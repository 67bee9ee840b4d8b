//! The shadow of a heap: what a discipline must hold and may have reclaimed, in plain Rust.
//!
//! Nothing clever: who holds an object is counted anew whenever it matters, over all objects.

use crate::program::Form;
use heap::SlotKind;
use std::collections::BTreeMap;

/// An object by its order of allocation; ids are never used again.
pub(crate) type Id = usize;

/// Globals that programs use.
pub(crate) const GLOBALS: usize = 2;

/// The rules of a discipline.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Discipline {
    NeverReclaims,
    EndsRegions,
    FreesByHand,
    Owns,
    Counts,
    CountsWeakly,
    Traces,
}

impl Discipline {
    /// The rules of the collector of this name.
    pub(crate) fn of(name: &str) -> Self {
        match name {
            "no-gc" => Self::NeverReclaims,
            "region" => Self::EndsRegions,
            "manual" => Self::FreesByHand,
            "ownership" => Self::Owns,
            "rc" | "rc|count-loads" => Self::Counts,
            "rc-weak" => Self::CountsWeakly,
            "mark-sweep" => Self::Traces,
            _ => panic!("{name} is registered: tell the shadow by which rules it reclaims"),
        }
    }

    /// Whether a program must see to it that nothing it reads is reclaimed.
    pub(crate) fn trusts_programs(self) -> bool {
        matches!(self, Self::EndsRegions | Self::FreesByHand | Self::Owns)
    }

    pub(crate) fn has_regions(self) -> bool {
        self.trusts_programs()
    }

    /// Whether a slot or handle of this kind keeps its referent; `None` is a non-owning handle.
    fn holds(self, kind: Option<SlotKind>) -> bool {
        match self {
            Self::Owns => kind == Some(SlotKind::Own),
            Self::Counts => true,
            Self::CountsWeakly => kind != Some(SlotKind::Borrow),
            _ => false,
        }
    }

    fn reclaims_unheld(self) -> bool {
        matches!(self, Self::Owns | Self::Counts | Self::CountsWeakly)
    }
}

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
    slots: BTreeMap<u32, Content>,
    state: State,
}

impl Object {
    pub(crate) fn slot(&self, index: u32) -> Content {
        self.slots.get(&index).copied().unwrap_or(Content::Null)
    }

    /// Slots that refer to an object, its id, and their kind.
    fn edges(&self) -> impl Iterator<Item = (u32, Id, SlotKind)> {
        self.slots.iter().filter_map(|(&slot, &content)| match content {
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
}

#[derive(Clone, Debug)]
pub(crate) struct Shadow {
    pub(crate) discipline: Discipline,
    pub(crate) objects: Vec<Object>,
    pub(crate) handles: Vec<Option<Hold>>,
    pub(crate) globals: [Option<Id>; GLOBALS],
    /// On its way out of a scope that yields it.
    pub(crate) yielded: Option<Id>,
    /// Objects without an id that nobody refers to and that were not reclaimed.
    pub(crate) litter: u64,
}

impl Shadow {
    pub(crate) fn new(discipline: Discipline) -> Self {
        Self {
            discipline,
            objects: Vec::new(),
            handles: Vec::new(),
            globals: [None; GLOBALS],
            yielded: None,
            litter: 0,
        }
    }

    pub(crate) fn allocate(&mut self, form: Form, region: Option<usize>) -> Id {
        let region = region.filter(|_| self.discipline.has_regions());
        let slots = BTreeMap::new();
        self.objects.push(Object { form, data: 0, region, slots, state: State::Live });
        self.objects.len() - 1
    }

    /// An object without references that is dropped or freed at once.
    pub(crate) fn litter(&mut self, freed: bool) {
        self.litter += match self.discipline {
            Discipline::NeverReclaims | Discipline::EndsRegions | Discipline::Traces => 1,
            Discipline::FreesByHand => u64::from(!freed),
            Discipline::Owns | Discipline::Counts | Discipline::CountsWeakly => 0,
        };
    }

    pub(crate) fn set(&mut self, id: Id, slot: u32, content: Content) -> Content {
        self.objects[id].slots.insert(slot, content).unwrap_or(Content::Null)
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
        if self.discipline == Discipline::FreesByHand {
            let mut tree: Vec<Id> = hold.target.into_iter().collect();
            while let Some(id) = tree.pop() {
                assert_eq!(self.objects[id].state, State::Live, "{id} is freed twice");
                self.objects[id].state = State::Freed;
                let edges = self.objects[id].edges();
                tree.extend(edges.filter(|edge| edge.2 == SlotKind::Own).map(|edge| edge.1));
            }
        }
    }

    pub(crate) fn end_region(&mut self, region: usize) {
        for object in self.objects.iter_mut().filter(|object| object.region == Some(region)) {
            object.state = State::Freed;
        }
    }

    /// Traces, if the discipline does.
    pub(crate) fn collect(&mut self) {
        if self.discipline == Discipline::Traces {
            self.litter = 0;
            let reached: Vec<Id> = self.reach(true, |_| true).iter().map(|&(id, _)| id).collect();
            for (id, object) in self.objects.iter_mut().enumerate() {
                if !reached.contains(&id) {
                    object.state = State::Freed;
                }
            }
        }
    }

    /// The end of a run: all handles go, those that own are freed.
    pub(crate) fn tear_down(&mut self) {
        self.globals = [None; GLOBALS];
        for handle in 0..self.handles.len() {
            match self.handles[handle] {
                Some(Hold { owned: true, .. }) => self.free(handle),
                _ => self.handles[handle] = None,
            }
        }
        self.settle();
        self.collect();
        if self.discipline == Discipline::EndsRegions {
            self.litter = 0;
            let outside = self.objects.iter_mut().filter(|object| object.region.is_none());
            outside.for_each(|object| object.state = State::Freed);
        }
    }

    /// How many handles and slots hold each object.
    fn held(&self) -> Vec<u32> {
        let mut held = vec![0; self.objects.len()];
        let mut hold = |kind, id: Id| held[id] += u32::from(self.discipline.holds(kind));
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

    /// What an operation that may reclaim leaves: nothing that nobody holds.
    pub(crate) fn settle(&mut self) {
        if !self.discipline.reclaims_unheld() {
            return;
        }
        loop {
            let held = self.held();
            let mut reclaimed = 0;
            for (object, &held) in self.objects.iter_mut().zip(&held) {
                if object.state == State::Live && held == 0 && object.region.is_none() {
                    object.state = State::Released;
                    reclaimed += 1;
                }
            }
            if reclaimed == 0 {
                break;
            }
        }
        let live = self.objects.iter().filter(|object| object.state == State::Live);
        let borrowed: Vec<Id> = live.flat_map(|object| object.edges().map(|edge| edge.1)).collect();
        for (id, object) in self.objects.iter_mut().enumerate() {
            let lingers = self.discipline == Discipline::CountsWeakly && borrowed.contains(&id);
            if object.state == State::Released && !lingers {
                object.state = State::Freed;
            }
        }
    }

    pub(crate) fn is_freed(&self, id: Id) -> bool {
        self.objects[id].state == State::Freed
    }

    /// For each object, whether a borrow of it finds it.
    pub(crate) fn findable(&self) -> Vec<bool> {
        let objects = self.objects.iter();
        if self.discipline == Discipline::CountsWeakly {
            let held = self.held();
            objects
                .zip(held)
                .map(|(object, held)| object.state == State::Live && held > 0)
                .collect()
        } else {
            objects.map(|object| object.state != State::Freed).collect()
        }
    }

    /// Objects whose memory is not free: for a tracing discipline the most there may be.
    pub(crate) fn allocated(&self) -> u64 {
        let known = self.objects.iter().filter(|object| object.state != State::Freed);
        self.litter + known.count() as u64
    }

    /// Everything that can be reached from handles and globals through slots of the kinds that
    /// `follow` wants, nearest first, and from where; with `lost` also from lost handles.
    pub(crate) fn reach(&self, lost: bool, follow: impl Fn(SlotKind) -> bool) -> Vec<(Id, From)> {
        let mut reached = Vec::new();
        let findable = self.findable();
        let mut seen = vec![false; self.objects.len()];
        let mut visit = |reached: &mut Vec<_>, id: Id, from| {
            if !std::mem::replace(&mut seen[id], true) {
                reached.push((id, from));
            }
        };
        for (index, handle) in self.handles.iter().enumerate() {
            if let Some(Hold { target: Some(id), .. }) = handle.filter(|hold| lost || !hold.lost) {
                visit(&mut reached, id, From::Handle(index));
            }
        }
        for (index, global) in self.globals.iter().enumerate() {
            if let &Some(id) = global {
                visit(&mut reached, id, From::Global(index));
            }
        }
        let mut place = 0;
        while let Some(&(id, _)) = reached.get(place) {
            for (slot, target, kind) in self.objects[id].edges() {
                if follow(kind) && (kind != SlotKind::Borrow || findable[target]) {
                    visit(&mut reached, target, From::Slot(place, slot));
                }
            }
            place += 1;
        }
        reached
    }
}
