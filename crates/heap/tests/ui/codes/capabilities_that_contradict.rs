//! A parked object is known by its address: a collector that moves objects cannot park them.

#[path = "keeper.rs"]
mod keeper;

use heap::*;

struct Mover(keeper::Keeper);

impl Collector for Mover {
    const CAPS: Caps = Caps { parks: true, ..Caps::MOVING };

    fn new(heap: &Heap, config: &Config) -> std::io::Result<Self> {
        keeper::Keeper::new(heap, config).map(Self)
    }

    fn alloc(&mut self, cx: &mut Context, layout: Layout) -> Result<ObjectReference, OutOfMemory> {
        self.0.alloc(cx, layout)
    }

    fn parts(&self) -> Parts<'_> {
        self.0.parts()
    }
}

impl Inspect for Mover {}

fn main() {
    let factory = CollectorFactory::of::<Mover>();
    println!("{}", factory.type_name);
}
