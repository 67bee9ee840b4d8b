//! The pen: drawing in pixels, with inks, on any surface.
//!
//! The first drawing error (such as a missing font) is stored and returned by [`Pen::finish`], so that
//! charts need no error handling at each call.

use super::fonts;
use super::palette::Ink;
use super::surface::{Drawn, Group, Surface, UNITS};
use anyhow::{Result, anyhow};
use plotters::style::{self, Color, ShapeStyle};
use plotters_backend::BackendCoord;
use plotters_backend::text_anchor::{HPos, Pos, VPos};
use record::LineStyle;

/// A point in pixels, x to the right and y downwards.
pub(crate) type Point = (f64, f64);

/// How a line is drawn.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stroke {
    /// Colour.
    pub(crate) ink: Ink,
    /// Width in pixels.
    pub(crate) width_px: f64,
    /// Dashes.
    pub(crate) line: LineStyle,
}

impl Stroke {
    /// A solid line.
    pub(crate) fn solid(ink: Ink, width_px: f64) -> Self {
        Self { ink, width_px, line: LineStyle::Solid }
    }

    /// A dotted line.
    pub(crate) fn dotted(ink: Ink, width_px: f64) -> Self {
        Self { ink, width_px, line: LineStyle::Dotted }
    }

    fn pattern_px(self) -> &'static [f64] {
        match self.line {
            LineStyle::Solid => &[],
            LineStyle::Dashed => &[6.0, 3.5],
            LineStyle::Dotted => &[1.75, 3.0],
        }
    }

    fn shape(self) -> ShapeStyle {
        let units = (self.width_px * f64::from(UNITS)).round().max(1.0) as u32;
        self.ink.rgb().stroke_width(units)
    }
}

/// How text is set.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TextStyle {
    /// Size in pixels per em; never under 12.
    pub(crate) size_px: f64,
    /// Bold or regular.
    pub(crate) bold: bool,
    /// Colour.
    pub(crate) ink: Ink,
}

impl TextStyle {
    /// Regular text.
    pub(crate) fn new(size_px: f64, ink: Ink) -> Self {
        Self { size_px, bold: false, ink }
    }

    /// The same in bold.
    pub(crate) fn bold(self) -> Self {
        Self { bold: true, ..self }
    }

    /// Width of `text` in pixels.
    pub(crate) fn width(&self, text: &str) -> f64 {
        fonts::width(text, self.size_px, self.bold)
    }

    /// The plotters style of text aligned like this.
    fn placed(self, align: Align) -> style::TextStyle<'static> {
        let horizontal = match align {
            Align::Left => HPos::Left,
            Align::Middle => HPos::Center,
            Align::Right => HPos::Right,
        };
        let font = fonts::face(self.size_px * f64::from(UNITS), self.bold);
        let colour = self.ink.rgb();
        style::TextStyle { pos: Pos::new(horizontal, VPos::Top), ..font.color(&colour) }
    }

    /// Height of a capital letter in pixels.
    pub(crate) fn cap_px(&self) -> f64 {
        self.size_px * 0.73
    }

    /// Breaks `text` into lines of at most `width` pixels, at spaces; a longer word stands alone.
    pub(crate) fn wrap(&self, text: &str, width: f64) -> Vec<String> {
        let mut lines: Vec<String> = Vec::new();
        // Only plain spaces: a no-break space holds the groups of a number together.
        for word in text.split(' ').filter(|w| !w.is_empty()) {
            match lines.last_mut() {
                Some(line) if self.width(&format!("{line} {word}")) <= width => {
                    line.push(' ');
                    line.push_str(word);
                }
                _ => lines.push(word.to_owned()),
            }
        }
        lines
    }
}

/// Where text lies relative to its position.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Align {
    /// It begins there.
    Left,
    /// It is centred there.
    Middle,
    /// It ends there.
    Right,
}

/// Draws in pixels on a surface.
#[derive(Debug)]
pub(crate) struct Pen<'a, S: Surface> {
    surface: &'a mut S,
    width_px: f64,
    fault: Option<String>,
}

impl<'a, S: Surface> Pen<'a, S> {
    /// A pen for a surface of this width.
    pub(crate) fn new(surface: &'a mut S, width_px: u32) -> Self {
        Self { surface, width_px: f64::from(width_px), fault: None }
    }

    /// Width of the picture in pixels.
    pub(crate) fn width(&self) -> f64 {
        self.width_px
    }

    /// Whether the picture has the layout for phones.
    pub(crate) fn narrow(&self) -> bool {
        self.width_px < 600.0
    }

    /// Returns the first drawing error.
    pub(crate) fn finish(self) -> Result<()> {
        self.fault.map_or(Ok(()), |error| Err(anyhow!("cannot draw: {error}")))
    }

    /// Groups the shapes that `body` draws as one series of the given collector.
    pub(crate) fn series(&mut self, collector: &str, title: &str, body: impl FnOnce(&mut Self)) {
        self.surface.begin(&Group { collector, title });
        body(self);
        self.surface.end();
    }

    /// A line through the points.
    pub(crate) fn line(&mut self, points: &[Point], stroke: Stroke) {
        let path: Vec<_> = points.iter().map(|&p| units(p)).collect();
        if path.len() < 2 {
            return;
        }
        let pattern: Vec<_> = stroke.pattern_px().iter().map(|px| px * f64::from(UNITS)).collect();
        let drawn = if pattern.is_empty() {
            self.surface.draw_path(path, &stroke.shape())
        } else {
            self.surface.draw_dashed(&path, &stroke.shape(), &pattern)
        };
        self.note(drawn);
    }

    /// Separate straight lines of one style. Dashes do not apply.
    pub(crate) fn segments(&mut self, segments: &[(Point, Point)], stroke: Stroke) {
        if segments.is_empty() {
            return;
        }
        let lines: Vec<_> = segments.iter().map(|&(from, to)| (units(from), units(to))).collect();
        let drawn = self.surface.draw_segments(&lines, &stroke.shape());
        self.note(drawn);
    }

    /// A horizontal hairline, moved onto the pixel grid so that it is crisp.
    pub(crate) fn hline(&mut self, left: f64, right: f64, y: f64, stroke: Stroke) {
        let y = y.floor() + 0.5;
        self.line(&[(left, y), (right, y)], stroke);
    }

    /// A vertical hairline, moved onto the pixel grid so that it is crisp.
    pub(crate) fn vline(&mut self, x: f64, top: f64, bottom: f64, stroke: Stroke) {
        let x = x.floor() + 0.5;
        self.line(&[(x, top), (x, bottom)], stroke);
    }

    /// A filled outline.
    pub(crate) fn area(&mut self, outline: &[Point], ink: Ink, alpha: f64) {
        let path: Vec<_> = outline.iter().map(|&p| units(p)).collect();
        let drawn = self.surface.fill_polygon(path, &ink.rgb().mix(alpha).to_backend_color());
        self.note(drawn);
    }

    /// A filled rectangle from its upper left to its lower right corner.
    pub(crate) fn rect(&mut self, from: Point, to: Point, ink: Ink, alpha: f64) {
        let style = ink.rgb().mix(alpha).to_backend_color();
        let drawn = self.surface.draw_rect(units(from), units(to), &style, true);
        self.note(drawn);
    }

    /// A filled circle.
    pub(crate) fn circle(&mut self, centre: Point, radius: f64, ink: Ink, alpha: f64) {
        let style = ink.rgb().mix(alpha).to_backend_color();
        let drawn = self.surface.draw_circle(units(centre), length(radius), &style, true);
        self.note(drawn);
    }

    /// Filled circles of one style.
    pub(crate) fn circles(&mut self, centres: &[Point], radius: f64, ink: Ink, alpha: f64) {
        let style = ink.rgb().mix(alpha).to_backend_color();
        let centres: Vec<_> = centres.iter().map(|&p| units(p)).collect();
        let drawn = self.surface.draw_circles(&centres, length(radius), &style);
        self.note(drawn);
    }

    /// The outline of a circle.
    pub(crate) fn ring(&mut self, centre: Point, radius: f64, stroke: Stroke) {
        let drawn = self.surface.draw_circle(units(centre), length(radius), &stroke.shape(), false);
        self.note(drawn);
    }

    /// Text whose base line runs through `at`.
    pub(crate) fn text(&mut self, text: &str, at: Point, align: Align, style: TextStyle) {
        let drawn = self.surface.draw_text(text, &style.placed(align), units(at));
        self.note(drawn);
    }

    /// Text whose vertical middle is at `at`.
    pub(crate) fn centred(&mut self, text: &str, at: Point, align: Align, style: TextStyle) {
        self.text(text, (at.0, at.1 + style.cap_px() / 2.0), align, style);
    }

    /// Diagonal hatching inside a rectangle: the mark of a failed cell.
    pub(crate) fn hatch(&mut self, from: Point, to: Point, stroke: Stroke) {
        const GAP_PX: f64 = 5.0;
        let (width, height) = (to.0 - from.0, to.1 - from.1);
        let mut lines = Vec::new();
        let mut offset = GAP_PX / 2.0;
        while offset < width + height {
            // The line x + y = offset, clipped to the rectangle.
            let start = (offset.min(width), (offset - width).max(0.0));
            let end = ((offset - height).max(0.0), offset.min(height));
            lines.push(((from.0 + start.0, from.1 + start.1), (from.0 + end.0, from.1 + end.1)));
            offset += GAP_PX;
        }
        self.segments(&lines, stroke);
    }

    fn note(&mut self, drawn: Drawn<S>) {
        if let Err(error) = drawn {
            self.fault.get_or_insert_with(|| error.to_string());
        }
    }
}

fn units((x, y): Point) -> BackendCoord {
    ((x * f64::from(UNITS)).round() as i32, (y * f64::from(UNITS)).round() as i32)
}

fn length(px: f64) -> u32 {
    (px * f64::from(UNITS)).round().max(1.0) as u32
}
