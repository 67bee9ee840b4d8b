//! The sandboxed object heap.
