//! Every registered collector against an exact shadow model, in random programs and in hand-written
//! cases.
//!
//! A collector that is new in the registry takes part at once; what it must reclaim, and when, is to
//! be said in `shadow::Discipline`.

#![forbid(unsafe_code)]

mod cases;
mod compare;
mod depth;
mod draw;
mod player;
mod program;
mod quiet;
mod shadow;

use collectors::registry::{Harness, standard};
use heap::{Checker, Collector, Off};
use program::Op;
use proptest::test_runner::{Config, TestRunner};
use shadow::Discipline;

/// A random program to be played under some collector.
struct Job {
    discipline: Discipline,
    program: Vec<Op>,
    limit_bytes: Option<u64>,
    checked: bool,
}

struct Model;

impl Harness for Model {
    type Job = Job;
    type Report = ();

    fn run<C: Collector>(job: &Job) {
        if job.checked {
            player::play::<C, _>(job, Checker::default());
        } else {
            player::play::<C, _>(job, Off);
        }
    }
}

/// An eighth of proptest's number of cases for each collector: `PROPTEST_CASES=4096` for a long run.
fn every_collector_agrees_with_its_shadow(checked: bool, limit_bytes: Option<u64>) {
    for entry in standard::<Model>().entries() {
        let Config { cases, .. } = Config::default();
        let config = Config { cases: cases / 8, failure_persistence: None, ..Config::default() };
        let discipline = Discipline::of(entry.info.name);
        let outcome = TestRunner::new(config).run(&draw::program(), |program| {
            (entry.run)(&Job { discipline, program, limit_bytes, checked });
            Ok(())
        });
        if let Err(error) = outcome {
            panic!("{}: {error}", entry.info.name);
        }
    }
}

/// Eight blocks, some of which are metadata: enough for few of the sizes at a time.
const TINY_HEAP_BYTES: u64 = 256 * 1024;

#[test]
fn checked_programs_agree_with_the_shadow() {
    every_collector_agrees_with_its_shadow(true, None);
}

#[test]
fn unchecked_programs_agree_with_the_shadow() {
    every_collector_agrees_with_its_shadow(false, None);
}

#[test]
fn checked_programs_in_a_tiny_heap_agree_with_the_shadow() {
    every_collector_agrees_with_its_shadow(true, Some(TINY_HEAP_BYTES));
}

#[test]
fn unchecked_programs_in_a_tiny_heap_agree_with_the_shadow() {
    every_collector_agrees_with_its_shadow(false, Some(TINY_HEAP_BYTES));
}
