//! Short sequences of operations that bring a heap into a state that noise seldom reaches.
//!
//! Their picks count from the newest, so they mean the same anywhere in a program (see [`crate::program`]):
//! after two allocations, object 0 is the second and object 1 the first. Slots of a pair that keep: 0 and 1 own,
//! 2 and 3 shared; that can be stored to: 0 and 1 shared, 2 and 3 borrow. An odd target `2 n + 1` is object
//! number n; an even one is the object that was unlinked last.

use crate::program::{Form, Op};
use Form::{Ephemerons, Pair, SharedArray, WeakArray, Wide};
use Op::*;
use rand::RngExt;
use rand_pcg::Pcg32;

/// Draws a scenario.
pub(super) fn draw(random: &mut Pcg32) -> Vec<Op> {
    let all: [fn(&mut Pcg32) -> Vec<Op>; 32] = [
        stored_again,
        parked_again_and_again,
        parked_inside_parked,
        parked_with_a_shared_child,
        blocks_that_empty,
        cycle_with_tail,
        own_cycle,
        rooted_only_by_a_local,
        rooted_only_by_a_global,
        borrow_of_the_dead,
        many_references,
        long_chain,
        comb,
        churned_to_the_brim,
        hidden_behind_black,
        hidden_in_a_root,
        young_into_old,
        region_with_owners,
        hole_below_a_scope,
        refused,
        refused_until_dropped,
        refused_among_holes,
        large_objects,
        weak_and_dead,
        weak_and_taken_while_marking,
        ephemeron_of_itself,
        ephemerons_in_a_chain,
        ephemeron_behind_another,
        finalized,
        finalized_together,
        finalized_while_marking,
        weak_and_finalized,
    ];
    let mut ops = all[random.random_range(0..all.len())](random);
    // Sometimes with an independent operation in between.
    if random.random_range(0..4) == 0 {
        let place = random.random_range(0..=ops.len());
        ops.insert(place, Safepoint);
    }
    ops
}

/// An object that is unlinked, and linked elsewhere before an operation that may reclaim.
fn stored_again(random: &mut Pcg32) -> Vec<Op> {
    let slot = random.random_range(0..2);
    vec![Alloc(Pair), Alloc(Pair), Graft(Pair, 0, 2), Clear(0), Store(2, slot, Some(0)), Safepoint]
}

fn parked_again_and_again(random: &mut Pcg32) -> Vec<Op> {
    let mut ops = vec![Alloc(Pair), Graft(Pair, 0, 2), Graft(Pair, 1, 2)];
    for _ in 0..random.random_range(1..4) {
        ops.extend([Clear(0), Store(0, 0, Some(0))]);
    }
    ops.extend([Clear(0), Safepoint]);
    ops
}

/// A parked object that is stored into an object that is parked afterwards and processed first.
fn parked_inside_parked(random: &mut Pcg32) -> Vec<Op> {
    let back = random.random_range(2..4);
    let mut ops = vec![Alloc(Pair), Alloc(Pair), Graft(Pair, 0, 2), Graft(Pair, 0, 3)];
    ops.extend([Store(3, back, Some(3)), Clear(0), Store(2, 0, Some(0)), Clear(0), Safepoint]);
    ops
}

/// A parked object with a child that others hold, too.
fn parked_with_a_shared_child(random: &mut Pcg32) -> Vec<Op> {
    let mut ops = vec![Alloc(Pair), Alloc(Pair), Graft(Pair, 0, 2), Store(1, 1, Some(5))];
    if random.random() {
        // A borrow keeps its memory longer.
        ops.push(Store(2, 2, Some(3)));
    }
    (0..random.random_range(1..4)).for_each(|_| ops.extend([Clear(0), Store(0, 0, Some(0))]));
    ops.extend([Clear(0), Safepoint, Major]);
    ops
}

/// Blocks that are full, then have a few free cells, and are empty at last.
fn blocks_that_empty(random: &mut Pcg32) -> Vec<Op> {
    // Hundreds of objects: one draw in four is enough.
    if random.random_range(0..4) > 0 {
        return vec![Grove(Pair, 20), Major, Free(0)];
    }
    let mut ops = vec![Alloc(Pair), Grove(Wide, random.random_range(200..420))];
    for _ in 0..random.random_range(0..4) {
        ops.extend([Take(0, random.random_range(0..8)), Free(0)]);
    }
    let end = if random.random() { Drop(0) } else { Free(0) };
    ops.extend([end, Alloc(Pair), Churn(Wide, 250, true), Grove(Wide, 210), Alloc(Wide), Free(1)]);
    ops
}

fn cycle_with_tail(random: &mut Pcg32) -> Vec<Op> {
    let tail = random.random_range(2..4);
    let collects = if random.random() { Major } else { Safepoint };
    let garbage = [Store(1, 0, Some(1)), Graft(Pair, 1, tail), Drop(0), collects];
    [&[Alloc(Pair), Graft(Pair, 0, 2)][..], &garbage].concat()
}

/// An object that owns the one that owns it.
fn own_cycle(_: &mut Pcg32) -> Vec<Op> {
    vec![Alloc(Pair), Graft(Pair, 0, 0), Keep(1), Put(1, 0, Some(0)), Assign(0, None), Major]
}

fn rooted_only_by_a_local(_: &mut Pcg32) -> Vec<Op> {
    vec![Alloc(Pair), Graft(Pair, 0, 2), Keep(1), Drop(0), Major, Forget(0), Major]
}

fn rooted_only_by_a_global(random: &mut Pcg32) -> Vec<Op> {
    let global = random.random_range(0..2);
    let (assign, clear) = (AssignGlobal(global, Some(1)), AssignGlobal(global, None));
    vec![Alloc(Pair), assign, Drop(0), Major, clear, Major]
}

/// A borrow slot whose referent dies, and whose memory becomes another object.
fn borrow_of_the_dead(random: &mut Pcg32) -> Vec<Op> {
    let (slot, many) = (random.random_range(2..4), random.random_range(1..80));
    vec![Alloc(Pair), Alloc(Pair), Store(0, slot, Some(3)), Drop(1), Churn(Pair, many, true), Major]
}

/// More references to one object than a small count can hold.
fn many_references(random: &mut Pcg32) -> Vec<Op> {
    // Eight thousand stores: one draw in six is enough.
    let count = if random.random_range(0..6) == 0 { 8_200 } else { 70 };
    let borrows = random.random();
    vec![Alloc(Pair), Fan(0, count, borrows), Drop(0), Safepoint, Drop(0), Safepoint, Major]
}

fn long_chain(random: &mut Pcg32) -> Vec<Op> {
    let end = if random.random() { Drop(0) } else { Free(0) };
    vec![Chain(random.random_range(20..200)), Major, end, Safepoint]
}

/// A row of objects of which every other one is freed.
fn comb(random: &mut Pcg32) -> Vec<Op> {
    let teeth = random.random_range(4..12);
    let mut ops = vec![Scope];
    (0..teeth).for_each(|_| ops.extend([Alloc(Pair), Alloc(Pair)]));
    (1..=teeth).for_each(|tooth| ops.push(Free(tooth)));
    ops.extend([Churn(Pair, 20, true), Major, Churn(Wide, 20, false), Exit]);
    ops
}

fn churned_to_the_brim(random: &mut Pcg32) -> Vec<Op> {
    let form = if random.random() { Pair } else { Wide };
    vec![Alloc(Pair), Graft(form, 0, 2), Churn(form, 1500, random.random()), Graft(form, 0, 3)]
}

/// While marking, the only reference to an object moves from an unmarked object to a marked one.
fn hidden_behind_black(random: &mut Pcg32) -> Vec<Op> {
    let mut ops = vec![Alloc(Pair), Graft(Pair, 0, 2), Graft(Pair, 1, 2), Alloc(Pair), Start];
    (0..random.random_range(0..4)).for_each(|_| ops.push(Step));
    ops.extend([MoveSlot(1, 0, random.random_range(0..2)), Step, Finish, Major]);
    ops
}

/// While marking, a root takes the only reference from a slot that is not scanned yet.
fn hidden_in_a_root(random: &mut Pcg32) -> Vec<Op> {
    let is_owned = random.random();
    let mut ops =
        vec![Alloc(Pair), Graft(Pair, 0, 2), Graft(Pair, 1, if is_owned { 0 } else { 2 }), Start];
    ops.extend(if is_owned { vec![Take(1, 0)] } else { vec![Keep(2), Clear(1)] });
    ops.extend([Finish, Major]);
    ops
}

/// A survivor that gets the only reference to a new object.
fn young_into_old(random: &mut Pcg32) -> Vec<Op> {
    let mut ops = vec![Alloc(Pair), Graft(Pair, 0, 2), if random.random() { Major } else { Minor }];
    ops.extend([Graft(Pair, 1, random.random_range(0..4)), Minor, Churn(Pair, 40, true), Minor]);
    ops
}

/// Objects in a region own others inside and outside.
fn region_with_owners(random: &mut Pcg32) -> Vec<Op> {
    let graft = Graft(Pair, 0, random.random_range(0..2));
    let mut ops = vec![BeginRegion, AllocIn(Pair, 0), graft, AllocIn(Wide, 0)];
    ops.extend([BuildIn(0, 2, [0, 1]), Graft(Pair, 0, 0), EndRegion(0), Churn(Pair, 30, true)]);
    ops
}

/// A root of an outer scope that an inner one consumes, on top of the stack or below.
fn hole_below_a_scope(random: &mut Pcg32) -> Vec<Op> {
    let mut ops = vec![Alloc(Pair), Alloc(Wide), Scope];
    if random.random() {
        ops.push(Alloc(Pair));
    }
    ops.extend([Drop(0), Drop(0), Alloc(Pair), Keep(0), Exit, Alloc(Wide), Major]);
    ops
}

/// An allocation that finds no memory, with roots that move into the new object.
fn refused(random: &mut Pcg32) -> Vec<Op> {
    let form = if random.random() { Wide } else { Pair };
    let large = Alloc(SharedArray(9_000));
    vec![Alloc(Pair), Alloc(Pair), FailNext, Build(form, 2, [0, 0, 0]), FailNext, large, Major]
}

/// More objects than a small heap holds, up to the overhead limit of its collections; then none of them is live.
fn refused_until_dropped(random: &mut Pcg32) -> Vec<Op> {
    let forms = [SharedArray(9_000), Form::OwnArray(2_000), WeakArray(3_000), Ephemerons(1_500)];
    let full = [Alloc(forms[random.random_range(0..forms.len())]); 40];
    [&[Scope][..], &full, &[Exit, Alloc(Wide), Alloc(full_size(random))]].concat()
}

/// Every other object of two sizes is dropped, and the next ones are larger.
fn refused_among_holes(random: &mut Pcg32) -> Vec<Op> {
    let mut ops = vec![Scope];
    for _ in 0..random.random_range(4..24) {
        ops.extend([Alloc(Form::OwnArray(500)), Alloc(WeakArray(700)), Alloc(Wide)]);
    }
    ops.extend((1..30).map(Drop));
    ops.extend([FailNext, Alloc(full_size(random)), Alloc(full_size(random)), Exit]);
    ops
}

/// An array of one to three blocks.
fn full_size(random: &mut Pcg32) -> Form {
    SharedArray(random.random_range(8_000..24_000))
}

fn large_objects(random: &mut Pcg32) -> Vec<Op> {
    let slots = random.random_range(4_090..16_500);
    let array = if random.random() { SharedArray(slots) } else { Form::OwnArray(slots) };
    vec![Alloc(array), Graft(Pair, 0, 8), Major, Alloc(array), Drop(1), Major, Graft(Wide, 0, 0)]
}

/// A weak slot whose referent dies, beside one whose referent stays.
fn weak_and_dead(random: &mut Pcg32) -> Vec<Op> {
    let collects = if random.random() { Major } else { Churn(Pair, 60, false) };
    let upgrade = Upgrade(0, random.random_range(0..3));
    let mut ops = vec![Alloc(Pair), Alloc(Pair), Alloc(WeakArray(3))];
    ops.extend([Store(0, 0, Some(3)), Store(0, 2, Some(5)), Drop(1), collects, upgrade, Major]);
    ops
}

/// While marking, the program upgrades a weak slot that has the last reference to an object.
fn weak_and_taken_while_marking(random: &mut Pcg32) -> Vec<Op> {
    let mut ops = vec![Alloc(Pair), Graft(Pair, 0, 2), Graft(Pair, 1, 2), Alloc(WeakArray(1))];
    ops.extend([Store(0, 0, Some(7)), Clear(0), Clear(0), Start]);
    (0..random.random_range(0..2)).for_each(|_| ops.push(Step));
    ops.extend([Upgrade(0, 0), Step, Finish, Major]);
    ops
}

/// An ephemeron whose value has the last reference to its key.
fn ephemeron_of_itself(random: &mut Pcg32) -> Vec<Op> {
    let mut ops = vec![Alloc(Pair), Alloc(Pair), Store(0, 0, Some(3)), Alloc(Ephemerons(2))];
    ops.extend([Store(0, 0, Some(5)), Store(0, 1, Some(3)), Drop(1)]);
    ops.push(if random.random() { Major } else { Minor });
    ops.extend([Upgrade(0, random.random_range(0..2)), Drop(1), Major]);
    ops
}

/// Each value is the key of another ephemeron, in either order.
fn ephemerons_in_a_chain(random: &mut Pcg32) -> Vec<Op> {
    let count = random.random_range(2..4_u8);
    let mut ops: Vec<Op> = (0..=count).map(|_| Alloc(Pair)).collect();
    ops.push(Alloc(Ephemerons(4)));
    // From object 1, the newest, to the oldest, which is number `count` + 1.
    let backwards = random.random();
    for link in 0..count {
        let place = if backwards { count - 1 - link } else { link };
        let (key, value) = (link + 1, link + 2);
        ops.push(Store(0, 2 * place, Some(2 * key + 1)));
        ops.push(Store(0, 2 * place + 1, Some(2 * value + 1)));
    }
    // All but the first key are kept by ephemerons alone.
    ops.extend((0..count).map(|_| Drop(2)));
    ops.extend([Major, Upgrade(0, random.random_range(0..6)), Forget(0)]);
    ops.extend([if random.random() { Drop(1) } else { Drop(0) }, Major]);
    ops
}

/// The value of an ephemeron refers to the key of another one, which stands before it or after it.
fn ephemeron_behind_another(random: &mut Pcg32) -> Vec<Op> {
    let (first, second) = if random.random() { (0, 2) } else { (2, 0) };
    // Newest first: a value, its key, a value that refers to this key, the key of that.
    let mut ops = vec![Alloc(Pair); 4];
    ops.extend([Store(2, random.random_range(0..2), Some(3)), Alloc(Ephemerons(2))]);
    ops.extend([Store(0, first, Some(9)), Store(0, first + 1, Some(7))]);
    ops.extend([
        Store(0, second, Some(5)),
        Store(0, second + 1, Some(3)),
        Drop(1),
        Drop(1),
        Drop(1),
    ]);
    ops.push(if random.random() { Major } else { Minor });
    ops.extend([Upgrade(0, random.random_range(0..4)), Major]);
    ops
}

/// An object that becomes finalizable, with the object that it refers to.
fn finalized(random: &mut Pcg32) -> Vec<Op> {
    let collects = if random.random() { Major } else { Churn(Pair, 60, false) };
    let graft = Graft(Pair, 0, random.random_range(0..4));
    let mut ops = vec![Alloc(Pair), graft, Finalize(0), Drop(0), collects];
    // Another collection keeps it, whether it was polled or not.
    ops.extend(if random.random() { [Poll, Major] } else { [Major, Poll] });
    ops.extend([Forget(0), Major, Poll]);
    ops
}

/// Several objects that become unreachable together, one of which refers to another.
fn finalized_together(random: &mut Pcg32) -> Vec<Op> {
    let mut ops = [Alloc(Pair), Finalize(0)].repeat(3);
    ops.push(Store(0, 0, Some(random.random_range(1..3) * 2 + 1)));
    ops.extend([Drop(0), Drop(0), Drop(0), Major, Poll, Poll, Poll, Major]);
    ops
}

/// An object that is dead when marking begins, and one that it refers to that dies before marking ends: a
/// requested collection finds both.
fn finalized_while_marking(random: &mut Pcg32) -> Vec<Op> {
    let mut ops = [Alloc(Pair), Finalize(0)].repeat(2);
    ops.extend([Store(0, random.random_range(0..2), Some(3)), Drop(0), Start]);
    (0..random.random_range(0..2)).for_each(|_| ops.push(Step));
    ops.extend([Drop(0), Major, Poll, Poll, Major]);
    ops
}

/// A weak slot, and an ephemeron's key, that refer to a finalizable object; the arrays die with it or stay.
fn weak_and_finalized(random: &mut Pcg32) -> Vec<Op> {
    let array = if random.random() { WeakArray(2) } else { Ephemerons(1) };
    let mut ops = vec![Alloc(Pair), Finalize(0), Alloc(array), Store(0, 0, Some(3))];
    ops.extend([Store(0, 1, Some(3)), Store(1, 0, Some(1)), Drop(1)]);
    ops.extend(random.random::<bool>().then_some(Drop(0)));
    ops.extend([Major, Poll, Upgrade(0, 0), Major]);
    ops
}
