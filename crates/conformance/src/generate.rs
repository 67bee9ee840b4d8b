//! Draws programs: noise, mixed with scenarios.
//!
//! Noise finds unforeseen bugs; scenarios reach states that noise reaches too seldom (an object hidden behind
//! a marked one, a count that saturates, a heap that is exactly full). Measured on a prototype of 28 mutants:
//! noise alone found 21, with scenarios 25.

mod scenario;

use crate::program::{Form, Op, Pick, Program, Schedule, Start};
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg32;

/// Eight blocks, some of which are metadata: room for few size classes at a time.
const TINY_HEAP_BYTES: u64 = 256 * 1024;
/// Where a heap that is half empty has room for any object of a program.
const MEDIUM_HEAP_BYTES: u64 = 512 * 1024;
const SMALL_HEAP_BYTES: u64 = 1024 * 1024;

/// Bytes that encode an operation: its number, then operands.
const CODE_BYTES: usize = 6;
type Code = [u8; CODE_BYTES];

/// The program of this seed, of at least `ops` operations.
pub fn program(seed: u64, ops: usize) -> Program {
    let mut random = Pcg32::seed_from_u64(seed);
    let mut program = Program { ops: Vec::with_capacity(ops), ..setting(random.random()) };
    while program.ops.len() < ops {
        if random.random_range(0..100) < 8 {
            program.ops.extend(scenario::draw(&mut random));
        } else {
            program.ops.push(op(random.random()));
        }
    }
    program
}

/// The program that these bytes encode. Every sequence of bytes is a program, and bytes that differ little
/// are programs that differ little.
pub fn from_bytes(bytes: &[u8]) -> Program {
    let (head, body) = bytes.split_at(bytes.len().min(4));
    let mut first = [0; 4];
    first[..head.len()].copy_from_slice(head);
    let (codes, _) = body.as_chunks::<CODE_BYTES>();
    Program { ops: codes.iter().copied().map(op).collect(), ..setting(first) }
}

/// The settings of a program.
fn setting([limit, start, schedule, seed]: [u8; 4]) -> Program {
    let limit_bytes = match limit {
        0..128 => None,
        128..180 => Some(TINY_HEAP_BYTES),
        180..215 => Some(MEDIUM_HEAP_BYTES),
        215.. => Some(SMALL_HEAP_BYTES),
    };
    let start = match start {
        _ if limit_bytes.is_none() => Start::Empty,
        0..180 => Start::Empty,
        180..205 => Start::AlmostFull,
        205..230 => Start::Full,
        230.. => Start::Fragmented,
    };
    let schedule = match schedule {
        0..112 => Schedule::Natural,
        112..144 => Schedule::Every(1),
        144..176 => Schedule::Every(4),
        176..192 => Schedule::Every(32),
        192..224 => Schedule::Random(4, u64::from(seed)),
        224.. => Schedule::Steps,
    };
    Program { start, limit_bytes, schedule, ops: Vec::new() }
}

/// The operation that a code encodes. Ranges are per mille.
fn op([code, a, b, c, d, e]: Code) -> Op {
    match (u32::from(code) * 256 + u32::from(e)) * 1000 / 65536 {
        0..40 => Op::Alloc(form(a, b)),
        40..180 => Op::Graft(shape(a), b, c),
        180..210 => {
            Op::Build(if a.is_multiple_of(4) { Form::Wide } else { Form::Pair }, b, [c, d, e])
        }
        210..216 => Op::Chain(u16::from(a)),
        216..218 => Op::Grove(shape(a), u16::from(b) / 4),
        218..222 => Op::Fan(a, u16::from(b) + 1, c.is_multiple_of(3)),
        222..236 => Op::Churn(shape(a), u16::from(b) * 2 + 1, c.is_multiple_of(2)),
        236..262 => Op::Forget(a),
        262..296 => Op::Drop(a),
        296..320 => Op::Free(a),
        320..336 => Op::Scope,
        336..352 => Op::ScopeReturning(a),
        352..380 => Op::Exit,
        380..395 => Op::BeginRegion,
        395..430 => Op::AllocIn(shape(a), b),
        430..450 => Op::BuildIn(a, b, [c, d]),
        450..466 => Op::EndRegion(a),
        466..472 => Op::Safepoint,
        472..476 => Op::Finalize(a),
        476..480 => Op::Poll,
        480..492 => Op::Major,
        492..500 => Op::Minor,
        500..506 => Op::Start,
        506..518 => Op::Step,
        518..522 => Op::Finish,
        522..530 => Op::FailNext,
        530..620 => Op::Clear(a),
        620..745 => Op::Store(a, b, maybe(c)),
        745..755 => Op::StoreSelf(a, b),
        755..765 => Op::StoreAgain(a),
        765..800 => Op::MoveSlot(a, b, c),
        800..812 => Op::StoreInt(a, b, i32::from_le_bytes([c, d, e, 0]) - (1 << 23)),
        812..845 => Op::Put(a, b, maybe(c)),
        845..870 => Op::Take(a, b),
        870..900 => Op::Swap(a, b, c, d),
        900..912 => Op::SetWord(a, u64::from_le_bytes([b, c, d, e, e, d, c, b])),
        912..940 => Op::Keep(a),
        940..948 => Op::NullLocal,
        948..975 => Op::Assign(a, maybe(b)),
        975..990 => Op::AssignGlobal(a, maybe(b)),
        _ => Op::Upgrade(a, b),
    }
}

/// A form, mostly small; `extra` gives the length of an array.
fn form(code: u8, extra: u8) -> Form {
    let array = |slots| match extra % 3 {
        0 => Form::OwnArray(slots),
        1 => Form::SharedArray(slots),
        _ => Form::BorrowArray(slots),
    };
    match code % 16 {
        0..10 => Form::Pair,
        10 => Form::Leaf,
        11 => Form::Wide,
        12..14 => array(u32::from(extra) / 12),
        14 if extra.is_multiple_of(2) => Form::WeakArray(u32::from(extra) / 16),
        14 => Form::Ephemerons(u32::from(extra) / 32),
        _ => array(4100 + u32::from(extra) * 20),
    }
}

fn shape(code: u8) -> Form {
    [Form::Pair, Form::Pair, Form::Wide, Form::Leaf][usize::from(code) % 4]
}

/// One pick in four is of nothing.
fn maybe(pick: u8) -> Option<Pick> {
    (!pick.is_multiple_of(4)).then_some(pick)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn a_seed_always_means_the_same_program() {
        assert_eq!(program(7, 400), program(7, 400));
        assert_ne!(program(7, 400), program(8, 400));
        assert!((400..440).contains(&program(7, 400).ops.len()));
    }

    #[test]
    fn seeds_draw_every_operation_start_and_schedule() {
        let kind = |op: &Op| format!("{op:?}").split('(').next().map(str::to_owned);
        let programs: Vec<Program> = (0..200).map(|seed| program(seed, 400)).collect();
        let ops: HashSet<_> = programs.iter().flat_map(|p| &p.ops).map(kind).collect();
        assert_eq!(ops.len(), 41, "{ops:?}");
        let starts: HashSet<_> = programs.iter().map(|p| format!("{:?}", p.start)).collect();
        assert_eq!(starts.len(), 4, "{starts:?}");
        let schedules: HashSet<_> =
            programs.iter().map(|p| format!("{:.9?}", p.schedule)).collect();
        assert!(schedules.len() > 5, "{schedules:?}");
    }

    #[test]
    fn any_bytes_are_a_program() {
        assert!(from_bytes(&[]).ops.is_empty());
        assert_eq!(from_bytes(&[255; 4 + 3 * CODE_BYTES + 1]).ops.len(), 3);
    }
}
