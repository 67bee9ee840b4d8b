//! Numbers of collections, by trigger.

use crate::Estimate;
use record::Sample;
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt;

/// The collections of the repeats of one cell.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Collections {
    /// All collections of a repeat.
    pub all: Estimate,
    /// Collections by trigger, see [`Sample::collections`]; only triggers that occur in some repeat.
    pub by_trigger: BTreeMap<String, Estimate>,
    /// Maximum number of threads collecting at once; `None` if no repeat reports it.
    pub threads: Option<u32>,
}

impl Collections {
    /// The collections of these samples; `None` without samples, or if one does not report them.
    pub fn of(samples: &[&Sample]) -> Option<Self> {
        let counts: Option<Vec<_>> = samples.iter().map(|s| s.collections.as_ref()).collect();
        let counts = counts?;
        let triggers: BTreeMap<_, _> =
            counts.iter().flat_map(|c| c.keys()).map(|k| (k, ())).collect();
        let of_trigger = |trigger: &String| {
            // A repeat that reports collections had 0 of a trigger that it does not list.
            let values = counts.iter().map(|c| c.get(trigger).copied().unwrap_or(0) as f64);
            Some((trigger.clone(), Estimate::of(values.collect())?))
        };
        Some(Self {
            all: Estimate::of(counts.iter().map(|c| c.values().sum::<u64>() as f64).collect())?,
            by_trigger: triggers.into_keys().filter_map(of_trigger).collect(),
            threads: samples.iter().filter_map(|s| s.threads).max(),
        })
    }
}

/// `12 exhausted, 3 requested`: medians, without triggers whose median is 0; `none` without any.
impl fmt::Display for Collections {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let part = |(trigger, count): (&String, &Estimate)| format!("{} {trigger}", count.median);
        let usual = self.by_trigger.iter().filter(|(_, count)| count.median > 0.0);
        let parts: Vec<String> = usual.map(part).collect();
        f.write_str(&if parts.is_empty() { "none".to_owned() } else { parts.join(", ") })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;

    fn sample(counts: &[(&str, u64)], threads: Option<u32>) -> Sample {
        let collections = counts.iter().map(|&(word, count)| (word.to_owned(), count)).collect();
        Sample { collections: Some(collections), threads, ..fixture::sample() }
    }

    #[test]
    fn triggers_are_counted_apart_and_one_that_a_repeat_lacks_is_zero_there() {
        let samples = [
            sample(&[("exhausted", 4)], Some(1)),
            sample(&[("exhausted", 6), ("growth", 2)], Some(2)),
            sample(&[], None),
        ];
        let found = Collections::of(&samples.each_ref()).unwrap();
        assert_eq!((found.all.median, found.threads), (4.0, Some(2)));
        assert_eq!(found.to_string(), "4 exhausted");
    }

    #[test]
    fn a_count_missing_in_one_repeat_is_unknown() {
        let silent = fixture::sample();
        assert_eq!(Collections::of(&[&sample(&[("growth", 1)], Some(1)), &silent]), None);
        assert_eq!(Collections::of(&[]), None);
        let none = sample(&[], Some(1));
        assert_eq!(Collections::of(&[&none]).unwrap().all.median, 0.0, "known to be none");
    }
}
