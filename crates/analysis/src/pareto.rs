//! The Pareto front: the points that no other point dominates; smaller is better on both axes.
//!
//! A point dominates another if it is at most as large on both axes and smaller on one. Equal points
//! do not dominate each other. Source: Kung, Luccio and Preparata 1975, *On finding the maxima of a set
//! of vectors* (one sort, one sweep).

/// Indices of the points on the front, by ascending x (then y, then index). Points with a
/// coordinate that is NaN are left out.
pub fn front(points: &[(f64, f64)]) -> Vec<usize> {
    let mut order: Vec<usize> =
        (0..points.len()).filter(|&i| !points[i].0.is_nan() && !points[i].1.is_nan()).collect();
    let by = |&i: &usize, &j: &usize| {
        points[i]
            .0
            .total_cmp(&points[j].0)
            .then(points[i].1.total_cmp(&points[j].1))
            .then(i.cmp(&j))
    };
    order.sort_by(by);
    let mut front: Vec<usize> = Vec::new();
    for i in order {
        // Sorted by x, so the last point on the front has the smallest y so far.
        let is_dominated = front
            .last()
            .is_some_and(|&last| points[last].1 <= points[i].1 && points[last] != points[i]);
        if !is_dominated {
            front.push(i);
        }
    }
    front
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(points: &[(f64, f64)], expected: &[usize]) {
        assert_eq!(front(points), expected, "{points:?}");
    }

    #[test]
    fn small_fronts() {
        check(&[], &[]);
        check(&[(1.0, 1.0)], &[0]);
        check(&[(3.0, 1.0), (1.0, 3.0), (2.0, 2.0), (3.0, 3.0)], &[1, 2, 0]);
        check(&[(1.0, 2.0), (1.0, 1.0), (2.0, 1.0)], &[1]);
        check(&[(1.0, 1.0), (1.0, 1.0)], &[0, 1]);
        check(&[(f64::NAN, 0.0), (1.0, 1.0)], &[1]);
    }

    proptest! {
        #[test]
        fn holds_exactly_the_points_that_no_other_dominates(
            points in prop::collection::vec((0_u8..12, 0_u8..12), 0..40)
        ) {
            let points: Vec<(f64, f64)> =
                points.into_iter().map(|(x, y)| (f64::from(x), f64::from(y))).collect();
            let dominates = |a: (f64, f64), b: (f64, f64)| a.0 <= b.0 && a.1 <= b.1 && a != b;
            let mut found = front(&points);
            found.sort_unstable();
            let expected: Vec<usize> = (0..points.len())
                .filter(|&i| !points.iter().any(|&other| dominates(other, points[i])))
                .collect();
            prop_assert_eq!(found, expected);
        }
    }
}
