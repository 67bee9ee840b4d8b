//! Plays a program on a real heap and on its shadow.

use crate::compare::View;
use crate::detector::{Detector, Detectors, violate};
use crate::program::{Form, Leaf, Op, Pair, Pick, Program, Schedule, Start, Wide};
use crate::rules::Rules;
use crate::shadow::{Content, GLOBALS, Hold, Id, Shadow};
use crate::watched::Watched;
use heap::{
    Borrow, Caps, Collector, Global, Local, Mutator, OutOfMemory, Own, Probe, Region, Root, Shared,
    Slot, SlotKind, Step, Word,
};
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg32;

/// The mutator of a watched collector.
pub(crate) type M<C, P> = Mutator<Watched<C>, P>;

/// The value that stands for a handle of the shadow.
#[derive(Debug)]
pub(crate) enum Held {
    Root(Root),
    Local(Local),
}

pub(crate) const ROOTS: [Global; GLOBALS] = [Global::new(0), Global::new(63)];

/// Scopes within scopes: a program is data, and must not overflow the stack that it is played on.
const DEEPEST_SCOPE: usize = 12;

/// Plays one program.
pub(crate) struct Player<'p> {
    pub(crate) shadow: Shadow,
    /// Beside the shadow's handles.
    pub(crate) held: Vec<Option<Held>>,
    pub(crate) detectors: Detectors,
    regions: Vec<Option<Region>>,
    program: &'p Program,
    /// Number of the next operation.
    next: usize,
    depth: usize,
    allocations: u32,
    random: Pcg32,
    /// Whether the next allocation is to find no new memory.
    fails_next: bool,
    /// Whether the allocation under way may be refused.
    may_fail: bool,
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

    /// How many operations were begun.
    pub(crate) fn begun(&self) -> usize {
        self.next
    }

    /// Plays the program to its end, and ends the run.
    ///
    /// Unwinds at the first difference that a detector sees.
    pub(crate) fn play<C: Collector, P: Probe>(&mut self, m: &mut M<C, P>) {
        self.start(m);
        while self.next < self.program.ops.len() {
            self.run(m);
        }
        self.safely(m, Shadow::tear_down);
        m.tear_down();
        m.collector().poison();
        self.held.clear();
        self.shadow.tear_down();
        self.compare_occupied(m, true);
        self.compare_account(m);
        self.verify_tables(m);
        self.regions_leave_nothing(m);
    }

    /// Many small regions, one after the other, need no more memory than a few.
    fn regions_leave_nothing<C: Collector, P: Probe>(&self, m: &mut M<C, P>) {
        if !self.shadow.rules.have_regions() {
            return;
        }
        let before = m.footprint().used_bytes;
        for _ in 0..300 {
            let region = m.region();
            if let Ok(local) = m.alloc_in::<Pair>(&region) {
                m.aim(&local, None);
            }
            m.end(region);
            m.collector().poison();
        }
        self.compare_growth(before, m.footprint().used_bytes);
    }

    /// Plays up to the end of the innermost scope.
    fn run<C: Collector, P: Probe>(&mut self, m: &mut M<C, P>) {
        while let Some(&op) = self.program.ops.get(self.next) {
            if op.is_quiet() {
                self.quietly(m);
                continue;
            }
            self.next += 1;
            match op {
                Op::Exit if self.depth > 0 => return,
                Op::Scope if self.depth < DEEPEST_SCOPE => self.scope(m),
                Op::Yields(root) if self.depth < DEEPEST_SCOPE => self.yields(m, root),
                Op::Exit | Op::Scope | Op::Yields(_) => {}
                op => self.step(m, op),
            }
            self.compare(m, &self.views(m));
        }
    }

    /// Operations that may not reclaim, on views loaded before the first of them.
    fn quietly<C: Collector, P: Probe>(&mut self, m: &M<C, P>) {
        let views = self.views(m);
        while let Some(&op) = self.program.ops.get(self.next).filter(|op| op.is_quiet()) {
            self.next += 1;
            self.quiet_step(m, &views, op);
            self.compare(m, &views);
        }
    }

    fn step<C: Collector, P: Probe>(&mut self, m: &mut M<C, P>, op: Op) {
        if self.program.schedule == Schedule::Steps {
            self.settle(m);
            m.step(Step::Start);
            m.step(Step::Advance);
        }
        match op {
            Op::Alloc(form) => _ = self.alloc(m, form),
            Op::Graft(form, holder, slot) => self.graft(m, form, holder, slot),
            Op::Build(form, count, roots) => self.build(m, form, &roots[..usize::from(count) % 4]),
            Op::Chain(count) => self.chain(m, count),
            Op::Grove(form, count) => self.grove(m, form, count),
            Op::Fan(target, count, borrows) => self.fan(m, target, count, borrows),
            Op::Churn(form, count, frees) => self.churn(m, form, count, frees),
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
            Op::BeginRegion => {
                self.settle(m);
                self.regions.push(Some(m.region()));
            }
            Op::AllocIn(form, region) => {
                let Some(region) = self.region(region) else { return };
                let form = if form.is_array() { Form::Pair } else { form };
                self.before_allocation(m);
                let local = alloc_in(m, form, self.regions[region].as_ref().expect("it is open"));
                self.after_allocation(m);
                self.new_region_object(m, form, region, local);
            }
            Op::BuildIn(region, count, locals) => {
                self.build_in(m, region, &locals[..usize::from(count) % 3]);
            }
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
            Op::Major => self.major(m),
            Op::Minor => {
                self.settle(m);
                m.collect_young();
            }
            Op::Start | Op::Step | Op::Finish => {
                self.settle(m);
                m.step(match op {
                    Op::Start => Step::Start,
                    Op::Step => Step::Advance,
                    _ => Step::Finish,
                });
            }
            Op::FailNext => self.fails_next = true,
            _ => unreachable!("quiet operations and scopes are played elsewhere"),
        }
    }

    fn major<C: Collector, P: Probe>(&mut self, m: &mut M<C, P>) {
        self.settle(m);
        m.collect();
        self.shadow.collect();
        self.compare_occupied(m, true);
        self.verify_tables(m);
    }

    // ---- allocation -------------------------------------------------------------------------------

    /// Before an allocation: what is parked goes, and a collection happens if one is due.
    fn before_allocation<C: Collector, P: Probe>(&mut self, m: &mut M<C, P>) {
        self.settle(m);
        self.allocations += 1;
        let is_due = match self.program.schedule {
            Schedule::Natural | Schedule::Steps => false,
            Schedule::Every(n) => self.allocations.is_multiple_of(n.max(1)),
            Schedule::Random(n, _) => self.random.random_range(0..n.max(1)) == 0,
        };
        if is_due {
            self.major(m);
        }
        self.may_fail = self.fails_next || self.program.limit_bytes.is_some();
        if self.fails_next {
            let budget = m.heap().budget();
            budget.set_limit_bytes(budget.held_bytes().min(budget.limit_bytes()));
        }
    }

    fn after_allocation<C: Collector, P: Probe>(&mut self, m: &M<C, P>) {
        if std::mem::take(&mut self.fails_next) {
            m.heap().budget().set_limit_bytes(self.program.limit_bytes.unwrap_or(u64::MAX));
        }
    }

    fn alloc<C: Collector, P: Probe>(&mut self, m: &mut M<C, P>, form: Form) -> Option<Id> {
        self.before_allocation(m);
        let root = alloc(m, form);
        self.after_allocation(m);
        self.new_root(m, form, root)
    }

    /// Fills the heap as the program wants it.
    fn start<C: Collector, P: Probe>(&mut self, m: &mut M<C, P>) {
        let first = self.held.len();
        if self.program.start == Start::Empty || self.program.limit_bytes.is_none() {
            return;
        }
        let forms = [Form::OwnArray(2000), Form::SharedArray(500), Form::Wide];
        for form in forms {
            // Each of these sizes, until there is no room for another of it.
            while let Ok(root) = alloc(m, form) {
                self.new_root(m, form, Ok(root));
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

    fn graft<C: Collector, P: Probe>(
        &mut self,
        m: &mut M<C, P>,
        form: Form,
        holder: Pick,
        slot: Pick,
    ) {
        let views = self.views(m);
        let keeps = |kind| kind != SlotKind::Borrow;
        let Some((View { id: holder, .. }, slot)) = self.slot(&views, holder, slot, keeps) else {
            return;
        };
        drop(views);
        let Some(id) = self.alloc(m, form) else { return };
        let index = self.held.len() - 1;
        let views = self.views(m);
        let Some(&view) = views.iter().find(|view| view.id == holder) else { return };
        if self.shadow.objects[holder].form.kind(slot) == SlotKind::Own {
            self.put(m, view, slot, Some(index));
        } else {
            self.store(m, view, slot, views.iter().find(|view| view.id == id).copied());
            self.consume(m, index, |shadow, index| shadow.handles[index] = None, Mutator::drop);
        }
    }

    fn build<C: Collector, P: Probe>(&mut self, m: &mut M<C, P>, form: Form, picks: &[Pick]) {
        let form = if form == Form::Wide { Form::Wide } else { Form::Pair };
        self.before_allocation(m);
        let most = if form == Form::Wide { 3 } else { 2 };
        let (mut roots, mut parts) = (Vec::new(), Vec::new());
        for &pick in picks.iter().take(most) {
            if let Some(index) = self.handle(pick, |held| matches!(held, Held::Root(_))) {
                let Some(Held::Root(root)) = self.held[index].take() else { unreachable!() };
                roots.push(root);
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

    fn build_in<C: Collector, P: Probe>(&mut self, m: &mut M<C, P>, region: Pick, picks: &[Pick]) {
        let Some(region) = self.region(region) else { return };
        self.before_allocation(m);
        let (mut locals, mut parts) = (Vec::new(), Vec::new());
        for &pick in picks {
            let aimed = |held: &Held| matches!(held, Held::Local(local) if m.find(local).is_some());
            let Some(index) = self.handle(pick, aimed) else { continue };
            let target = self.shadow.handles[index].and_then(|hold| hold.target);
            let Some(target) = target else { continue };
            if self.may_share(Some(region), target) {
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
        self.after_allocation(m);
        let targets: Vec<_> = parts.iter().map(|&part| self.part(part, built.is_ok())).collect();
        if let Some(id) = self.new_region_object(m, Form::Pair, region, built) {
            let first = Form::Pair.slots(|kind| kind == SlotKind::Shared).next();
            for (slot, target) in (first.expect("pairs have some")..).zip(targets) {
                self.shadow.set(id, slot, Content::To(target));
            }
        }
    }

    fn chain<C: Collector, P: Probe>(&mut self, m: &mut M<C, P>, count: u16) {
        if self.alloc(m, Form::Pair).is_none() {
            return;
        }
        for _ in 0..count {
            self.build(m, Form::Pair, &[0]);
        }
    }

    fn grove<C: Collector, P: Probe>(&mut self, m: &mut M<C, P>, form: Form, count: u16) {
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

    fn fan<C: Collector, P: Probe>(
        &mut self,
        m: &mut M<C, P>,
        target: Pick,
        count: u16,
        borrows: bool,
    ) {
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
            if borrows {
                m.store(array.object, Slot::<Borrow>::element(slot), target.object);
            } else {
                m.store(array.object, Slot::<Shared>::element(slot), target.object);
            }
        }
        self.shadow.fill(array.id, target.id);
    }

    fn churn<C: Collector, P: Probe>(
        &mut self,
        m: &mut M<C, P>,
        form: Form,
        count: u16,
        frees: bool,
    ) {
        self.before_allocation(m);
        for _ in 0..count.max(1) {
            let root = alloc(m, form);
            self.after_allocation(m);
            let Some(root) = self.unless_full(root) else { break };
            if frees {
                m.free(root)
            } else {
                m.drop(root)
            }
            self.shadow.litter(frees);
        }
    }

    /// `None` if the heap limit is reached, which it may be only where there is one.
    fn unless_full<T>(&self, result: Result<T, OutOfMemory>) -> Option<T> {
        if !self.may_fail && result.is_err() {
            violate(Detector::Run, "out of memory without a limit".to_owned(), None);
        }
        result.ok()
    }

    fn new_root<C: Collector, P: Probe>(
        &mut self,
        m: &M<C, P>,
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
        m: &M<C, P>,
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

    // ---- scopes -----------------------------------------------------------------------------------

    fn scope<C: Collector, P: Probe>(&mut self, m: &mut M<C, P>) {
        let base = self.held.len();
        self.depth += 1;
        m.scope(|m| {
            self.run(m);
            self.safely(m, |shadow| shadow.leave(base));
        });
        self.depth -= 1;
        self.held.truncate(base);
        self.finish(|shadow| shadow.leave(base));
    }

    fn yields<C: Collector, P: Probe>(&mut self, m: &mut M<C, P>, root: Pick) {
        let base = self.held.len();
        self.depth += 1;
        let result = m.yields(|m| {
            self.run(m);
            let root = self.handle(root, |held| matches!(held, Held::Root(_)));
            let result = root.map(|index| {
                self.shadow.yielded = Some(self.part(index, true));
                let Some(Held::Root(root)) = self.held[index].take() else { unreachable!() };
                root
            });
            self.safely(m, |shadow| shadow.leave(base));
            result.ok_or(())
        });
        self.depth -= 1;
        self.held.truncate(base);
        self.finish(|shadow| shadow.leave(base));
        if let (Some(id), Ok(root)) = (self.shadow.yielded.take(), result) {
            self.shadow.push(true, Some(id));
            self.held.push(Some(Held::Root(root)));
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

    // ---- keeping programs valid -------------------------------------------------------------------

    /// Whether an object in this region, or in none, may refer to another by a shared slot: under
    /// ownership only within a region, for elsewhere nobody would drop it.
    pub(crate) fn may_share(&self, region: Option<usize>, target: Id) -> bool {
        self.shadow.rules != Rules::Owns
            || region.is_some() && self.shadow.objects[target].region == region
    }

    fn consume<C: Collector, P: Probe>(
        &mut self,
        m: &mut M<C, P>,
        index: usize,
        effect: impl Fn(&mut Shadow, usize),
        operation: impl Fn(&mut M<C, P>, Root),
    ) {
        if self.is_forbidden(|shadow| effect(shadow, index)) {
            return;
        }
        self.safely(m, |shadow| effect(shadow, index));
        let Some(Held::Root(root)) = self.held[index].take() else { unreachable!() };
        operation(m, root);
        self.finish(|shadow| effect(shadow, index));
    }

    /// Before an operation that may reclaim what is parked and does no more.
    fn settle<C: Collector, P: Probe>(&mut self, m: &M<C, P>) {
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
        if !self.shadow.rules.trust_programs() {
            return Vec::new();
        }
        let mut after = self.shadow.clone();
        effect(&mut after);
        after.settle();
        let dies = |&id: &Id| after.is_freed(id) && !self.shadow.is_freed(id);
        (0..self.shadow.objects.len()).filter(dies).collect()
    }

    /// Whether something that the program has lost refers to what an operation with this effect
    /// reclaims. The program is then not to do it, for it cannot clear that reference.
    fn is_forbidden(&self, effect: impl Fn(&mut Shadow)) -> bool {
        let dying = self.dying(effect);
        if dying.is_empty() {
            return false;
        }
        let lost = self.shadow.handles.iter().flatten().filter(|hold| hold.lost);
        let mut locals = lost.clone().filter(|hold| !hold.owned).filter_map(|hold| hold.target);
        if locals.any(|id| dying.contains(&id)) {
            return true;
        }
        if lost.count() == 0 {
            return false;
        }
        let readable: Vec<Id> = self.shadow.reach(false, |_| true).iter().map(|o| o.0).collect();
        let mut all = self.shadow.reach(true, |kind| kind != SlotKind::Borrow).into_iter();
        all.any(|(id, _)| {
            let refers = |(_, target, kind)| kind == SlotKind::Shared && dying.contains(&target);
            let is_lost = !readable.contains(&id) && !dying.contains(&id);
            is_lost && self.shadow.objects[id].edges().any(refers)
        })
    }

    /// Before an operation with this effect: what a borrow checker would refuse is cleared. Nothing
    /// that can be read, except by a borrow slot, may refer to what is about to be reclaimed.
    fn safely<C: Collector, P: Probe>(&mut self, m: &M<C, P>, effect: impl Fn(&mut Shadow)) {
        let dying = self.dying(effect);
        if dying.is_empty() {
            return;
        }
        // All of them first: what is reached by one of them may not be, once another is cleared.
        let views = self.views(m);
        for (holder, slot) in self.shared_slots_into(&dying) {
            if let Some(view) = views.iter().find(|view| view.id == holder) {
                m.store(view.object, self.place::<Shared>(holder, slot), None);
            }
            self.shadow.set(holder, slot, Content::Null);
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
    }

    /// The readable shared slots that refer to one of the dying objects and are not themselves in one.
    fn shared_slots_into(&self, dying: &[Id]) -> Vec<(Id, u32)> {
        let reached = self.shadow.reach(false, |_| true).into_iter().map(|(id, _)| id);
        let holders = reached.filter(|id| !dying.contains(id));
        let slots = holders.flat_map(|id| {
            let edges = self.shadow.objects[id].edges();
            let into = edges
                .filter(|&(_, target, kind)| kind == SlotKind::Shared && dying.contains(&target));
            into.map(move |(slot, ..)| (id, slot))
        });
        slots.collect()
    }

    // ---- picking operands -------------------------------------------------------------------------

    /// A handle that is wanted, newest first.
    pub(crate) fn handle(&self, pick: Pick, wanted: impl Fn(&Held) -> bool) -> Option<usize> {
        let is_wanted = |&index: &usize| self.held[index].as_ref().is_some_and(&wanted);
        let wanted: Vec<usize> = (0..self.held.len()).rev().filter(is_wanted).collect();
        wanted.get(usize::from(pick).checked_rem(wanted.len())?).copied()
    }

    fn region(&self, pick: Pick) -> Option<usize> {
        let open: Vec<_> =
            (0..self.regions.len()).rev().filter(|&r| self.regions[r].is_some()).collect();
        open.get(usize::from(pick).checked_rem(open.len())?).copied()
    }

    /// A slot of some object, of a kind that is wanted.
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

/// Objects that operations mostly choose from.
const NEAR: usize = 6;

/// An object: mostly one of the newest, so that operations have something to do with each other.
pub(crate) fn choose<'v, 'm>(views: &'v [View<'m>], pick: Pick) -> Option<&'v View<'m>> {
    let among = if pick < 192 { views.len().min(NEAR) } else { views.len() };
    views.get(usize::from(pick).checked_rem(among)?)
}

/// A payload word of an object of this form: its id, then its data.
pub(crate) fn word_of(form: Form, index: u32) -> Word {
    let slots = form.layout().slots();
    if form.is_array() { Word::element(slots, index) } else { Word::of_shape(slots, index) }
}

fn alloc<C: Collector, P: Probe>(m: &mut M<C, P>, form: Form) -> Result<Root, OutOfMemory> {
    match form {
        Form::Leaf => m.alloc::<Leaf>(),
        Form::Pair => m.alloc::<Pair>(),
        Form::Wide => m.alloc::<Wide>(),
        Form::OwnArray(slots) => m.alloc_array(Own, slots, 2),
        Form::SharedArray(slots) => m.alloc_array(Shared, slots, 2),
        Form::BorrowArray(slots) => m.alloc_array(Borrow, slots, 2),
    }
}

fn alloc_in<C: Collector, P: Probe>(
    m: &mut M<C, P>,
    form: Form,
    region: &Region,
) -> Result<Local, OutOfMemory> {
    match form {
        Form::Leaf => m.alloc_in::<Leaf>(region),
        Form::Wide => m.alloc_in::<Wide>(region),
        Form::Pair => m.alloc_in::<Pair>(region),
        Form::OwnArray(_) | Form::SharedArray(_) | Form::BorrowArray(_) => {
            unreachable!("programs have no arrays in regions")
        }
    }
}

/// Builds an object of at most as many roots as the smaller shape owns.
fn build<C: Collector, P: Probe>(
    m: &mut M<C, P>,
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
