//! The command line over collectors with one bug each, for the tests of `gcw verify` and of the gate in
//! `gcw run`.
//!
//! All are bump allocators that never reclaim, like `no-gc`. `chatty` has no bug: it only prints.

#![forbid(unsafe_code)]

use collectors::registry::{Family, Info, Line};
use heap::{
    AllocResult, BumpSpace, Caps, Cause, Collector, Config, Context, Heap, Inspect, Layout,
    ObjectReference, Parts,
};
use std::hint::black_box;
use std::process::ExitCode;
use std::{io, thread};

const CHATTY: u8 = 0;
const HANGS: u8 = 1;
const PANICS: u8 = 2;
const OVERFLOWS: u8 = 3;
const OVERLAPS: u8 = 4;
const HOARDS: u8 = 5;
const GULPS: u8 = 6;

fn main() -> ExitCode {
    let collectors = gcw::Collectors::empty()
        .with::<Broken<CHATTY>>(info("chatty", "prints half a line for each of its first objects"))
        .with::<Broken<HANGS>>(info("hangs", "hangs at the third object"))
        .with::<Broken<PANICS>>(info("panics", "panics when a program asks for a collection"))
        .with::<Broken<OVERFLOWS>>(info("overflows", "recurses without end at the third object"))
        .with::<Broken<OVERLAPS>>(info(
            "overlaps",
            "allocates every fourth object over the one before",
        ))
        .with::<Broken<HOARDS>>(info("hoards", "takes 64 MiB more for each object"))
        .with::<Broken<GULPS>>(info("gulps", "takes 160 MiB briefly at the third object"));
    gcw::main(gcw::Registry::of(collectors))
}

fn info(name: &'static str, summary: &'static str) -> Info {
    let (light, dark) = ("#6e7781", "#9aa4af");
    Info { name, summary, family: Family::Control, light, dark, line: Line::Solid }
}

/// A collector with this bug.
struct Broken<const BUG: u8> {
    space: BumpSpace,
    objects: u64,
    last: Option<ObjectReference>,
    hoard: Vec<Vec<u8>>,
}

impl<const BUG: u8> Collector for Broken<BUG> {
    const CAPS: Caps = Caps::NONE;

    fn new(heap: &Heap, _: &Config) -> io::Result<Self> {
        Ok(Self { space: BumpSpace::new(heap), objects: 0, last: None, hoard: Vec::new() })
    }

    fn alloc(&mut self, _: &mut Context, layout: Layout) -> AllocResult {
        self.objects += 1;
        match BUG {
            CHATTY if self.objects < 100 => print!("an object; "),
            HANGS if self.objects == 3 => loop {
                thread::park();
            },
            OVERFLOWS if self.objects == 3 => self.objects += sink(1),
            OVERLAPS if self.objects.is_multiple_of(4) => {
                if let Some(last) = self.last {
                    return Ok(last);
                }
            }
            GULPS if self.objects == 3 => drop(black_box(vec![1_u8; 160 << 20])),
            HOARDS => self.hoard.push(vec![1; 64 << 20]),
            _ => {}
        }
        let object = self.space.alloc(layout)?;
        self.last = Some(object);
        Ok(object)
    }

    fn parts(&self) -> Parts<'_> {
        Parts::of([&self.space], 0)
    }

    fn collect(&mut self, _: &mut Context, cause: Cause) {
        assert!(BUG != PANICS || cause != Cause::Requested, "the collector is broken");
    }
}

impl<const BUG: u8> Inspect for Broken<BUG> {}

/// Recurses until the stack ends.
fn sink(depth: u64) -> u64 {
    if black_box(depth) == 0 { 0 } else { sink(depth + 1) + black_box(1) }
}
