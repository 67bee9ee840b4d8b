//! Stepped lines: thinned to the resolution of pixels and cut at the edge of the data area.

use crate::canvas::pen::Point;

/// Largest distance of an omitted point from the line, in pixels: below visibility.
const SLACK_PX: f64 = 0.2;
/// Width of the columns within which a line is thinned, in pixels.
const COLUMN_PX: f64 = 1.0;

/// The stepped line through points with ascending x, in pixels: each height holds until the next
/// point. Of the points in one pixel column the first, lowest, highest and last are kept, so no peak
/// is lost.
pub(crate) fn stepped(points: impl IntoIterator<Item = Point>) -> Vec<Point> {
    let mut line: Vec<Point> = Vec::new();
    let mut column: Vec<Point> = Vec::new();
    let of = |px: f64| (px / COLUMN_PX).floor();
    for point in points {
        if column.first().is_some_and(|first| of(first.0) != of(point.0)) {
            push_column(&mut line, &column);
            column.clear();
        }
        column.push(point);
    }
    push_column(&mut line, &column);
    straightened(&line)
}

/// The line without points that lie on the segment between their neighbours: a slope is one stroke.
fn straightened(line: &[Point]) -> Vec<Point> {
    let mut kept: Vec<Point> = line.first().copied().into_iter().collect();
    let mut from = 0;
    for to in 2..line.len() {
        let is_on_the_way = |&point: &Point| off(point, line[from], line[to]) <= SLACK_PX;
        if !line[from + 1..to].iter().all(is_on_the_way) {
            from = to - 1;
            kept.push(line[from]);
        }
    }
    kept.extend(line.last().filter(|_| line.len() > 1));
    kept
}

/// Distance of a point from the segment between two others.
fn off(point: Point, from: Point, to: Point) -> f64 {
    let (right, down) = (to.0 - from.0, to.1 - from.1);
    let (x, y) = (point.0 - from.0, point.1 - from.1);
    let length = right * right + down * down;
    let share = if length > 0.0 { ((x * right + y * down) / length).clamp(0.0, 1.0) } else { 0.0 };
    (x - share * right).hypot(y - share * down)
}

/// Appends the first, lowest, highest and last point of a column, each as a horizontal run and a jump.
fn push_column(line: &mut Vec<Point>, column: &[Point]) {
    let by_height = |a: &&Point, b: &&Point| a.1.total_cmp(&b.1);
    let (Some(first), Some(last)) = (column.first(), column.last()) else { return };
    let (low, high) = (column.iter().min_by(by_height), column.iter().max_by(by_height));
    // Steps narrower than a column are indistinguishable from a slope.
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

/// The part of a line left of an edge.
pub(crate) fn until(line: &[Point], right: f64) -> Vec<Point> {
    let inside = line.partition_point(|p| p.0 <= right);
    let mut part = line[..inside].to_vec();
    if let (Some(&from), Some(&to)) = (part.last(), line.get(inside)) {
        let share = (right - from.0) / (to.0 - from.0);
        part.push((right, from.1 + (to.1 - from.1) * share));
    }
    part
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_hold_until_the_next() {
        let line = stepped([(0.0, 90.0), (50.0, 60.0), (100.0, 60.0)]);
        assert_eq!(line, [(0.0, 90.0), (50.0, 90.0), (50.0, 60.0), (100.0, 60.0)]);
    }

    #[test]
    fn thinning_keeps_every_peak_and_trough() {
        let height = |i| match i {
            51_234 => 99.0,
            777 => 1.0,
            _ => 50.0,
        };
        let line = stepped((0..100_000).map(|i| (f64::from(i) / 1000.0, height(i))));
        assert!(line.len() < 1000, "{}", line.len());
        let heights = || line.iter().map(|p| p.1);
        assert_eq!(heights().fold(f64::INFINITY, f64::min), 1.0);
        assert_eq!(heights().fold(0.0, f64::max), 99.0);
    }

    #[test]
    fn a_slope_is_one_stroke_and_a_corner_stays() {
        let slope =
            (0..200).map(|i| (f64::from(i) / 4.0, f64::from(i) / 8.0 + 0.1 * f64::from(i % 2)));
        let line = stepped(slope.chain([(100.0, 0.0), (150.0, 0.0)]));
        assert!(line.len() < 8, "{line:?}");
        assert_eq!(line[line.len() - 2..], [(100.0, 0.0), (150.0, 0.0)]);
    }

    #[test]
    fn a_line_is_cut_at_the_edge_of_the_area() {
        let line = [(0.0, 90.0), (10.0, 90.0), (10.0, 60.0), (30.0, 40.0), (50.0, 0.0)];
        assert_eq!(until(&line, 20.0), [(0.0, 90.0), (10.0, 90.0), (10.0, 60.0), (20.0, 50.0)]);
        assert_eq!(until(&line, 50.0), line);
    }
}
