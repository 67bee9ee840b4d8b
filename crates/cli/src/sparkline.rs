//! A curve in one line of text (Tufte's sparkline, in block characters).

use record::FootprintPoint;

const LEVELS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// The footprint over the allocation clock in `width` characters, each the largest footprint of
/// its part, scaled to the largest of all. Empty without points.
pub(crate) fn sparkline(points: &[FootprintPoint], width: usize) -> String {
    let (Some(last), Some(peak)) = (points.last(), points.iter().map(|p| p.footprint_bytes).max())
    else {
        return String::new();
    };
    let mut parts: Vec<Option<u64>> = vec![None; width];
    for point in points {
        let at = scale(point.allocated_bytes, last.allocated_bytes, width);
        parts[at] = parts[at].max(Some(point.footprint_bytes));
    }
    // The footprint is a step function: a part without a point keeps the value before.
    let mut before = points[0].footprint_bytes;
    let heights = parts.into_iter().map(|part| {
        let held = part.unwrap_or(before);
        before = held;
        LEVELS[scale(held, peak, LEVELS.len())]
    });
    heights.collect()
}

/// `value` of `whole` as one of `steps` steps, the whole itself in the last one.
fn scale(value: u64, whole: u64, steps: usize) -> usize {
    let share = value as f64 / whole.max(1) as f64;
    ((share * steps as f64) as usize).min(steps - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(points: &[(u64, u64)], expected: &str) {
        let points = points.iter().map(|&(allocated_bytes, footprint_bytes)| FootprintPoint {
            allocated_bytes,
            footprint_bytes,
            ..FootprintPoint::default()
        });
        assert_eq!(sparkline(&points.collect::<Vec<_>>(), 8), expected);
    }

    #[test]
    fn a_ramp_rises_and_a_constant_is_full() {
        let ramp: Vec<_> = (1..=64).map(|i| (i, i)).collect();
        check(&ramp, "▁▂▃▄▅▆▇█");
        check(&[(0, 5), (80, 5)], "████████");
    }

    #[test]
    fn gaps_hold_the_value_before_and_peaks_win() {
        check(&[(0, 1), (40, 8), (41, 2), (80, 4)], "▂▂▂▂███▅");
    }

    #[test]
    fn nothing_is_drawn_from_nothing() {
        check(&[], "");
        check(&[(0, 0)], "▁▁▁▁▁▁▁▁");
    }
}
