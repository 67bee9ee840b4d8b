//! Layout shared by the charts: scales and ticks, the frame around the data, placement of labels, and
//! the drawing of failures.

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
