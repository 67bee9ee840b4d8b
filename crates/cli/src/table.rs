//! Aligned tables of at most [`WIDTH`] characters.

use crate::palette;
use anstyle::Style;

/// Widest line of a table, in characters.
pub(crate) const WIDTH: usize = 100;
/// Width of text that is readable in any terminal.
pub(crate) const NARROW: usize = 80;
/// Between columns.
const GAP: &str = "  ";

/// Alignment of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Align {
    Left,
    Right,
}

/// A styled piece of text.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Text {
    words: String,
    style: Style,
}

impl Text {
    pub(crate) fn styled(words: impl Into<String>, style: Style) -> Self {
        Self { words: words.into(), style }
    }
}

impl<S: Into<String>> From<S> for Text {
    fn from(words: S) -> Self {
        Self::styled(words, Style::new())
    }
}

/// A line of a table. One with fewer cells than the table has columns is a note: its last cell
/// takes all the room that is left.
pub(crate) type Line = Vec<Text>;

/// Lays out a table, one column per heading. The last cell of a line wraps at [`WIDTH`] under
/// itself.
pub(crate) fn render(headings: &[(&str, Align)], lines: &[Line]) -> String {
    let widths: Vec<usize> = (0..headings.len())
        .map(|column| {
            // The last cell of a line may be longer than its column, unless it is aligned right.
            let right = column + 1 == headings.len() && headings[column].1 == Align::Right;
            let bound = lines.iter().filter(|line| column + 1 < line.len() || right);
            let cells = bound.filter_map(|line| line.get(column)).map(|text| width(&text.words));
            cells.chain([width(headings[column].0)]).max().unwrap_or(0)
        })
        .collect();
    let heading: Line =
        headings.iter().map(|(name, _)| Text::styled(*name, palette::faint())).collect();
    let mut text = String::new();
    for line in [&heading].into_iter().chain(lines) {
        push_line(&mut text, headings, &widths, line);
    }
    text
}

fn push_line(text: &mut String, headings: &[(&str, Align)], widths: &[usize], line: &Line) {
    let mut at = 0;
    let Some((last, cells)) = line.split_last() else { return };
    for (column, cell) in cells.iter().enumerate() {
        push_cell(text, cell, &cell.words, widths[column], headings[column].1);
        text.push_str(GAP);
        at += widths[column] + GAP.len();
    }
    let whole = line.len() == headings.len();
    let (room, align) = match headings.get(cells.len()) {
        Some(&(_, Align::Right)) if whole => (widths[cells.len()], Align::Right),
        _ => (WIDTH.saturating_sub(at).max(20), Align::Left),
    };
    for (number, words) in wrap(&last.words, room).into_iter().enumerate() {
        if number > 0 {
            text.push('\n');
            text.push_str(&" ".repeat(at));
        }
        let padded = if align == Align::Right { room } else { 0 };
        push_cell(text, last, &words, padded, align);
    }
    text.truncate(text.trim_end().len());
    text.push('\n');
}

fn push_cell(text: &mut String, cell: &Text, words: &str, room: usize, align: Align) {
    let padding = " ".repeat(room.saturating_sub(width(words)));
    let style = cell.style;
    let (before, after) = match align {
        Align::Left => ("", padding.as_str()),
        Align::Right => (padding.as_str(), ""),
    };
    text.push_str(&format!("{before}{style}{words}{style:#}{after}"));
}

/// Breaks text between words into lines of at most `room` characters; a longer word stands alone.
pub(crate) fn wrap(text: &str, room: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let line = lines.last_mut().map_or(0, |line| width(line));
        match lines.last_mut() {
            Some(last) if line == 0 => last.push_str(word),
            Some(last) if line + 1 + width(word) <= room => {
                last.push(' ');
                last.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

/// Cuts text to at most `room` characters, and shows that it was cut.
pub(crate) fn elide(text: &str, room: usize) -> String {
    if width(text) <= room {
        return text.to_owned();
    }
    let kept: String = text.chars().take(room.saturating_sub(1)).collect();
    format!("{}…", kept.trim_end())
}

/// Characters, each one column wide: the tables hold no wide ones.
fn width(text: &str) -> usize {
    text.chars().count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(text: &str) -> String {
        anstream::adapter::strip_str(text).to_string()
    }

    fn line(cells: &[&str]) -> Line {
        cells.iter().map(|&words| words.into()).collect()
    }

    const HEADINGS: [(&str, Align); 3] =
        [("name", Align::Left), ("time", Align::Right), ("curve", Align::Left)];

    #[test]
    fn columns_are_aligned_and_nothing_trails() {
        let text =
            render(&HEADINGS, &[line(&["rc", "1.5 ms", "▁█"]), line(&["mark-sweep", "12 ms", ""])]);
        let expected = "\
name          time  curve
rc          1.5 ms  ▁█
mark-sweep   12 ms
";
        assert_eq!(plain(&text), expected);
    }

    #[test]
    fn a_note_takes_the_rest_of_the_line_and_does_not_widen_a_column() {
        let text = render(
            &HEADINGS,
            &[line(&["rc", "1.5 ms", "▁█"]), line(&["no-gc", "OOM: a long reason"])],
        );
        assert_eq!(plain(&text).lines().last(), Some("no-gc  OOM: a long reason"));
        assert_eq!(plain(&text).lines().nth(1), Some("rc     1.5 ms  ▁█"));
    }

    #[test]
    fn long_text_wraps_under_itself_within_the_width() {
        let words = "word ".repeat(60);
        let text = plain(&render(&HEADINGS, &[line(&["rc", "1 ms", words.trim()])]));
        assert!(text.lines().count() > 3);
        assert!(text.lines().all(|line| width(line) <= WIDTH), "{text}");
        assert!(text.lines().skip(2).all(|line| line.starts_with("            word")), "{text}");
    }

    #[test]
    fn a_last_column_of_numbers_is_as_wide_as_its_widest() {
        let headings = [("name", Align::Left), ("time", Align::Right)];
        let text = render(&headings, &[line(&["rc", "0.9 to 1.1"]), line(&["no-gc", "n/a"])]);
        assert_eq!(plain(&text), "name         time\nrc     0.9 to 1.1\nno-gc         n/a\n");
    }

    #[test]
    fn text_is_cut_visibly() {
        assert_eq!(elide("ownership", 9), "ownership");
        assert_eq!(elide("ownership", 6), "owner…");
    }
}
