//! The matrix from trials and compile-fail cases.
//!
//! A verdict is that of the worst trial that can be written in a language of the discipline. Where a
//! compiler rejects all of them, the verdict cites the cases, and the trials only show the effects of
//! bending the rules.

use crate::cases::{CASES, Case};
use record::{
    Bent, CollectorInfo, Counts, Effect, Failure, SAFETY_VERSION, Safety, SafetyCell, Series,
    Trial, TrialEnd, Verdict,
};

/// The matrix of these collectors, each with its trials.
pub fn matrix(collectors: Vec<(CollectorInfo, Vec<Trial>)>, seeds: u32, build: String) -> Safety {
    let mut safety = Safety {
        schema: SAFETY_VERSION,
        seeds,
        build,
        collectors: Vec::new(),
        cells: Vec::new(),
        series: Vec::new(),
        cases: Vec::new(),
    };
    for (info, trials) in collectors {
        for failure in Failure::ALL {
            let of_failure: Vec<&Trial> =
                trials.iter().filter(|trial| trial.subject.failure == failure).collect();
            safety.cells.push(cell(failure, &info.name, &of_failure));
        }
        safety.series.extend(fold(&info.name, &trials));
        safety.collectors.push(info);
    }
    let is_named = |case: &&Case| {
        safety.cells.iter().any(|cell| match &cell.verdict {
            Verdict::Rejected { cases } => cases.iter().any(|name| name == case.name),
            _ => false,
        })
    };
    safety.cases = CASES.iter().filter(is_named).map(Case::record).collect();
    safety
}

fn cell(failure: Failure, collector: &str, trials: &[&Trial]) -> SafetyCell {
    let (plain, bent): (Vec<&Trial>, Vec<&Trial>) =
        trials.iter().partition(|trial| trial.subject.bends.is_empty());
    let cases = CASES.iter().filter(|case| case.failure == failure);
    let cases: Vec<String> = cases.map(|case| case.name.to_owned()).collect();
    let of_plain = of_trials(&plain);
    let is_rejected = plain.is_empty() && !bent.is_empty() && !cases.is_empty();
    let by = bent.iter().find(|trial| trial.effect().is_some());
    let by = by.map(|trial| trial.subject.bends.clone());
    SafetyCell {
        failure,
        collector: collector.to_owned(),
        verdict: if is_rejected { Verdict::Rejected { cases } } else { of_plain },
        runs: runs(&plain),
        counts: sum(&plain),
        end: worst_end(&plain),
        bent: by.map(|by| Bent {
            by,
            verdict: of_trials(&bent),
            runs: runs(&bent),
            counts: sum(&bent),
        }),
    }
}

fn of_trials(trials: &[&Trial]) -> Verdict {
    match trials.iter().filter_map(|trial| trial.effect()).max() {
        Some(Effect::None) => Verdict::Impossible,
        Some(Effect::Detected) => Verdict::Detected,
        Some(_) => Verdict::Happens,
        None => Verdict::NotApplicable { reason: why_not(trials) },
    }
}

fn why_not(trials: &[&Trial]) -> String {
    let reason = trials.iter().find_map(|trial| match &trial.end {
        TrialEnd::NotApplicable { reason } => Some(reason.clone()),
        _ => None,
    });
    reason.unwrap_or_else(|| "no program tries it".to_owned())
}

fn runs(trials: &[&Trial]) -> u32 {
    trials.iter().filter(|trial| trial.effect().is_some()).count() as u32
}

fn sum(trials: &[&Trial]) -> Counts {
    trials.iter().map(|trial| trial.counts).fold(Counts::default(), Counts::plus)
}

/// End of the trial with the worst effect.
fn worst_end(trials: &[&Trial]) -> TrialEnd {
    let worst = trials.iter().max_by_key(|trial| trial.effect());
    worst.map_or(TrialEnd::Right, |trial| trial.end.clone())
}

/// Trials that differ only in their seeds form one series.
fn fold(collector: &str, trials: &[Trial]) -> Vec<Series> {
    let mut groups: Vec<Vec<&Trial>> = Vec::new();
    for trial in trials {
        match groups.iter_mut().find(|group| group[0].subject == trial.subject) {
            Some(group) => group.push(trial),
            None => groups.push(vec![trial]),
        }
    }
    let series = |group: Vec<&Trial>| {
        let mut effects: Vec<(Effect, u32)> = Vec::new();
        for effect in group.iter().filter_map(|trial| trial.effect()) {
            match effects.iter_mut().find(|(known, _)| *known == effect) {
                Some((_, runs)) => *runs += 1,
                None => effects.push((effect, 1)),
            }
        }
        effects.sort_unstable();
        Series {
            collector: collector.to_owned(),
            subject: group[0].subject.clone(),
            effects,
            end: worst_end(&group),
            counts: sum(&group),
            leaks: group[0].leaks.clone(),
        }
    };
    groups.into_iter().map(series).collect()
}
