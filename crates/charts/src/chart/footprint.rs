//! Peak footprint and leaked bytes.
//!
//! The peak is exact: it is tracked at every change, not sampled. Leaked bytes are those that neither
//! the teardown nor a last full collection reclaims, such as cycles under reference counting.

use crate::canvas::{Pen, Surface};
use crate::layout::scale::Quantity;
use crate::layout::strip::{self, Panel};
use crate::scene::{Scene, Series};
use analysis::Estimate;

/// The title.
pub(crate) const TITLE: &str = "Peak and leaked memory";

/// Draws the chart; returns its height in pixels.
pub(crate) fn draw<S: Surface>(pen: &mut Pen<'_, S>, scene: &Scene<'_>) -> f64 {
    let reading = "Left is better. Peak footprint: bytes held from the operating system, metadata included. \
                   Leaked: bytes not reclaimed by the teardown and a last full collection.";
    let frame = scene.frame(TITLE, reading.to_owned(), "lazily committed memory");
    let y = frame.above(pen) + 8.0;
    let footprint = |s: &Series<'_>| s.row.peak_footprint_bytes.clone();
    let panels = [
        Panel::new("peak footprint", Quantity::Bytes, 1.3, footprint),
        // A single value: the maximum over the repeats.
        Panel::new("leaked", Quantity::Bytes, 1.0, |s| {
            s.row.leaked_bytes.clone().map(|bytes| Estimate::one(bytes as f64))
        }),
    ];
    let y = strip::draw(pen, y, scene, &panels);
    frame.below(pen, y)
}
