//! A plotters backend that writes SVG with groups, quarter-pixel coordinates and true dashes.
//!
//! plotters' own SVG backend rounds to whole pixels and cannot group shapes, so lines would not be
//! crisp and a page could not hide a series.
//!
//! Paths dominate the size of a page with some hundred pictures. So they are written relative to their
//! last point, with `h` and `v` where possible: a third of the bytes of absolute coordinates. A long
//! path that occurs again (the pale lines behind each panel) is written once and referred to.
//! Attributes common to most shapes stand on the `svg` element, from which they are inherited.

use super::fonts::{LINE_PER_EM, STACK};
use super::palette::hex;
use super::surface::{Drawn, Group, Surface, UNITS};
use plotters::style::ShapeStyle;
use plotters_backend::text_anchor::HPos;
use plotters_backend::{
    BackendColor, BackendCoord, BackendStyle, BackendTextStyle, DrawingBackend, DrawingErrorKind,
    FontStyle,
};
use std::collections::HashMap;
use std::convert::Infallible;
use std::fmt::Write as _;

/// Writing to a `String` cannot fail.
const INFALLIBLE: &str = "writing to a string";
/// Attributes that shapes inherit unless they set their own.
const COMMON: &str = "fill=\"none\" stroke-linejoin=\"round\" font-size=\"12\"";
/// The font size in [`COMMON`], in the form that text elements would write.
const COMMON_EM: &str = "12";
/// Shortest path, in bytes, that is referred to instead of repeated.
const LONG_PATH: usize = 120;
/// Placeholder for the picture's identifier in a body: a noncharacter, which no text contains.
const OWN_ID: &str = "\u{FDD0}";

/// The backend. The chart determines its height.
#[derive(Debug)]
pub(crate) struct Svg {
    /// Pieces of the body, each followed by a long path.
    pieces: Vec<(String, Option<LongPath>)>,
    /// The current piece.
    body: String,
    /// Long paths without their starting points, with their number of occurrences.
    shapes: HashMap<String, usize>,
    width_px: u32,
}

/// A path that may occur elsewhere.
#[derive(Debug)]
struct LongPath {
    start: BackendCoord,
    shape: String,
    /// Attributes with a space before each.
    style: String,
}

impl Svg {
    /// An empty picture of the given width.
    pub(crate) fn new(width_px: u32) -> Self {
        Self { pieces: Vec::new(), body: String::new(), shapes: HashMap::new(), width_px }
    }

    /// The shapes drawn so far, without the enclosing `svg` element.
    pub(crate) fn into_body(mut self) -> String {
        self.pieces.push((std::mem::take(&mut self.body), None));
        let mut written: HashMap<&str, usize> = HashMap::new();
        for (piece, path) in &self.pieces {
            self.body.push_str(piece);
            let Some(LongPath { start: (x, y), shape, style }) = path else { continue };
            let (x, y) = (px(*x), px(*y));
            let _ = if self.shapes[shape] == 1 {
                writeln!(self.body, "<path d=\"M{}{shape}\"{style}/>", pair(&x, &y))
            } else {
                let next = written.len();
                let number = *written.entry(shape).or_insert_with(|| {
                    // In `defs`, or it would be drawn here as well, without their style.
                    let _ = writeln!(
                        self.body,
                        "<defs><path id=\"{OWN_ID}p{next}\" d=\"M0 0{shape}\"/></defs>"
                    );
                    next
                });
                writeln!(self.body, "<use href=\"#{OWN_ID}p{number}\" x=\"{x}\" y=\"{y}\"{style}/>")
            };
        }
        self.body
    }

    fn push(&mut self, text: std::fmt::Arguments<'_>) {
        self.body.write_fmt(text).expect(INFALLIBLE);
    }

    fn fill(&mut self, colour: BackendColor) {
        self.push(format_args!(" fill=\"{}\"", hex(colour.rgb)));
        if colour.alpha < 1.0 {
            self.push(format_args!(" fill-opacity=\"{}\"", trimmed(colour.alpha)));
        }
    }

    /// A line through the points; `dashes` is empty for a solid line.
    fn line(
        &mut self,
        path: impl IntoIterator<Item = BackendCoord>,
        colour: BackendColor,
        width: u32,
        dashes: &[f64],
    ) {
        let mut path = path.into_iter();
        let Some(start) = path.next() else { return };
        let mut shape = String::new();
        push_shape(&mut shape, start, path);
        let mut style = stroke(colour, width);
        if !dashes.is_empty() {
            let lengths: Vec<_> = dashes.iter().map(|&units| px(units.round() as i32)).collect();
            let _ = write!(style, " stroke-dasharray=\"{}\"", lengths.join(" "));
        }
        if shape.len() < LONG_PATH {
            let (x, y) = (px(start.0), px(start.1));
            return self.push(format_args!("<path d=\"M{}{shape}\"{style}/>\n", pair(&x, &y)));
        }
        *self.shapes.entry(shape.clone()).or_default() += 1;
        let piece = std::mem::take(&mut self.body);
        self.pieces.push((piece, Some(LongPath { start, shape, style })));
    }
}

fn stroke(colour: BackendColor, width: u32) -> String {
    let mut style = format!(" stroke=\"{}\"", hex(colour.rgb));
    // One pixel is the default width of a stroke.
    if width as i32 != UNITS {
        let _ = write!(style, " stroke-width=\"{}\"", px(width as i32));
    }
    if colour.alpha < 1.0 {
        let _ = write!(style, " stroke-opacity=\"{}\"", trimmed(colour.alpha));
    }
    style
}

/// Appends the path from `last` through the points; returns its last point.
fn push_shape(
    shape: &mut String,
    mut last: BackendCoord,
    path: impl IntoIterator<Item = BackendCoord>,
) -> BackendCoord {
    // Consecutive `l` pairs need no second letter.
    let mut is_slope = false;
    for (x, y) in path {
        let (right, down) = (x - last.0, y - last.1);
        match (right, down) {
            (0, 0) => continue,
            (_, 0) => shape.extend(["h", &px(right)]),
            (0, _) => shape.extend(["v", &px(down)]),
            _ => {
                let pair = pair(&px(right), &px(down));
                let before = match (is_slope, right < 0) {
                    (false, _) => "l",
                    (true, true) => "",
                    (true, false) => " ",
                };
                shape.extend([before, &pair]);
            }
        }
        is_slope = right != 0 && down != 0;
        last = (x, y);
    }
    last
}

/// Two numbers of a path: a minus separates as well as a space.
fn pair(x: &str, y: &str) -> String {
    if y.starts_with('-') { format!("{x}{y}") } else { format!("{x} {y}") }
}

impl Surface for Svg {
    fn begin(&mut self, group: &Group<'_>) {
        self.push(format_args!(
            "<g class=\"series\" data-collector=\"{}\"><title>{}</title>\n",
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
        let mut shape = String::new();
        let mut last = (0, 0);
        for &(from, to) in segments {
            let _ = write!(shape, "m{}", pair(&px(from.0 - last.0), &px(from.1 - last.1)));
            last = push_shape(&mut shape, from, [to]);
        }
        let style = stroke(BackendStyle::color(style), BackendStyle::stroke_width(style));
        self.push(format_args!("<path d=\"{shape}\"{style}/>\n"));
        Ok(())
    }

    fn draw_circles(
        &mut self,
        centres: &[BackendCoord],
        radius: u32,
        style: &impl BackendStyle,
    ) -> Drawn<Self> {
        let Some(&(x, y)) = centres.first() else { return Ok(()) };
        self.body.push_str("<g");
        self.fill(style.color());
        self.push(format_args!(" transform=\"translate({} {})\">", px(x), px(y)));
        for (right, down) in centres.iter().map(|centre| (centre.0 - x, centre.1 - y)) {
            self.body.push_str("<circle");
            for (name, off) in
                [("cx", right), ("cy", down)].into_iter().filter(|(_, off)| *off != 0)
            {
                self.push(format_args!(" {name}=\"{}\"", px(off)));
            }
            self.push(format_args!(" r=\"{}\"/>", px(radius as i32)));
        }
        self.body.push_str("</g>\n");
        Ok(())
    }

    fn draw_dashed(
        &mut self,
        path: &[BackendCoord],
        style: &ShapeStyle,
        pattern: &[f64],
    ) -> Drawn<Self> {
        let (colour, width) = (BackendStyle::color(style), BackendStyle::stroke_width(style));
        self.line(path.iter().copied(), colour, width, pattern);
        Ok(())
    }
}

impl DrawingBackend for Svg {
    type ErrorType = Infallible;

    fn get_size(&self) -> (u32, u32) {
        // The height is not known yet: a chart returns it when it has been drawn.
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
            self.body.push_str(&stroke(style.color(), style.stroke_width()))
        }
        self.body.push_str("/>\n");
        Ok(())
    }

    fn draw_path<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(
        &mut self,
        path: I,
        style: &S,
    ) -> Drawn<Self> {
        self.line(path, style.color(), style.stroke_width(), &[]);
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
            self.body.push_str(&stroke(style.color(), style.stroke_width()))
        }
        self.body.push_str("/>\n");
        Ok(())
    }

    fn fill_polygon<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(
        &mut self,
        outline: I,
        style: &S,
    ) -> Drawn<Self> {
        let mut outline = outline.into_iter();
        let Some(start) = outline.next() else { return Ok(()) };
        let mut shape = String::new();
        push_shape(&mut shape, start, outline);
        let (x, y) = (px(start.0), px(start.1));
        self.push(format_args!("<path d=\"M{}{shape}\"", pair(&x, &y)));
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
        let em = trimmed(em);
        if em != COMMON_EM {
            self.push(format_args!(" font-size=\"{em}\""));
        }
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

/// A finished picture: the shapes, and the data of its `svg` element.
#[derive(Debug, Clone)]
pub(crate) struct Picture {
    /// The shapes.
    pub(crate) body: String,
    /// Width in pixels.
    pub(crate) width_px: u32,
    /// Height in pixels.
    pub(crate) height_px: u32,
    /// The title.
    pub(crate) title: String,
    /// The chart in words, for readers who cannot see it.
    pub(crate) description: String,
}

impl Picture {
    /// The `svg` element for a page with its own dark rules. `class` is added to `chart`; `id` prefixes
    /// the ids of title and description and must be unique on the page.
    pub(crate) fn inline(&self, id: &str, class: &str) -> String {
        format!(
            "<svg class=\"chart {class}\" viewBox=\"0 0 {w} {h}\" width=\"{w}\" height=\"{h}\" role=\"img\" \
             {COMMON} aria-labelledby=\"{id}-t {id}-d\"><title id=\"{id}-t\">{}</title><desc id=\"{id}-d\">{}</desc>\n{}</svg>",
            escape(&self.title),
            escape(&self.description),
            self.body.replace(OWN_ID, &format!("{id}-")),
            w = self.width_px,
            h = self.height_px,
        )
    }

    /// A file of its own, which follows the reader's light or dark preference by `dark_rules`.
    pub(crate) fn standalone(&self, dark_rules: &str) -> String {
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {w} {h}\" width=\"{w}\" height=\"{h}\" \
             font-family=\"{STACK}\" {COMMON} role=\"img\" aria-labelledby=\"t d\"><title id=\"t\">{}</title>\
             <desc id=\"d\">{}</desc>\n<style>@media (prefers-color-scheme:dark){{{dark_rules}}}</style>\n{}</svg>\n",
            escape(&self.title),
            escape(&self.description),
            self.body.replace(OWN_ID, ""),
            w = self.width_px,
            h = self.height_px,
        )
    }
}

/// Units as pixels, without trailing or leading zeros.
fn px(units: i32) -> String {
    let text = trimmed(f64::from(units) / f64::from(UNITS));
    match text.strip_prefix("0.").or(text.strip_prefix("-0.")) {
        Some(digits) => format!("{}.{digits}", if units < 0 { "-" } else { "" }),
        None => text,
    }
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
    fn a_stepped_line_is_written_with_h_and_v_from_its_last_point() {
        let mut svg = Svg::new(100);
        let style = Color::stroke_width(&RGBColor(0, 0x72, 0xB2), 6);
        svg.begin(&Group { collector: "rc|count-loads", title: "1 < 2" });
        svg.draw_dashed(&[(0, 0), (10, 0), (10, 0), (10, 7), (12, 9)], &style, &[28.0, 16.0])
            .expect("infallible");
        svg.end();
        insta::assert_snapshot!(svg.into_body(), @r##"
        <g class="series" data-collector="rc|count-loads"><title>1 &lt; 2</title>
        <path d="M0 0h2.5v1.75l.5 .5" stroke="#0072b2" stroke-width="1.5" stroke-dasharray="7 4"/>
        </g>
        "##);
    }
    /// The absolute coordinates of a relative path.
    fn followed(shape: &str) -> Vec<(f64, f64)> {
        let spaced: String = shape
            .chars()
            .flat_map(|c| match c {
                'M' | 'm' | 'h' | 'v' | 'l' => vec![' ', c, ' '],
                '-' => vec![' ', c],
                c => vec![c],
            })
            .collect();
        let (mut at, mut command, mut points) = ((0.0, 0.0), "", Vec::new());
        let mut words = spaced.split_whitespace().peekable();
        while let Some(&word) = words.peek() {
            if word.chars().all(|c| c.is_ascii_alphabetic()) {
                command = word;
                words.next();
            }
            let mut number = || words.next().and_then(|w| w.parse::<f64>().ok()).expect("a number");
            match command {
                "h" => at.0 += number(),
                "v" => at.1 += number(),
                "M" => at = (number(), number()),
                _ => at = (at.0 + number(), at.1 + number()),
            }
            points.push(at);
        }
        points
    }

    #[test]
    fn relative_paths_pass_through_the_absolute_points() {
        let points = [(3, 7), (2, 9), (8, 9), (8, 1), (9, 2), (11, 3), (10, 0), (0, 0), (-5, -6)];
        let mut svg = Svg::new(100);
        let style = Color::stroke_width(&RGBColor(0, 0, 0), 4);
        svg.draw_path(points, &style).expect("infallible");
        let segments = [((3, 7), (3, 9)), ((4, 1), (5, 0)), ((4, 1), (8, 1))];
        svg.draw_segments(&segments, &style).expect("infallible");
        let body = svg.into_body();
        let drawn: Vec<_> =
            body.lines().map(|line| followed(line.split('"').nth(1).expect("a path"))).collect();
        let px = |&(x, y): &(i32, i32)| (f64::from(x) / 4.0, f64::from(y) / 4.0);
        assert_eq!(drawn[0], points.iter().map(px).collect::<Vec<_>>(), "{body}");
        let ends: Vec<_> = segments.iter().flat_map(|(from, to)| [px(from), px(to)]).collect();
        assert_eq!(drawn[1], ends, "{body}");
    }

    #[test]
    fn circles_share_their_style_and_keep_their_centres() {
        let mut svg = Svg::new(100);
        let style = RGBColor(0, 0, 0).mix(0.5).to_backend_color();
        svg.draw_circles(&[(8, 12), (6, 12), (8, 13)], 12, &style).expect("infallible");
        insta::assert_snapshot!(svg.into_body(), @r##"<g fill="#000000" fill-opacity="0.5" transform="translate(2 3)"><circle r="3"/><circle cx="-.5" r="3"/><circle cy=".25" r="3"/></g>"##);
    }

    #[test]
    fn a_long_path_that_occurs_again_is_referred_to() {
        let zigzag = |x: i32, y: i32| (0..99).map(move |i| (x + 4 * i, y + i % 2));
        let mut svg = Svg::new(100);
        for (at, grey) in [((0, 0), 10), ((40, 80), 20)] {
            let style = Color::stroke_width(&RGBColor(grey, grey, grey), 4);
            svg.draw_path(zigzag(at.0, at.1), &style).expect("infallible");
        }
        let other = Color::stroke_width(&RGBColor(0, 0, 0), 4);
        svg.draw_path(zigzag(0, 0).map(|(x, y)| (x, 2 * y)), &other).expect("infallible");
        let picture = Picture {
            body: svg.into_body(),
            width_px: 100,
            height_px: 100,
            title: String::new(),
            description: String::new(),
        };
        let inline = picture.inline("f", "wide");
        assert_eq!(inline.matches("<path").count(), 2, "{inline}");
        assert!(inline.contains("<defs><path id=\"f-p0\" d=\"M0 0l1 .25 1-.25 1 .25"), "{inline}");
        for (at, grey) in [("x=\"0\" y=\"0\"", "0a"), ("x=\"10\" y=\"20\"", "14")] {
            let used = format!("<use href=\"#f-p0\" {at} stroke=\"#{grey}{grey}{grey}\"");
            assert!(inline.contains(&used), "{inline}");
        }
        assert!(!picture.standalone("").contains(OWN_ID));
    }
}
