//! Facts about this build of the tool, set by the build script.

use runner::Build;

/// Compiler, optimisation and commit of this build.
pub(crate) fn build() -> Build {
    Build {
        rustc: env!("GCW_RUSTC").to_owned(),
        profile: env!("GCW_BUILD").to_owned(),
        commit: env!("GCW_COMMIT").to_owned(),
    }
}
