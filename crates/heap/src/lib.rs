//! The sandboxed object heap, its spaces and its two contracts.
//!
//! A slot holds 32 bits: null, a 31-bit integer or a reference. An address is a base plus four times
//! the reference plus an offset, into one reservation that no value and no offset can leave. So an
//! error of a collector or a program yields a wrong answer, never undefined behaviour; all `unsafe`
//! of the workbench is in this crate.
//!
//! * Programs are written against [`Mutator`] and declare their objects with [`shape!`].
//! * Disciplines implement [`Collector`] and are composed of spaces: [`NonMovingSpace`] (size-classed
//!   cells with side bits, and large objects), [`Arena`] and [`Regions`] (bump allocation),
//!   [`MovableSpace`] (bump allocation of objects that may move), [`LineSpace`] (bump allocation into
//!   the holes between marked lines), [`Marker`], [`Count`], [`Stack`], [`Sizer`], [`ReferenceProcessor`];
//!   their settings are a [`Config`].
//! * An [`EventLog`] records a run.

mod memory;
mod object;
mod blocks;
mod context;
mod trace;
mod space;
mod reclaim;
mod collector;
mod mutator;

// ---- memory: the sandbox and its account --------------------------------------------------------

pub use memory::budget::{AllocResult, Budget, OutOfMemory};
pub use memory::footprint::{Footprint, FootprintSample, LiveSample, Occupancy};
pub use memory::mutant::{MUTANTS, Mutant};
pub use memory::os;
pub use memory::parameter::{Parameter, Values};
pub use memory::stack::{Stack, Top};
pub use memory::units::{BLOCK_BYTES, GRANULE_BYTES};
pub use memory::value::{ObjectReference, Value};
pub use memory::{Memory, Offset, Offset32, Offset64};

// ---- object: headers, shapes, size classes ------------------------------------------------------

pub use object::header::{
    EXTENDED_HEADER_BYTES, Extent, HEADER_BYTES, LARGE, Layout, MAX_SHAPE_SLOTS, MAX_SHAPE_WORDS,
    ObjectSlot, PARKED, REACHED, REGION, SlotKind, Slots,
};
#[doc(hidden)]
pub use object::shape::position as shape_position;
pub use object::shape::{
    Borrow, Checked, Ephemeral, Kind, NotOwn, Own, Shape, Shared, Slot, Strong, Weak, Word,
};

// ---- blocks: the memory of spaces, and side tables ----------------------------------------------

pub use blocks::bitmap::Bitmap;
pub use blocks::block::Block;
pub use blocks::heap::{Commit, Heap, HeapConfig, PAGES};
pub use blocks::reuse::{Order, Reuse};

// ---- context: roots, events, reference processing -----------------------------------------------

pub use context::Context;
pub use context::events::{Cause, EventLog, Pause, PauseKind, PauseStart};
pub use context::moves::Moves;
pub use context::roots::{GLOBALS, Global, Local, Root, RootEntry, RootStack, Rooted};
pub use context::weak::ReferenceProcessor;

// ---- trace: marking engines ---------------------------------------------------------------------

pub use trace::background::{ALL_SLICES, Background, DELAY};
pub use trace::grey_queue::GreyQueue;
pub use trace::mark::{Marker, PREFETCH};
pub use trace::packets::{PACKET_EDGES, Packet, Packets};
pub use trace::parallel::{PARALLEL_THRESHOLD, ParallelMarker, THREADS};

// ---- space: where objects live ------------------------------------------------------------------

pub use space::arena::{Arena, ChunkPool};
pub use space::bump_space::BumpSpace;
pub use space::cells::{
    ConcurrentMarks, MarkBits, Marked, NoMarks, ParallelMarks, SegregatedSpace, StickyMarks, Traced,
};
pub use space::large::LargeSpace;
pub use space::lines::LineSpace;
pub use space::mark_tables::MarkTables;
pub use space::movable::{CopySpace, Copying, Cursor, MovableSpace, Sliding};
pub use space::non_moving::NonMovingSpace;
pub use space::regions::Regions;
pub use space::with_large::WithLarge;
pub use space::{CollectedSpace, IsAllocated, SmallSpace, Space};

// ---- reclaim: beyond a sweep --------------------------------------------------------------------

pub use reclaim::cascade::{cascade, cascade_pending};
pub use reclaim::count::{Count, in_degrees};
pub use reclaim::dead_list::DeadList;
pub use reclaim::nursery::{GreyList, Nursery, WithNursery};
pub use reclaim::snapshot::{Slice, SnapshotTracer};

// ---- collector: the collectors' contract --------------------------------------------------------

pub use collector::Collector;
pub use collector::any::{AnyCollector, CollectorFactory};
pub use collector::caps::{Barrier, Caps};
pub use collector::config::{Config, WrongSetting};
pub use collector::in_cycles::{InCycles, Phase};
pub use collector::inspect::{Colour, Inspect, Step};
pub use collector::nursery_policy::{NurseryPolicy, StickyPolicy};
pub use collector::pacer::{Pace, Pacer};
pub use collector::parts::Parts;
pub use collector::room::Room;
pub use collector::sizer::{Cycle, GROWTH, PRICE, SIZER, Sizer};
pub use collector::stop_the_world::StopTheWorld;

/// The names of the contract, with `io` and the sizing policy, which most collectors use:
/// `use heap::contract::*`. The other imports of a collector are then the data structures that it is made of.
pub mod contract {
    pub use crate::{
        AllocResult, Barrier, Caps, Cause, CollectedSpace, Collector, Config, Context, GROWTH,
        Heap, Inspect, Layout, Memory, ObjectReference, ObjectSlot, PREFETCH, PRICE, Parameter,
        Parts, PauseKind, SIZER, Sizer, SlotKind, Slots, Space, StopTheWorld, Value, mutant,
        traced,
    };
    pub use std::io;
}

// ---- mutator: the programs' contract ------------------------------------------------------------

pub use mutator::checker::Checker;
pub use mutator::fault_injector::{FaultInjector, FreeFault, InjectedFault};
pub use mutator::probe::{Access, Meter, Off, Probe};
pub use mutator::stamps::StampTable;
pub use mutator::survey::{Defect, Reachable, Survey, verify};
pub use mutator::{Loaded, Mutator, Ref, Region};
