//! Wall and CPU time of the run proper, and of the teardown.
//!
//! A program that simply exits never pays for dropping its final live set; so this teardown is timed
//! and drawn separately and is part of neither of the other two.

use crate::canvas::{Pen, Surface};
use crate::layout::scale::Quantity;
use crate::layout::strip::{self, Panel};
use crate::scene::Scene;

/// The title.
pub(crate) const TITLE: &str = "Wall and CPU time per process";

/// Draws the chart; returns its height in pixels.
pub(crate) fn draw<S: Surface>(pen: &mut Pen<'_, S>, scene: &Scene<'_>) -> f64 {
    let reading = "Left is better. Each dot is one process, the tall tick the median, the bar its interval \
                   (from n = 6). Neither time includes the teardown: dropping the final live set.";
    let frame = scene.frame(TITLE, reading.to_owned(), &scene.time_repeats());
    let y = frame.above(pen) + 8.0;
    let panels = [
        Panel::new("wall time", Quantity::Nanoseconds, 1.0, |s| s.row.wall_ns.clone()),
        Panel::new("CPU time", Quantity::Nanoseconds, 1.0, |s| s.row.cpu_ns.clone()),
        Panel::new("teardown", Quantity::Nanoseconds, 0.8, |s| s.row.teardown_wall_ns.clone()),
    ];
    let y = strip::draw(pen, y, scene, &panels);
    frame.below(pen, y)
}
