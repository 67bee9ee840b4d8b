//! A collector in cycles with bits of its own in the header: every path of allocation gives them to a new
//! object.

#![forbid(unsafe_code)]

use heap::contract::*;
use heap::{
    Count, HeapConfig, InCycles, MarkBits, Marker, Mutator, NonMovingSpace, Off, Pace, Pacer,
    Phase, shape,
};
const COUNT: Count = Count::ONLY;

/// A cycle begins when half of the free memory is left.
const PACE: Pace = Pace {
    least_left: 0.5,
    most_left: 0.5,
    needed_factor: 0.0,
    expected_growth: Some(1.0),
    pace_share: 0.5,
    unaided_share: 0.0,
    is_concurrent: false,
};

/// Marks in one slice, sweeps in the next, and begins every object with a count of one.
#[derive(Debug)]
struct Counted {
    objects: NonMovingSpace<MarkBits>,
    marker: Marker,
    phase: Phase,
    pacer: Pacer,
    /// Cycles begun because of [`Cause::Growth`] and [`Cause::Exhausted`], and calls of the slow path.
    grown: u32,
    exhausted: u32,
    slow: u32,
}

impl Collector for Counted {
    const CAPS: Caps = Caps::TRACING;
    const NEW: u32 = COUNT.one();

    fn new(heap: &Heap, config: &Config) -> io::Result<Self> {
        let mut objects = NonMovingSpace::new(heap)?;
        let pacer = Pacer::new(config, PACE, &mut objects);
        let marker = Marker::new(heap, 0)?;
        Ok(Self { objects, marker, phase: Phase::Idle, pacer, grown: 0, exhausted: 0, slow: 0 })
    }

    /// The paths of `traced!`, counted, with the check.
    fn alloc(&mut self, cx: &mut Context, layout: Layout) -> AllocResult {
        let object = match self.objects.alloc(layout, Self::NEW) {
            Some(object) => object,
            None => {
                self.slow += 1;
                self.alloc_slow(cx, layout)?
            }
        };
        assert_eq!(COUNT.get(cx.memory(), object), 1, "{:?}, slow path {}", self.phase, self.slow);
        Ok(object)
    }

    fn parts(&self) -> Parts<'_> {
        Parts::of([&self.objects], self.marker.metadata_bytes())
    }

    fn collect(&mut self, cx: &mut Context, cause: Cause) {
        self.collect_at_once(cx, cause);
    }
}

impl InCycles for Counted {
    type Marks = MarkBits;

    fn space_and_pacer(&mut self) -> (&mut NonMovingSpace<MarkBits>, &mut Pacer) {
        (&mut self.objects, &mut self.pacer)
    }

    fn phase(&self) -> Phase {
        self.phase
    }

    fn start_cycle(&mut self, cx: &mut Context, cause: Cause) {
        match cause {
            Cause::Growth => self.grown += 1,
            _ => self.exhausted += 1,
        }
        self.pacer.cycle_began(cx, &self.objects, cause);
        self.pacer.set_credit(&mut self.objects, 0);
        cx.roots.to_mark().for_each(|root| self.marker.push(root.object));
        self.objects.trace(&mut self.marker);
        self.objects.begin_sweep();
        self.phase = Phase::Sweeping;
    }

    fn finish_cycle(&mut self, cx: &mut Context) {
        if self.phase == Phase::Sweeping {
            while self.objects.small.sweep_some(u32::MAX) {}
            self.phase = Phase::Idle;
            self.pacer.cycle_ended(cx, &mut self.objects, 0);
        }
    }

    /// Leaves every other cycle to the allocation that finds no memory.
    fn poll(&mut self, cx: &mut Context) {
        if self.phase == Phase::Sweeping {
            self.finish_cycle(cx);
        } else if self.grown <= self.exhausted {
            self.start_cycle(cx, Cause::Growth);
        }
    }
}

impl Inspect for Counted {}

shape! {
    /// An object that holds another.
    struct Link {
        own NEXT;
    }
}

#[test]
fn every_path_gives_a_new_object_the_bits_of_its_collector() {
    let heap = HeapConfig { limit_bytes: Some(2 << 20), ..HeapConfig::default() };
    let mut mutator = Mutator::<Counted, Off>::new(heap, &Config::default(), Off).expect("memory");
    let kept: Vec<_> = (0..1000).map(|_| mutator.alloc::<Link>().expect("room")).collect();
    for _ in 0..500_000 {
        let root = mutator.alloc::<Link>().expect("the rest is garbage");
        mutator.drop(root);
    }
    let Counted { grown, exhausted, slow, .. } = mutator.collector();
    assert!(*grown > 1 && *exhausted > 1, "{grown} grown, {exhausted} exhausted, {slow} slow");
    kept.into_iter().for_each(|root| mutator.drop(root));
}
