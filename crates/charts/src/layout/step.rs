//! Stepped lines: thinned to what pixels can show, and clipped to the data area.

use super::axis::Area;
use super::scale::Scale;
use crate::canvas::pen::Point;

/// Width of the columns within which a line is thinned, in pixels.
const COLUMN_PX: f64 = 1.0;

/// The stepped line through (x, value) pairs with ascending x: each value holds until the next.
/// Of the values in one pixel column the first, lowest, highest and last are kept, so no
/// peak is lost.
pub(crate) fn stepped(points: &[(f64, f64)], x: &Scale, y: &Scale) -> Vec<Point> {
    let mut line: Vec<Point> = Vec::new();
    let mut column: Vec<Point> = Vec::new();
    let of = |px: f64| (px / COLUMN_PX).floor();
    for &(at, value) in points {
        let point = (x.at(at), y.at(value));
        if column.first().is_some_and(|first| of(first.0) != of(point.0)) {
            push_column(&mut line, &column);
            column.clear();
        }
        column.push(point);
    }
    push_column(&mut line, &column);
    line
}

/// Appends the telling points of one column, each as a horizontal run and a jump.
fn push_column(line: &mut Vec<Point>, column: &[Point]) {
    let by_height = |a: &&Point, b: &&Point| a.1.total_cmp(&b.1);
    let (Some(first), Some(last)) = (column.first(), column.last()) else { return };
    let (low, high) = (column.iter().min_by(by_height), column.iter().max_by(by_height));
    // Steps narrower than a column are drawn as the slope they look like.
    let slopes = column.is_sorted_by(|a, b| a.1 <= b.1) || column.is_sorted_by(|a, b| a.1 >= b.1);
    if slopes && line.last().is_some_and(|before| first.0 - before.0 <= COLUMN_PX) {
        line.push(*last);
        return;
    }
    let mut kept: Vec<Point> =
        [Some(first), low, high, Some(last)].into_iter().flatten().copied().collect();
    kept.sort_by(|a, b| a.0.total_cmp(&b.0));
    kept.dedup();
    for point in kept {
        if let Some(&(_, held)) = line.last()
            && held != point.1
        {
            line.push((point.0, held));
        }
        line.push(point);
    }
}

/// The parts of a line below the upper edge and left of the right edge of an area.
pub(crate) fn clip(line: &[Point], area: Area) -> Vec<Vec<Point>> {
    let inside = |p: &Point| p.1 >= area.top && p.0 <= area.right + 0.01;
    let mut parts: Vec<Vec<Point>> = Vec::new();
    let mut part: Vec<Point> = line.first().filter(|p| inside(p)).copied().into_iter().collect();
    for pair in line.windows(2) {
        let (from, to) = (pair[0], pair[1]);
        match (inside(&from), inside(&to)) {
            (true, true) => part.push(to),
            (true, false) => {
                part.push(edge(from, to, area));
                parts.push(std::mem::take(&mut part));
            }
            (false, true) => part = vec![edge(to, from, area), to],
            (false, false) => {}
        }
    }
    parts.push(part);
    parts.retain(|p| p.len() > 1);
    parts
}

/// Where the way from a point inside to a point outside crosses the edge.
fn edge(inside: Point, outside: Point, area: Area) -> Point {
    let share_y =
        if outside.1 < area.top { (area.top - inside.1) / (outside.1 - inside.1) } else { 1.0 };
    let share_x =
        if outside.0 > area.right { (area.right - inside.0) / (outside.0 - inside.0) } else { 1.0 };
    let share = share_x.min(share_y);
    (inside.0 + (outside.0 - inside.0) * share, inside.1 + (outside.1 - inside.1) * share)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layout::scale::Quantity;

    fn scales() -> (Scale, Scale) {
        (
            Scale::from_zero(Quantity::Bytes, 100.0).over(0.0, 100.0),
            Scale::from_zero(Quantity::Bytes, 100.0).over(100.0, 0.0),
        )
    }

    #[test]
    fn values_hold_until_the_next() {
        let (x, y) = scales();
        let line = stepped(&[(0.0, 10.0), (50.0, 40.0), (100.0, 40.0)], &x, &y);
        assert_eq!(line, [(0.0, 90.0), (50.0, 90.0), (50.0, 60.0), (100.0, 60.0)]);
    }

    #[test]
    fn thinning_keeps_every_peak_and_trough() {
        let (x, y) = scales();
        let points: Vec<_> = (0..100_000)
            .map(|i| {
                (
                    f64::from(i) / 1000.0,
                    if i == 51_234 {
                        99.0
                    } else if i == 777 {
                        1.0
                    } else {
                        50.0
                    },
                )
            })
            .collect();
        let line = stepped(&points, &x, &y);
        assert!(line.len() < 1000, "{}", line.len());
        let heights = || line.iter().map(|p| p.1);
        assert_eq!(heights().fold(f64::INFINITY, f64::min), 1.0);
        assert_eq!(heights().fold(0.0, f64::max), 99.0);
    }

    #[test]
    fn what_leaves_the_area_is_cut_at_its_edge() {
        let area = Area { left: 0.0, top: 20.0, right: 100.0, bottom: 100.0 };
        let line =
            [(0.0, 90.0), (10.0, 90.0), (10.0, 0.0), (20.0, 0.0), (20.0, 60.0), (150.0, 60.0)];
        assert_eq!(
            clip(&line, area),
            [
                vec![(0.0, 90.0), (10.0, 90.0), (10.0, 20.0)],
                vec![(20.0, 20.0), (20.0, 60.0), (100.0, 60.0)]
            ]
        );
    }
}
