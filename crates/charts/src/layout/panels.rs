//! Splits many lines into panels that stay readable.

use record::Family;

/// Most lines of one panel. With more, families move to panels of their own, and each panel shows
/// the lines of the others pale behind its own.
const MOST_LINES: usize = 8;

/// Indices of the lines of each panel, given the family of each line: all in one panel, or as few
/// panels as hold at most [`MOST_LINES`] each with families kept together where they fit.
pub(crate) fn by_family(lines: &[Family]) -> Vec<Vec<usize>> {
    if lines.len() <= MOST_LINES {
        return vec![(0..lines.len()).collect()];
    }
    let mut families: Vec<(Family, Vec<usize>)> = Vec::new();
    for (index, &family) in lines.iter().enumerate() {
        match families.iter_mut().find(|(known, _)| *known == family) {
            Some((_, members)) => members.push(index),
            None => families.push((family, vec![index])),
        }
    }
    let mut panels: Vec<Vec<usize>> = Vec::new();
    for chunk in families.iter().flat_map(|(_, members)| members.chunks(MOST_LINES)) {
        match panels.last_mut() {
            Some(panel) if panel.len() + chunk.len() <= MOST_LINES => panel.extend(chunk),
            _ => panels.push(chunk.to_vec()),
        }
    }
    panels
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn up_to_eight_lines_share_a_panel() {
        assert_eq!(by_family(&[Family::Tracing; 8]), [(0..8).collect::<Vec<_>>()]);
    }

    #[test]
    fn more_lines_split_between_families() {
        let mut lines = vec![Family::Ownership; 5];
        lines.extend([Family::ReferenceCounting; 4]);
        lines.push(Family::Ownership);
        assert_eq!(by_family(&lines), [vec![0, 1, 2, 3, 4, 9], vec![5, 6, 7, 8]]);
        assert_eq!(by_family(&[Family::Tracing; 10]).len(), 2);
    }
}
