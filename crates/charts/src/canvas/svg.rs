//! A plotters backend that writes SVG with groups, quarter-pixel coordinates and true dashes.
//!
//! plotters' own SVG backend rounds to whole pixels and cannot group shapes, so it serves neither
//! crisp lines nor a page whose series can be hidden. Paths are written with `H` and `V` where
//! they can be: a stepped line costs half the bytes.

use super::fonts::{LINE_PER_EM, STACK};
use super::palette::hex;
use super::surface::{Drawn, Group, Surface, UNITS};
use plotters::style::ShapeStyle;
use plotters_backend::text_anchor::HPos;
use plotters_backend::{
    BackendColor, BackendCoord, BackendStyle, BackendTextStyle, DrawingBackend, DrawingErrorKind,
    FontStyle,
};
use std::convert::Infallible;
use std::fmt::Write as _;

/// Writing to a `String` cannot fail.
const INFALLIBLE: &str = "writing to a string";

/// The backend. Its height is what the chart turns out to need.
#[derive(Debug)]
pub(crate) struct Svg {
    body: String,
    width_px: u32,
}

impl Svg {
    /// An empty picture of the given width.
    pub(crate) fn new(width_px: u32) -> Self {
        Self { body: String::new(), width_px }
    }

    /// The shapes drawn so far, without the enclosing `svg` element.
    pub(crate) fn into_body(self) -> String {
        self.body
    }

    fn push(&mut self, text: std::fmt::Arguments<'_>) {
        self.body.write_fmt(text).expect(INFALLIBLE);
    }

    fn fill(&mut self, colour: BackendColor) {
        self.push(format_args!(" fill=\"{}\"", hex(colour.rgb)));
        if colour.alpha < 1.0 {
            self.push(format_args!(" fill-opacity=\"{:.2}\"", colour.alpha));
        }
    }

    fn stroke(&mut self, colour: BackendColor, width: u32) {
        self.push(format_args!(
            " fill=\"none\" stroke=\"{}\" stroke-width=\"{}\"",
            hex(colour.rgb),
            px(width as i32)
        ));
        if colour.alpha < 1.0 {
            self.push(format_args!(" stroke-opacity=\"{:.2}\"", colour.alpha));
        }
    }

    fn path(&mut self, path: impl IntoIterator<Item = BackendCoord>) {
        self.body.push_str("<path d=\"");
        self.subpath(path);
        self.body.push('"');
    }

    fn subpath(&mut self, path: impl IntoIterator<Item = BackendCoord>) {
        let mut last: Option<BackendCoord> = None;
        for (x, y) in path {
            match last {
                None => self.push(format_args!("M{} {}", px(x), px(y))),
                Some(point) if point == (x, y) => {}
                Some((_, before)) if before == y => self.push(format_args!("H{}", px(x))),
                Some((before, _)) if before == x => self.push(format_args!("V{}", px(y))),
                Some(_) => self.push(format_args!("L{} {}", px(x), px(y))),
            }
            last = Some((x, y));
        }
    }
}

impl Surface for Svg {
    fn begin(&mut self, group: &Group<'_>) {
        self.push(format_args!(
            "<g class=\"series s-{}\" data-collector=\"{}\"><title>{}</title>\n",
            slug(group.collector),
            escape(group.collector),
            escape(group.title)
        ));
    }

    fn end(&mut self) {
        self.body.push_str("</g>\n");
    }

    fn draw_segments(
        &mut self,
        segments: &[(BackendCoord, BackendCoord)],
        style: &ShapeStyle,
    ) -> Drawn<Self> {
        self.body.push_str("<path d=\"");
        for &(from, to) in segments {
            self.subpath([from, to]);
        }
        self.body.push('"');
        self.stroke(BackendStyle::color(style), BackendStyle::stroke_width(style));
        self.body.push_str("/>\n");
        Ok(())
    }

    fn draw_dashed(
        &mut self,
        path: &[BackendCoord],
        style: &ShapeStyle,
        pattern: &[f64],
    ) -> Drawn<Self> {
        self.path(path.iter().copied());
        self.stroke(BackendStyle::color(style), BackendStyle::stroke_width(style));
        let lengths: Vec<_> = pattern.iter().map(|&units| px(units.round() as i32)).collect();
        if !lengths.is_empty() {
            self.push(format_args!(" stroke-dasharray=\"{}\"", lengths.join(" ")));
        }
        self.body.push_str(" stroke-linejoin=\"round\"/>\n");
        Ok(())
    }
}

impl DrawingBackend for Svg {
    type ErrorType = Infallible;

    fn get_size(&self) -> (u32, u32) {
        // The height is open: a chart reports it when it is done.
        (self.width_px * UNITS as u32, u32::MAX)
    }

    fn ensure_prepared(&mut self) -> Drawn<Self> {
        Ok(())
    }

    fn present(&mut self) -> Drawn<Self> {
        Ok(())
    }

    fn draw_pixel(&mut self, point: BackendCoord, colour: BackendColor) -> Drawn<Self> {
        self.draw_rect(point, (point.0 + 1, point.1 + 1), &colour, true)
    }

    fn draw_line<S: BackendStyle>(
        &mut self,
        from: BackendCoord,
        to: BackendCoord,
        style: &S,
    ) -> Drawn<Self> {
        self.draw_path([from, to], style)
    }

    fn draw_rect<S: BackendStyle>(
        &mut self,
        upper_left: BackendCoord,
        bottom_right: BackendCoord,
        style: &S,
        fill: bool,
    ) -> Drawn<Self> {
        self.push(format_args!(
            "<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\"",
            px(upper_left.0),
            px(upper_left.1),
            px(bottom_right.0 - upper_left.0),
            px(bottom_right.1 - upper_left.1)
        ));
        if fill {
            self.fill(style.color())
        } else {
            self.stroke(style.color(), style.stroke_width())
        }
        self.body.push_str("/>\n");
        Ok(())
    }

    fn draw_path<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(
        &mut self,
        path: I,
        style: &S,
    ) -> Drawn<Self> {
        self.path(path);
        self.stroke(style.color(), style.stroke_width());
        self.body.push_str(" stroke-linejoin=\"round\"/>\n");
        Ok(())
    }

    fn draw_circle<S: BackendStyle>(
        &mut self,
        centre: BackendCoord,
        radius: u32,
        style: &S,
        fill: bool,
    ) -> Drawn<Self> {
        self.push(format_args!(
            "<circle cx=\"{}\" cy=\"{}\" r=\"{}\"",
            px(centre.0),
            px(centre.1),
            px(radius as i32)
        ));
        if fill {
            self.fill(style.color())
        } else {
            self.stroke(style.color(), style.stroke_width())
        }
        self.body.push_str("/>\n");
        Ok(())
    }

    fn fill_polygon<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(
        &mut self,
        outline: I,
        style: &S,
    ) -> Drawn<Self> {
        self.path(outline);
        self.fill(style.color());
        self.body.push_str("/>\n");
        Ok(())
    }

    /// The position is the text's base line; of the anchor only the horizontal half counts.
    fn draw_text<T: BackendTextStyle>(
        &mut self,
        text: &str,
        style: &T,
        (x, y): BackendCoord,
    ) -> Drawn<Self> {
        self.push(format_args!("<text x=\"{}\" y=\"{}\"", px(x), px(y)));
        let em = style.size() / LINE_PER_EM / f64::from(UNITS);
        self.push(format_args!(" font-size=\"{}\"", trimmed(em)));
        match style.anchor().h_pos {
            HPos::Left => {}
            HPos::Center => self.body.push_str(" text-anchor=\"middle\""),
            HPos::Right => self.body.push_str(" text-anchor=\"end\""),
        }
        if matches!(style.style(), FontStyle::Bold) {
            self.body.push_str(" font-weight=\"600\"");
        }
        self.fill(style.color());
        self.push(format_args!(">{}</text>\n", escape(text)));
        Ok(())
    }

    fn estimate_text_size<T: BackendTextStyle>(
        &self,
        text: &str,
        style: &T,
    ) -> Result<(u32, u32), DrawingErrorKind<Self::ErrorType>> {
        let ((left, top), (right, bottom)) =
            style.layout_box(text).map_err(|e| DrawingErrorKind::FontError(Box::new(e)))?;
        Ok(((right - left).unsigned_abs(), (bottom - top).unsigned_abs()))
    }
}

/// A finished picture: the shapes, and what frames them.
#[derive(Debug, Clone)]
pub(crate) struct Picture {
    /// The shapes.
    pub(crate) body: String,
    /// Width in pixels.
    pub(crate) width_px: u32,
    /// Height in pixels.
    pub(crate) height_px: u32,
    /// The question the chart answers.
    pub(crate) title: String,
    /// The chart in words, for those who cannot see it.
    pub(crate) description: String,
}

impl Picture {
    /// The `svg` element for a page that brings its own colours. `class` is added to `chart`;
    /// `id` makes the title and description addressable and must be unique on the page.
    pub(crate) fn inline(&self, id: &str, class: &str) -> String {
        format!(
            "<svg class=\"chart {class}\" viewBox=\"0 0 {w} {h}\" width=\"{w}\" height=\"{h}\" role=\"img\" \
             aria-labelledby=\"{id}-t {id}-d\"><title id=\"{id}-t\">{}</title><desc id=\"{id}-d\">{}</desc>\n{}</svg>",
            escape(&self.title),
            escape(&self.description),
            self.body,
            w = self.width_px,
            h = self.height_px,
        )
    }

    /// A file of its own, which follows the reader's preference for light or dark by `dark_rules`.
    pub(crate) fn standalone(&self, dark_rules: &str) -> String {
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {w} {h}\" width=\"{w}\" height=\"{h}\" \
             font-family=\"{STACK}\" role=\"img\" aria-labelledby=\"t d\"><title id=\"t\">{}</title>\
             <desc id=\"d\">{}</desc>\n<style>@media (prefers-color-scheme:dark){{{dark_rules}}}</style>\n{}</svg>\n",
            escape(&self.title),
            escape(&self.description),
            self.body,
            w = self.width_px,
            h = self.height_px,
        )
    }
}

/// Units as pixels, without needless digits.
fn px(units: i32) -> String {
    trimmed(f64::from(units) / f64::from(UNITS))
}

fn trimmed(value: f64) -> String {
    let text = format!("{value:.2}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// A collector's name as a CSS class.
pub(crate) fn slug(name: &str) -> String {
    name.chars().map(|c| if c.is_ascii_alphanumeric() || c == '-' { c } else { '-' }).collect()
}

/// Text as XML and HTML character data or attribute value.
pub(crate) fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '&' => safe.push_str("&amp;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            other => safe.push(other),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;
    use plotters::style::{Color, RGBColor};

    #[test]
    fn a_stepped_line_is_written_with_h_and_v() {
        let mut svg = Svg::new(100);
        let style = Color::stroke_width(&RGBColor(0, 0x72, 0xB2), 6);
        svg.begin(&Group { collector: "rc|count-loads", title: "1 < 2" });
        svg.draw_dashed(&[(0, 0), (10, 0), (10, 0), (10, 7), (12, 9)], &style, &[28.0, 16.0])
            .expect("infallible");
        svg.end();
        insta::assert_snapshot!(svg.into_body(), @r##"
        <g class="series s-rc-count-loads" data-collector="rc|count-loads"><title>1 &lt; 2</title>
        <path d="M0 0H2.5V1.75L3 2.25" fill="none" stroke="#0072b2" stroke-width="1.5" stroke-dasharray="7 4" stroke-linejoin="round"/>
        </g>
        "##);
    }
}
