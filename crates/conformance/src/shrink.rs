//! Shortens a failing program: fewer operations, then simpler ones.
//!
//! Delta debugging (Zeller and Hildebrandt, "Simplifying and isolating failure-inducing input", IEEE
//! TSE 2002). The operations after the failure are cut off first. Any subsequence of a program is a program,
//! so nothing needs repair.

use crate::program::{Form, Op, Program, Schedule, Start};

/// Maximum number of programs tried.
const TRIES: usize = 2_000;

/// The shortest program found for which `fails` still holds.
pub fn shrink(program: &Program, begun: usize, fails: impl FnMut(&Program) -> bool) -> Program {
    let mut shrinker = Shrinker { best: program.clone(), tries: TRIES, fails };
    let cut =
        Program { ops: program.ops[..begun.min(program.ops.len())].to_vec(), ..program.clone() };
    shrinker.attempt(cut);
    while shrinker.round() {}
    shrinker.best
}

struct Shrinker<F> {
    best: Program,
    tries: usize,
    fails: F,
}

impl<F: FnMut(&Program) -> bool> Shrinker<F> {
    /// Keeps a simpler program if it fails, too. Returns whether it does.
    fn attempt(&mut self, simpler: Program) -> bool {
        if self.tries == 0 || simpler == self.best {
            return false;
        }
        self.tries -= 1;
        let fails = (self.fails)(&simpler);
        if fails {
            self.best = simpler;
        }
        fails
    }

    /// Tries every simplification once. Returns whether any succeeded.
    fn round(&mut self) -> bool {
        let settings = self.simplify_setting();
        let removed = self.remove();
        let simplified = self.simplify_ops();
        settings || removed || simplified
    }

    fn simplify_setting(&mut self) -> bool {
        let best = self.best.clone();
        let start = self.attempt(Program { start: Start::Empty, ..best });
        let best = self.best.clone();
        let schedule = self.attempt(Program { schedule: Schedule::Natural, ..best });
        let best = self.best.clone();
        let limit =
            best.start == Start::Empty && self.attempt(Program { limit_bytes: None, ..best });
        start || schedule || limit
    }

    /// Removes pieces: halves first, single operations last.
    fn remove(&mut self) -> bool {
        let mut any = false;
        let mut piece = self.best.ops.len().div_ceil(2);
        while piece > 0 {
            let mut start = 0;
            while start < self.best.ops.len() {
                let end = (start + piece).min(self.best.ops.len());
                let mut without = self.best.clone();
                without.ops.drain(start..end);
                if self.attempt(without) {
                    any = true;
                } else {
                    start += piece;
                }
            }
            piece /= 2;
        }
        any
    }

    fn simplify_ops(&mut self) -> bool {
        let mut any = false;
        for index in 0..self.best.ops.len() {
            for simpler in simpler(self.best.ops[index]) {
                let mut with = self.best.clone();
                with.ops[index] = simpler;
                any |= self.attempt(with);
            }
        }
        any
    }
}

/// Simpler operations to replace this one: with the newest operands, smaller forms, lower numbers. Each
/// differs from it, and none leads back to it.
fn simpler(op: Op) -> Vec<Op> {
    let mut simpler = match op {
        Op::Alloc(form) => vec![Op::Alloc(small(form))],
        Op::Graft(form, holder, slot) => vec![
            Op::Alloc(small(form)),
            Op::Graft(small(form), holder, slot),
            Op::Graft(form, 0, slot),
            Op::Graft(form, holder, slot % 8),
        ],
        Op::Build(form, count, _) => {
            vec![
                Op::Alloc(form),
                Op::Build(Form::Pair, count % 4, [0; 3]),
                Op::Build(form, 1, [0; 3]),
            ]
        }
        Op::Chain(count) => vec![Op::Alloc(Form::Pair), Op::Chain(count / 2)],
        Op::Grove(form, count) => vec![Op::Chain(count), Op::Grove(form, count / 2)],
        Op::Fan(target, count, borrows) => {
            vec![Op::Fan(0, count, borrows), Op::Fan(target, count / 2, borrows)]
        }
        Op::Churn(form, count, frees) => vec![
            Op::Churn(small(form), count, frees),
            Op::Churn(form, 1, frees),
            Op::Churn(form, count / 2, frees),
        ],
        Op::Forget(_) => vec![Op::Forget(0)],
        Op::Drop(_) => vec![Op::Drop(0)],
        Op::Free(_) => vec![Op::Drop(0), Op::Free(0)],
        Op::ScopeReturning(_) => vec![Op::Scope, Op::ScopeReturning(0)],
        Op::AllocIn(form, _) => vec![Op::AllocIn(small(form), 0)],
        Op::BuildIn(..) => vec![Op::AllocIn(Form::Pair, 0), Op::BuildIn(0, 1, [0; 2])],
        Op::EndRegion(_) => vec![Op::EndRegion(0)],
        Op::Clear(_) => vec![Op::Clear(0)],
        Op::Store(o, slot, to) => vec![
            Op::Store(0, slot, to),
            Op::Store(o, slot % 4, to),
            Op::Store(o, slot, to.map(|_| 1)),
            Op::Store(o, slot, to.map(|_| 0)),
        ],
        Op::StoreSelf(_, slot) => vec![Op::StoreSelf(0, slot % 4)],
        Op::StoreAgain(_) => vec![Op::StoreAgain(0)],
        Op::MoveSlot(..) => vec![Op::MoveSlot(0, 0, 0)],
        Op::StoreInt(..) => vec![Op::StoreInt(0, 0, 0)],
        Op::Put(o, slot, root) => {
            vec![Op::Put(0, 0, root.map(|_| 0)), Op::Put(0, slot, root), Op::Put(o, 0, root)]
        }
        Op::Take(_, slot) => vec![Op::Take(0, slot % 2)],
        Op::Swap(a, s, b, t) => {
            vec![Op::Swap(0, s, b, t), Op::Swap(a, 0, b, 0), Op::Swap(a, s, 0, t)]
        }
        Op::SetWord(..) => vec![Op::SetWord(0, 1)],
        Op::Keep(_) => vec![Op::Keep(0)],
        Op::Finalize(_) => vec![Op::Finalize(0)],
        Op::Upgrade(o, slot) => vec![Op::Upgrade(0, slot), Op::Upgrade(o, slot % 4)],
        Op::Assign(_, to) => vec![Op::Assign(0, to), Op::Assign(0, to.map(|_| 1))],
        Op::AssignGlobal(_, to) => vec![Op::AssignGlobal(0, to.map(|_| 1))],
        Op::Scope | Op::Exit | Op::BeginRegion | Op::Safepoint | Op::Major | Op::Minor => vec![],
        Op::Start | Op::Step | Op::Finish | Op::FailNext | Op::NullLocal | Op::Poll => vec![],
    };
    simpler.retain(|&other| other != op);
    simpler
}

fn small(form: Form) -> Form {
    match form {
        Form::OwnArray(slots) if slots > 8 => Form::OwnArray(slots / 2),
        Form::SharedArray(slots) if slots > 8 => Form::SharedArray(slots / 2),
        Form::BorrowArray(slots) if slots > 8 => Form::BorrowArray(slots / 2),
        Form::WeakArray(slots) if slots > 8 => Form::WeakArray(slots / 2),
        Form::Ephemerons(count) if count > 4 => Form::Ephemerons(count / 2),
        _ => Form::Pair,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::generate::program;

    #[test]
    fn only_the_operations_that_make_it_fail_are_kept() {
        // Fails when there is a chain, later a collection, and a limit.
        let fails = |program: &Program| {
            let chain = program.ops.iter().position(|op| matches!(op, Op::Chain(n) if *n >= 3));
            let major = program.ops.iter().rposition(|op| *op == Op::Major);
            chain.is_some() && chain < major && program.limit_bytes.is_some()
        };
        let failing: Vec<Program> = (0..200).map(|seed| program(seed, 400)).filter(fails).collect();
        assert!(failing.len() > 20);
        for program in failing {
            let shrunk = shrink(&program, program.ops.len(), fails);
            assert!(matches!(shrunk.ops[..], [Op::Chain(3..6), Op::Major]), "{shrunk}");
            assert_eq!((shrunk.start, shrunk.schedule), (Start::Empty, Schedule::Natural));
        }
    }
}
