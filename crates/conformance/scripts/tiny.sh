#!/usr/bin/env bash
# Runs the tests with tiny capacities: blocks of a page, two of them retained, a prefetch queue of two.
# Structures that otherwise seldom fill up, overflow or return memory do so all the time.
set -euo pipefail
cd "$(dirname "$0")/../../.."
export RUSTFLAGS="--cfg tiny"
export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-$PWD/target}/tiny"
cargo test -p gcw-heap -p gcw-conformance "$@"
