//! scratch
use collectors::registry::{Harness, standard};
use heap::Collector;
use record::*;

struct Trials;
impl Harness for Trials {
    type Job = u32;
    type Report = Vec<Trial>;
    fn run<C: Collector>(seeds: &u32) -> Vec<Trial> {
        let mut all = Vec::new();
        let t = std::time::Instant::now();
        // Without the native drops: they end the process.
        let n = safety::plan(C::CAPS, *seeds)
            .iter()
            .filter(|p| !matches!(p.trying, safety::Trying::Native(_)))
            .count();
        struct Enough;
        let r = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            let _ = safety::run::<C>(*seeds, 0, &mut |trial| {
                all.push(trial);
                if all.len() == n {
                    std::panic::resume_unwind(Box::new(Enough));
                }
            });
        }));
        drop(r);
        eprintln!("{} trials in {:?}", all.len(), t.elapsed());
        all
    }
}

#[test]
fn scratch() {
    let mut rows = Vec::new();
    for entry in standard::<Trials>().entries() {
        eprintln!("{}", entry.info.name);
        let trials = (entry.run)(&3);
        let info = CollectorInfo {
            name: entry.info.name.into(),
            family: Family::Control,
            summary: String::new(),
            capabilities: vec![],
            colour: Colour { light: "#000000".into(), dark: "#000000".into() },
            line: LineStyle::Solid,
            bounded: false,
        };
        rows.push((info, entry.caps, trials));
    }
    let m = safety::matrix(rows, 3, "x".into());
    for s in &m.series {
        println!(
            "{:14} {:?} {:20} {:?} {} {} {:?} {:?}",
            s.collector,
            s.subject.failure,
            s.subject.program,
            s.subject.order,
            s.subject.bends,
            s.subject.mistake,
            s.effects,
            s.counts
        );
        println!("       {:?}", s.end);
    }
    for f in Failure::ALL {
        for c in &m.collectors {
            let x = m.cell(f, &c.name).unwrap();
            println!(
                "{:18} {:14} {:?} {} {:?}",
                f.name(),
                c.name,
                x.verdict,
                x.runs,
                x.bent.as_ref().map(|b| &b.verdict)
            );
        }
    }
}
