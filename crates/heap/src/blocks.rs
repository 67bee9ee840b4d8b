//! The heap: blocks of 32 KiB, their side tables, and the handle that owns both.

pub(crate) mod bitmap;
pub(crate) mod block;
pub(crate) mod byte_map;
pub(crate) mod heap;
pub(crate) mod poison;
pub(crate) mod reuse;
pub(crate) mod side_table;
