//! Plays a program on a real heap and on its shadow.

use crate::Job;
use crate::program::{Form, Leaf, Op, Pair, Pick, Wide};
use crate::shadow::{Content, Discipline, GLOBALS, Hold, Id, Shadow};
use heap::{
    Borrow, Collector, Commit, Config, Global, HeapConfig, Local, Mutator, OutOfMemory, Own, Probe,
    Region, Root, Shared, SlotKind, Word,
};

/// The value that stands for a handle of the shadow.
#[derive(Debug)]
pub(crate) enum Held {
    Root(Root),
    Local(Local),
}

pub(crate) struct Player {
    pub(crate) shadow: Shadow,
    /// Beside the shadow's handles.
    pub(crate) held: Vec<Option<Held>>,
    regions: Vec<Option<Region>>,
    limited: bool,
}

pub(crate) const ROOTS: [Global; GLOBALS] = [Global::new(0), Global::new(63)];

/// Plays a program to its end.
///
/// # Panics
/// At the first difference between heap and shadow.
pub(crate) fn play<C: Collector, P: Probe>(job: &Job, probe: P) {
    let heap = HeapConfig { limit_bytes: job.limit_bytes, commit: Commit::Lazily };
    let mut m = Mutator::<C, P>::new(heap, &Config::default(), probe).expect("address space");
    let mut player = Player {
        shadow: Shadow::new(job.discipline),
        held: Vec::new(),
        regions: Vec::new(),
        limited: job.limit_bytes.is_some(),
    };
    player.run(&mut m, &job.program);
    eprintln!(
        "STAT objs {} views {} handles {} ops {}",
        player.shadow.objects.len(),
        player.views(&m).len(),
        player.held.len(),
        job.program.len()
    );
    player.safely(&m, Shadow::tear_down);
    m.tear_down();
    player.shadow.tear_down();
    let left = m.collector().occupied().objects;
    assert_eq!(left, player.shadow.allocated(), "objects that are left at the end of the run");
    assert_eq!(m.footprint().total_bytes(), m.heap().budget().held_bytes());
}

impl Player {
    fn run<C: Collector, P: Probe>(&mut self, m: &mut Mutator<C, P>, program: &[Op]) {
        for op in program {
            self.step(m, op);
            self.compare(m, &self.views(m));
        }
    }

    fn step<C: Collector, P: Probe>(&mut self, m: &mut Mutator<C, P>, op: &Op) {
        match *op {
            Op::Quietly(ref run) => self.quietly(m, run),
            Op::Alloc(form) => {
                self.settle(m);
                let root = alloc(m, form);
                self.new_root(m, form, root);
            }
            Op::Graft(form, ref places) => {
                places.iter().for_each(|&(o, slot)| self.graft(m, form, o, slot));
            }
            Op::Build(form, ref picks) => self.build(m, form, picks),
            Op::Churn(form, count, free) => {
                // At least one object, so that it does settle.
                self.settle(m);
                for _ in 0..count {
                    let Some(root) = self.unless_full(alloc(m, form)) else { break };
                    if free {
                        m.free(root)
                    } else {
                        m.drop(root)
                    }
                    self.shadow.litter(free);
                }
            }
            Op::Forget(local) => {
                if let Some(local) = self.handle(local, |held| matches!(held, Held::Local(_))) {
                    let effect = |shadow: &mut Shadow| shadow.handles[local] = None;
                    self.safely(m, effect);
                    let Some(Held::Local(value)) = self.held[local].take() else { unreachable!() };
                    m.forget(value);
                    self.finish(effect);
                }
            }
            Op::Drop(root) => {
                if let Some(root) = self.handle(root, |held| matches!(held, Held::Root(_))) {
                    let effect = |shadow: &mut Shadow, root: usize| shadow.handles[root] = None;
                    self.consume(m, root, effect, Mutator::drop);
                }
            }
            Op::Free(root) => {
                if let Some(root) = self.handle(root, |held| matches!(held, Held::Root(_))) {
                    self.consume(m, root, Shadow::free, Mutator::free);
                }
            }
            Op::Scope(ref body) => {
                let base = self.held.len();
                m.scope(|m| {
                    self.run(m, body);
                    self.safely(m, |shadow| shadow.leave(base));
                });
                self.held.truncate(base);
                self.finish(|shadow| shadow.leave(base));
            }
            Op::Yields(ref body, ok, root) => self.yields(m, body, ok, root),
            Op::BeginRegion => {
                self.settle(m);
                self.regions.push(Some(m.region()));
            }
            Op::AllocIn(form, region) => {
                let Some(region) = self.region(region) else { return };
                self.settle(m);
                let local = alloc_in(m, form, self.regions[region].as_ref().expect("it is open"));
                self.new_region_object(m, form, region, local);
            }
            Op::BuildIn(region, ref picks) => self.build_in(m, region, picks),
            Op::EndRegion(region) => {
                let Some(region) = self.region(region) else { return };
                let effect = |shadow: &mut Shadow| shadow.end_region(region);
                if self.is_forbidden(effect) {
                    return;
                }
                self.safely(m, effect);
                m.end(self.regions[region].take().expect("it is open"));
                self.finish(effect);
            }
            Op::Safepoint => {
                self.settle(m);
                m.safepoint();
            }
            Op::Collect => {
                self.settle(m);
                m.collect();
                self.shadow.collect();
                assert_eq!(m.collector().occupied().objects, self.shadow.allocated());
            }
        }
    }

    fn graft<C: Collector, P: Probe>(
        &mut self,
        m: &mut Mutator<C, P>,
        form: Form,
        o: Pick,
        slot: Pick,
    ) {
        self.settle(m);
        let root = alloc(m, form);
        let Some(id) = self.new_root(m, form, root) else { return };
        let index = self.held.len() - 1;
        let views = self.views(m);
        let keeps = |kind| kind != SlotKind::Borrow;
        let Some((holder, slot)) = self.slot(&views, o, slot, keeps) else { return };
        if holder.id == id || self.shadow.objects[holder.id].slot(slot) != Content::Null {
            return;
        }
        if self.shadow.objects[holder.id].form.kind(slot) == SlotKind::Own {
            self.put(m, holder, slot, Some(index));
        } else {
            self.store(m, holder, slot, views.iter().find(|view| view.id == id));
            self.consume(m, index, |shadow, index| shadow.handles[index] = None, Mutator::drop);
        }
    }

    fn build<C: Collector, P: Probe>(&mut self, m: &mut Mutator<C, P>, form: Form, picks: &[Pick]) {
        self.settle(m);
        let most = form.slots(|kind| kind == SlotKind::Own).len().min(3);
        let (mut roots, mut parts) = (Vec::new(), Vec::new());
        for &pick in picks.iter().take(most) {
            if let Some(index) = self.handle(pick, |held| matches!(held, Held::Root(_))) {
                let Some(Held::Root(root)) = self.held[index].take() else { unreachable!() };
                roots.push(root);
                parts.push(index);
            }
        }
        let built = build(m, form, roots);
        let targets: Vec<_> = parts.iter().map(|&part| self.part(part, built.is_ok())).collect();
        if let Some(id) = self.new_root(m, form, built) {
            for (slot, target) in (0..).zip(targets) {
                self.shadow.set(id, slot, Content::To(target));
            }
        }
    }

    fn build_in<C: Collector, P: Probe>(
        &mut self,
        m: &mut Mutator<C, P>,
        region: Pick,
        picks: &[Pick],
    ) {
        let Some(region) = self.region(region) else { return };
        self.settle(m);
        let (mut locals, mut parts) = (Vec::new(), Vec::new());
        for &pick in picks {
            let aimed = |held: &Held| matches!(held, Held::Local(local) if m.find(local).is_some());
            let Some(index) = self.handle(pick, aimed) else { continue };
            let target = self.shadow.handles[index].and_then(|hold| hold.target);
            if self.may_share(Some(region), target.expect("it is aimed at an object")) {
                let Some(Held::Local(local)) = self.held[index].take() else { unreachable!() };
                locals.push(local);
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
        let targets: Vec<_> = parts.iter().map(|&part| self.part(part, built.is_ok())).collect();
        if let Some(id) = self.new_region_object(m, Form::Pair, region, built) {
            let first = Form::Pair.slots(|kind| kind == SlotKind::Shared)[0];
            for (slot, target) in (first..).zip(targets) {
                self.shadow.set(id, slot, Content::To(target));
            }
        }
    }

    /// The target of a handle that was moved into an object; it is lost if there was no room for it.
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

    /// Whether an object in this region, or in none, may refer to another by a shared slot: under
    /// ownership only within a region, for elsewhere nobody would drop it.
    pub(crate) fn may_share(&self, region: Option<usize>, target: Id) -> bool {
        self.shadow.discipline != Discipline::Owns
            || region.is_some() && self.shadow.objects[target].region == region
    }

    fn consume<C: Collector, P: Probe>(
        &mut self,
        m: &mut Mutator<C, P>,
        index: usize,
        effect: impl Fn(&mut Shadow, usize),
        operation: impl Fn(&mut Mutator<C, P>, Root),
    ) {
        if self.is_forbidden(|shadow| effect(shadow, index)) {
            return;
        }
        self.safely(m, |shadow| effect(shadow, index));
        let Some(Held::Root(root)) = self.held[index].take() else { unreachable!() };
        operation(m, root);
        self.finish(|shadow| effect(shadow, index));
    }

    fn yields<C: Collector, P: Probe>(
        &mut self,
        m: &mut Mutator<C, P>,
        body: &[Op],
        ok: bool,
        root: Pick,
    ) {
        let base = self.held.len();
        let result = m.yields(|m| {
            self.run(m, body);
            let root = self.handle(root, |held| ok && matches!(held, Held::Root(_)));
            let result = root.map(|index| {
                self.shadow.yielded = Some(self.part(index, true));
                let Some(Held::Root(root)) = self.held[index].take() else { unreachable!() };
                root
            });
            self.safely(m, |shadow| shadow.leave(base));
            result.ok_or(())
        });
        self.held.truncate(base);
        self.finish(|shadow| shadow.leave(base));
        if let Some(id) = self.shadow.yielded.take() {
            self.shadow.push(true, Some(id));
            self.held.push(Some(Held::Root(result.expect("a root was yielded"))));
        } else {
            assert!(result.is_err());
        }
    }

    // ---- keeping programs valid -------------------------------------------------------------------

    /// Before an operation that may reclaim what is parked and does no more.
    fn settle<C: Collector, P: Probe>(&mut self, m: &Mutator<C, P>) {
        self.safely(m, |_| ());
        self.finish(|_| ());
    }

    /// After an operation that may reclaim.
    fn finish(&mut self, effect: impl Fn(&mut Shadow)) {
        effect(&mut self.shadow);
        self.shadow.settle();
    }

    /// What an operation with this effect reclaims while it could be read: nothing, where the
    /// discipline sees to that itself.
    fn dying(&self, effect: impl Fn(&mut Shadow)) -> Vec<Id> {
        if !self.shadow.discipline.trusts_programs() {
            return Vec::new();
        }
        let mut after = self.shadow.clone();
        effect(&mut after);
        after.settle();
        let dies = |&id: &Id| after.is_freed(id) && !self.shadow.is_freed(id);
        (0..self.shadow.objects.len()).filter(dies).collect()
    }

    /// Whether a local that the program has lost refers to what an operation with this effect
    /// reclaims. The program is then not to do it, for it cannot clear that local.
    fn is_forbidden(&self, effect: impl Fn(&mut Shadow)) -> bool {
        let dying = self.dying(effect);
        let lost = self.shadow.handles.iter().flatten().filter(|hold| hold.lost && !hold.owned);
        lost.filter_map(|hold| hold.target).any(|id| dying.contains(&id))
    }

    /// Before an operation with this effect: what a borrow checker would refuse is cleared. Nothing
    /// that can be read, except by a borrow slot, may refer to what is about to be reclaimed.
    fn safely<C: Collector, P: Probe>(&mut self, m: &Mutator<C, P>, effect: impl Fn(&mut Shadow)) {
        let dying = self.dying(effect);
        if dying.is_empty() {
            return;
        }
        for index in 0..self.held.len() {
            let hold = self.shadow.handles[index];
            if let Some(Hold { owned: false, target: Some(id), lost: false }) = hold
                && dying.contains(&id)
            {
                self.aim(m, index, None);
            }
        }
        for global in 0..GLOBALS {
            if self.shadow.globals[global].is_some_and(|id| dying.contains(&id)) {
                self.aim_global(m, global, None);
            }
        }
        while let Some((holder, slot)) = self.shared_slot_into(&dying) {
            let views = self.views(m);
            let view = views.iter().find(|view| view.id == holder).expect("it is reached");
            m.store(view.object, self.place::<Shared>(holder, slot), None);
            self.shadow.set(holder, slot, Content::Null);
        }
    }

    /// A readable shared slot that refers to one of the dying objects and is not itself in one.
    fn shared_slot_into(&self, dying: &[Id]) -> Option<(Id, u32)> {
        let refers = |id: Id, slot| match self.shadow.objects[id].slot(slot) {
            Content::To(target) => dying.contains(&target),
            _ => false,
        };
        let reached = self.shadow.reach(false, |_| true).into_iter().map(|(id, _)| id);
        reached.filter(|id| !dying.contains(id)).find_map(|id| {
            let slots = self.shadow.objects[id].form.slots(|kind| kind == SlotKind::Shared);
            slots.into_iter().find(|&slot| refers(id, slot)).map(|slot| (id, slot))
        })
    }

    // ---- picking operands -------------------------------------------------------------------------

    pub(crate) fn handle(&self, pick: Pick, wanted: impl Fn(&Held) -> bool) -> Option<usize> {
        let is_wanted = |&index: &usize| self.held[index].as_ref().is_some_and(&wanted);
        let wanted: Vec<usize> = (0..self.held.len()).filter(is_wanted).collect();
        wanted.get(usize::from(pick).checked_rem(wanted.len())?).copied()
    }

    fn region(&self, pick: Pick) -> Option<usize> {
        let open: Vec<_> = (0..self.regions.len()).filter(|&r| self.regions[r].is_some()).collect();
        open.get(usize::from(pick).checked_rem(open.len())?).copied()
    }

    // ---- new objects --------------------------------------------------------------------------------

    /// `None` if the heap limit is reached, which it may be only where there is one.
    fn unless_full<T>(&self, result: Result<T, OutOfMemory>) -> Option<T> {
        assert!(self.limited || result.is_ok(), "out of memory without a limit");
        result.ok()
    }

    fn new_root<C: Collector, P: Probe>(
        &mut self,
        m: &Mutator<C, P>,
        form: Form,
        root: Result<Root, OutOfMemory>,
    ) -> Option<Id> {
        let root = self.unless_full(root)?;
        let id = self.shadow.allocate(form, None);
        m.set_word(m.get(&root), word_of(form, 0), id as u64);
        self.shadow.push(true, Some(id));
        self.held.push(Some(Held::Root(root)));
        Some(id)
    }

    fn new_region_object<C: Collector, P: Probe>(
        &mut self,
        m: &Mutator<C, P>,
        form: Form,
        region: usize,
        local: Result<Local, OutOfMemory>,
    ) -> Option<Id> {
        let local = self.unless_full(local)?;
        let id = self.shadow.allocate(form, Some(region));
        m.set_word(m.get(&local), word_of(form, 0), id as u64);
        self.new_local(local, Some(id));
        Some(id)
    }

    pub(crate) fn new_local(&mut self, local: Local, target: Option<Id>) {
        self.shadow.push(false, target);
        self.held.push(Some(Held::Local(local)));
    }
}

/// A payload word of an object of this form: its id, then its data.
pub(crate) fn word_of(form: Form, index: u32) -> Word {
    let slots = form.layout().slots();
    if form.is_array() { Word::element(slots, index) } else { Word::of_shape(slots, index) }
}

fn alloc<C: Collector, P: Probe>(m: &mut Mutator<C, P>, form: Form) -> Result<Root, OutOfMemory> {
    match form {
        Form::Leaf => m.alloc::<Leaf>(),
        Form::Pair => m.alloc::<Pair>(),
        Form::Wide => m.alloc::<Wide>(),
        Form::Array(SlotKind::Own, slots) => m.alloc_array(Own, slots, 2),
        Form::Array(SlotKind::Shared, slots) => m.alloc_array(Shared, slots, 2),
        Form::Array(SlotKind::Borrow, slots) => m.alloc_array(Borrow, slots, 2),
    }
}

fn alloc_in<C: Collector, P: Probe>(
    m: &mut Mutator<C, P>,
    form: Form,
    region: &Region,
) -> Result<Local, OutOfMemory> {
    match form {
        Form::Leaf => m.alloc_in::<Leaf>(region),
        Form::Pair => m.alloc_in::<Pair>(region),
        Form::Wide => m.alloc_in::<Wide>(region),
        Form::Array(..) => unreachable!("programs have no arrays in regions"),
    }
}

/// Builds an object of at most as many roots as the smaller shape owns.
fn build<C: Collector, P: Probe>(
    m: &mut Mutator<C, P>,
    form: Form,
    roots: Vec<Root>,
) -> Result<Root, OutOfMemory> {
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
