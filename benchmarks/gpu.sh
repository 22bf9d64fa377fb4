#!/usr/bin/env bash
# Everything that takes a GPU to know, in at most eight minutes: the tests marked gpu, captured against eager moves, throughput
# against hand-written loops, and a short training at full width. What came of it is written to $OUT/gpu.json.
#
#   OUT=results benchmarks/gpu.sh             # data as in GANZOO_DATA; what has none there is left out and said
#   ACCELERATOR=cpu SHORT=1 benchmarks/gpu.sh # a rehearsal of the script itself
set -euo pipefail
cd "$(dirname "$0")/.."
exec "${PYTHON:-python3}" benchmarks/gpu.py "$@"
