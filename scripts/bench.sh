#!/usr/bin/env bash
# Measures speed and memory and prints one table: scripts/bench.sh BOXWOOD_BINARY [MEASURE…]
# Measures: overhead, ingestion, idle, upload, gateway, tokens, engine (docs/benchmarks.md tells what each is).
set -euo pipefail
cd "$(dirname "$0")/.."
BOXWOOD=${1:?usage: scripts/bench.sh BOXWOOD_BINARY [MEASURE…]}
shift
# The whole workspace: other selections of packages would compile the dependencies once more.
cargo build --release --quiet --workspace --bins --examples
exec python3 scripts/bench/bench.py "$BOXWOOD" "$@"
