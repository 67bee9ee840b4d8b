//! JSON on standard output.

use crate::failure::Failure;
use serde::Serialize;
use std::io::Write;

/// Prints a value as indented JSON.
pub(crate) fn print<T: Serialize + ?Sized>(value: &T, out: &mut dyn Write) -> Result<(), Failure> {
    let text = serde_json::to_string_pretty(value).map_err(anyhow::Error::from)?;
    Ok(writeln!(out, "{text}")?)
}
