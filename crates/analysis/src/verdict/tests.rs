//! Tests of `verdict.rs`.

use super::*;
use proptest::prelude::*;

/// `n` log ratios around `centre`, evenly spread over `spread` to both sides.
fn logs(centre: f64, spread: f64, n: usize) -> Vec<f64> {
    let at = |i: usize| 2.0 * (i as f64 + 0.5) / n as f64 - 1.0;
    (0..n).map(|i| centre + spread * at(i)).collect()
}

fn verdicts(table: &[Vec<f64>]) -> Vec<Verdict> {
    judge(table, TIME_MARGIN).into_iter().map(|c| c.unwrap().verdict).collect()
}

#[test]
fn each_kind_of_verdict() {
    let table = [
        logs(-0.3, 0.1, 12),
        logs(0.3, 0.1, 12),
        logs(0.0, 0.03, 12),
        // Real, and neither beyond the margin nor within it for certain; and too noisy for anything.
        logs(0.045, 0.03, 12),
        logs(0.03, 0.5, 12),
    ];
    let [faster, slower, equivalent, small, noisy] = verdicts(&table)[..] else { panic!() };
    assert_eq!((faster, slower), (Verdict::Faster, Verdict::Slower));
    assert_eq!(equivalent, Verdict::Equivalent);
    assert!(matches!(small, Verdict::Open { .. }), "{small:?}");
    assert!(matches!(noisy, Verdict::Open { blocks: None }), "{noisy:?}");
}

#[test]
fn the_level_of_an_interval_follows_the_rejections_of_its_table() {
    let mut table = vec![logs(0.4, 0.2, 14)];
    let alone = judge(&table, TIME_MARGIN)[0].clone().unwrap();
    table.extend(vec![logs(0.001, 0.4, 14); 19]);
    let comparisons = judge(&table, TIME_MARGIN);
    let among = comparisons[0].clone().unwrap();
    assert!(among.ratio.coverage.unwrap() >= 1.0 - 0.05 / 20.0);
    assert!(alone.ratio.coverage.unwrap() < 0.97 && alone.ratio.low > among.ratio.low);
    let open = comparisons[1].clone().unwrap();
    assert!(open.ratio.coverage.unwrap() < 0.97 && !open.verdict.is_decided());
}

#[test]
fn one_of_many_needs_more_evidence() {
    // p = 2/2^6 = 0.03: enough alone, not among ten.
    let one = logs(0.4, 0.2, 6);
    assert_eq!(verdicts(std::slice::from_ref(&one)), [Verdict::Slower]);
    let mut table = vec![one];
    table.extend(vec![logs(0.001, 0.4, 6); 9]);
    assert!(verdicts(&table).iter().all(|v| !v.is_decided()));
}

#[test]
fn a_comparison_without_blocks_has_no_verdict_and_costs_the_others_nothing() {
    let table = [logs(0.4, 0.2, 6), vec![], vec![]];
    let comparisons = judge(&table, TIME_MARGIN);
    assert_eq!(comparisons[0].as_ref().unwrap().verdict, Verdict::Slower);
    assert_eq!(comparisons[1..], [None, None]);
    assert!(judge(&[], TIME_MARGIN).is_empty());
}

#[test]
fn few_blocks_leave_everything_open_with_a_number() {
    let open = judge(&[logs(0.4, 0.2, 5)], TIME_MARGIN)[0].clone().unwrap();
    assert_eq!((open.ratio.low, open.verdict), (None, Verdict::Open { blocks: Some(6) }));
    let one = judge(&[vec![0.4]], TIME_MARGIN)[0].clone().unwrap();
    assert_eq!(one.verdict, Verdict::Open { blocks: None }, "one block has no spread");
}

/// p = 2/2^6 = 5/8 of 0.05, exactly.
#[test]
fn a_p_value_at_its_bound_has_an_interval_that_excludes_one() {
    let mut table = vec![logs(0.4, 0.2, 6); 5];
    table.extend(vec![logs(0.001, 0.4, 6); 3]);
    let first = judge(&table, TIME_MARGIN)[0].clone().unwrap();
    assert_eq!(first.verdict, Verdict::Slower);
    assert!(first.ratio.low.unwrap() > 1.0);
}

#[test]
fn the_blocks_wanted_are_enough_for_a_p_value_that_this_table_accepts() {
    // Among ten, one alone is rejected at p <= 0.005: 2/2^9, at any spread.
    let mut table = vec![logs(0.4, 0.2, 6)];
    table.extend(vec![logs(0.001, 0.4, 6); 9]);
    assert_eq!(verdicts(&table)[0], Verdict::Open { blocks: Some(9) });
    table[0] = logs(0.4, 0.2, 9);
    assert_eq!(verdicts(&table)[0], Verdict::Slower);
}

#[test]
fn quantities_without_noise_differ_or_tie() {
    assert_eq!(exact(4096, 4096), Verdict::Tie);
    assert_eq!((exact(4095, 4096), exact(4097, 4096)), (Verdict::Faster, Verdict::Slower));
}

#[test]
fn verdicts_contradict_each_other_only_if_both_are_decided() {
    use Verdict::{Equivalent, Faster, Open, Slower, Tie};
    let open = Open { blocks: None };
    for (a, b, expected) in [
        (Faster, Slower, true),
        (Faster, Faster, false),
        (Faster, Equivalent, true),
        (Tie, Slower, true),
        (Equivalent, Tie, false),
        (open, Slower, false),
    ] {
        assert_eq!((a.contradicts(b), b.contradicts(a)), (expected, expected), "{a:?} {b:?}");
    }
}

proptest! {
    #[test]
    fn the_reciprocal_has_the_opposite_verdict(
        table in prop::collection::vec(prop::collection::vec(-0.5..0.5f64, 6..14), 1..8),
    ) {
        let turned: Vec<Vec<f64>> =
            table.iter().map(|logs| logs.iter().map(|x| -x).collect()).collect();
        for (a, b) in verdicts(&table).into_iter().zip(verdicts(&turned)) {
            let opposite = match a {
                Verdict::Faster => Verdict::Slower,
                Verdict::Slower => Verdict::Faster,
                same => same,
            };
            prop_assert_eq!(opposite.is_decided(), b.is_decided());
            prop_assert!(!b.is_decided() || b == opposite);
        }
    }

    #[test]
    fn a_decided_ratio_lies_beyond_the_margin_and_its_interval_excludes_one(
        table in prop::collection::vec(prop::collection::vec(-0.3..0.6f64, 6..30), 1..8),
    ) {
        for comparison in judge(&table, TIME_MARGIN).into_iter().flatten() {
            let ratio = comparison.ratio;
            match comparison.verdict {
                Verdict::Faster => prop_assert!(ratio.high.unwrap() < 1.0 && ratio.estimate < 1.0 / 1.05),
                Verdict::Slower => prop_assert!(ratio.low.unwrap() > 1.0 && ratio.estimate > 1.05),
                _ => {}
            }
        }
    }
}
