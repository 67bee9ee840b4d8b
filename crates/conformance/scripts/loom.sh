#!/usr/bin/env bash
# Model-checks the kernels that threads share: see crates/heap/tests/loom.
set -euo pipefail
cd "$(dirname "$0")/../../.."
export RUSTFLAGS="--cfg loom"
export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-$PWD/target}/loom"
cargo test --release -p gcw-heap --test loom "$@"
