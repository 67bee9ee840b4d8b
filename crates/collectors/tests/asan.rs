//! The address sanitizer reports a read of an object that the program has dropped, under every collector
//! that reclaims it. Each collector reads it in a process of its own, whose report is checked.
//!
//! Run by `conformance/scripts/asan.sh`, in a build of its own. `heap/tests/asan.rs` does the same for
//! the ways in which spaces free.

#![cfg(gcw_asan)]
#![forbid(unsafe_code)]

use collectors::registry::{Registry, standard};
use heap::{AnyCollector, Caps, Config, HeapConfig, Mutator, ObjectReference, Off, Offset32};
use std::process::Command;
use std::{env, hint};

/// Variable with the collector under which a process of the test makes the mistake.
const COLLECTOR: &str = "ASAN_COLLECTOR";
/// Printed by that process right before the mistake.
const SO_FAR: &str = "so far no mistake was made";

heap::shape! {
    /// An object with a number.
    struct Numbered { word ID; }
}

#[test]
fn a_read_of_a_reclaimed_object_is_reported() {
    let collectors = standard::<()>();
    if let Ok(name) = env::var(COLLECTOR) {
        read_a_dropped_object(&collectors, &name);
        return;
    }
    let itself = env::current_exe().expect("a test knows its own program");
    let reclaims = |caps: Caps| caps.cycles || caps.counts || caps.defers || caps.drops;
    for entry in collectors.entries().iter().filter(|entry| reclaims(entry.factory.caps)) {
        let name = entry.info.name;
        let mut child = Command::new(&itself);
        child.args(["a_read_of_a_reclaimed_object_is_reported", "--exact", "--nocapture"]);
        let output = child.env(COLLECTOR, name).output().expect("a test can start itself");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(said.contains(SO_FAR), "{name}: failed before the mistake:\n{said}");
        assert!(
            !output.status.success() && said.contains("AddressSanitizer: use-after-poison"),
            "{name}: not reported:\n{said}"
        );
    }
}

/// Keeps the object before it in the same block, and in the same line, so that both stay.
fn read_a_dropped_object(collectors: &Registry<()>, name: &str) {
    let factory = collectors.find(name).expect("a registered collector").factory;
    let make = |heap: &_| factory.collector(heap, &Config::default());
    let m = &mut Mutator::with(HeapConfig::default(), Off, make).expect("address space");
    let kept = m.alloc::<Numbered>().expect("there is no limit");
    let dropped = m.alloc::<Numbered>().expect("there is no limit");
    let place = newest(m);
    read(m, place);
    m.drop(dropped);
    m.collect();
    hint::black_box(m.word(m.get(&kept), Numbered::ID));
    eprintln!("{SO_FAR}");
    read(m, place);
}

/// The object that was rooted last.
fn newest(m: &Mutator<AnyCollector>) -> ObjectReference {
    m.context().roots.iter().last().expect("there is a root").object
}

fn read(m: &Mutator<AnyCollector>, object: ObjectReference) {
    hint::black_box(m.heap().memory().read(object, Offset32::word(2)));
}
