//! The sentinel of a run: whether it finds a difference between a collector and itself, and which
//! differences it is able to see.
//!
//! Every block runs the reference twice, the second time as its twin. Twin and reference are one program, so
//! a difference between them is an error of the measurement: a disturbed machine, or blocks that are not
//! alike. Holm's procedure over the workloads finds one in at most 5 % of undisturbed runs.

use crate::estimate::median_of_sorted;
use crate::multiplicity::holm;
use crate::paired::ratio_of_logs;
use crate::signed_rank;
use serde::Serialize;

/// Probability of a false alarm.
const ALPHA: f64 = 0.05;

/// What the twin of the reference shows about a run.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Sentinel {
    /// Places of the workloads on which the twin differs from the reference; `None` if there are too few
    /// blocks to find any difference, however large.
    pub differs: Option<Vec<usize>>,
    /// Median half width of the intervals of the twin's ratios, as a share: 0.07 means that ratios closer
    /// to 1 than 7 % remain open; `None` without an interval.
    pub resolution: Option<f64>,
}

/// The sentinel of a run from the log ratios of twin to reference, a list of blocks per workload.
pub fn sentinel(twins: &[Vec<f64>]) -> Sentinel {
    let places: Vec<usize> = (0..twins.len()).filter(|&place| !twins[place].is_empty()).collect();
    let p_values: Vec<f64> =
        places.iter().map(|&place| signed_rank::test(&twins[place], 0.0).two_sided).collect();
    let blocks = twins.iter().map(Vec::len).max().unwrap_or(0);
    let can_differ =
        !places.is_empty() && signed_rank::smallest_p_value(blocks) <= ALPHA / places.len() as f64;
    let rejected = places.iter().zip(holm(&p_values, ALPHA)).filter(|(_, differs)| *differs);
    let differs = can_differ.then(|| rejected.map(|(&place, _)| place).collect());
    let ratios = twins.iter().filter_map(|logs| ratio_of_logs(logs));
    let mut widths: Vec<f64> = ratios.filter_map(|ratio| ratio.half_width()).collect();
    widths.sort_by(f64::total_cmp);
    Sentinel { differs, resolution: median_of_sorted(&widths) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Ten blocks around `centre`, spread evenly up to `spread` to both sides.
    fn twin(centre: f64, spread: f64) -> Vec<f64> {
        (0..10).map(|block| centre + spread * (f64::from(block) / 4.5 - 1.0)).collect()
    }

    #[test]
    fn a_twin_like_its_reference_is_no_alarm() {
        let quiet = sentinel(&[twin(0.0, 0.1), twin(0.01, 0.1), twin(-0.01, 0.1)]);
        assert_eq!(quiet.differs, Some(vec![]));
    }

    #[test]
    fn a_twin_that_differs_on_one_workload_names_it() {
        let disturbed = sentinel(&[twin(0.0, 0.1), vec![], twin(0.2, 0.1), twin(0.0, 0.1)]);
        assert_eq!(disturbed.differs, Some(vec![2]));
        // p = 2/2^6 = 0.03 is less than 0.05, and among three workloads no evidence.
        let six = |centre: f64| twin(centre, 0.1)[..6].to_vec();
        assert_eq!(sentinel(&[six(0.3)]).differs, Some(vec![0]));
    }

    #[test]
    fn a_sentinel_that_cannot_fail_does_not_pass() {
        let six = twin(0.3, 0.1)[..6].to_vec();
        assert_eq!(sentinel(&[six.clone(), six.clone()]).differs, None);
        assert_eq!(sentinel(&[]), Sentinel { differs: None, resolution: None });
        assert_eq!(sentinel(&[vec![]]).differs, None);
        assert_eq!(sentinel(&[vec![0.0; 5]]).resolution, None);
    }

    /// The ends of the interval of ten blocks are the 9th smallest and largest average of two.
    #[test]
    fn the_resolution_is_the_median_half_width() {
        let (narrow, wide) = (twin(0.0, 0.045), twin(0.0, 0.45));
        let half_width = |logs: &[f64]| ratio_of_logs(logs).unwrap().half_width().unwrap();
        let of_three = sentinel(&[narrow.clone(), narrow.clone(), wide]).resolution.unwrap();
        assert_eq!(of_three, half_width(&narrow));
        // Steps of 0.01: averages of two are -0.045, -0.04, -0.035 (2), -0.03 (2), -0.025 (3).
        assert!((of_three - (0.025_f64.exp() - 1.0)).abs() < 1e-12, "{of_three}");
    }
}
