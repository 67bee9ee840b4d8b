//! The charts: one file and one plain function each, from records to shapes.
//!
//! Every function draws with a [`crate::canvas::Pen`] of a given width, from the top down, and returns
//! the height of the picture in pixels.

pub(crate) mod footprint;
pub(crate) mod heat_map;
pub(crate) mod memory;
pub(crate) mod pauses;
pub(crate) mod percentiles;
pub(crate) mod safety;
pub(crate) mod scaling;
pub(crate) mod scatter;
pub(crate) mod time;
