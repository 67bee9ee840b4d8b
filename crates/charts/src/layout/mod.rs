//! What charts have in common besides the pen: scales and ticks, the frame around the data, labels
//! that keep clear of each other, and the drawing of what failed.

pub(crate) mod axis;
pub(crate) mod broken;
pub(crate) mod ends;
pub(crate) mod failures;
pub(crate) mod frame;
pub(crate) mod labels;
pub(crate) mod panels;
pub(crate) mod rug;
pub(crate) mod scale;
pub(crate) mod stamp;
pub(crate) mod step;
pub(crate) mod strip;
pub(crate) mod tail;
