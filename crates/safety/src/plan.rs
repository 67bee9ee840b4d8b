//! The trials of a discipline: failure, program, mistake, order of reuse and seed.

use crate::fault_injection::Mistake;
use crate::native::NativeDrop;
use heap::{Caps, Order, Reuse};
use record::{Failure, Subject};
use workloads::Parameters;

/// The kind of a trial.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TrialKind {
    /// A program with injected mistakes, under the probe that counts their effects.
    Mistake(Mistake),
    /// The suite's program as it is, on a small stack, with a limit that binds every discipline.
    Pressure,
    /// Rust's own drop.
    Native(NativeDrop),
}

/// One planned trial.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Planned {
    /// The failure.
    pub failure: Failure,
    /// The program.
    pub program: &'static str,
    /// The kind of trial.
    pub kind: TrialKind,
    /// Order in which freed memory is reused.
    pub order: Order,
    /// Seed of the mistakes.
    pub seed: u64,
}

const ORDERS: [Order; 3] = [Order::Lowest, Order::LastFreed, Order::Quarantine];
/// Programs that hold objects for a while and free each of them.
const FREEING: [&str; 4] = ["message-window", "lru-cache", "splay", "fragmentation"];
/// Programs that free all their objects and have no cycles, not even of borrows.
const ACYCLIC: [&str; 2] = ["message-window", "splay"];

/// The trials of a discipline with these capabilities, `seeds` of each that depends on chance.
/// The order is fixed, so a number identifies a trial.
pub fn plan(caps: Caps, seeds: u32) -> Vec<Planned> {
    use Failure::*;
    use Mistake::*;
    let mut all = Vec::new();
    let mut add = |failure, programs: &[&'static str], kind, orders: &[Order], seeds| {
        for &program in programs {
            for &order in orders {
                all.extend((0..seeds).map(|seed| Planned {
                    failure,
                    program,
                    kind,
                    order,
                    seed: u64::from(seed),
                }));
            }
        }
    };
    let inject = TrialKind::Mistake;
    let only = &ORDERS[..1];
    add(Leak, &ACYCLIC, inject(OmitsFree), only, 1);
    // Without drops, abandoning an object is the same as omitting its `free`.
    if caps.releases() {
        add(Leak, &ACYCLIC, inject(Forgets), only, 1);
    }
    add(LogicalLeak, &ACYCLIC, inject(KeepsRoot), only, 1);
    add(UseAfterFree, &FREEING, inject(FreesEarly), &ORDERS, seeds);
    add(UseAfterFree, &["binary-trees@regions"], inject(ResetsRegion), &ORDERS, seeds);
    // A compiler that drops at the right place tracks initialisation, and rejects this.
    if !caps.drops {
        add(UseBeforeInit, &FREEING, inject(LeavesUninitialised), only, seeds);
        add(UseBeforeInit, &["binary-trees@regions"], inject(LeavesUninitialised), only, seeds);
    }
    add(UseBeforeInit, &FREEING, inject(LeavesUnzeroed), &ORDERS, seeds);
    add(UseBeforeInit, &["binary-trees@regions"], inject(LeavesUnzeroed), &ORDERS, seeds);
    add(DoubleFree, &FREEING, inject(FreesTwice), &ORDERS, seeds);
    add(DanglingBorrow, &FREEING, inject(BorrowsTooLong), &ORDERS, seeds);
    add(CycleLeak, &["cycle-torture"], inject(None), only, 1);
    add(DeepDrop, &["deep-chain"], TrialKind::Pressure, only, 1);
    add(UnboundedGarbage, &["binary-trees"], TrialKind::Pressure, only, 1);
    // Last, because it ends its process.
    if is_checked_statically(caps) {
        add(DeepDrop, &["a list of Box"], TrialKind::Native(NativeDrop::Box), only, 1);
    }
    if caps.counts {
        add(DeepDrop, &["a list of Rc"], TrialKind::Native(NativeDrop::Rc), only, 1);
    }
    all
}

/// Whether a discipline frees by ownership without run-time checks: only the compiler's rejections
/// make it safe.
fn is_checked_statically(caps: Caps) -> bool {
    caps.drops && !caps.counts
}

impl Planned {
    /// Description of the trial.
    pub(crate) fn subject(&self, caps: Caps) -> Subject {
        let (mistake, bends) = match self.kind {
            TrialKind::Mistake(Mistake::Forgets) => (Mistake::Forgets.words(), "mem::forget"),
            TrialKind::Mistake(Mistake::LeavesUnzeroed) => {
                let by = if caps.drops { "unsafe" } else { "an allocator that does not zero" };
                (Mistake::LeavesUnzeroed.words(), by)
            }
            TrialKind::Mistake(mistake) => {
                // An omission is no misuse of a pointer; a ring of owners is one.
                let omits = matches!(mistake, Mistake::OmitsFree | Mistake::KeepsRoot);
                let is_bent = !omits && is_checked_statically(caps);
                (mistake.words(), if is_bent { "unsafe" } else { "" })
            }
            TrialKind::Pressure => ("no mistake", ""),
            TrialKind::Native(_) => ("no mistake: dropped as the standard library does", ""),
        };
        Subject {
            failure: self.failure,
            program: self.program.to_owned(),
            mistake: mistake.to_owned(),
            order: order_words(self.order).to_owned(),
            bends: bends.to_owned(),
        }
    }

    /// Reuse of memory. Empty blocks return to the system at once; otherwise heaps as small as these
    /// would not show accesses to returned memory.
    pub(crate) fn reuse(&self) -> Reuse {
        Reuse { order: self.order, retained_blocks: 0 }
    }

    /// Parameters for a short run.
    pub(crate) fn parameters(&self) -> Parameters {
        match self.program {
            "message-window" => [("window", 40), ("messages", 240)].into(),
            "lru-cache" => [("pages", 150), ("capacity", 48), ("requests", 500)].into(),
            "splay" => [("tree_size", 40), ("replacements", 80), ("payload_depth", 1)].into(),
            "fragmentation" => [("round_bytes", 12_000), ("keep_one_in", 50)].into(),
            "cycle-torture" => [
                ("rings", 60),
                ("ring_length", 20),
                ("chords", 2),
                ("kept_permille", 100),
                ("rings_per_batch", 6),
                ("ballast", 100),
            ]
            .into(),
            _ => [("depth", 6)].into(),
        }
    }
}

fn order_words(order: Order) -> &'static str {
    match order {
        Order::Lowest => "lowest first",
        Order::LastFreed => "last freed first",
        Order::Quarantine => "quarantine",
    }
}
