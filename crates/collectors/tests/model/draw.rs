//! How proptest draws programs: as bytes, of which every sequence makes sense.
//!
//! A strategy for each operation would cost more time than playing it. And bytes can be cut down to
//! a short program as freely as one likes.

use crate::program::{Form, Op, Pick, QuietOp};
use heap::SlotKind;
use proptest::collection::vec;
use proptest::prelude::*;

/// Which operation it is, then operands.
type Code = [u8; 6];

/// An operation, or one end of a scope.
enum Part {
    Op(Op),
    Open(Scope),
    Close,
}

enum Scope {
    Plain,
    Yields(bool, Pick),
}

/// Programs in which each operation that may reclaim is followed by some that may not.
pub(crate) fn program() -> impl Strategy<Value = Vec<Op>> {
    let quiet = || vec(any::<Code>(), 0..12);
    vec((any::<Code>(), quiet()), 1..30).prop_map(|parts| parse(&parts))
}

/// Scopes that are not closed end with the program.
fn parse(parts: &[(Code, Vec<Code>)]) -> Vec<Op> {
    let mut open: Vec<(Scope, Vec<Op>)> = Vec::new();
    let mut ops = Vec::new();
    let close = |open: &mut Vec<(Scope, Vec<Op>)>, ops: &mut Vec<Op>| {
        if let Some((scope, outer)) = open.pop() {
            let body = std::mem::replace(ops, outer);
            ops.push(match scope {
                Scope::Plain => Op::Scope(body),
                Scope::Yields(ok, root) => Op::Yields(body, ok, root),
            });
        }
    };
    for (code, quiet) in parts {
        match part(*code) {
            Part::Op(op) => ops.push(op),
            Part::Open(scope) => open.push((scope, std::mem::take(&mut ops))),
            Part::Close => close(&mut open, &mut ops),
        }
        if !quiet.is_empty() {
            ops.push(Op::Quietly(quiet.iter().copied().map(quiet_op).collect()));
        }
    }
    while !open.is_empty() {
        close(&mut open, &mut ops);
    }
    ops
}

/// The ranges are per cent; proptest shrinks to small codes.
fn part([code, a, b, c, d, e]: Code) -> Part {
    Part::Op(match u32::from(code) * 100 / 256 {
        0..4 => Op::Safepoint,
        4..10 => Op::Alloc(form(a, b)),
        10..44 => Op::Graft(shape(a), vec![(b, c), (c, d), (d, e), (e, b)]),
        44..50 => {
            let form = if a % 4 == 0 { Form::Wide } else { Form::Pair };
            Op::Build(form, [c, d, e][..usize::from(b) % 4].to_vec())
        }
        50..52 => Op::Churn(shape(a), u16::from(b) * 2 + 1, c % 2 == 1),
        52..56 => Op::Forget(a),
        56..62 => Op::Drop(a),
        62..66 => Op::Free(a),
        66..70 => Op::BeginRegion,
        70..78 => Op::AllocIn(shape(a), b),
        78..82 => Op::BuildIn(a, [c, d][..usize::from(b) % 3].to_vec()),
        82..85 => Op::EndRegion(a),
        85..88 => Op::Collect,
        88..91 => return Part::Open(Scope::Plain),
        91..94 => return Part::Open(Scope::Yields(a % 2 == 1, b)),
        _ => return Part::Close,
    })
}

fn quiet_op([code, a, b, c, d, e]: Code) -> QuietOp {
    match u32::from(code) * 100 / 256 {
        0..2 => QuietOp::Nowhere,
        2..22 => QuietOp::Clear(a),
        22..60 => QuietOp::Store(a, b, maybe(c)),
        60..63 => QuietOp::StoreInt(a, b, i32::from_le_bytes([c, d, e, 0]) - (1 << 23)),
        63..69 => QuietOp::Put(a, b, maybe(c)),
        69..74 => QuietOp::Take(a, b),
        74..82 => QuietOp::Swap(a, b, c, d),
        82..84 => QuietOp::SetWord(a, u64::from_le_bytes([b, c, d, e, e, d, c, b])),
        84..88 => QuietOp::Keep(a),
        88..94 => QuietOp::Aim(a, maybe(b)),
        _ => QuietOp::AimGlobal(a, maybe(b)),
    }
}

/// A form, mostly small; `extra` tells how long an array is.
fn form(code: u8, extra: u8) -> Form {
    let kind = [SlotKind::Own, SlotKind::Shared, SlotKind::Borrow][usize::from(extra) % 3];
    match code % 16 {
        0..10 => Form::Pair,
        10 => Form::Leaf,
        11 => Form::Wide,
        12..15 => Form::Array(kind, u32::from(extra) / 12),
        _ => Form::Array(kind, 4100 + u32::from(extra) * 20),
    }
}

fn shape(code: u8) -> Form {
    [Form::Pair, Form::Pair, Form::Wide, Form::Leaf][usize::from(code) % 4]
}

/// One pick in four is of nothing.
fn maybe(pick: u8) -> Option<Pick> {
    (!pick.is_multiple_of(4)).then_some(pick / 4)
}
