//! The typeface of the pictures, embedded in the binary so that a machine without fonts can draw.
//!
//! DejaVu Sans Condensed is about as wide as the usual system sans-serif faces, so a text measured
//! here also fits where a browser substitutes one of those. The font files come from
//! the `dejavu` crate; their licence (Bitstream Vera and Arev, both permissive) allows embedding.

use plotters::style::{FontDesc, FontFamily, FontStyle, register_font};
use std::sync::Once;

/// Name under which the face is registered with plotters.
pub(crate) const FAMILY: &str = "DejaVu Sans Condensed";

/// Font stack of the SVG files: the same face where it is installed, else one of the same width.
pub(crate) const STACK: &str =
    "'DejaVu Sans Condensed','Helvetica Neue',Helvetica,Arial,'Liberation Sans',sans-serif";

/// plotters measures a font size from ascender to descender; CSS measures it in em. The factor is
/// the face's (ascent + descent) / units per em, from its `hhea` and `head` tables.
pub(crate) const LINE_PER_EM: f64 = 2384.0 / 2048.0;

/// Registers the faces once per process.
pub(crate) fn register() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let faces = [
            (FontStyle::Normal, dejavu::sans_condensed::regular()),
            (FontStyle::Bold, dejavu::sans_condensed::bold()),
        ];
        for (style, bytes) in faces {
            // The bytes are compiled in; the test below asserts that they parse.
            let _ = register_font(FAMILY, style, bytes);
        }
    });
}

/// The face at `em` backend units per em.
pub(crate) fn face(em: f64, bold: bool) -> FontDesc<'static> {
    register();
    let style = if bold { FontStyle::Bold } else { FontStyle::Normal };
    FontDesc::new(FontFamily::Name(FAMILY), em * LINE_PER_EM, style)
}

/// Width in pixels of `text` at `em` pixels per em.
pub(crate) fn width(text: &str, em: f64, bold: bool) -> f64 {
    // Measured large, because plotters rounds the width to whole units.
    const ZOOM: f64 = 16.0;
    match face(em * ZOOM, bold).layout_box(text) {
        Ok(((left, _), (right, _))) => f64::from(right - left) / ZOOM,
        // Only an unregistered family gets here; half an em per character keeps a layout usable.
        Err(_) => text.chars().count() as f64 * em * 0.5,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faces_are_usable_and_bold_is_wider() {
        let regular = width("mark-sweep", 12.0, false);
        assert!((55.0..75.0).contains(&regular), "{regular}");
        assert!(width("mark-sweep", 12.0, true) > regular);
        assert!(face(12.0, true).layout_box("x").is_ok());
    }
}
