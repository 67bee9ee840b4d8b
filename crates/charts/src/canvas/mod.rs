//! The drawing interface of the charts.
//!
//! A chart is one plain function over a [`Pen`]. The pen draws in pixels and inks on any plotters
//! backend that is also a [`Surface`]: [`svg::Svg`] for the page and the SVG file,
//! [`bitmap::Bitmap`] for the PNG. Both draw the same calls, so the two pictures cannot differ.

pub(crate) mod bitmap;
pub(crate) mod dash;
pub(crate) mod fonts;
pub(crate) mod palette;
pub(crate) mod pen;
pub(crate) mod surface;
pub(crate) mod svg;

pub(crate) use palette::Ink;
pub(crate) use pen::{Align, Pen, Stroke, TextStyle};
pub(crate) use surface::Surface;
