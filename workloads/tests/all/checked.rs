//! Every program in checking mode with few objects: no use after free, no slot of another kind, no
//! second owner, no leak except by design.

use crate::under::{Watch, each, reclaims, run};
use collectors::registry::standard;
use heap::{Caps, CollectorFactory};
use workloads::{PROGRAMS, Parameters, Size, Suite};

/// Parameters for a short run of each program; those of the small size for programs not listed.
fn few_objects(program: &str, suite: &Suite) -> Parameters {
    match program {
        "gcbench" => [
            ("stretch_depth", 7),
            ("long_lived_depth", 6),
            ("max_depth", 6),
            ("array_length", 2002),
        ]
        .into(),
        "binary-trees" | "binary-trees@regions" => [("depth", 6)].into(),
        "message-window" => [("window", 10), ("messages", 45)].into(),
        "splay" => [("tree_size", 30), ("replacements", 60), ("payload_depth", 2)].into(),
        "lru-cache" => [("pages", 60), ("capacity", 12), ("requests", 400)].into(),
        "cycle-torture" | "cycle-torture@regions" => [
            ("rings", 30),
            ("ring_length", 5),
            ("chords", 3),
            ("kept_permille", 200),
            ("rings_per_batch", 4),
            ("ballast", 20),
        ]
        .into(),
        "deep-chain" | "deep-chain@shuffled" => [("nodes", 301), ("rounds", 3)].into(),
        "fragmentation" => [("round_bytes", 6000), ("keep_one_in", 2)].into(),
        "mutation-storm" => [("nodes", 40), ("rewirings", 300), ("message_words", 3)].into(),
        "weak-table" => [("half", 15), ("rounds", 4)].into(),
        "live-tree" | "live-tree@shuffled" | "live-list" => {
            [("live_objects", 150), ("collections", 2)].into()
        }
        _ => {
            let workload = suite.workloads.iter().find(|workload| workload.program == program);
            let small = workload.and_then(|workload| workload.at(Size::Small));
            small.unwrap_or_else(|| panic!("no small size of {program}")).parameters.clone()
        }
    }
}

/// Whether a discipline with these capabilities leaves objects after the teardown.
fn leaks(program: &str, caps: Caps) -> bool {
    let misses_cycles = (caps.counts || caps.defers) && !caps.cycles;
    match program {
        _ if !reclaims(caps) => true,
        "cycle-torture" | "cycle-torture@regions" => misses_cycles,
        // Their borrows form cycles, which leak where borrows count like other references.
        "lru-cache" | "mutation-storm" => misses_cycles && !caps.weak,
        _ => false,
    }
}

#[test]
fn every_program_is_sound_under_every_collector() {
    let suite = Suite::builtin();
    for entry in PROGRAMS {
        let program = entry.prepare(&few_objects(entry.name, &suite), suite.seed).unwrap();
        let mut answers: Vec<String> = Vec::new();
        each(&program, entry.needs, Watch::Checker, |collector, caps, outcome| {
            let pair = format!("{} under {collector}", entry.name);
            assert!(
                outcome.live.objects > 0 || entry.name.ends_with("@regions"),
                "{pair}: no live objects"
            );
            let leaked = outcome.leaked.objects > 0;
            assert_eq!(leaked, leaks(entry.name, caps), "{pair}: {:?}", outcome.leaked);
            answers.push(outcome.answer);
        });
        assert!(answers.windows(2).all(|pair| pair[0] == pair[1]), "{}: {answers:?}", entry.name);
    }
}

#[test]
fn every_program_survives_moving_collections_before_every_allocation() {
    let suite = Suite::builtin();
    let moving = standard::<()>();
    let moving = moving.entries().iter().filter(|entry| entry.factory.caps.moves);
    let moving: Vec<_> = moving.collect();
    assert!(!moving.is_empty(), "there are collectors that move");
    for entry in PROGRAMS {
        let program = entry.prepare(&few_objects(entry.name, &suite), suite.seed).unwrap();
        let expected =
            run(CollectorFactory::of::<collectors::MarkSweep>(), &program, Watch::Off).answer;
        let suits = |caps| entry.needs.refusal(caps).is_none();
        for collector in moving.iter().filter(|collector| suits(collector.factory.caps)) {
            let outcome = run(collector.factory, &program, Watch::Stress);
            let pair = format!("{} under {}", entry.name, collector.info.name);
            assert_eq!(outcome.answer, expected, "{pair}");
            assert_eq!(outcome.leaked.objects, 0, "{pair}: {:?}", outcome.leaked);
        }
    }
}
