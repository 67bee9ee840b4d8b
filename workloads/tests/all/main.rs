//! The suite as a whole: every program under every collector that can run it.

mod answers;
mod census;
mod checked;
mod leaks;
mod queues;
mod suite_file;
mod under;
