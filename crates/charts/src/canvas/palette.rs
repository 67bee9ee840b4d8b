//! Inks: every colour of the pictures as a pair, one for a light page and one for a dark one.
//!
//! Shapes are drawn with the light half. For a dark page a style sheet made here replaces it; it
//! selects shapes by their light colour. **Invariant:** light halves are distinct between inks, or
//! the style sheet could not distinguish them (checked by a test).

use plotters::style::RGBColor;
use record::CollectorInfo;
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// A colour on a light and on a dark page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ink {
    /// Red, green and blue on a light page.
    pub(crate) light: (u8, u8, u8),
    /// Red, green and blue on a dark page.
    pub(crate) dark: (u8, u8, u8),
}

const fn ink(light: u32, dark: u32) -> Ink {
    const fn split(rgb: u32) -> (u8, u8, u8) {
        ((rgb >> 16) as u8, (rgb >> 8) as u8, rgb as u8)
    }
    Ink { light: split(light), dark: split(dark) }
}

/// The background.
pub(crate) const PAPER: Ink = ink(0xFFFFFF, 0x11161C);
/// Primary text.
pub(crate) const TEXT: Ink = ink(0x1F2328, 0xE6EDF3);
/// Secondary text.
pub(crate) const MUTED: Ink = ink(0x57606A, 0x9DA7B1);
/// Grid lines.
pub(crate) const GRID: Ink = ink(0xE6E9ED, 0x252C34);
/// Base lines, small ticks and leader lines.
pub(crate) const AXIS: Ink = ink(0xB4BCC5, 0x47515C);
/// The area of live bytes.
pub(crate) const LIVE: Ink = ink(0xDDE1E6, 0x2C343D);
/// Hairlines such as the heap limit.
pub(crate) const LIMIT: Ink = ink(0x3D444C, 0xC3CBD3);
/// Series in the background of a panel.
pub(crate) const PALE: Ink = ink(0xCBD1D8, 0x3A434D);
/// The hatching of failed cells.
pub(crate) const HATCH: Ink = ink(0xA3ABB4, 0x66707B);
/// The background of failed cells.
pub(crate) const FAILED: Ink = ink(0xF4F5F7, 0x1A2027);
/// Text on the strong steps of [`HEAT`].
pub(crate) const ON_HEAT: Ink = ink(0xFFFEFC, 0x1B1503);
/// Sequential one-hue scale, from the best to the worst. Ochre belongs to no collector family.
pub(crate) const HEAT: [Ink; 7] = [
    ink(0xFBF6E9, 0x1C1F22),
    ink(0xF5E8C4, 0x2F2A1C),
    ink(0xEBD596, 0x4A3E1C),
    ink(0xDCBB62, 0x6B581F),
    ink(0xC29A38, 0x7F671F),
    ink(0x8C6A1A, 0xBD9A33),
    ink(0x6B4E0C, 0xEBC34D),
];

/// Least contrast of text against its background (WCAG 2.2, level AA).
const CONTRAST: f64 = 4.5;

/// From this step of [`HEAT`] on, text is [`ON_HEAT`].
pub(crate) const STRONG_HEAT: usize = 5;

const FIXED: [Ink; 11] =
    [PAPER, TEXT, MUTED, GRID, AXIS, LIVE, LIMIT, PALE, HATCH, FAILED, ON_HEAT];

impl Ink {
    /// The ink of a collector, as its registry entry declares it.
    pub(crate) fn of(collector: &CollectorInfo) -> Self {
        Self {
            light: parse(&collector.colour.light).unwrap_or(MUTED.light),
            dark: parse(&collector.colour.dark).unwrap_or(MUTED.dark),
        }
    }

    /// The same hue for text: darkened (on a dark page lightened) to the contrast that text needs.
    /// Lines may be paler than text.
    pub(crate) fn for_text(self) -> Self {
        Self {
            light: readable(self.light, PAPER.light, (0, 0, 0)),
            dark: readable(self.dark, PAPER.dark, (255, 255, 255)),
        }
    }

    /// The light colour, with which shapes are drawn.
    pub(crate) fn rgb(self) -> RGBColor {
        let (red, green, blue) = self.light;
        RGBColor(red, green, blue)
    }
}

/// Mixes `colour` with `end` (black or white) until its contrast to `ground` is [`CONTRAST`].
fn readable(colour: (u8, u8, u8), ground: (u8, u8, u8), end: (u8, u8, u8)) -> (u8, u8, u8) {
    let mix = |a: u8, b: u8, share: f64| {
        (f64::from(a) + (f64::from(b) - f64::from(a)) * share).round() as u8
    };
    let mixed = |step: u8| {
        let share = f64::from(step) / 20.0;
        (mix(colour.0, end.0, share), mix(colour.1, end.1, share), mix(colour.2, end.2, share))
    };
    (0..=20).map(mixed).find(|&c| contrast(c, ground) >= CONTRAST).unwrap_or(end)
}

/// Contrast ratio of two colours, 1 to 21 (WCAG 2.2, "contrast ratio").
fn contrast(a: (u8, u8, u8), b: (u8, u8, u8)) -> f64 {
    let luminance = |(red, green, blue): (u8, u8, u8)| {
        let linear = |part: u8| {
            let part = f64::from(part) / 255.0;
            if part <= 0.04045 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue)
    };
    let (a, b) = (luminance(a), luminance(b));
    (a.max(b) + 0.05) / (a.min(b) + 0.05)
}

/// Reads `#rrggbb`.
fn parse(text: &str) -> Option<(u8, u8, u8)> {
    let digits = text.strip_prefix('#').filter(|d| d.len() == 6 && d.is_ascii())?;
    let part = |at: usize| u8::from_str_radix(&digits[at..at + 2], 16).ok();
    Some((part(0)?, part(2)?, part(4)?))
}

/// `#rrggbb`, lower case.
pub(crate) fn hex((red, green, blue): (u8, u8, u8)) -> String {
    format!("#{red:02x}{green:02x}{blue:02x}")
}

/// Style rules that replace light colours by dark ones, for a dark media query. `collectors` lists all
/// collectors of the pictures; `within` is a selector prefix, such as `svg.chart `.
pub(crate) fn dark_rules(collectors: &[&CollectorInfo], within: &str) -> String {
    let collectors = collectors.iter().map(|collector| Ink::of(collector));
    let collectors = collectors.flat_map(|ink| [ink, ink.for_text()]);
    let mut pairs = BTreeMap::new();
    for ink in collectors.chain(FIXED).chain(HEAT) {
        pairs.insert(hex(ink.light), hex(ink.dark));
    }
    let mut rules = String::new();
    for (light, dark) in pairs {
        let _ = write!(
            rules,
            "{within}[fill=\"{light}\"]{{fill:{dark}}}{within}[stroke=\"{light}\"]{{stroke:{dark}}}"
        );
    }
    rules
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn light_halves_are_distinct() {
        let all: Vec<_> = FIXED.iter().chain(&HEAT).map(|i| i.light).collect();
        let distinct: BTreeSet<_> = all.iter().collect();
        assert_eq!(all.len(), distinct.len());
    }

    #[test]
    fn text_can_be_read_on_both_pages_and_strong_colours_stay() {
        let pale = ink(0x7CC9AE, 0x1A4A3A).for_text();
        assert!(contrast(pale.light, PAPER.light) >= CONTRAST);
        assert!(contrast(pale.dark, PAPER.dark) >= CONTRAST);
        assert_ne!(pale.light, TEXT.light);
        let strong = ink(0x0072B2, 0x4DA3E0);
        assert_eq!(strong.for_text(), strong);
        for ink in [TEXT, MUTED, LIMIT] {
            assert!(
                contrast(ink.light, PAPER.light) >= CONTRAST
                    && contrast(ink.dark, PAPER.dark) >= CONTRAST
            );
        }
    }

    #[test]
    fn the_numbers_of_the_overview_can_be_read() {
        for (step, ground) in HEAT.iter().enumerate() {
            let text = if step >= STRONG_HEAT { ON_HEAT } else { TEXT };
            for (text, ground) in [(text.light, ground.light), (text.dark, ground.dark)] {
                assert!(
                    contrast(text, ground) >= CONTRAST,
                    "step {step}: {}",
                    contrast(text, ground)
                );
            }
        }
    }

    #[test]
    fn colours_are_read_and_nonsense_is_not() {
        assert_eq!(parse("#0072B2"), Some((0, 0x72, 0xB2)));
        assert_eq!(hex((0, 0x72, 0xB2)), "#0072b2");
        for wrong in ["0072B2", "#0072", "#00zz00", "#ééé"] {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
    }
}
