//! Mutation testing of the kit: which known bugs does it find, by which detectors?
//!
//! 1. Run programs under each collector without bugs, to list the mutants whose code it reaches.
//! 2. Switch each of those on, and run programs with all detectors until one fails: it is killed.
//! 3. For the matrix, shrink that program; then run each detector alone, and count the programs in
//!    which it finds the bug.

use crate::failure::{Exit, Failure};
use crate::kit::Kit;
use crate::supervise::Limits;
use crate::table::{Align, Line, Text, render};
use crate::{json, palette};
use conformance::mutants::{ALL, Known};
use conformance::{Detector, Detectors, Job};
use serde::Serialize;
use std::collections::BTreeMap;
use std::io::Write;
use std::time::Duration;

/// Time limit of a program in the matrix: one takes a hundredth of a second, and each detector waits
/// again for a bug that hangs.
const LIMIT_ALONE: Duration = Duration::from_secs(2);
/// Programs for each detector in the matrix.
const SEEDS_ALONE: u64 = 25;

/// A known bug in a collector whose code reaches it.
#[derive(Debug, Clone, Serialize)]
struct Mutant {
    mutant: &'static str,
    /// Where such a bug occurred.
    source: &'static str,
    collector: String,
    /// Why it has no effect there, if it has none.
    equivalent: Option<&'static str>,
    /// The first detector to find it.
    killed_by: Option<Detector>,
    /// The seed of the program that found it.
    seed: Option<u64>,
    /// Operations of that program, shrunk; only for the matrix.
    ops: Option<usize>,
    /// Programs in which a detector alone finds it, and programs run: the matrix.
    alone: BTreeMap<Detector, (u64, u64)>,
}

impl Mutant {
    /// Whether it is found, or equivalent for a reason.
    fn is_as_expected(&self) -> bool {
        self.killed_by.is_some() != self.equivalent.is_some()
    }
}

/// All of a kill matrix.
#[derive(Debug, Clone, Serialize)]
struct Matrix {
    mutants: Vec<Mutant>,
    /// Known bugs whose code no collector reached.
    unreached: Vec<&'static str>,
}

/// Prints which known bugs are found, with one job per collector; a defect if one that should be found
/// is not.
pub(super) fn verify(
    kit: &Kit<'_>,
    jobs: Vec<Job>,
    with_matrix: bool,
    as_json: bool,
    out: &mut dyn Write,
) -> Result<Exit, Failure> {
    if !heap::MUTANTS {
        let message = "this program is built without known bugs; \
            use `cargo run --release --features mutants -- verify --mutants`";
        return Err(Failure::Usage(message.to_owned()));
    }
    let (mut mutants, infected) = reached(kit, jobs)?;
    let shortened = |job: &Job| Job { shrinks: with_matrix, ..job.clone() };
    let killed = kit.verify(infected.iter().map(shortened).collect())?;
    for (mutant, verified) in mutants.iter_mut().zip(killed) {
        if let Some(failure) = verified.report.failure {
            (mutant.killed_by, mutant.seed) = (Some(failure.detector), failure.seed);
            mutant.ops = with_matrix.then_some(failure.program.ops.len());
        }
    }
    if with_matrix {
        let alone = |job: &Job, detector| Job {
            detectors: Detectors::only(detector),
            seeds: job.seeds.start..job.seeds.end.min(job.seeds.start + SEEDS_ALONE),
            counts: true,
            ..job.clone()
        };
        let each = |job| Detector::ALL.map(|detector| alone(job, detector));
        let program = kit.limits.program.min(LIMIT_ALONE);
        let kit = Kit { limits: Limits { program, ..kit.limits }, ..*kit };
        let counted = kit.verify(infected.iter().flat_map(each).collect())?;
        for (mutant, counted) in mutants.iter_mut().zip(counted.chunks(Detector::ALL.len())) {
            let shares = counted.iter().map(|v| (v.report.failed, v.report.programs));
            mutant.alone = Detector::ALL.into_iter().zip(shares).collect();
        }
    }
    let is_reached = |known: &&Known| mutants.iter().any(|mutant| mutant.mutant == known.name);
    let unreached = ALL.iter().filter(|known| !is_reached(known)).map(|known| known.name).collect();
    let matrix = Matrix { mutants, unreached };
    if as_json {
        json::print(&matrix, out)?;
    } else {
        print(&matrix, out)?;
    }
    let is_fine = matrix.mutants.iter().all(Mutant::is_as_expected);
    Ok(if is_fine { Exit::Fine } else { Exit::Defect })
}

/// The known bugs that each collector reaches, and the jobs that search for them.
fn reached(kit: &Kit<'_>, jobs: Vec<Job>) -> Result<(Vec<Mutant>, Vec<Job>), Failure> {
    let (mut mutants, mut infected) = (Vec::new(), Vec::new());
    for verified in kit.verify(jobs)? {
        let (job, report) = (verified.job, verified.report);
        if let Some(failure) = report.failure {
            return Err(anyhow::anyhow!("without any known bug, {failure}").into());
        }
        let has_passed = |known: &&Known| report.passed.iter().any(|name| name == known.name);
        for known in ALL.iter().filter(has_passed) {
            mutants.push(Mutant {
                mutant: known.name,
                source: known.source,
                collector: job.collector.clone(),
                equivalent: known.reason(&job.collector),
                killed_by: None,
                seed: None,
                ops: None,
                alone: BTreeMap::new(),
            });
            let mutant = Some(known.name.to_owned());
            infected.push(Job { mutant, shrinks: false, ..job.clone() });
        }
    }
    Ok((mutants, infected))
}

/// Prints one line per known bug, with its shares over all collectors in which it can be found.
fn print(matrix: &Matrix, out: &mut dyn Write) -> Result<(), Failure> {
    let of = |known: &'static Known| {
        let found = matrix.mutants.iter().filter(|m| m.mutant == known.name);
        found.filter(|m| m.equivalent.is_none()).collect::<Vec<_>>()
    };
    let rows: Vec<_> = ALL.iter().map(|known| (known, of(known))).collect();
    let share = |mutants: &[&Mutant], detector| {
        let shares = mutants.iter().filter_map(|m| m.alone.get(&detector));
        shares.fold((0, 0), |sum, share| (sum.0 + share.0, sum.1 + share.1))
    };
    let finds = |&detector: &Detector| rows.iter().any(|(_, m)| share(m, detector).0 > 0);
    let detectors: Vec<Detector> = Detector::ALL.into_iter().filter(finds).collect();
    let mut headings = vec![("killed", Align::Right), ("ops", Align::Right)];
    headings.extend(detectors.iter().map(|detector| (detector.name(), Align::Right)));
    headings.push(("known bug", Align::Left));
    let line = |(known, mutants): &(&Known, Vec<&Mutant>)| -> Line {
        let killed = mutants.iter().filter(|m| m.killed_by.is_some()).count();
        let longest = mutants.iter().filter_map(|m| m.ops).max();
        let ops = longest.map_or_else(|| "n/a".to_owned(), |ops| ops.to_string());
        let mut line: Line = vec![format!("{killed} of {}", mutants.len()).into(), ops.into()];
        line.extend(detectors.iter().map(|&detector| match share(mutants, detector) {
            (_, 0) => Text::from("n/a"),
            (0, _) => Text::styled("–", palette::faint()),
            (failed, all) => format!("{:.0} %", (100 * failed) as f64 / all as f64).into(),
        }));
        line.push(known.name.into());
        line
    };
    write!(out, "{}", render(&headings, &rows.iter().map(line).collect::<Vec<_>>()))?;
    let faint = palette::faint();
    writeln!(
        out,
        "{faint}Killed: collectors in which it is found, of those that reach its code and are not \
         equivalent.\nOps: operations of the longest program that found it, after shrinking.\nShares: \
         programs in which that detector alone finds it, or a crash or a hang.{faint:#}\n"
    )?;
    for m in &matrix.mutants {
        match (m.killed_by, m.equivalent) {
            (None, Some(reason)) => {
                writeln!(out, "equivalent  {} in {}: {reason}", m.mutant, m.collector)?;
            }
            (None, None) => writeln!(out, "SURVIVES    {} in {}", m.mutant, m.collector)?,
            (Some(detector), Some(_)) => writeln!(
                out,
                "KILLED      {} in {}, by {detector}, though it is listed as equivalent",
                m.mutant, m.collector
            )?,
            (Some(_), None) => {}
        }
    }
    for name in &matrix.unreached {
        writeln!(out, "unreached   {name}: no selected collector reaches its code")?;
    }
    let killed = matrix.mutants.iter().filter(|m| m.killed_by.is_some()).count();
    let equivalent = matrix.mutants.iter().filter(|m| m.equivalent.is_some()).count();
    let all = matrix.mutants.len();
    writeln!(out, "{killed} of {} killed, {equivalent} equivalent", all - equivalent)?;
    let mut lengths: Vec<usize> = matrix.mutants.iter().filter_map(|m| m.ops).collect();
    lengths.sort_unstable();
    if let [first, .., last] = lengths[..] {
        let (median, ninety) = (at_share(&lengths, 50), at_share(&lengths, 90));
        writeln!(
            out,
            "operations of the shrunk programs: {first} to {last}, half of them at most {median}, \
             90 % at most {ninety}"
        )?;
    }
    Ok(())
}

/// The smallest of the sorted values that `percent` percent of them do not exceed.
fn at_share(sorted: &[usize], percent: usize) -> usize {
    sorted[(sorted.len() * percent).div_ceil(100).saturating_sub(1)]
}
