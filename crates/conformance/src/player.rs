//! Plays a program on a real heap and on its shadow.

use crate::compare::View;
use crate::detector::Detectors;
use crate::faulty::Faulty;
use crate::program::{Form, Op, Pair, Pick, Program, Schedule};
use crate::shadow::{GLOBALS, Id, Shadow};
use crate::watched::Watched;
use heap::{Caps, Checker, Global, Local, Mutator, Region, Root, SlotKind, Step, Word};
use rand::SeedableRng;
use rand_pcg::Pcg32;

/// The mutator of a watched collector, behind barriers that may be faulty.
pub(crate) type M = Mutator<Faulty<Watched>, Checker>;

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
    pub(crate) regions: Vec<Option<Region>>,
    pub(crate) program: &'p Program,
    /// Number of the next operation.
    next: usize,
    depth: usize,
    pub(crate) allocations: u32,
    pub(crate) random: Pcg32,
    /// Whether the next allocation is to find no new memory.
    pub(crate) fails_next: bool,
    /// Whether the allocation under way may be refused.
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

    /// How many operations were begun.
    pub(crate) fn begun(&self) -> usize {
        self.next
    }

    /// Plays the program to its end, and ends the run.
    ///
    /// Unwinds at the first difference that a detector sees.
    pub(crate) fn play(&mut self, m: &mut M) {
        self.start(m);
        while self.next < self.program.ops.len() {
            self.run(m);
        }
        self.safely(m, Shadow::tear_down);
        m.tear_down();
        m.collector().poison(m.heap().memory());
        self.held.clear();
        self.shadow.tear_down();
        self.compare_occupied(m, true);
        self.compare_account(m);
        self.verify_tables(m);
        self.regions_leave_nothing(m);
    }

    /// Many small regions, one after the other, need no more memory than a few.
    fn regions_leave_nothing(&self, m: &mut M) {
        if !self.shadow.rules.have_regions() {
            return;
        }
        let before = m.footprint().reserved_bytes;
        for _ in 0..300 {
            let region = m.region();
            if let Ok(local) = m.alloc_in::<Pair>(&region) {
                m.assign(&local, None);
            }
            m.end_region(region);
            m.collector().poison(m.heap().memory());
        }
        self.compare_growth(before, m.footprint().reserved_bytes);
    }

    /// Plays up to the end of the innermost scope.
    fn run(&mut self, m: &mut M) {
        while let Some(&op) = self.program.ops.get(self.next) {
            if op.is_quiet() {
                self.quietly(m);
                continue;
            }
            self.next += 1;
            match op {
                Op::Exit if self.depth > 0 => return,
                Op::Scope if self.depth < DEEPEST_SCOPE => self.scope(m),
                Op::Yields(root) if self.depth < DEEPEST_SCOPE => self.scope_returning(m, root),
                Op::Exit | Op::Scope | Op::Yields(_) => {}
                op => self.step(m, op),
            }
            self.follow_hidden(m, false);
            self.compare(m, &self.views(m));
        }
    }

    /// Operations that may not reclaim, on views loaded before the first of them.
    fn quietly(&mut self, m: &M) {
        let views = self.views(m);
        while let Some(&op) = self.program.ops.get(self.next).filter(|op| op.is_quiet()) {
            self.next += 1;
            self.quiet_step(m, &views, op);
            self.compare(m, &views);
        }
    }

    fn step(&mut self, m: &mut M, op: Op) {
        if self.program.schedule == Schedule::Steps {
            self.settle(m);
            m.step(Step::Start);
            m.step(Step::Advance);
            self.follow_hidden(m, false);
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
            Op::AllocIn(form, region) => self.alloc_in(m, form, region),
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
                m.end_region(self.regions[region].take().expect("it is open"));
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
            Op::Finalize(handle) => self.finalize(m, handle),
            Op::Poll => self.poll(m),
            _ => unreachable!("quiet operations and scopes are played elsewhere"),
        }
    }

    pub(crate) fn major(&mut self, m: &mut M) {
        self.settle(m);
        self.follow_hidden(m, false);
        m.collect();
        self.shadow.collect();
        self.follow_hidden(m, false);
        self.compare_occupied(m, true);
        self.verify_tables(m);
    }

    // ---- scopes -----------------------------------------------------------------------------------

    fn scope(&mut self, m: &mut M) {
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

    fn scope_returning(&mut self, m: &mut M, root: Pick) {
        let base = self.held.len();
        self.depth += 1;
        let result = m.scope_returning(|m| {
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

    // ---- picking operands -------------------------------------------------------------------------

    /// A handle that is wanted, newest first.
    pub(crate) fn handle(&self, pick: Pick, wanted: impl Fn(&Held) -> bool) -> Option<usize> {
        let is_wanted = |&index: &usize| self.held[index].as_ref().is_some_and(&wanted);
        let wanted: Vec<usize> = (0..self.held.len()).rev().filter(is_wanted).collect();
        wanted.get(usize::from(pick).checked_rem(wanted.len())?).copied()
    }

    pub(crate) fn region(&self, pick: Pick) -> Option<usize> {
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
