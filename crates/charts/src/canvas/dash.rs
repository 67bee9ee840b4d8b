//! Splits a polyline into dashes, for backends that draw solid lines only.
//!
//! The pattern runs along the whole line and across its corners, so that stepped lines, whose
//! segments are often shorter than a dash, keep an even pattern.

/// Splits `points` into the dashes of `pattern` (alternating on and off lengths, all positive, in
/// the units of the points). An empty pattern returns the line itself.
pub(crate) fn split(points: &[(f64, f64)], pattern: &[f64]) -> Vec<Vec<(f64, f64)>> {
    if pattern.is_empty() {
        return vec![points.to_vec()];
    }
    let mut dashes = Vec::new();
    let mut index = 0;
    let mut left = pattern[0];
    let mut dash: Vec<(f64, f64)> = points.first().copied().into_iter().collect();
    for pair in points.windows(2) {
        let (mut from, to) = (pair[0], pair[1]);
        let mut length = (to.0 - from.0).hypot(to.1 - from.1);
        while length > left {
            let share = left / length;
            from = (from.0 + (to.0 - from.0) * share, from.1 + (to.1 - from.1) * share);
            length -= left;
            if index % 2 == 0 {
                dash.push(from);
                dashes.push(std::mem::take(&mut dash));
            } else {
                dash = vec![from];
            }
            index += 1;
            left = pattern[index % pattern.len()];
        }
        left -= length;
        if index % 2 == 0 {
            dash.push(to);
        }
    }
    if dash.len() > 1 {
        dashes.push(dash);
    }
    dashes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn length(line: &[(f64, f64)]) -> f64 {
        line.windows(2).map(|p| (p[1].0 - p[0].0).hypot(p[1].1 - p[0].1)).sum()
    }

    #[test]
    fn dashes_cross_corners_and_keep_their_length() {
        let stairs: Vec<_> = (0..20)
            .flat_map(|i| [(i as f64 * 3.0, i as f64), (i as f64 * 3.0 + 3.0, i as f64)])
            .collect();
        let dashes = split(&stairs, &[7.0, 4.0]);
        assert!(dashes.len() > 5);
        for dash in &dashes[..dashes.len() - 1] {
            assert!((length(dash) - 7.0).abs() < 1e-9, "{dash:?}");
        }
        let inked: f64 = dashes.iter().map(|d| length(d)).sum();
        let share = inked / length(&stairs);
        assert!((share - 7.0 / 11.0).abs() < 0.05, "{share}");
    }

    #[test]
    fn no_pattern_is_a_full_line() {
        assert_eq!(split(&[(0.0, 0.0), (1.0, 0.0)], &[]), [[(0.0, 0.0), (1.0, 0.0)]]);
    }
}
