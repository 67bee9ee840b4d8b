#!/usr/bin/env bash
# Runs the heap's tests, and the kit on markers that share their work, under the thread sanitizer. Needs
# a nightly.
set -euo pipefail
cd "$(dirname "$0")/../../.."
# The standard library is not instrumented: that differs, and is to be allowed.
export RUSTFLAGS="-Zsanitizer=thread -Cunsafe-allow-abi-mismatch=sanitizer --cfg gcw_tsan"
export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-$PWD/target}/tsan"
export TSAN_OPTIONS="suppressions=$PWD/crates/conformance/scripts/tsan.suppressions ${TSAN_OPTIONS:-}"
host=$(rustc +nightly --version --verbose | sed -n 's/^host: //p')
cargo +nightly test --target "$host" -p heap --lib --test threads "$@"
cargo +nightly test --target "$host" -p conformance --test markers
