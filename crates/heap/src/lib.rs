//! The sandboxed object heap, its spaces and its two contracts.
//!
//! A slot holds 32 bits: null, a 31-bit integer or a reference. An address is a base plus four times
//! the reference plus an offset, into one reservation that no value and no offset can leave. So
//! whatever a collector or a program does wrong, the result is a wrong answer and never undefined
//! behaviour; all `unsafe` of the workbench is in this crate.
//!
//! * Programs are written against [`Mutator`] and declare their objects with [`shape!`].
//! * Disciplines implement [`Collector`] and are composed of spaces: [`ObjectSpace`] (size-classed
//!   cells with side bits, and large objects), [`Arena`] and [`Regions`] (bump allocation),
//!   [`MovableSpace`] (bump allocation of objects that may move), [`LineSpace`] (bump allocation into
//!   the holes between marked lines), [`Marker`], [`Count`], [`Stack`], [`Sizer`], [`WeakTables`]; what
//!   they can be told stands in their [`Config`].
//! * What a run was like stands in its [`EventLog`].

mod blocks;
mod collector;
mod context;
mod memory;
mod mutator;
mod object;
mod reclaim;
mod space;
mod trace;

pub use blocks::bitmap::{BITMAP_BYTES_PER_BLOCK, Bitmap};
pub use blocks::block::Block;
pub use blocks::heap::{Commit, Heap, HeapConfig};
pub use blocks::reuse::{Order, Reuse};
pub use collector::any::{AnyCollector, Discipline};
pub use collector::config::{Config, WrongSetting};
pub use collector::sizer::{Cycle, GROWTH, PRICE, SIZER, Sizer};
pub use collector::stop_the_world::StopTheWorld;
pub use collector::{Caps, Collector, Colour, Step};
pub use context::Context;
pub use context::events::Cause;
pub use context::events::{CascadeClock, EventLog, Pause, PauseKind, PauseStart};
pub use context::moves::Moves;
pub use context::roots::{GLOBALS, Global, Leftover, Local, Root, RootStack, Rooted};
pub use context::weak::WeakTables;
pub use memory::budget::Budget;
pub use memory::budget::OutOfMemory;
pub use memory::footprint::{Footprint, FootprintSample, LiveSample, Occupancy};
pub use memory::mutant::{MUTANTS, Mutant};
pub use memory::os;
pub use memory::parameter::{Parameter, Values};
pub use memory::stack::{Stack, Top};
pub use memory::units::ADDRESSABLE_BYTES;
pub use memory::units::GRANULE_BYTES;
pub use memory::units::{BLOCK_BYTES, BLOCK_GRANULES, BLOCK_WORDS};
pub use memory::value::{ObjectReference, Value};
pub use memory::{Memory, Offset32, Offset64};
pub use mutator::mistake::{Access, Deed, Omission};
pub use mutator::probe::{Checker, Meter, Off, Probe};
pub use mutator::stamps::StampTable;
pub use mutator::survey::{Defect, Reachable, Survey, verify};
pub use mutator::{Loaded, Mutator, Ref, Region};
pub use object::header::{
    EXTENDED_HEADER_BYTES, Extent, FORWARDED, HEADER_BYTES, LARGE, Layout, MAX_SHAPE_SLOTS,
    MAX_SHAPE_WORDS, PARKED, REACHED, REGION, SlotKind, Slots,
};
pub use object::shape::{
    Borrow, Checked, Ephemeral, Kind, NotOwn, Own, Shape, Shared, Slot, Strong, Weak, Word,
};
pub use object::size_class;
pub use reclaim::cascade::{cascade, cascade_pending};
pub use reclaim::count::{Count, in_degrees};
pub use reclaim::dead_list::DeadList;
pub use reclaim::nursery::{GreyList, Nursery};
pub use reclaim::snapshot::{Slice, SnapshotTracer};
pub use space::arena::{Arena, ChunkPool, FIRST_CHUNK_BYTES};
pub use space::bump_space::BumpSpace;
pub use space::cells::{Batch, CellSpace};
pub use space::large::LargeSpace;
pub use space::lines::LineSpace;
pub use space::movable::{Cursor, MovableSpace};
pub use space::object_space::ObjectSpace;
pub use space::regions::Regions;
pub use trace::background::{ALL_SLICES, Background, DELAY};
pub use trace::greys::Greys;
pub use trace::mark::{MAX_PREFETCH, Marker, PREFETCH};
pub use trace::packets::{PACKET_EDGES, Packet, Packets};
pub use trace::parallel::{ALONE, ParallelMarker, THREADS};

#[doc(hidden)]
pub use object::shape::position as shape_position;

/// The accounts of a collector, from its spaces and its queues: `accounts!(spaces: objects; queues: marker);`.
#[macro_export]
macro_rules! accounts {
    (spaces: $first:ident $(, $space:ident)*; queues: $($queue:ident),*) => {
        fn footprint(&self) -> $crate::Footprint {
            $crate::Footprint {
                used_bytes: self.$first.used_bytes() $(+ self.$space.used_bytes())*,
                retained_bytes: 0,
                metadata_bytes: self.$first.metadata_bytes() $(+ self.$space.metadata_bytes())*
                    $(+ self.$queue.metadata_bytes())*,
            }
        }

        fn occupied(&self) -> $crate::Occupancy {
            self.$first.occupied()$(.plus(self.$space.occupied()))*
        }

        fn is_allocated(&self, object: $crate::ObjectReference) -> bool {
            self.$first.is_allocated(object) $(|| self.$space.is_allocated(object))*
        }

        fn verify(&self, _: &$crate::Context) -> Result<(), String> {
            self.$first.verify()
        }

        #[inline(always)]
        fn heap(&self) -> &$crate::Heap {
            self.$first.heap()
        }
    };
}
