//! What every chart is drawn with, and on.
//!
//! A chart is one plain function over a [`Pen`]. The pen speaks pixels and colours; beneath it
//! lies any plotters backend that is also a [`Surface`]: [`svg::Svg`] for the page and the SVG
//! file, [`bitmap::Bitmap`] for the PNG. Because both sit behind the same trait, the two pictures
//! cannot drift apart.

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
