#!/usr/bin/env bash
# Fuzzes collectors with programs made of bytes. Needs a nightly and cargo-fuzz
# (`cargo install cargo-fuzz`).
#
#   crates/conformance/scripts/fuzz.sh [SECONDS] [COLLECTOR]     60 seconds and all collectors unless said otherwise
#
# With SANITIZER=address under the address sanitizer, which is slower and sees every access to a freed
# cell; with RUSTFLAGS="--cfg tiny" with tiny capacities. A failure is printed as a test and kept under
# fuzz/artifacts in this crate.
set -euo pipefail
cd "$(dirname "$0")/.."
seconds="${1:-60}"
if [ "$#" -gt 1 ]; then export COLLECTOR="$2"; fi
sanitizer="${SANITIZER:-none}"
if [ "$sanitizer" = address ]; then export RUSTFLAGS="${RUSTFLAGS:-} --cfg gcw_asan"; fi
# Four bytes of setting and six for each of 700 operations: enough to fill the small heaps.
longest=4204
# The fuzzer lengthens its inputs slowly, and the first operation takes ten bytes: begin with longer ones.
corpus=fuzz/corpus/program
mkdir -p "$corpus"
if [ -z "$(ls "$corpus")" ]; then
    for operations in 1 4 16 50 100 200 400 700; do
        head -c $((4 + 6 * operations)) /dev/urandom > "$corpus/random-$operations"
    done
fi
cargo +nightly fuzz run --sanitizer "$sanitizer" program -- \
    -max_total_time="$seconds" -max_len="$longest" -len_control=0 -timeout=30 -rss_limit_mb=4096
