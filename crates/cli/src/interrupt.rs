//! Ctrl-C as a request to stop.

use anyhow::Context;
use runner::Interrupt;

/// A request to stop that Ctrl-C raises; a second Ctrl-C ends the process at once.
pub(crate) fn on_ctrl_c() -> anyhow::Result<Interrupt> {
    let interrupt = Interrupt::new();
    let raised = interrupt.clone();
    ctrlc::set_handler(move || {
        if raised.is_raised() {
            std::process::exit(130);
        }
        raised.raise();
    })
    .context("cannot install the Ctrl-C handler")?;
    Ok(interrupt)
}
