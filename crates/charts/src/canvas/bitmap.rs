//! A plotters backend for PNG: oversampled fourfold, averaged down to two pixels per pixel.
//!
//! plotters' bitmap backend draws whole pixels and turns thick lines into polygons that fill
//! their own overlaps wrongly at sharp corners. Here each segment of a line is a separate shape,
//! and averaging smooths every edge alike, text included.

use super::surface::{Drawn, Group, Surface, UNITS};
use anyhow::{Context as _, Result};
use plotters::backend::{BitMapBackend, RGBPixel};
use plotters_backend::text_anchor::HPos;
use plotters_backend::{
    BackendColor, BackendCoord, BackendStyle, BackendTextStyle, DrawingBackend, DrawingErrorKind,
};
use std::fs::File;
use std::io::BufWriter;
use std::path::Path;

/// Units averaged into one pixel of the file, per axis; [`write_png`] assumes two.
const AVERAGED: usize = 2;
/// Pixels of the file per pixel of the layout: sharp on dense screens.
const DENSITY: u32 = UNITS as u32 / AVERAGED as u32;

/// The backend: draws into a buffer of units.
pub(crate) struct Bitmap<'a> {
    inner: BitMapBackend<'a, RGBPixel>,
}

impl<'a> Bitmap<'a> {
    /// A picture over a `buffer` made by [`buffer`] for the same size in pixels.
    pub(crate) fn new(buffer: &'a mut [u8], width_px: u32, height_px: u32) -> Self {
        let size = (width_px * UNITS as u32, height_px * UNITS as u32);
        Self { inner: BitMapBackend::with_buffer(buffer, size) }
    }
}

/// A white buffer for a picture of this size in pixels.
pub(crate) fn buffer(width_px: u32, height_px: u32) -> Vec<u8> {
    let units = UNITS as usize;
    vec![0xFF; width_px as usize * units * height_px as usize * units * 3]
}

/// Averages a drawn buffer and writes it as PNG.
///
/// # Errors
/// If the file cannot be written; the error names its path.
pub(crate) fn write_png(buffer: &[u8], width_px: u32, height_px: u32, file: &Path) -> Result<()> {
    let (width, height) = (width_px * DENSITY, height_px * DENSITY);
    let mut pixels = Vec::with_capacity(width as usize * height as usize * 3);
    let row = width as usize * AVERAGED * 3;
    let mut sums = vec![0u16; row];
    for rows in buffer.chunks_exact(row * AVERAGED) {
        let (upper, lower) = rows.split_at(row);
        for ((sum, &a), &b) in sums.iter_mut().zip(upper).zip(lower) {
            *sum = u16::from(a) + u16::from(b);
        }
        for pair in sums.chunks_exact(6) {
            let mean = |i: usize| ((pair[i] + pair[i + 3]) / 4) as u8;
            pixels.extend_from_slice(&[mean(0), mean(1), mean(2)]);
        }
    }
    encode(&pixels, width, height, file).with_context(|| format!("cannot write {}", file.display()))
}

/// Large even areas compress best unfiltered. The lowest level halves the time of a whole report
/// against the default one, for files a third larger.
fn encode(pixels: &[u8], width: u32, height: u32, file: &Path) -> Result<()> {
    let mut encoder = png::Encoder::new(BufWriter::new(File::create(file)?), width, height);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_deflate_compression(png::DeflateCompression::Level(1));
    encoder.set_filter(png::Filter::NoFilter);
    let mut writer = encoder.write_header()?;
    writer.write_image_data(pixels)?;
    writer.finish()?;
    Ok(())
}

impl Surface for Bitmap<'_> {
    fn begin(&mut self, _: &Group<'_>) {}

    fn end(&mut self) {}
}

impl DrawingBackend for Bitmap<'_> {
    type ErrorType = <BitMapBackend<'static, RGBPixel> as DrawingBackend>::ErrorType;

    fn get_size(&self) -> (u32, u32) {
        self.inner.get_size()
    }

    fn ensure_prepared(&mut self) -> Drawn<Self> {
        self.inner.ensure_prepared()
    }

    fn present(&mut self) -> Drawn<Self> {
        self.inner.present()
    }

    fn draw_pixel(&mut self, point: BackendCoord, colour: BackendColor) -> Drawn<Self> {
        self.inner.draw_pixel(point, colour)
    }

    fn draw_line<S: BackendStyle>(
        &mut self,
        from: BackendCoord,
        to: BackendCoord,
        style: &S,
    ) -> Drawn<Self> {
        let half = f64::from(style.stroke_width()) / 2.0;
        let (low, high) = (half.floor() as i32, half.ceil() as i32);
        let colour = style.color();
        if from.0 == to.0 || from.1 == to.1 {
            // The far edge of a filled rectangle is part of it.
            let across = i32::from(from.0 == to.0);
            let (dx, dy) = (across, 1 - across);
            let near = (from.0.min(to.0) - low * dx, from.1.min(to.1) - low * dy);
            let far = (from.0.max(to.0) + (high - 1) * dx, from.1.max(to.1) + (high - 1) * dy);
            return self.draw_rect(near, far, &colour, true);
        }
        let (dx, dy) = (f64::from(to.0 - from.0), f64::from(to.1 - from.1));
        let scale = half / dx.hypot(dy);
        let (nx, ny) = (-dy * scale, dx * scale);
        let corner = |at: BackendCoord, sign: f64| {
            (
                (f64::from(at.0) + sign * nx).round() as i32,
                (f64::from(at.1) + sign * ny).round() as i32,
            )
        };
        self.fill_polygon(
            [corner(from, 1.0), corner(to, 1.0), corner(to, -1.0), corner(from, -1.0)],
            &colour,
        )
    }

    fn draw_rect<S: BackendStyle>(
        &mut self,
        upper_left: BackendCoord,
        bottom_right: BackendCoord,
        style: &S,
        fill: bool,
    ) -> Drawn<Self> {
        if fill {
            return self.inner.draw_rect(upper_left, bottom_right, style, true);
        }
        let ((left, top), (right, bottom)) = (upper_left, bottom_right);
        self.draw_path(
            [(left, top), (right, top), (right, bottom), (left, bottom), (left, top)],
            style,
        )
    }

    fn draw_path<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(
        &mut self,
        path: I,
        style: &S,
    ) -> Drawn<Self> {
        let width = style.stroke_width();
        let mut points: Vec<BackendCoord> = path.into_iter().collect();
        points.dedup();
        for (index, pair) in points.windows(2).enumerate() {
            self.draw_line(pair[0], pair[1], style)?;
            if index > 0 && width > UNITS as u32 {
                // A disc at each joint. It would show in translucent lines, so charts avoid those.
                self.inner.draw_circle(pair[0], (width - 1) / 2, &style.color(), true)?;
            }
        }
        Ok(())
    }

    fn draw_circle<S: BackendStyle>(
        &mut self,
        centre: BackendCoord,
        radius: u32,
        style: &S,
        fill: bool,
    ) -> Drawn<Self> {
        if fill {
            return self.inner.draw_circle(centre, radius, style, true);
        }
        const CORNERS: u32 = 48;
        let ring = (0..=CORNERS).map(|i| {
            let turn = f64::from(i) / f64::from(CORNERS) * std::f64::consts::TAU;
            (
                centre.0 + (f64::from(radius) * turn.cos()).round() as i32,
                centre.1 + (f64::from(radius) * turn.sin()).round() as i32,
            )
        });
        self.draw_path(ring, style)
    }

    fn fill_polygon<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(
        &mut self,
        outline: I,
        style: &S,
    ) -> Drawn<Self> {
        self.inner.fill_polygon(outline, style)
    }

    /// The position is the text's base line; of the anchor only the horizontal half counts.
    fn draw_text<T: BackendTextStyle>(
        &mut self,
        text: &str,
        style: &T,
        position: BackendCoord,
    ) -> Drawn<Self> {
        let ((left, _), (right, _)) =
            style.layout_box(text).map_err(|e| DrawingErrorKind::FontError(Box::new(e)))?;
        let back = match style.anchor().h_pos {
            HPos::Left => 0,
            HPos::Center => (right - left) / 2,
            HPos::Right => right - left,
        };
        // plotters' rasteriser puts the base line half a font size below the position.
        let base = (style.size() / 2.0) as i32;
        let drawn = style.draw(text, (0, 0), |x, y, colour| {
            self.inner.draw_pixel((position.0 + x - back, position.1 + y - base), colour)
        });
        drawn.map_err(|e| DrawingErrorKind::FontError(Box::new(e)))?
    }
}
