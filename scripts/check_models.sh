#!/usr/bin/env bash
# Converts all 15 models at their own size from generated weights and asks ONNX's checker, ONNX Runtime, OpenVINO and TensorRT whether
# they take them; writes the table of docs/models.md. For the night: D7x alone takes minutes, 3 GB of memory and 1 GB of disk.
#
# Usage: scripts/check_models.sh [--models d0,d7x] [--kinds none,onnx] [further options of tests/judges/check_models.py]
# With --models or --kinds the table is printed, docs/models.md stays as it is. Needs what scripts/test.sh builds and installs
# (build/release, build/test-venv). The last line is "N passed, N failed"; exit code 0 only if nothing was refused.
set -euo pipefail
root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"

fail() {
  echo "edet: $2" >&2
  exit "$1"
}

case "${1-}" in
  -h | --help) sed -n '2,8s/^# \{0,1\}//p' "$0" && exit 0 ;;
esac
for program in build/release/bin/edet build/test-venv/bin/python; do
  [ -x "$root/$program" ] || fail 4 "$program is not there: run scripts/test.sh first"
done
output=()
[ $# -gt 0 ] || output=(--markdown "$root/docs/models.md")
exec nice -n 10 "$root/build/test-venv/bin/python" "$root/tests/judges/check_models.py" "$root/build/release/bin/edet" \
  --results "$root/build/check_models.json" "${output[@]}" "$@"
