//! A rug plot: one collector's pauses as ticks on a narrow lane, taller for longer ones.

use crate::canvas::{Ink, Pen, Stroke, Surface};
use record::Pause;
use std::collections::BTreeMap;

/// Height of a lane, in pixels.
pub(crate) const LANE_PX: f64 = 9.0;

/// Draws the pauses as ticks on `floor`. `at` returns the horizontal position of a start time, or
/// `None` outside the chart. Of the pauses of one pixel column the longest is drawn.
pub(crate) fn draw<S: Surface>(
    pen: &mut Pen<'_, S>,
    floor: f64,
    pauses: &[Pause],
    ink: Ink,
    at: impl Fn(u64) -> Option<f64>,
) {
    let mut longest: BTreeMap<i64, u64> = BTreeMap::new();
    for pause in pauses {
        if let Some(x) = at(pause.start_ns) {
            let known = longest.entry(x.floor() as i64).or_default();
            *known = pause.wall_ns.max(*known);
        }
    }
    let ticks: Vec<_> = longest
        .into_iter()
        .map(|(column, wall_ns)| {
            let x = column as f64 + 0.5;
            ((x, floor), (x, floor - height_px(wall_ns)))
        })
        .collect();
    pen.segments(&ticks, Stroke::solid(ink, 1.0));
}

/// From 2 pixels at a microsecond to the whole lane at 100 ms, one step per factor of ten.
fn height_px(wall_ns: u64) -> f64 {
    let decades = (wall_ns.max(1) as f64 / 1e3).log10().clamp(0.0, 5.0);
    2.0 + decades / 5.0 * (LANE_PX - 3.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn longer_pauses_stand_taller_within_the_lane() {
        assert_eq!(height_px(10), 2.0);
        assert!(height_px(1_000_000) > height_px(10_000));
        assert!(height_px(10_000_000_000) < LANE_PX);
    }
}
