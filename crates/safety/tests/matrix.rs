//! The matrix over the registered collectors: every kind of verdict occurs, and the known properties
//! of the disciplines follow from their trials.

use collectors::registry::standard;
use heap::{Caps, CollectorFactory, Config};
use record::{
    CollectorInfo, Colour, Counts, Effect, Failure, Family, LineStyle, Safety, SafetyCell, Trial,
    TrialEnd, Verdict,
};
use safety::{CASES, TrialKind, matrix, plan, run};
use std::fs;
use std::path::Path;
use std::sync::OnceLock;

const SEEDS: u32 = 2;

/// Runs all trials except the native drops, which would end this process.
fn trials(factory: CollectorFactory) -> Vec<Trial> {
    let wanted = planned(factory.caps);
    let mut trials = Vec::new();
    let enough = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        run(factory, &Config::default(), SEEDS, 0, &mut |trial| {
            if trial.number >= wanted {
                std::panic::resume_unwind(Box::new("the native drops come last"));
            }
            if trial.end != TrialEnd::Begun {
                trials.push(trial);
            }
        })
    }));
    assert!(trials.len() == wanted, "{:?}", enough.map(|result| result.is_ok()));
    trials
}

/// Number of trials that can run in this process.
fn planned(caps: Caps) -> usize {
    let is_native = |kind| matches!(kind, TrialKind::Native(_));
    plan(caps, SEEDS).into_iter().take_while(|planned| !is_native(planned.kind)).count()
}

fn safety() -> &'static Safety {
    static SAFETY: OnceLock<Safety> = OnceLock::new();
    SAFETY.get_or_init(|| {
        let info = |name: &str| CollectorInfo {
            name: name.to_owned(),
            family: Family::Control,
            summary: String::new(),
            capabilities: Vec::new(),
            colour: Colour { light: "#000000".to_owned(), dark: "#ffffff".to_owned() },
            line: LineStyle::Solid,
            bounded: false,
        };
        let registry = standard::<()>();
        let tried = registry.entries().iter().map(|e| (info(e.info.name), trials(e.factory)));
        matrix(tried.collect(), SEEDS, "a test".to_owned())
    })
}

fn cell(failure: Failure, collector: &str) -> &'static SafetyCell {
    safety().cell(failure, collector).expect("every cell is filled")
}

fn word(failure: Failure, collector: &str) -> &'static str {
    cell(failure, collector).verdict.word()
}

const MISUSES: [Failure; 3] = [Failure::UseAfterFree, Failure::DoubleFree, Failure::DanglingBorrow];

#[test]
fn every_cell_is_filled_and_every_verdict_occurs() {
    let safety = safety();
    assert_eq!(safety.cells.len(), Failure::ALL.len() * safety.collectors.len());
    for word in ["rejected", "cannot", "detected", "happens", "n/a"] {
        assert!(safety.cells.iter().any(|cell| cell.verdict.word() == word), "no cell is {word}");
    }
    let effects = [Effect::None, Effect::Benign, Effect::WrongValue, Effect::Corrupted];
    for effect in effects.into_iter().chain([Effect::Faulted, Effect::Detected]) {
        assert!(safety.series.iter().any(|s| s.runs_with(effect) > 0), "no run is {effect:?}");
    }
}

#[test]
fn every_verdict_has_evidence() {
    for cell in &safety().cells {
        let name = format!("{:?} under {}", cell.failure, cell.collector);
        match &cell.verdict {
            Verdict::Impossible | Verdict::Detected | Verdict::Happens => {
                assert!(cell.runs > 0, "{name} rests on no run");
            }
            Verdict::Rejected { cases } => assert!(!cases.is_empty(), "{name} rests on no case"),
            Verdict::NotApplicable { reason } => assert!(!reason.is_empty(), "{name}: why?"),
        }
        if cell.verdict == Verdict::Impossible {
            let counts = Counts { mistakes: 0, ..cell.counts };
            assert_eq!(counts, Counts::default(), "{name} has an effect");
        }
    }
}

#[test]
fn mistakes_are_made_wherever_one_is_planned() {
    for series in safety().series.iter().filter(|s| MISUSES.contains(&s.subject.failure)) {
        assert!(series.runs() == SEEDS, "{series:?}");
        assert!(series.counts.mistakes > 0, "{series:?}");
    }
}

#[test]
fn stale_pointers_harm_where_nothing_guards_them() {
    for failure in MISUSES {
        assert_eq!(word(failure, "manual"), "happens", "{failure:?}");
        assert_eq!(word(failure, "ownership"), "rejected", "{failure:?}");
        let bent = cell(failure, "ownership").bent.as_ref().expect("unsafe bends it");
        assert_eq!((bent.verdict.word(), bent.by.as_str()), ("happens", "unsafe"));
        for guarded in ["rc", "rc|count-loads", "mark-sweep", "no-gc"] {
            assert_eq!(word(failure, guarded), "cannot", "{failure:?} under {guarded}");
        }
        assert!(cell(failure, "manual").counts.corrupted_objects > 0, "{failure:?}");
    }
    assert_eq!(word(Failure::DanglingBorrow, "rc-weak"), "detected");
    assert!(cell(Failure::DanglingBorrow, "rc-weak").counts.refused > 0);
    // Its only free is the end of a region.
    assert_eq!(word(Failure::UseAfterFree, "region"), "happens");
    assert_eq!(word(Failure::DoubleFree, "region"), "cannot");
}

#[test]
fn a_free_cannot_harm_where_cycles_are_reclaimed() {
    for entry in standard::<()>().entries().iter().filter(|e| e.factory.caps.cycles) {
        for failure in [Failure::UseAfterFree, Failure::DoubleFree, Failure::DanglingBorrow] {
            let cell = cell(failure, entry.info.name);
            assert_eq!(cell.verdict, Verdict::Impossible, "{cell:?}");
            // Tight limits are raised where an order of reuse needs more, so no trial runs out of memory.
            assert_eq!(cell.end, TrialEnd::Right, "{cell:?}");
        }
    }
}

#[test]
fn uninitialised_objects_harm_only_where_memory_is_reused_without_zeroing() {
    let failure = Failure::UseBeforeInit;
    for collector in ["no-gc", "region", "manual", "mark-sweep"] {
        let cell = cell(failure, collector);
        assert_eq!(cell.verdict, Verdict::Impossible, "{collector} zeroes");
        let bent = cell.bent.as_ref().expect("an allocator need not zero");
        assert_eq!(bent.by, "an allocator that does not zero");
        let expected = if collector == "no-gc" { "cannot" } else { "happens" };
        assert_eq!(bent.verdict.word(), expected, "{collector}");
    }
    assert!(cell(failure, "manual").counts.mistakes > 0, "no mistake was made");
    for collector in ["ownership", "rc", "rc|count-loads", "rc-weak"] {
        assert_eq!(word(failure, collector), "rejected", "{collector}");
        let bent = cell(failure, collector).bent.as_ref().expect("unsafe bends it");
        assert_eq!((bent.verdict.word(), bent.by.as_str()), ("happens", "unsafe"));
    }
    let bent = cell(failure, "manual").bent.as_ref().expect("an allocator need not zero");
    let counts = bent.counts;
    assert!(0 < counts.wrong_reads && counts.wrong_reads < counts.stale_reads, "{counts:?}");
    let bent = safety().cells.iter().filter(|cell| cell.failure == failure);
    let bent = bent.filter_map(|cell| cell.bent.as_ref()).map(|bent| bent.counts);
    let followed = bent.map(|counts| counts.stale_writes + counts.stale_frees).sum::<u64>();
    assert!(followed > 0, "no stale reference is followed");
}

#[test]
fn a_quarantine_delays_harm() {
    let corrupted = |order: &str| {
        let of_order = safety().series.iter().filter(|s| {
            s.collector == "manual"
                && s.subject.order == order
                && MISUSES.contains(&s.subject.failure)
        });
        of_order.map(|s| s.counts.corrupted_objects).sum::<u64>()
    };
    let (last, quarantined) = (corrupted("last freed first"), corrupted("quarantine"));
    assert!(last > 4 * quarantined, "{last} objects corrupted, {quarantined} under a quarantine");
}

#[test]
fn counting_leaks_every_byte_of_a_ring() {
    // 54 of 60 rings are dropped; each has 20 nodes of 8 + 16 + 8 bytes.
    let rings = (54 * 20 * 32, 54 * 20);
    for collector in ["rc", "rc|count-loads", "rc-deferred", "rc-weak", "no-gc", "region"] {
        let counts = cell(Failure::CycleLeak, collector).counts;
        assert_eq!((counts.leaked_bytes, counts.leaked_objects), rings, "{collector}");
    }
    for collector in ["rc-cycles", "mark-sweep"] {
        assert_eq!(word(Failure::CycleLeak, collector), "cannot");
        assert_eq!(cell(Failure::CycleLeak, collector).counts.leaked_bytes, 0);
    }
    assert_eq!(word(Failure::CycleLeak, "manual"), "n/a");
    assert_eq!(word(Failure::CycleLeak, "ownership"), "rejected");
}

#[test]
fn an_omitted_free_leaks_only_where_nothing_else_frees() {
    for (collector, expected) in
        [("manual", "happens"), ("ownership", "cannot"), ("rc", "cannot"), ("mark-sweep", "cannot")]
    {
        assert_eq!(word(Failure::Leak, collector), expected, "{collector}");
    }
    // Six messages of 1024 bytes, with their extended headers.
    assert_eq!(cell(Failure::Leak, "manual").counts.leaked_bytes, 6 * 1040);
    for collector in ["ownership", "rc", "rc-weak"] {
        let bent = cell(Failure::Leak, collector).bent.as_ref().expect("mem::forget bends it");
        assert_eq!((bent.by.as_str(), bent.counts.leaked_bytes), ("mem::forget", 6 * 1040));
    }
    for cell in safety().cells.iter().filter(|cell| cell.failure == Failure::LogicalLeak) {
        assert_eq!(cell.verdict, Verdict::Happens, "{}", cell.collector);
        assert_eq!(cell.counts.leaked_bytes, 6 * 1040, "{}", cell.collector);
    }
}

#[test]
fn a_leak_grows_over_time() {
    let leaks = &safety().series.iter().find(|s| {
        s.collector == "manual" && s.subject.failure == Failure::Leak && !s.leaks.is_empty()
    });
    let leaks = &leaks.expect("leaks are surveyed").leaks;
    assert!(leaks.len() > 10 && leaks.is_sorted_by_key(|point| point.allocated_bytes));
    assert!(leaks.is_sorted_by_key(|point| point.leaked_bytes), "{leaks:?}");
    assert_eq!((leaks[0].leaked_bytes, leaks[leaks.len() - 1].leaked_bytes), (0, 6 * 1040));
}

#[test]
fn unbounded_garbage_needs_a_collector_and_a_deep_drop_a_loop() {
    for (collector, expected) in [("no-gc", "happens"), ("region", "happens"), ("manual", "cannot")]
    {
        assert_eq!(word(Failure::UnboundedGarbage, collector), expected);
    }
    for collector in &safety().collectors {
        assert_eq!(word(Failure::DeepDrop, &collector.name), "cannot", "{}", collector.name);
    }
}

#[test]
fn the_cases_are_the_compile_fail_tests_of_the_heap() {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("../heap/tests");
    let suite = fs::read_to_string(tests.join("compile_fail.rs")).unwrap();
    assert!(suite.contains(r#"compile_fail(programs.join("*.rs"))"#), "the test runs all of them");
    assert!(suite.contains(r#"originals("ui")"#), "from this directory");
    for case in CASES {
        for ending in ["rs", "stderr"] {
            assert!(tests.join(format!("ui/{}.{ending}", case.name)).is_file(), "{}", case.name);
        }
        assert!(case.error.starts_with("error"), "{} has no expected error", case.name);
    }
    for named in safety().cells.iter().filter_map(|cell| match &cell.verdict {
        Verdict::Rejected { cases } => Some(cases),
        _ => None,
    }) {
        assert!(named.iter().all(|name| safety().cases.iter().any(|case| case.name == *name)));
    }
}

#[test]
fn the_same_seeds_give_the_same_matrix() {
    let registry = standard::<()>();
    let manual = registry.find("manual").expect("it is registered");
    assert_eq!(trials(manual.factory), trials(manual.factory));
}
