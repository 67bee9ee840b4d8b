//! TBD
#![forbid(unsafe_code)]
