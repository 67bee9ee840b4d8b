//! Total time: wall and CPU time of the run proper, and the teardown apart.
//!
//! Dropping the final live set is what a program that simply exits never pays; it is timed and
//! drawn on its own and is part of neither of the other two.

use crate::canvas::{Pen, Surface};
use crate::layout::scale::Quantity;
use crate::layout::strip::{self, Panel};
use crate::scene::Scene;

/// The question.
pub(crate) const TITLE: &str = "How long does each take?";

/// Draws the chart; gives its height in pixels.
pub(crate) fn draw<'a, S: Surface>(pen: &mut Pen<'_, S>, scene: &Scene<'a>) -> f64 {
    let reading = "Further left is faster. Each dot is one process, the tall tick the median, the bar its \
                   interval (from n = 6). Teardown, dropping what lives at the end, is in neither time.";
    let frame = scene.frame(TITLE, reading.to_owned(), &scene.time_repeats());
    let y = frame.above(pen) + 8.0;
    let panels: [Panel<'a>; 3] = [
        Panel {
            name: "wall time",
            quantity: Quantity::Nanoseconds,
            share: 1.0,
            of: |s| s.row.wall_ns.clone(),
        },
        Panel {
            name: "CPU time",
            quantity: Quantity::Nanoseconds,
            share: 1.0,
            of: |s| s.row.cpu_ns.clone(),
        },
        Panel {
            name: "teardown",
            quantity: Quantity::Nanoseconds,
            share: 0.8,
            of: |s| s.row.teardown_wall_ns.clone(),
        },
    ];
    let y = strip::draw(pen, y, scene, &panels);
    frame.below(pen, y)
}
