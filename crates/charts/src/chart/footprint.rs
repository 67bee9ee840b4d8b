//! Peak footprint and leaked bytes.
//!
//! The peak is exact: it is tracked at every change, not sampled. Leaked bytes are those that neither
//! the teardown nor a last full collection reclaims, such as cycles under reference counting.

use crate::canvas::{Pen, Surface};
use crate::layout::scale::Quantity;
use crate::layout::strip::{self, Panel};
use crate::scene::{Scene, Series};
use analysis::{Estimate, Measured};

/// The title.
pub(crate) const TITLE: &str = "Peak and leaked memory";

/// Draws the chart; returns its height in pixels.
pub(crate) fn draw<'a, S: Surface>(pen: &mut Pen<'_, S>, scene: &Scene<'a>) -> f64 {
    let reading = "Left is better. Peak footprint: bytes held from the operating system, metadata included. \
                   Leaked: bytes not reclaimed by the teardown and a last full collection.";
    let frame = scene.frame(TITLE, reading.to_owned(), "lazily committed memory");
    let y = frame.above(pen) + 8.0;
    let panels: [Panel<'a>; 2] = [
        Panel {
            name: "peak footprint",
            quantity: Quantity::Bytes,
            share: 1.3,
            of: |s| s.row.peak_footprint_bytes.clone(),
        },
        Panel { name: "leaked", quantity: Quantity::Bytes, share: 1.0, of: leaked },
    ];
    let y = strip::draw(pen, y, scene, &panels);
    frame.below(pen, y)
}

/// Leaked bytes as a single value: the maximum over the repeats.
fn leaked(series: &Series<'_>) -> Measured<Estimate> {
    match &series.row.leaked_bytes {
        Measured::Known(bytes) => match Estimate::of(vec![*bytes as f64]) {
            Some(estimate) => Measured::Known(estimate),
            None => Measured::Missing("not a number".to_owned()),
        },
        Measured::Missing(reason) => Measured::Missing(reason.clone()),
    }
}
