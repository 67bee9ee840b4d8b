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

mod any;
mod arena;
mod asan;
mod background;
mod bitmap;
mod block;
mod budget;
mod bump_space;
mod byte_map;
mod cascade;
mod cells;
mod collector;
mod config;
mod context;
mod count;
mod dead_list;
mod events;
mod fault;
mod footprint;
mod forward;
mod greys;
mod header;
mod heap;
mod large;
mod lines;
mod mark;
mod memory;
mod movable;
mod moves;
mod mutant;
mod mutator;
mod nursery;
mod object_space;
pub mod os;
mod packets;
mod parallel;
mod parameter;
mod probe;
mod regions;
mod reuse;
mod roots;
mod shape;
pub mod size_class;
mod sizer;
mod snapshot;
mod stack;
mod survey;
mod sync;
mod value;
mod weak;

pub use any::{AnyCollector, Discipline};
pub use arena::{Arena, ChunkPool, FIRST_CHUNK_BYTES};
pub use background::{ALL_SLICES, Background, DELAY};
pub use bitmap::{BITMAP_BYTES_PER_BLOCK, Bitmap};
pub use block::{BLOCK_BYTES, BLOCK_GRANULES, BLOCK_WORDS, Block};
pub use budget::Budget;
pub use bump_space::BumpSpace;
pub use cascade::{cascade, cascade_pending};
pub use cells::{Batch, CellSpace};
pub use collector::{Caps, Cause, Collector, Colour, OutOfMemory, Step};
pub use config::{Config, WrongSetting};
pub use context::Context;
pub use count::{Count, in_degrees};
pub use dead_list::DeadList;
pub use events::{CascadeClock, EventLog, Pause, PauseKind, PauseStart};
pub use fault::{Access, Deed, Omission};
pub use footprint::{Footprint, FootprintSample, LiveSample, Occupancy};
pub use greys::Greys;
pub use header::{
    EXTENDED_HEADER_BYTES, Extent, FORWARDED, HEADER_BYTES, LARGE, Layout, MAX_SHAPE_SLOTS,
    MAX_SHAPE_WORDS, PARKED, REACHED, REGION, SlotKind, Slots,
};
pub use heap::{Commit, Heap, HeapConfig};
pub use large::LargeSpace;
pub use lines::LineSpace;
pub use mark::{MAX_PREFETCH, Marker, PREFETCH};
pub use memory::{ADDRESSABLE_BYTES, Memory, Offset32, Offset64};
pub use movable::{Cursor, MovableSpace};
pub use moves::Moves;
pub use mutant::{MUTANTS, Mutant};
pub use mutator::{Loaded, Mutator, Ref, Region};
pub use nursery::{GreyList, Nursery};
pub use object_space::ObjectSpace;
pub use packets::{PACKET_EDGES, Packet, Packets};
pub use parallel::{ALONE, ParallelMarker, THREADS};
pub use parameter::{Parameter, Values};
pub use probe::{Checker, Meter, Off, Probe};
pub use regions::Regions;
pub use reuse::{Order, Reuse};
pub use roots::{GLOBALS, Global, Leftover, Local, Root, RootStack, Rooted};
pub use shape::{
    Borrow, Checked, Ephemeral, Kind, NotOwn, Own, Shape, Shared, Slot, Strong, Weak, Word,
};
pub use sizer::{Cycle, GROWTH, PRICE, SIZER, Sizer};
pub use snapshot::{Slice, SnapshotTracer};
pub use stack::{Stack, Top};
pub use survey::{Defect, Reachable, Survey, verify};
pub use value::{GRANULE_BYTES, ObjectReference, Value};
pub use weak::WeakTables;

#[doc(hidden)]
pub use shape::position as shape_position;
