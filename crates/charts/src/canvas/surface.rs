//! A plotters backend with groups and dashes.
//!
//! plotters backends draw anonymous shapes. The page hides shapes by collector, so a chart brackets
//! each series with [`Surface::begin`] and [`Surface::end`]; the bitmap ignores both.

use super::dash;
use plotters::style::ShapeStyle;
use plotters_backend::{BackendCoord, BackendStyle, DrawingBackend, DrawingErrorKind};

/// Backend units per pixel. plotters' coordinates are whole numbers; four units per pixel give
/// lines a quarter-pixel precision in SVG and fourfold oversampling in PNG.
pub(crate) const UNITS: i32 = 4;

/// A bracket around the shapes of one series.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Group<'a> {
    /// Registry name of the collector.
    pub(crate) collector: &'a str,
    /// The series in words: a tooltip, also read by screen readers.
    pub(crate) title: &'a str,
}

/// Result of drawing on a surface.
pub(crate) type Drawn<S> = Result<(), DrawingErrorKind<<S as DrawingBackend>::ErrorType>>;

/// The drawing target of a chart. Coordinates are in units, see [`UNITS`].
pub(crate) trait Surface: DrawingBackend {
    /// Opens a group: shapes drawn until [`Surface::end`] belong to this series.
    fn begin(&mut self, group: &Group<'_>);

    /// Closes the innermost group.
    fn end(&mut self);

    /// Draws many separate straight lines of one style: a rug, a hatching, a set of ticks.
    fn draw_segments(
        &mut self,
        segments: &[(BackendCoord, BackendCoord)],
        style: &ShapeStyle,
    ) -> Drawn<Self> {
        for &(from, to) in segments {
            self.draw_line(from, to, style)?;
        }
        Ok(())
    }

    /// Draws filled circles of one style: the repeats of a measurement.
    fn draw_circles(
        &mut self,
        centres: &[BackendCoord],
        radius: u32,
        style: &impl BackendStyle,
    ) -> Drawn<Self> {
        for &centre in centres {
            self.draw_circle(centre, radius, style, true)?;
        }
        Ok(())
    }

    /// Draws a polyline with a dash pattern in units (alternating on and off).
    fn draw_dashed(
        &mut self,
        path: &[BackendCoord],
        style: &ShapeStyle,
        pattern: &[f64],
    ) -> Drawn<Self> {
        let points: Vec<_> = path.iter().map(|&(x, y)| (f64::from(x), f64::from(y))).collect();
        for dash in dash::split(&points, pattern) {
            let whole = dash.iter().map(|&(x, y)| (x.round() as i32, y.round() as i32));
            self.draw_path(whole, style)?;
        }
        Ok(())
    }
}
