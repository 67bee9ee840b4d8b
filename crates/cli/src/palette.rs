//! Colours of the terminal: a collector has the colour that it has in every chart.

use anstyle::{Effects, RgbColor, Style};
use record::Colour;
use std::env;

/// The style of a collector. The colour for dark pages is light enough for a dark terminal and
/// still dark enough for a light one.
pub(crate) fn collector(colour: &Colour) -> Style {
    let Some(rgb) = parse(&colour.dark) else { return Style::new() };
    let many = env::var("COLORTERM").is_ok_and(|v| v == "truecolor" || v == "24bit");
    Style::new().fg_color(Some(if many {
        rgb.into()
    } else {
        anstyle_lossy::rgb_to_xterm(rgb).into()
    }))
}

/// Titles and best values.
pub(crate) fn strong() -> Style {
    Style::new() | Effects::BOLD
}

/// Secondary text.
pub(crate) fn faint() -> Style {
    Style::new() | Effects::DIMMED
}

fn parse(hex: &str) -> Option<RgbColor> {
    let digits = hex.strip_prefix('#').filter(|d| d.len() == 6 && d.is_ascii())?;
    let part = |at: usize| u8::from_str_radix(&digits[at..at + 2], 16).ok();
    Some(RgbColor(part(0)?, part(2)?, part(4)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_read_and_nonsense_is_no_colour() {
        assert_eq!(parse("#0072b2"), Some(RgbColor(0, 0x72, 0xb2)));
        for wrong in ["0072b2", "#0072b", "#00zzb2", "#é072b", ""] {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
    }
}
