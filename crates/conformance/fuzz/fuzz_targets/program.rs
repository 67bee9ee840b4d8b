//! Fuzzes collectors with the programs of the conformance kit.
//!
//! Any bytes are a program (`conformance::generate::from_bytes`), so the fuzzer needs no grammar. The program is
//! played under the collector named in `COLLECTOR`, or under each; the fuzzer's coverage is that of the heap and
//! of the collector. The first failing program is shortened and printed as a test, and ends the process.
//!
//! Run by `scripts/fuzz.sh`.

#![no_main]

use collectors::registry::standard;
use conformance::generate::from_bytes;
use conformance::{Job, verify};
use libfuzzer_sys::fuzz_target;
use std::{env, panic, process};

/// Variable that names the collector to fuzz; without it, all are fuzzed.
const COLLECTOR: &str = "COLLECTOR";

fuzz_target!(
    init: {
        // The fuzzer would end the process at the first panic, but the kit catches those of a program and
        // reports them.
        panic::set_hook(Box::new(|_| ()));
        if let Ok(name) = env::var(COLLECTOR) && standard::<()>().find(&name).is_none() {
            let names: Vec<_> = standard::<()>().entries().iter().map(|entry| entry.info.name).collect();
            eprintln!("no collector '{name}': set {COLLECTOR} to one of {}", names.join(", "));
            process::exit(2);
        }
    },
    |bytes: &[u8]| {
        let program = from_bytes(bytes);
        let chosen = env::var(COLLECTOR).ok();
        for entry in standard::<()>().entries() {
            if chosen.as_deref().is_some_and(|name| name != entry.info.name) {
                continue;
            }
            let job = Job { program: Some(program.clone()), ..Job::of(entry.info.name, 0..0) };
            if let Some(failure) = verify(entry.factory, &job, |_| ()).failure {
                eprintln!("{failure}");
                process::abort();
            }
        }
    }
);
