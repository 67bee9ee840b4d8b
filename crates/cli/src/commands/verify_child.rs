//! `gcw verify-child`: plays what it is told to, one job after the other, and may crash in doing so.
//! What watches over it is [`conformance::Supervisor`].

use crate::Registry;
use crate::failure::{Exit, Failure};

pub(crate) fn verify_child(registry: &Registry) -> Result<Exit, Failure> {
    conformance::serve(|job, begins| registry.verify(job, begins).map_err(Failure::from))?;
    Ok(Exit::Fine)
}
