//! Memory-management disciplines over the sandboxed heap: one file each, and a table of them.
//!
//! Every file reads top to bottom: the phases of the algorithm, numbered, with its limits; the type; its
//! barriers, each with its rule; the algorithm; checks. Adding one is a file and a line in the table at the
//! end of this page; `gcw new collector NAME` writes both. The README beside this crate's `Cargo.toml` is a
//! tutorial.
//!
//! **Invariant:** collectors never name a workload, and contain no unsafe code.

#![forbid(unsafe_code)]

pub mod registry;

/// Expands a table of collectors to modules, exports and the registry.
macro_rules! collectors {
    ($(
        $(mod $module:ident:)? $name:literal => $collector:ident $(<$argument:tt>)?,
        $family:ident, ($light:literal, $dark:literal), $line:ident, $summary:literal;
    )+) => {
        $($(
            mod $module;
            pub use $module::$collector;
        )?)+

        /// The collectors of this crate, in the order of their table.
        pub(crate) fn all<H: registry::Harness>() -> registry::Registry<H> {
            registry::Registry::empty()
                $(.with::<$collector $(<$argument>)?>(registry::Info {
                    name: $name,
                    summary: $summary,
                    family: registry::Family::$family,
                    light: $light,
                    dark: $dark,
                    line: registry::Line::$line,
                }))+
        }
    };
}

// A line: the file, unless a line above has named it; the name; the type; the family; the colours for
// light and dark pages, of the family's hue; the line style; the summary.
collectors! {
    mod no_gc: "no-gc" => NoGc, Control, ("#6E7781", "#9AA4AF"), Solid,
        "bump allocation without reclamation: the control";
    mod region: "region" => Region, Ownership, ("#7CCBA6", "#8FE3C0"), Solid,
        "bump allocation in regions that the program ends";
    mod manual: "manual" => Manual, Ownership, ("#009E73", "#2CC295"), Dashed,
        "malloc and free: the program frees each object";
    mod ownership: "ownership" => Ownership, Ownership, ("#00664A", "#12A178"), Solid,
        "one owner for each object, which is dropped with it: Box";
    mod rc: "rc" => Rc, ReferenceCounting, ("#D55E00", "#F08A4B"), Solid,
        "counts every stored or rooted reference, back links too";
    "rc|count-loads" => Rc<true>, ReferenceCounting, ("#8F3F00", "#C8622A"), Dashed,
        "rc that also counts every loaded reference";
    mod rc_weak: "rc-weak" => RcWeak, ReferenceCounting, ("#EE9A4D", "#FFC08A"), Solid,
        "strong and weak counts: Rc and Weak";
    mod rc_cycles: "rc-cycles" => RcCycles, ReferenceCounting, ("#B34700", "#E07B39"), Solid,
        "rc that reclaims garbage cycles by trial deletion";
    mod rc_deferred: "rc-deferred" => RcDeferred, ReferenceCounting, ("#A63C00", "#D9692B"), Dashed,
        "deferred, coalesced counting: stores are logged, locals are not counted";
    mod mark_sweep: "mark-sweep" => MarkSweep, Tracing, ("#0072B2", "#4DA3E0"), Solid,
        "stop-the-world marking, lazy sweep, non-moving";
    mod mark_sweep_parallel: "mark-sweep-parallel" => MarkSweepParallel, Tracing, ("#00507E", "#86C3EE"), Solid,
        "mark-sweep with several marking threads";
    mod semispace: "semispace" => SemiSpace, Moving, ("#A8558A", "#D68FBB"), Solid,
        "stop-the-world copying to the other half of the heap";
    mod mark_compact: "mark-compact" => MarkCompact, Moving, ("#7A2F63", "#B56A9B"), Solid,
        "stop-the-world marking, slides live objects together";
    mod mark_sweep_incremental: "mark-sweep-incremental" => MarkSweepIncremental, Concurrent, ("#3A9CCB", "#7CC7EE"), Dashed,
        "marking and sweeping in slices paced by allocation, Yuasa's deletion barrier";
    "mark-sweep-incremental|dijkstra" => MarkSweepIncremental<true>, Concurrent, ("#23789F", "#A9DCF5"), Dashed,
        "the same with Dijkstra's insertion barrier";
    mod mark_sweep_concurrent: "mark-sweep-concurrent" => MarkSweepConcurrent, Concurrent, ("#14597A", "#BFE4F7"), Dotted,
        "marks a snapshot and sweeps on a thread of its own while the program runs";
    mod generational: "generational" => Generational, Generational, ("#4B4A9C", "#8F8DDA"), Solid,
        "sticky mark bits: minor collections trace young objects only, non-moving";
    mod gen_copy: "gen-copy" => GenCopy, Generational, ("#7A79C4", "#B9B8F0"), Dashed,
        "a nursery whose survivors are copied to a mark-sweep old space";
    mod immix: "immix" => Immix, Generational, ("#2B2A66", "#D9D8FF"), Solid,
        "mark-region: marks lines, allocates in holes between them, evacuates sparse blocks";
}
