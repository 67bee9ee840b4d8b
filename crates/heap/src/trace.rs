//! Tracing engines: one thread, several threads, increments, a background thread.

pub(crate) mod background;
pub(crate) mod greys;
pub(crate) mod mark;
pub(crate) mod packets;
pub(crate) mod parallel;
