//! Tests of `sizer.rs`.

use super::*;

const MIB: u64 = 1 << 20;
const PLENTY: u64 = u64::MAX;

fn sizer(settings: &str, is_limited: bool) -> Sizer {
    let config = match settings {
        "" => Config::default(),
        _ => Config::read(&Sizer::PARAMETERS, settings).unwrap(),
    };
    Sizer::of(&config, is_limited)
}

/// A collection that an allocation needed, in MiB and ms.
fn cycle(allocated: u64, survived: u64, reserved: u64, ended: u64, collecting: u64) -> Cycle {
    Cycle {
        cause: Cause::Exhausted,
        allocated_bytes: allocated * MIB,
        survived_bytes: survived * MIB,
        reserved_bytes: reserved * MIB,
        ended_ns: ended * 1_000_000,
        collecting_ns: collecting * 1_000_000,
    }
}

/// The size at which it collects next, in MiB.
fn next_at(sizer: &Sizer) -> f64 {
    sizer.collect_at_bytes as f64 / MIB as f64
}

#[test]
fn a_limit_alone_decides_under_the_fixed_policy() {
    let mut sizer = sizer("", true);
    sizer.collected(cycle(9, 1, 2, 10, 1));
    assert!(sizer.may_grow(1 << 40, RESERVE_BYTES + 1));
    assert!(!sizer.may_grow(0, RESERVE_BYTES), "the reserve is kept");
    assert_eq!(sizer.cause(1 << 40), Cause::Exhausted);
    sizer.reserve_queue(5000);
    sizer.reserve_queue(100);
    assert!(!sizer.may_grow(0, RESERVE_BYTES + 5000), "nor is the peak of the mark queue taken");
}

#[test]
fn without_a_limit_it_is_proportional() {
    let mut sizer = sizer("", false);
    assert_eq!(next_at(&sizer), 4.0);
    assert!(sizer.may_grow(4 * MIB - 1, PLENTY) && !sizer.may_grow(4 * MIB, PLENTY));
    assert_eq!(sizer.cause(4 * MIB), Cause::Growth);
    // 10 live in 12 of blocks, and 10 more until twice that is live.
    sizer.collected(cycle(20, 10, 12, 10, 1));
    assert_eq!(next_at(&sizer), 22.0);
    sizer.collected(cycle(20, 1, 1, 10, 1));
    assert_eq!(next_at(&sizer), 4.0, "never less than the smallest heap");
}

#[test]
fn the_factor_of_growth_decides_under_a_limit_too_where_it_is_given() {
    for settings in ["growth-1.5", "sizer-proportional|growth-1.5"] {
        let mut sizer = sizer(settings, true);
        sizer.collected(cycle(40, 10, 10, 10, 1));
        assert_eq!(next_at(&sizer), 15.0, "{settings}");
        assert!(!sizer.may_grow(0, RESERVE_BYTES), "the limit binds as well");
    }
    assert!(matches!(sizer("sizer-fixed|growth-1.5", true).policy, Policy::Fixed));
}

#[test]
fn membalancer_follows_the_square_root_rule() {
    // c = 512 per GiB = 1/2 per MiB.
    let mut sizer = sizer("price-512", false);
    // 8 MiB in 8 ms: g = 1 MiB/ms. 4 MiB in 2 ms: s = 2 MiB/ms. sqrt(4 * 1 / (1/2 * 2)) = 2.
    sizer.collected(cycle(8, 4, 5, 10, 2));
    assert_eq!(next_at(&sizer), 7.0);
    // 26 - 4 = 22 MiB in 2 ms: g = (0.95 * 8 + 0.05 * 22) / (0.95 * 8 + 0.05 * 2) = 8.7 / 7.7.
    // 16 MiB in 6 ms: s = (4 + 16) / (2 + 6) = 2.5. sqrt(16 * (8.7 / 7.7) / (1/2 * 2.5)) = 3.803.
    sizer.collected(cycle(26, 16, 20, 18, 8));
    assert!((next_at(&sizer) - 23.803).abs() < 0.001, "{}", next_at(&sizer));
}

#[test]
fn four_times_the_price_is_half_the_room() {
    let room = |settings| {
        let mut sizer = sizer(settings, true);
        sizer.collected(cycle(200, 100, 100, 110, 10));
        next_at(&sizer) - 100.0
    };
    assert!((room("price-8") / room("price-32") - 2.0).abs() < 1e-4);
    assert_eq!(room("sizer-membalancer"), room("price-32"), "the default");
}

#[test]
fn a_rate_that_is_not_known_yet_gives_no_room() {
    let mut sizer = sizer("sizer-membalancer", false);
    sizer.collected(cycle(0, 0, 0, 0, 0));
    assert_eq!(next_at(&sizer), 4.0);
    sizer.collected(cycle(9, 8, 8, 10, 0));
    assert_eq!(next_at(&sizer), 8.0, "a collection that took no time");
}

#[test]
fn collections_for_next_to_nothing_are_futile_after_a_while() {
    let mut sizer = sizer("", true);
    sizer.collected(cycle(10, 10, 10, 1, 1));
    for _ in 0..FUTILE_COLLECTIONS {
        assert!(!sizer.overhead_limit_exceeded(10 * MIB + 20_000, 10 * MIB));
        sizer.collected(Cycle { allocated_bytes: 10 * MIB + 20_000, ..cycle(0, 10, 10, 1, 1) });
    }
    assert!(sizer.overhead_limit_exceeded(10 * MIB + 20_000, 10 * MIB), "20,971 are a 500th");
    assert!(!sizer.overhead_limit_exceeded(10 * MIB + 21_000, 10 * MIB), "room was made");
}

#[test]
fn allocation_between_requested_collections_counts() {
    let mut sizer = sizer("", true);
    sizer.collected(cycle(10, 10, 10, 1, 1));
    for _ in 0..2 * FUTILE_COLLECTIONS {
        // Both are requested; only the first one has garbage to reclaim.
        for allocated in [12, 10] {
            sizer.collected(Cycle { cause: Cause::Requested, ..cycle(allocated, 10, 10, 1, 1) });
        }
        assert!(!sizer.overhead_limit_exceeded(10 * MIB, 10 * MIB));
        sizer.collected(cycle(10, 10, 10, 1, 1));
    }
}

#[test]
fn a_policy_that_collects_often_is_not_futile() {
    let mut sizer = sizer("growth-1.1", true);
    for _ in 0..2 * FUTILE_COLLECTIONS {
        sizer.collected(cycle(4, 4, 4, 1, 1));
        assert!(!sizer.overhead_limit_exceeded(4 * MIB, sizer.collect_at_bytes));
    }
}
