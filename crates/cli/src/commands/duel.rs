//! `gcw duel`: two cells or programs against each other, in randomly ordered pairs of fresh
//! processes.
//!
//! A block runs each side once and one side twice, in random order. Inside a block the machine is
//! the same for all, so the ratio is taken per block; its estimate is Hodges and Lehmann's, its
//! interval is Wilcoxon's. The second run of the one side is the control: a program against
//! itself. If the control finds a difference, the output marks the duel as unreliable.

mod side;

use crate::failure::{Exit, Failure};
use crate::interrupt::on_ctrl_c;
use crate::parse::{size, time_limit};
use crate::progress::Progress;
use crate::registry::Registry;
use crate::table::{Align, Line, Text, render};
use crate::{child, gate, json, palette, select};
use analysis::paired::{Ratio, ratio};
use analysis::{Estimate, format};
use anyhow::Context;
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_pcg::Pcg64;
use record::{Outcome, Sample, Size};
use runner::{Interrupt, classify, run_child};
use serde::Serialize;
use side::Side;
use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

#[derive(Debug, clap::Args)]
#[command(after_help = "For example: gcw duel mark-sweep/gcbench@2.5x ownership/gcbench\n\
    Or against any program that prints a sample: gcw duel rc/gcbench 'target/release/mine gcbench'")]
pub(crate) struct Args {
    /// First side: COLLECTOR/WORKLOAD[@HEAP], the path of a program, or a command line.
    a: String,
    /// Second side. The ratio is that of the first to the second.
    b: String,
    /// Blocks; below 6 there is no interval.
    #[arg(long, default_value_t = 10, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    blocks: u32,
    /// Leave out the control: one more run of the shorter side in every block, against itself.
    #[arg(long)]
    no_control: bool,
    /// Suite of the workloads [default: the first one].
    #[arg(long)]
    suite: Option<String>,
    /// Input size of cells.
    #[arg(long, value_parser = size(), default_value = "default")]
    size: Size,
    /// Seed of the order.
    #[arg(long, default_value_t = 42)]
    seed: u64,
    /// Time limit of one process.
    #[arg(long, value_parser = time_limit, default_value = "300s", value_name = "TIME")]
    timeout: Duration,
    /// Admit collectors that fail the conformance kit, and mark the output.
    #[arg(long)]
    unverified: bool,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

pub(crate) fn duel(args: Args, registry: &Registry, out: &mut dyn Write) -> Result<Exit, Failure> {
    let suite = select::suite(registry, args.suite.as_deref())?;
    let read = |text: &str| Side::read(text, registry, &suite, args.size);
    let sides = [read(&args.a)?, read(&args.b)?];
    let interrupt = on_ctrl_c()?;
    let mut names: Vec<&str> = sides.iter().filter_map(Side::collector).collect();
    names.dedup();
    let tolerated = if args.unverified { &names[..] } else { &[] };
    let unverified = gate::pass(registry, &names, tolerated, &interrupt)?;
    let duel = Duel { sides, program: child::program()?, interrupt, suite, args, unverified };
    let verdict = duel.measure()?;
    if duel.args.json {
        json::print(&verdict, out)?;
    } else {
        print(&verdict, out)?;
    }
    Ok(Exit::Fine)
}

/// The result of a duel, as `--json` prints it.
#[derive(Debug, Serialize)]
struct Verdict {
    a: String,
    b: String,
    seed: u64,
    blocks: u32,
    /// Collectors that failed the conformance kit.
    unverified: Vec<String>,
    cpu: Comparison,
    wall: Comparison,
}

/// The two sides by one clock.
#[derive(Debug, Serialize)]
struct Comparison {
    /// ns, one value per block.
    a_ns: Estimate,
    /// ns, one value per block.
    b_ns: Estimate,
    /// First side to second side; `None` where a clock stood still.
    ratio: Option<Ratio>,
    /// One side to itself; `None` without a control.
    control: Option<Ratio>,
}

/// A process in a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    A,
    B,
    Control,
}

/// The samples of each role, in block order.
#[derive(Debug, Default)]
struct Samples {
    a: Vec<Sample>,
    b: Vec<Sample>,
    control: Vec<Sample>,
}

struct Duel {
    args: Args,
    suite: String,
    sides: [Side; 2],
    program: PathBuf,
    interrupt: Interrupt,
    /// Collectors that failed the conformance kit.
    unverified: Vec<String>,
}

impl Duel {
    fn measure(&self) -> Result<Verdict, Failure> {
        // Not counted: the trial runs load the programs, fail at once if one does not work, and show
        // which side is shorter.
        let processes = 2 + self.args.blocks as usize * (3 - usize::from(self.args.no_control));
        let progress = Progress::new(processes, 0);
        let run = |side: usize, block| {
            progress.starts(self.sides[side].to_string());
            self.run_side(&self.sides[side], block).inspect(|_| progress.ended())
        };
        let trial = [run(0, None)?, run(1, None)?];
        let shorter = usize::from(trial[1].wall_ns < trial[0].wall_ns);
        let mut roles = vec![Role::A, Role::B];
        if !self.args.no_control {
            roles.push(Role::Control);
        }
        let mut rng = Pcg64::seed_from_u64(self.args.seed);
        let mut samples = Samples::default();
        for block in (1..=self.args.blocks).map(Some) {
            roles.shuffle(&mut rng);
            for role in &roles {
                match role {
                    Role::A => samples.a.push(run(0, block)?),
                    Role::B => samples.b.push(run(1, block)?),
                    Role::Control => samples.control.push(run(shorter, block)?),
                }
            }
        }
        progress.end();
        let twin = if shorter == 0 { &samples.a } else { &samples.b };
        let compare = |clock: fn(&Sample) -> u64| {
            let ns = |samples: &[Sample]| -> Vec<f64> {
                samples.iter().map(|sample| clock(sample) as f64).collect()
            };
            let (a, b) = (ns(&samples.a), ns(&samples.b));
            Some(Comparison {
                ratio: ratio(&a, &b),
                control: ratio(&ns(&samples.control), &ns(twin)),
                a_ns: Estimate::of(a)?,
                b_ns: Estimate::of(b)?,
            })
        };
        let comparison = |clock| compare(clock).context("a duel needs at least one block");
        Ok(Verdict {
            a: self.sides[0].to_string(),
            b: self.sides[1].to_string(),
            seed: self.args.seed,
            blocks: self.args.blocks,
            unverified: self.unverified.clone(),
            cpu: comparison(|sample| sample.cpu_ns)?,
            wall: comparison(|sample| sample.wall_ns)?,
        })
    }

    /// Runs one side once, in a block or before the first one. Every outcome but `Ok` ends the duel,
    /// because its time is not that of the same work.
    fn run_side(&self, side: &Side, block: Option<u32>) -> Result<Sample, Failure> {
        let mut command = side.command(&self.program, &self.suite);
        let end = run_child(&mut command, self.args.timeout, &self.interrupt)
            .with_context(|| format!("cannot start {side}"))?;
        let Some(end) = end else {
            let done = block.map_or(0, |block| block - 1);
            let message = format!("after {done} of {} blocks; nothing is kept", self.args.blocks);
            return Err(Failure::Interrupted(message));
        };
        match classify(&end) {
            (Outcome::Ok, Some(sample)) => Ok(sample),
            (outcome, _) => {
                let at = block.map_or("trial run".to_owned(), |block| format!("block {block}"));
                Err(anyhow::anyhow!("{side}, {at}: {outcome}").into())
            }
        }
    }
}

fn print(verdict: &Verdict, out: &mut dyn Write) -> Result<(), Failure> {
    let strong = palette::strong();
    if !verdict.unverified.is_empty() {
        let names = verdict.unverified.join(", ");
        writeln!(out, "{strong}UNVERIFIED: {names} failed the conformance kit{strong:#}\n")?;
    }
    writeln!(out, "{strong}A{strong:#}  {}", verdict.a)?;
    writeln!(out, "{strong}B{strong:#}  {}", verdict.b)?;
    writeln!(
        out,
        "{} blocks of fresh processes in random order, seed {}; all answers right\n",
        verdict.blocks, verdict.seed
    )?;
    let headings = [
        ("time", Align::Left),
        ("A / B", Align::Right),
        ("95 % interval", Align::Right),
        ("median A", Align::Right),
        ("median B", Align::Right),
        ("control", Align::Right),
        ("95 % interval", Align::Right),
    ];
    let clocks = [("CPU", &verdict.cpu), ("wall", &verdict.wall)];
    let line = |(name, c): &(&str, &Comparison)| -> Line {
        vec![
            Text::styled(*name, palette::strong()),
            Text::styled(estimate(c.ratio.as_ref()), palette::strong()),
            interval(c.ratio.as_ref()).into(),
            format::duration_ns(c.a_ns.median).into(),
            format::duration_ns(c.b_ns.median).into(),
            estimate(c.control.as_ref()).into(),
            interval(c.control.as_ref()).into(),
        ]
    };
    write!(out, "{}", render(&headings, &clocks.iter().map(line).collect::<Vec<_>>()))?;
    let unreliable = |c: &Comparison| c.control.and_then(|control| control.differs()) == Some(true);
    for (name, _) in clocks.iter().filter(|(_, c)| unreliable(c)) {
        writeln!(
            out,
            "{strong}{name} is unreliable:{strong:#} the control differs from itself; the machine \
             is disturbed, or the runs are too short"
        )?;
    }
    if verdict.cpu.ratio.is_some_and(|r| r.interval().is_none()) {
        writeln!(out, "No intervals below {} blocks.", analysis::estimate::MIN_OBSERVATIONS)?;
    }
    Ok(())
}

fn estimate(ratio: Option<&Ratio>) -> String {
    ratio.map_or("n/a".to_owned(), |ratio| format!("{:.3}", ratio.estimate))
}

fn interval(ratio: Option<&Ratio>) -> String {
    ratio
        .and_then(Ratio::interval)
        .map_or("n/a".to_owned(), |(low, high)| format!("{low:.3} to {high:.3}"))
}
