//! Placement of labels without overlap.

use super::axis::Area;
use crate::canvas::pen::Point;

/// Moves positions apart, as little as possible and in their order, until neighbours are at least
/// `gap` apart, inside `low..=high` as far as they fit.
///
/// Neighbours that overlap form a cluster, centred on the mean of its members' wanted positions
/// (isotonic regression by pooling adjacent violators, which minimises the squared moves).
pub(crate) fn spread(wanted: &[f64], gap: f64, low: f64, high: f64) -> Vec<f64> {
    let mut order: Vec<usize> = (0..wanted.len()).collect();
    order.sort_by(|&a, &b| wanted[a].total_cmp(&wanted[b]));
    // Subtracting rank * gap turns "at least a gap apart" into "not decreasing".
    let mut clusters: Vec<(f64, usize)> = Vec::new();
    for (rank, &index) in order.iter().enumerate() {
        clusters.push((wanted[index] - rank as f64 * gap, 1));
        while let [.., (before, n), (after, m)] = clusters[..] {
            if before <= after {
                break;
            }
            clusters.pop();
            let last = clusters.len() - 1;
            let (n_f, m_f) = (n as f64, m as f64);
            clusters[last] = ((before * n_f + after * m_f) / (n_f + m_f), n + m);
        }
    }
    let flat = clusters.iter().flat_map(|&(at, n)| std::iter::repeat_n(at, n));
    let highest = high - wanted.len().saturating_sub(1) as f64 * gap;
    let mut placed = vec![0.0; wanted.len()];
    for (rank, (at, &index)) in flat.zip(&order).enumerate() {
        placed[index] = at.min(highest).max(low) + rank as f64 * gap;
    }
    placed
}

/// Areas that labels and marks cover.
impl Area {
    /// A square of half-side `radius` around a point.
    fn around((x, y): Point, radius: f64) -> Self {
        Self { left: x - radius, top: y - radius, right: x + radius, bottom: y + radius }
    }

    /// The area of a label, from the left end of its middle line.
    fn of_label((left, y): Point, (width, height): (f64, f64)) -> Self {
        Self { left, top: y - height / 2.0, right: left + width, bottom: y + height / 2.0 }
    }

    fn overlap(&self, other: &Self) -> f64 {
        let width = self.right.min(other.right) - self.left.max(other.left);
        let height = self.bottom.min(other.bottom) - self.top.max(other.top);
        if width > 0.0 && height > 0.0 { width * height } else { 0.0 }
    }

    fn outside(&self, frame: &Self) -> f64 {
        let area = (self.right - self.left) * (self.bottom - self.top);
        area - self.overlap(frame)
    }
}

/// Places one label of the given size beside each point of a scatter plot so that labels cover neither
/// points nor each other where possible; returns the left end of each label's middle line.
///
/// Greedy, in the given order, over positions on rings around each point: the cheapest one wins.
pub(crate) fn place_around(
    points: &[Point],
    sizes: &[(f64, f64)],
    from: Point,
    to: Point,
) -> Vec<Point> {
    const CLEAR_PX: f64 = 8.0;
    const RINGS: u32 = 12;
    /// Cost of a pixel of distance, in covered square pixels.
    const NEARNESS: f64 = 0.6;
    let frame = Area { left: from.0, top: from.1, right: to.0, bottom: to.1 };
    let mut taken: Vec<Area> = points.iter().map(|&p| Area::around(p, 6.0)).collect();
    let mut placed = Vec::with_capacity(points.len());
    for (&(x, y), &(width, height)) in points.iter().zip(sizes) {
        let right = x + CLEAR_PX;
        let left = x - CLEAR_PX - width;
        let middle = x - width / 2.0;
        let ring = |ring: u32| {
            let (aside, off) = (f64::from(ring) * 4.0, f64::from(ring) * 0.7 * height);
            let beside = [right + aside, left - aside].map(|x| [(x, y - off), (x, y + off)]);
            let above = [(middle, y - off - 0.3 * height), (middle, y + off + 0.3 * height)];
            beside.into_iter().flatten().chain(above.into_iter().filter(move |_| ring > 0))
        };
        let cost = |&at: &Point| {
            let own = Area::of_label(at, (width, height));
            let covered: f64 = taken.iter().map(|t| t.overlap(&own)).sum();
            own.outside(&frame) * 4.0 + covered + (at.1 - y).abs() * NEARNESS
        };
        let candidates = (0..=RINGS).flat_map(ring);
        let best = candidates.min_by(|a, b| cost(a).total_cmp(&cost(b))).unwrap_or((right, y));
        taken.push(Area::of_label(best, (width, height)));
        placed.push(best);
    }
    placed
}

/// The end of the leader line from a point to its label: the label's nearer end. `None` where the label
/// is close enough to need no leader.
pub(crate) fn leader((x, y): Point, label: Point, (width, height): (f64, f64)) -> Option<Point> {
    const GAP_PX: f64 = 2.0;
    let is_apart = (label.1 - y).abs() > height * 1.1;
    let end = match label.0 {
        left if left > x => left - GAP_PX,
        left if left + width < x => left + width + GAP_PX,
        left => {
            return is_apart
                .then_some((left + width / 2.0, label.1 - (label.1 - y).signum() * height / 2.0));
        }
    };
    is_apart.then_some((end, label.1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colliding_labels_move_apart_around_their_mean_and_keep_their_order() {
        let placed = spread(&[100.0, 101.0, 99.0, 200.0], 14.0, 0.0, 300.0);
        assert_eq!(placed, [100.0, 114.0, 86.0, 200.0]);
    }

    #[test]
    fn labels_stay_inside_where_they_fit() {
        let placed = spread(&[298.0, 299.0, 300.0], 14.0, 0.0, 300.0);
        assert_eq!(placed, [272.0, 286.0, 300.0]);
        assert_eq!(spread(&[-5.0, 0.0], 14.0, 0.0, 300.0), [0.0, 14.0]);
        assert!(spread(&[], 14.0, 0.0, 300.0).is_empty());
    }

    #[test]
    fn a_label_evades_its_neighbour_and_the_frame() {
        let points = [(50.0, 50.0), (70.0, 50.0), (195.0, 50.0)];
        let sizes = [(60.0, 14.0); 3];
        let placed = place_around(&points, &sizes, (0.0, 0.0), (200.0, 100.0));
        let boxes: Vec<_> = placed.iter().map(|&at| Area::of_label(at, sizes[0])).collect();
        assert_eq!(boxes[0].overlap(&boxes[1]), 0.0);
        assert!(placed[2].0 + 60.0 <= 200.0, "{placed:?}");
    }

    #[test]
    fn crowded_labels_get_leaders() {
        // Twelve points within a few pixels: collectors of equal cost.
        let points: Vec<Point> = (0..12).map(|n| (150.0 + 3.0 * f64::from(n), 150.0)).collect();
        let sizes = vec![(80.0, 15.0); 12];
        let placed = place_around(&points, &sizes, (0.0, 0.0), (400.0, 300.0));
        let boxes: Vec<_> = placed.iter().map(|&at| Area::of_label(at, sizes[0])).collect();
        for (n, label) in boxes.iter().enumerate() {
            let covered: f64 = boxes[..n].iter().map(|other| other.overlap(label)).sum();
            assert!(covered == 0.0, "label {n} covers others: {placed:?}");
        }
        let leaders =
            points.iter().zip(&placed).filter(|&(&p, &at)| leader(p, at, sizes[0]).is_some());
        assert!(leaders.count() > 4);
        assert_eq!(leader((50.0, 50.0), (60.0, 50.0), (80.0, 15.0)), None);
    }
}
