#!/usr/bin/env bash
# Runs the tests under the address sanitizer, with all memory poisoned that holds no object. Needs a nightly.
set -euo pipefail
cd "$(dirname "$0")/../../.."
export RUSTFLAGS="-Zsanitizer=address --cfg gcw_asan"
export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-$PWD/target}/asan"
host=$(rustc +nightly --version --verbose | sed -n 's/^host: //p')
run() { cargo +nightly test --target "$host" "$@"; }

# Without the tests of the footprint, since the sanitizer's own tables are resident too, and those that must
# not compile.
run -p gcw-heap --lib --test asan --test threads
run -p gcw-collectors --test asan
# Skipped: programs that use freed objects on purpose, and collectors without their barrier or remark. The
# sandbox survives such accesses, the sanitizer reports them.
run -p gcw-conformance -- --skip mistake --skip missing_barrier --skip remark_that_is_skipped
