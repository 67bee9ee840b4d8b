//! The known bugs that the kit must find, and the collectors in which they change nothing, with the reason.
//!
//! Each is a switch (`mutant!`) in the heap, in a collector or in `faulty.rs`, built in by the feature
//! `mutants` only. A mutant is tried on every collector that passes its switch. It is *killed* if some
//! detector notices it within the seed budget; a survivor must be listed here as equivalent.

use heap::{Heap, Mutant};

/// A known bug.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Known {
    /// Its name: the mistake in words.
    pub name: &'static str,
    /// The origin of such a bug.
    pub source: &'static str,
    /// Collectors in which it changes nothing (a trailing `*` matches any ending), and why.
    pub equivalent: &'static [(&'static str, &'static str)],
}

impl Known {
    const fn new(name: &'static str, source: &'static str) -> Self {
        Self { name, source, equivalent: &[] }
    }

    const fn equivalent(self, equivalent: &'static [(&'static str, &'static str)]) -> Self {
        Self { equivalent, ..self }
    }

    /// The reason why it changes nothing in this collector; `None` if it must be killed.
    pub fn reason(&self, collector: &str) -> Option<&'static str> {
        let reasons = self.equivalent.iter();
        let applies = |&&(name, _): &&(&str, &str)| match name.strip_suffix('*') {
            Some(start) => collector.starts_with(start),
            None => collector == name,
        };
        reasons.filter(applies).map(|&(_, reason)| reason).next()
    }
}

/// The classic mistakes of allocators and collectors, from the Handbook's pitfalls.
const CLASSIC: &str = "classic";
/// A mistake that this design invites.
const DESIGN: &str = "this design";

const UNPARKED: &str = "its count is not zero when it is unparked, before anything is allocated in its cell; \
     only the address sanitizer sees that the freed header is read";
const RELEASED: &str = "a scope that releases its roots pops them one by one";

const STOPPED: &str = "the program is stopped from the first mark to the last";

/// All known bugs.
pub const ALL: &[Known] = &[
    // ---- objects and their headers
    Known::new("a new object is not cleared", CLASSIC)
        .equivalent(&[("no-gc", "no memory is used a second time, and at first it is zero")]),
    Known::new("layout and count share a bit", DESIGN),
    // ---- cells and blocks
    Known::new("a size class is one too small", CLASSIC),
    Known::new("a window's first cell is always free", DESIGN),
    Known::new("a run ends one cell late", DESIGN),
    Known::new("a block counts a free cell twice", "whippet 3db1e48: race in the live page count"),
    Known::new("an empty block stays on its list", "whippet 6d5e7c9: from the wrong list"),
    // ---- large objects
    Known::new("a large object's tail is not charged again", DESIGN),
    Known::new("a large object's last block is lost", CLASSIC),
    Known::new("a large object is never swept", "whippet 5c4d5a7: wrong initial mark value"),
    // ---- regions
    Known::new("a bump is one granule short", "wasmtime #13774: misaligned after rounding"),
    Known::new("a region's last chunk is not given back", CLASSIC),
    Known::new("two open regions have one number", DESIGN),
    Known::new("a region's object is rooted as an owner", DESIGN),
    Known::new("a region's object is dropped as well", DESIGN).equivalent(&[(
        "ownership",
        "it has no bit in the space of cells, and nothing is allocated before its children are \
         dropped a second time",
    )]),
    Known::new("a region drops nothing outside", DESIGN),
    // ---- roots and scopes
    Known::new("a root is lost", "whippet 5375c03: roots in lists of workers never woken"),
    Known::new("locals are no roots", CLASSIC),
    Known::new("a hole is trimmed below its scope", DESIGN),
    Known::new("a part stays a root", DESIGN),
    Known::new("a scope leaves its roots behind", CLASSIC).equivalent(&[
        ("ownership", RELEASED),
        ("rc", RELEASED),
        ("rc|*", RELEASED),
        ("rc-weak", RELEASED),
        ("rc-cycles", RELEASED),
    ]),
    Known::new("a scope drops what it returns", CLASSIC),
    Known::new("a taken object stays in its slot", CLASSIC),
    Known::new("a new object is stored where its holder was", CLASSIC),
    // ---- marking and sweeping
    Known::new("a marker forgets the last slot", CLASSIC),
    Known::new("a marker forgets its queue", DESIGN),
    Known::new("a full mark stack drops edges", CLASSIC),
    Known::new("a mark is not counted", DESIGN),
    Known::new("marks are not cleared", "whippet 5c4d5a7: wrong initial mark value"),
    // ---- giving up
    Known::new("a heap is full at half of its limit", DESIGN),
    Known::new("a heap is full at a quarter of its limit", DESIGN),
    Known::new("a heap is full at a tenth of its limit", DESIGN),
    // ---- pauses
    Known::new("a pause is not logged", DESIGN),
    Known::new("a pause is logged half as long", DESIGN),
    // ---- dropping and freeing
    Known::new("a cascade loses the second child", CLASSIC),
    Known::new("a cascade loses the first of two", CLASSIC),
    Known::new("a cascade loses a batch", DESIGN),
    Known::new("a cascade sees half of an array", CLASSIC),
    Known::new("a cascade frees a parked object", DESIGN).equivalent(&[
        ("rc", UNPARKED),
        ("rc|count-loads", UNPARKED),
        ("rc-cycles", UNPARKED),
    ]),
    Known::new("a destructor forgets its children", CLASSIC),
    Known::new("a borrow that ends drops its object", CLASSIC),
    Known::new("an object that lost its owner is forgotten", CLASSIC),
    // ---- counting
    Known::new("an object is parked twice", "wasmtime #13166: the same object exposed twice")
        .equivalent(&[
            ("generational", "an object remembered twice is scanned twice"),
            ("gen-copy", "an object remembered twice is scanned twice"),
        ]),
    Known::new("a parked object is lost", CLASSIC),
    Known::new("a parked object stays parked", DESIGN).equivalent(&[(
        "ownership",
        "a parked object never gets an owner again: it is freed, and its header with it",
    )]),
    Known::new("a parked object is freed though stored", DESIGN),
    Known::new("decrement before increment", CLASSIC).equivalent(&[(
        "rc*",
        "an object that reaches zero is parked, and is incremented again before it is unparked",
    )]),
    Known::new("a store does not decrement", CLASSIC),
    Known::new("children are not decremented", CLASSIC),
    Known::new("a local is not counted", CLASSIC),
    Known::new("a reassigned local counts twice", CLASSIC),
    Known::new("a full count wraps", CLASSIC),
    Known::new("a full count is decremented", CLASSIC),
    Known::new("a barrier is given a wrong kind", "mmtk-core #1129: an unchecked argument"),
    // ---- weak references
    Known::new("an upgrade finds a dead object", CLASSIC),
    Known::new("a dead object keeps its borrows", CLASSIC),
    Known::new("borrowed memory is freed", CLASSIC),
    // ---- marking in slices
    Known::new("a barrier shades nothing", CLASSIC),
    Known::new("a barrier shades the other reference", CLASSIC),
    Known::new("roots are scanned once only", CLASSIC),
    Known::new("an object allocated black is white", CLASSIC),
    Known::new("a window that is left keeps its marks", DESIGN).equivalent(&[
        ("mark-sweep-incremental|dijkstra", "the windows that it leaves are of the swept blocks"),
        ("generational", "free cells have no marks"),
        ("rc-cycles", "it has no marks"),
    ]),
    Known::new("only the first piece of an array is scanned", CLASSIC),
    Known::new("a slice forgets its queue", DESIGN),
    // ---- generations
    Known::new("an old object is not remembered", CLASSIC),
    Known::new("a move into an old object is not remembered", DESIGN),
    Known::new("a remembered object's first child is not scanned", CLASSIC),
    Known::new("a minor sweep loses old marks", DESIGN),
    Known::new("a major collection keeps its marks", DESIGN),
    // ---- trial deletion
    Known::new("a possible root is lost", CLASSIC),
    Known::new("a moved object is not buffered", DESIGN),
    Known::new("an unparked object is not buffered", DESIGN),
    Known::new("a cascade buffers no possible root", CLASSIC),
    Known::new("a freed object is tried", DESIGN),
    Known::new("a count is not restored", CLASSIC),
    Known::new("a child of a restored object stays on trial", CLASSIC),
    Known::new("a trial leaves locals young", DESIGN),
    Known::new("a root that is given up is lost", DESIGN),
    // ---- deferred counting
    Known::new("a log entry is dropped", CLASSIC),
    Known::new("a logged increment is lost", CLASSIC),
    Known::new("a logged decrement is lost", CLASSIC),
    Known::new("a new object is born unlogged", CLASSIC),
    Known::new("a count of zero is forgotten", CLASSIC),
    Known::new("a count of zero is final", CLASSIC),
    Known::new("a cascade frees a rooted object", CLASSIC),
    // ---- moving
    Known::new("no forwarding reference is left", CLASSIC),
    Known::new("a copy is one word short", CLASSIC),
    Known::new("the last root is not updated", CLASSIC),
    Known::new("an object's last slot is not updated", CLASSIC),
    Known::new("a large object's slots are not updated", CLASSIC),
    Known::new("a large object stays marked", DESIGN),
    Known::new("an evacuated space keeps a block", DESIGN),
    Known::new("a group ends with its word", DESIGN),
    Known::new("a word forgets what reaches into it", DESIGN),
    Known::new("a slide forgets its queue", DESIGN),
    // ---- weak slots, ephemerons, finalizable objects
    Known::new("a weak slot is not cleared", CLASSIC),
    Known::new("a weak slot of a live object is cleared", CLASSIC),
    Known::new("a weak slot is not updated", CLASSIC),
    Known::new("weak slots are cleared after resurrection", CLASSIC),
    Known::new("a weak load has no barrier", CLASSIC).equivalent(&[
        ("mark-sweep", STOPPED),
        ("mark-sweep-parallel", STOPPED),
        ("semispace", STOPPED),
        ("mark-compact", STOPPED),
        ("generational", STOPPED),
        ("gen-copy", STOPPED),
        ("immix", STOPPED),
        ("mark-sweep-incremental|dijkstra", "roots are scanned again when marking ends"),
    ]),
    Known::new("a new weak array is not registered", DESIGN),
    Known::new("an ephemeron's late key is not noticed", CLASSIC),
    Known::new("ephemerons are scanned once", CLASSIC),
    Known::new("an ephemeron keeps its key's value", CLASSIC),
    Known::new("a dead key's value is not cleared", CLASSIC),
    Known::new("a finalizable object is not resurrected", CLASSIC),
    Known::new("an object is finalized twice", CLASSIC),
    Known::new("finalizable objects come in another order", DESIGN),
    Known::new("a ready object is not kept", CLASSIC),
    Known::new("a skipped cycle makes objects ready", DESIGN),
    // ---- a nursery
    Known::new("a young object is remembered", DESIGN),
    Known::new("an old object passes for young", CLASSIC),
    Known::new("a promoted object is not scanned", CLASSIC),
    Known::new("a cell is reserved again and again", DESIGN),
    Known::new("a reserved block is counted twice", DESIGN),
    // ---- marking by several threads
    Known::new("markers end one too early", CLASSIC),
    Known::new("the last edge of a packet is lost", CLASSIC),
    Known::new("the first packet is lost", CLASSIC),
    Known::new("an array is separated from its piece", DESIGN),
    Known::new("the last block is not folded", DESIGN),
    Known::new("a folded block counts one mark too few", DESIGN),
    Known::new("marks of a single marker are not spread", DESIGN),
    // ---- marking and sweeping beside the program
    Known::new("a chunk of the log is lost", CLASSIC),
    Known::new("the last chunk is not handed over", CLASSIC),
    Known::new("a remark is skipped", CLASSIC),
    Known::new("a logged object is marked and not scanned", DESIGN),
    Known::new("objects that the program took from the thread are lost", DESIGN),
    Known::new("an object allocated while marking is swept", CLASSIC),
    Known::new("a large object is born white", DESIGN),
    Known::new("a block is allocated from while it is swept", DESIGN),
    // ---- lines and holes
    Known::new("an object marks its first line only", CLASSIC),
    Known::new("line marks are not cleared", CLASSIC),
    Known::new("a sparse block counts as empty", CLASSIC),
    Known::new("a hole ends a line late", CLASSIC),
    Known::new("a hole that is left has no stopper", DESIGN),
    Known::new("a block of copies is not counted", DESIGN),
];

/// A set of mutants, a bit for each, by their place in [`ALL`].
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Passed([u64; ALL.len().div_ceil(64)]);

impl Passed {
    /// The mutants whose switches have been passed in this heap.
    pub(crate) fn in_heap(heap: &Heap) -> Self {
        let mut set = Self::default();
        if heap::MUTANTS {
            for (place, known) in ALL.iter().enumerate() {
                let bit = u64::from(heap.has_passed(Mutant::named(known.name)));
                set.0[place / 64] |= bit << (place % 64);
            }
        }
        set
    }

    /// The union of both sets.
    pub(crate) fn or(mut self, other: Self) -> Self {
        self.0.iter_mut().zip(other.0).for_each(|(word, more)| *word |= more);
        self
    }

    /// Their names.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        let has = move |place: usize| self.0[place / 64] >> (place % 64) & 1 != 0;
        ALL.iter().enumerate().filter(move |&(place, _)| has(place)).map(|(_, known)| known.name)
    }
}
