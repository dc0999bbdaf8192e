#!/usr/bin/env bash
# Measures edet on this machine and prints the tables of docs/performance.md.
#
# Usage: scripts/measure.sh CHECKPOINT VIDEO
# Needs what scripts/test.sh builds and installs (build/release, build/test-venv).
set -euo pipefail

fail() {
  echo "edet: $2" >&2
  exit "$1"
}

[ $# -eq 2 ] || fail 2 "two arguments are wanted (scripts/measure.sh): CHECKPOINT VIDEO"
for file in "$@"; do [ -e "$file" ] || fail 3 "no such file or folder: $file"; done
root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
for program in build/release/bin/edet build/test-venv/bin/benchmark_app; do
  [ -x "$root/$program" ] || fail 4 "$program is not there: run scripts/test.sh first"
done
exec "$root/build/test-venv/bin/python" "$root/bench/measure.py" "$root" "$@"
