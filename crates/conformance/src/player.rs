//! Plays a program on a real heap and on its shadow.

mod allocate;
mod colours;
mod compare;
mod honesty;
mod quiet;
mod room;
pub(crate) mod state;
mod valid;
mod weak;

use crate::player::state::{M, Player};
use crate::program::{Op, Pair, Pick, Schedule};
use crate::shadow::Shadow;
use heap::{Mutator, Step};

/// Maximum nesting of scopes: a program is data, and must not overflow the stack on which it is played.
const DEEPEST_SCOPE: usize = 12;

impl Player<'_> {
    /// Plays the program to its end, and ends the run. Unwinds at the first violation.
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
        self.pauses_cover_collections(m);
    }

    /// Checks that many small regions, one after the other, need no more memory than a few.
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
                Op::ScopeReturning(root) if self.depth < DEEPEST_SCOPE => {
                    self.scope_returning(m, root)
                }
                Op::Exit | Op::Scope | Op::ScopeReturning(_) => {}
                op => self.step(m, op),
            }
            self.follow_weak(m, false);
            self.compare(m, &self.views(m));
        }
    }

    /// Operations that may not reclaim, on views loaded before the first of them.
    fn quietly(&mut self, m: &M) {
        let views = self.views(m);
        while let Some(&op) = self.program.ops.get(self.next).filter(|op| op.is_quiet()) {
            self.next += 1;
            _ = self.quiet_step(m, &views, op);
            self.compare(m, &views);
        }
    }

    fn step(&mut self, m: &mut M, op: Op) {
        if self.program.schedule == Schedule::Steps {
            self.settle(m);
            m.step(Step::Start);
            m.step(Step::Advance);
            self.follow_weak(m, false);
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
                let Some(local) = self.local(local) else { return };
                let effect = |shadow: &mut Shadow| shadow.handles[local] = None;
                self.safely(m, effect);
                m.forget(self.take_local(local));
                self.finish(effect);
            }
            Op::Drop(root) => {
                let Some(root) = self.root(root) else { return };
                self.consume(m, root, |shadow, root| shadow.handles[root] = None, Mutator::drop);
            }
            Op::Free(root) => {
                let Some(root) = self.root(root) else { return };
                self.consume(m, root, Shadow::free, Mutator::free);
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
        self.follow_weak(m, false);
        m.collect();
        self.shadow.collect();
        self.follow_weak(m, false);
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
            let result = self.root(root).map(|index| {
                self.shadow.returned = Some(self.part(index, true));
                self.take_root(index)
            });
            self.safely(m, |shadow| shadow.leave(base));
            result.ok_or(())
        });
        self.depth -= 1;
        self.held.truncate(base);
        self.finish(|shadow| shadow.leave(base));
        if let (Some(id), Ok(root)) = (self.shadow.returned.take(), result) {
            self.hold_root(root, id);
        }
    }
}
