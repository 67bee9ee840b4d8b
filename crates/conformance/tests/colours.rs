//! The colours detector, on a small incremental collector with and without its barrier.
//!
//! Mark-sweep in steps of one object, with the insertion barrier of Dijkstra and others (1978): what is
//! stored while marking turns grey. Marks lie in a set: it is written to be short.

#![forbid(unsafe_code)]

use conformance::{Detector, Detectors, Job, verify};
use heap::{
    Caps, Cause, Collector, Colour, Config, Context, Footprint, Heap, Layout, ObjectReference,
    ObjectSpace, Occupancy, Offset32, OutOfMemory, SlotKind, Slots, Step, Value,
};
use std::cell::{Cell, RefCell};
use std::collections::HashSet;
use std::io;

struct Incremental<const BARRIER: bool> {
    objects: ObjectSpace,
    is_marking: Cell<bool>,
    /// Grey and black objects.
    marked: RefCell<HashSet<ObjectReference>>,
    grey: RefCell<Vec<ObjectReference>>,
}

impl<const BARRIER: bool> Incremental<BARRIER> {
    fn shade(&self, object: Option<ObjectReference>) {
        if let Some(object) = object
            && self.is_marking.get()
            && self.marked.borrow_mut().insert(object)
        {
            self.grey.borrow_mut().push(object);
        }
    }

    /// Blackens one grey object; false if there was none.
    fn scan(&self) -> bool {
        let Some(object) = self.grey.borrow_mut().pop() else { return false };
        let children = self.heap().memory().slots(object, Slots::All);
        children.for_each(|child| self.shade(child.reference()));
        true
    }

    fn sweep(&mut self) {
        let dead: Vec<ObjectReference> = {
            let marked = self.marked.borrow();
            self.objects.objects().filter(|object| !marked.contains(object)).collect()
        };
        for object in dead {
            self.objects.free(object);
        }
        self.marked.borrow_mut().clear();
        self.is_marking.set(false);
    }
}

impl<const BARRIER: bool> Collector for Incremental<BARRIER> {
    const CAPS: Caps = Caps { cycles: true, ..Caps::NONE };

    fn new(heap: &Heap, _: &Config) -> io::Result<Self> {
        Ok(Self {
            objects: ObjectSpace::new(heap)?,
            is_marking: Cell::new(false),
            marked: RefCell::default(),
            grey: RefCell::default(),
        })
    }

    fn alloc(&mut self, _: &mut Context, layout: Layout) -> Result<ObjectReference, OutOfMemory> {
        let object =
            self.objects.alloc(layout, 0).or_else(|| self.objects.alloc_growing(layout, 0));
        let object = object.ok_or_else(|| self.objects.heap().refuse(layout))?;
        // Grey, for its slots may be filled without a barrier.
        self.shade(Some(object));
        Ok(object)
    }

    fn footprint(&self) -> Footprint {
        self.objects.footprint(0)
    }

    fn occupied(&self) -> Occupancy {
        self.objects.occupied()
    }

    fn is_allocated(&self, object: ObjectReference) -> bool {
        self.objects.is_allocated(object)
    }

    fn heap(&self) -> &Heap {
        self.objects.heap()
    }

    fn store(&self, _: &Context, object: ObjectReference, at: Offset32, _: SlotKind, new: Value) {
        if BARRIER {
            self.shade(new.reference());
        }
        self.heap().memory().write(object, at, new.bits());
    }

    fn moved(&self, cx: &Context, object: ObjectReference, at: Offset32, new: Value) {
        self.store(cx, object, at, SlotKind::Own, new);
    }

    fn collect(&mut self, cx: &mut Context, _: Cause) {
        // What is under way keeps what has died since; only another cycle is exact.
        self.step(cx, Step::Finish);
        self.step(cx, Step::Start);
        self.step(cx, Step::Finish);
    }

    fn step(&mut self, cx: &mut Context, step: Step) {
        match step {
            Step::Start if !self.is_marking.get() => {
                self.is_marking.set(true);
                cx.roots.iter().for_each(|root| self.shade(Some(root.object)));
            }
            Step::Finish if self.is_marking.get() => {
                // The roots have changed without a barrier.
                cx.roots.iter().for_each(|root| self.shade(Some(root.object)));
                while self.scan() {}
                self.sweep();
            }
            Step::Advance => _ = self.scan(),
            Step::Start | Step::Finish => {}
        }
    }

    fn colour(&self, object: ObjectReference) -> Option<Colour> {
        self.is_marking.get().then(|| {
            match (self.marked.borrow().contains(&object), self.grey.borrow().contains(&object)) {
                (false, _) => Colour::White,
                (true, true) => Colour::Grey,
                (true, false) => Colour::Black,
            }
        })
    }
}

const SEEDS: u64 = 120;

#[test]
fn an_incremental_collector_passes() {
    let job = Job::of("incremental", 0..SEEDS);
    if let Some(failure) = verify::<Incremental<true>>(&job, |_| ()).failure {
        panic!("{failure}");
    }
}

#[test]
fn without_its_barrier_colours_find_it_more_often_than_the_model() {
    let failed = |detector| {
        let detectors = Detectors::only(detector);
        let job = Job::of("no barrier", 0..SEEDS);
        let job = Job { detectors, shrinks: false, counts: true, ..job };
        verify::<Incremental<false>>(&job, |_| ()).failed
    };
    let (colours, model) = (failed(Detector::Colours), failed(Detector::Model));
    assert!(colours > model && colours > 5, "{colours} programs by colours, {model} by the model");
    let failure = verify::<Incremental<false>>(&Job::of("no barrier", 0..SEEDS), |_| ()).failure;
    let failure = failure.expect("all together find it, too");
    assert!(failure.program.ops.len() <= 15, "{failure}");
}
