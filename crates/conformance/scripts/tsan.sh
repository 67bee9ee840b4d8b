#!/usr/bin/env bash
# Runs the tests with threads under the thread sanitizer: those of the heap, parallel markers, and the
# concurrent collector on a program and in the kit, with delayed hand-overs. Plays fewer programs than
# elsewhere (`SEEDS` in the kit's tests). Needs a nightly.
set -euo pipefail
cd "$(dirname "$0")/../../.."
# The standard library is not instrumented: the mismatch must be allowed.
export RUSTFLAGS="-Zsanitizer=thread -Cunsafe-allow-abi-mismatch=sanitizer --cfg gcw_tsan"
export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-$PWD/target}/tsan"
export TSAN_OPTIONS="suppressions=$PWD/crates/conformance/scripts/tsan.suppressions ${TSAN_OPTIONS:-}"
host=$(rustc +nightly --version --verbose | sed -n 's/^host: //p')
run() { cargo +nightly test --target "$host" "$@"; }

run -p gcw-heap --lib -- background:: packets:: parallel:: snapshot::
run -p gcw-heap --test threads
run -p gcw-collectors --test beside_the_program -- a_thread
run -p gcw-conformance --test delays -- a_thread
run -p gcw-conformance --test markers
