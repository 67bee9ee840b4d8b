//! Operations that allocate, and the initial state of the heap.

use crate::detector::{Detector, violate};
use crate::player::state::{Held, M, Player, View, choose, word_of};
use crate::program::{Form, Leaf, Pair, Pick, Schedule, Start, Wide};
use crate::shadow::{Content, Hold, Id, Shadow};
use heap::{
    Borrow, Collector, Ephemeral, Local, Mutator, OutOfMemory, Own, Region, Root, Rooted, Shared,
    Slot, SlotKind, Weak,
};
use rand::RngExt;

/// The id of an object that is dropped or freed at once.
const NO_ID: u64 = u64::MAX;

impl Player<'_> {
    /// Before an allocation: processes parked objects, and collects if that is due.
    pub(crate) fn before_allocation(&mut self, m: &mut M) {
        self.settle(m);
        if self.is_collection_due() {
            self.major(m);
        }
        self.limit_allocation(m);
    }

    /// Counts an allocation. Returns whether the schedule has a collection for it.
    fn is_collection_due(&mut self) -> bool {
        self.allocations += 1;
        match self.program.schedule {
            Schedule::Natural | Schedule::Steps => false,
            Schedule::Every(n) => self.allocations.is_multiple_of(n.max(1)),
            Schedule::Random(n, _) => self.random.random_range(0..n.max(1)) == 0,
        }
    }

    /// Leaves the next allocation no new memory, if that is asked for.
    fn limit_allocation(&mut self, m: &M) {
        self.may_fail = self.fails_next || self.program.limit_bytes.is_some();
        if self.fails_next {
            let budget = m.heap().budget();
            budget.set_limit_bytes(budget.committed_bytes().min(budget.limit_bytes()));
        }
    }

    pub(crate) fn after_allocation(&mut self, m: &M) {
        if std::mem::take(&mut self.fails_next) {
            m.heap().budget().set_limit_bytes(self.program.limit_bytes.unwrap_or(u64::MAX));
        }
    }

    pub(crate) fn alloc(&mut self, m: &mut M, form: Form) -> Option<Id> {
        let form = form.suited_to(m.collector().caps());
        self.before_allocation(m);
        let root = alloc(m, form);
        self.after_allocation(m);
        self.new_root(m, form, root)
    }

    /// Brings the heap into the initial state of the program.
    pub(crate) fn start(&mut self, m: &mut M) {
        let first = self.held.len();
        if self.program.start == Start::Empty || self.program.limit_bytes.is_none() {
            return;
        }
        self.may_fail = true;
        for form in [Form::OwnArray(2000), Form::SharedArray(500), Form::Wide] {
            // Until there is no room for another object of this size.
            loop {
                let root = alloc(m, form);
                if self.new_root(m, form, root).is_none() {
                    break;
                }
            }
        }
        let drops: Vec<usize> = match self.program.start {
            Start::AlmostFull => (self.held.len().saturating_sub(3)..self.held.len()).collect(),
            Start::Fragmented => (first..self.held.len()).step_by(2).collect(),
            Start::Full | Start::Empty => Vec::new(),
        };
        for index in drops {
            self.consume(m, index, Shadow::free, Mutator::free);
        }
        self.compare(m, &self.views(m));
    }

    pub(crate) fn graft(&mut self, m: &mut M, form: Form, holder: Pick, slot: Pick) {
        let views = self.views(m);
        let keeps = |kind| matches!(kind, SlotKind::Own | SlotKind::Shared);
        let Some((View { id: holder, .. }, slot)) = self.slot(&views, holder, slot, keeps) else {
            return;
        };
        drop(views);
        let owns = self.shadow.objects[holder].form.kind(slot) == SlotKind::Own;
        if owns && !form.is_array() {
            // An object that has lost its owner dies here, and then no handle refers to it.
            self.settle(m);
            let refers = |hold: &Hold| hold.target == Some(holder) && !hold.lost;
            let mut handles = self.shadow.handles.iter();
            if let Some(handle) = handles.position(|hold| hold.as_ref().is_some_and(refers)) {
                return self.alloc_into(m, form, handle, holder, slot);
            }
        }
        let Some(id) = self.alloc(m, form) else { return };
        let index = self.held.len() - 1;
        let views = self.views(m);
        let Some(&view) = views.iter().find(|view| view.id == holder) else { return };
        if owns {
            self.put(m, view, slot, Some(index));
        } else {
            self.store(m, view, slot, views.iter().find(|view| view.id == id).copied());
            self.consume(m, index, |shadow, index| shadow.handles[index] = None, Mutator::drop);
        }
    }

    /// A collection that is due happens within the allocation, as one of the collector's own accord does: it
    /// may move the holder after the program has named it. A small program seldom fills its heap just here, and
    /// a heap that is filled to the last hole seldom has blocks left that are worth evacuating.
    fn alloc_into(&mut self, m: &mut M, form: Form, handle: usize, holder: Id, slot: u32) {
        self.settle(m);
        m.collect_every(if self.is_collection_due() { 1 } else { u64::MAX });
        self.limit_allocation(m);
        let place = self.place::<Own>(holder, slot);
        let result = match self.held[handle].as_ref().expect("the shadow has it") {
            Held::Root(root) => alloc_into(m, form, root, place),
            Held::Local(local) => alloc_into(m, form, local, place),
        };
        m.collect_every(u64::MAX);
        self.after_allocation(m);
        if self.unless_full(m, result).is_none() {
            return;
        }
        let id = self.shadow.allocate(form, None);
        self.shadow.set(holder, slot, Content::To(id));
        let holder = match self.held[handle].as_ref().expect("as before") {
            Held::Root(root) => m.get(root),
            Held::Local(local) => m.get(local),
        };
        match m.load(holder, place) {
            Some(object) => m.set_word(object, word_of(form, 0), id as u64),
            None => self.differs(id, slot, "an object allocated into a slot is not there".into()),
        }
    }

    pub(crate) fn build(&mut self, m: &mut M, form: Form, picks: &[Pick]) {
        let form = if form == Form::Wide { Form::Wide } else { Form::Pair };
        self.before_allocation(m);
        let most = if form == Form::Wide { 3 } else { 2 };
        let (mut roots, mut parts) = (Vec::new(), Vec::new());
        for &pick in picks.iter().take(most) {
            if let Some(index) = self.root(pick) {
                roots.push(self.take_root(index));
                parts.push(index);
            }
        }
        let built = build(m, form, roots);
        self.after_allocation(m);
        let targets: Vec<_> = parts.iter().map(|&part| self.part(part, built.is_ok())).collect();
        if let Some(id) = self.new_root(m, form, built) {
            for (slot, target) in (0..).zip(targets) {
                self.shadow.set(id, slot, Content::To(target));
            }
        }
    }

    /// Allocates in a region; there are no arrays in regions.
    pub(crate) fn alloc_in(&mut self, m: &mut M, form: Form, region: Pick) {
        let Some(region) = self.region(region) else { return };
        let form = if form.is_array() { Form::Pair } else { form };
        self.before_allocation(m);
        let local = alloc_in(m, form, self.regions[region].as_ref().expect("it is open"));
        self.after_allocation(m);
        self.new_region_object(m, form, region, local);
    }

    pub(crate) fn build_in(&mut self, m: &mut M, region: Pick, picks: &[Pick]) {
        let Some(region) = self.region(region) else { return };
        self.before_allocation(m);
        let (mut locals, mut parts) = (Vec::new(), Vec::new());
        for &pick in picks {
            let refers =
                |held: &Held| matches!(held, Held::Local(local) if m.try_get(local).is_some());
            let Some(index) = self.handle(pick, refers) else { continue };
            let target = self.shadow.handles[index].and_then(|hold| hold.target);
            let Some(target) = target else { continue };
            if self.may_share(Some(region), target) {
                locals.push(self.take_local(index));
                parts.push(index);
            }
        }
        let token = self.regions[region].as_ref().expect("it is open");
        let mut locals = locals.into_iter();
        let built = match (locals.next(), locals.next()) {
            (None, _) => m.alloc_in::<Pair>(token),
            (Some(a), None) => m.build_in::<Pair, 1>(token, [a]),
            (Some(a), Some(b)) => m.build_in::<Pair, 2>(token, [a, b]),
        };
        self.after_allocation(m);
        let targets: Vec<_> = parts.iter().map(|&part| self.part(part, built.is_ok())).collect();
        if let Some(id) = self.new_region_object(m, Form::Pair, region, built) {
            let first = Form::Pair.slots(|kind| kind == SlotKind::Shared).next();
            for (slot, target) in (first.expect("pairs have some")..).zip(targets) {
                self.shadow.set(id, slot, Content::To(target));
            }
        }
    }

    pub(crate) fn chain(&mut self, m: &mut M, count: u16) {
        if self.alloc(m, Form::Pair).is_none() {
            return;
        }
        for _ in 0..count {
            self.build(m, Form::Pair, &[0]);
        }
    }

    pub(crate) fn grove(&mut self, m: &mut M, form: Form, count: u16) {
        let Some(array) = self.alloc(m, Form::OwnArray(u32::from(count))) else { return };
        let place = self.held.len() - 1;
        for slot in 0..u32::from(count) {
            let Some(id) = self.alloc(m, form) else { return };
            self.shadow.handles.pop();
            let tree = self.held.pop().flatten();
            let (Some(Held::Root(tree)), Some(Held::Root(root))) = (tree, &self.held[place]) else {
                unreachable!("both are roots")
            };
            m.put(m.get(root), Slot::element(slot), tree);
            self.shadow.set(array, slot, Content::To(id));
        }
    }

    pub(crate) fn fan(&mut self, m: &mut M, target: Pick, count: u16, borrows: bool) {
        let count = u32::from(count);
        let views = self.views(m);
        let Some(&View { id: target, .. }) = choose(&views, target) else { return };
        if !borrows && !self.may_share(None, target) {
            return;
        }
        drop(views);
        let form = if borrows { Form::BorrowArray(count) } else { Form::SharedArray(count) };
        let Some(array) = self.alloc(m, form) else { return };
        let views = self.views(m);
        let view = |id| views.iter().find(|view: &&View<'_>| view.id == id);
        let (Some(array), Some(target)) = (view(array), view(target)) else { return };
        for slot in 0..count {
            match borrows {
                true => m.store(array.object, Slot::<Borrow>::element(slot), target.object),
                false => m.store(array.object, Slot::<Shared>::element(slot), target.object),
            }
        }
        self.shadow.fill(array.id, target.id);
    }

    pub(crate) fn churn(&mut self, m: &mut M, form: Form, count: u16, frees: bool) {
        self.before_allocation(m);
        for _ in 0..count.max(1) {
            let root = alloc(m, form);
            self.after_allocation(m);
            let Some(root) = self.unless_full(m, root) else { break };
            m.set_word(m.get(&root), word_of(form, 0), NO_ID);
            if frees {
                m.free(root)
            } else {
                m.drop(root)
            }
            self.shadow.litter(frees);
        }
    }

    /// `None` if the heap limit is reached; a violation if there is none, or the heap has room.
    pub(crate) fn unless_full<T>(&self, m: &M, result: Result<T, OutOfMemory>) -> Option<T> {
        if !self.may_fail && result.is_err() {
            violate(Detector::Run, "out of memory without a limit".to_owned(), None);
        }
        if result.is_err() {
            self.check_refusal(m);
        }
        result.ok()
    }

    pub(crate) fn new_root(
        &mut self,
        m: &M,
        form: Form,
        root: Result<Root, OutOfMemory>,
    ) -> Option<Id> {
        let root = self.unless_full(m, root)?;
        let id = self.shadow.allocate(form, None);
        m.set_word(m.get(&root), word_of(form, 0), id as u64);
        self.hold_root(root, id);
        Some(id)
    }

    pub(crate) fn new_region_object(
        &mut self,
        m: &M,
        form: Form,
        region: usize,
        local: Result<Local, OutOfMemory>,
    ) -> Option<Id> {
        let local = self.unless_full(m, local)?;
        let id = self.shadow.allocate(form, Some(region));
        m.set_word(m.get(&local), word_of(form, 0), id as u64);
        self.hold_local(local, Some(id));
        Some(id)
    }
}

fn alloc(m: &mut M, form: Form) -> Result<Root, OutOfMemory> {
    match form {
        Form::Leaf => m.alloc::<Leaf>(),
        Form::Pair => m.alloc::<Pair>(),
        Form::Wide => m.alloc::<Wide>(),
        Form::OwnArray(slots) => m.alloc_array(Own, slots, 2),
        Form::SharedArray(slots) => m.alloc_array(Shared, slots, 2),
        Form::BorrowArray(slots) => m.alloc_array(Borrow, slots, 2),
        Form::WeakArray(slots) => m.alloc_array(Weak, slots, 2),
        Form::Ephemerons(count) => m.alloc_array(Ephemeral, 2 * count, 2),
    }
}

fn alloc_into(
    m: &mut M,
    form: Form,
    holder: &impl Rooted,
    slot: Slot<Own>,
) -> Result<(), OutOfMemory> {
    match form {
        Form::Leaf => m.alloc_into::<Leaf>(holder, slot),
        Form::Wide => m.alloc_into::<Wide>(holder, slot),
        Form::Pair => m.alloc_into::<Pair>(holder, slot),
        _ => unreachable!("arrays are moved into slots"),
    }
}

fn alloc_in(m: &mut M, form: Form, region: &Region) -> Result<Local, OutOfMemory> {
    match form {
        Form::Leaf => m.alloc_in::<Leaf>(region),
        Form::Wide => m.alloc_in::<Wide>(region),
        Form::Pair => m.alloc_in::<Pair>(region),
        _ => unreachable!("programs have no arrays in regions"),
    }
}

/// Builds an object of as many roots as its shape owns, at most three.
fn build(m: &mut M, form: Form, roots: Vec<Root>) -> Result<Root, OutOfMemory> {
    let mut roots = roots.into_iter();
    match (form, roots.next(), roots.next(), roots.next()) {
        (Form::Pair, None, ..) => m.alloc::<Pair>(),
        (Form::Pair, Some(a), None, _) => m.build::<Pair, 1>([a]),
        (Form::Pair, Some(a), Some(b), _) => m.build::<Pair, 2>([a, b]),
        (_, None, ..) => m.alloc::<Wide>(),
        (_, Some(a), None, _) => m.build::<Wide, 1>([a]),
        (_, Some(a), Some(b), None) => m.build::<Wide, 2>([a, b]),
        (_, Some(a), Some(b), Some(c)) => m.build::<Wide, 3>([a, b, c]),
    }
}
