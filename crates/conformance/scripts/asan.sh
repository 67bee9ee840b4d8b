#!/usr/bin/env bash
# Runs the tests under the address sanitizer, which is told where no object lies. Needs a nightly.
set -euo pipefail
cd "$(dirname "$0")/../../.."
export RUSTFLAGS="-Zsanitizer=address --cfg gcw_asan"
export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-$PWD/target}/asan"
host=$(rustc +nightly --version --verbose | sed -n 's/^host: //p')
run() { cargo +nightly test --target "$host" "$@"; }

# Not the footprint, for the sanitizer's own tables are resident too, and not what does not compile.
run -p gcw-heap --lib --test asan --test threads
run -p gcw-collectors --test asan
# Mistakes are programs that use freed objects on purpose, and a collector without its barrier or its
# remark makes them: what the sandbox answers, this reports.
run -p gcw-conformance -- --skip mistake --skip missing_barrier --skip remark_that_is_skipped
