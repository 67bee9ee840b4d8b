//! Tracing engines: one thread, several threads, increments, a background thread.

pub(crate) mod background;
pub(crate) mod grey_queue;
pub(crate) mod mark;
pub(crate) mod packets;
pub(crate) mod parallel;
