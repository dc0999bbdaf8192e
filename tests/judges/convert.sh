#!/usr/bin/env bash
# Converts a golden checkpoint for the judges; skipped (77) where the reference data is absent.
# Usage: convert.sh EDET CHECKPOINT OUTPUT [edet's further options]
set -euo pipefail
edet="$1" checkpoint="$2" output="$3"
shift 3
if [ ! -e "$checkpoint" ]; then
  echo "skipped: no reference data at $checkpoint"
  exit 77
fi
rm -rf "$output"
exec "$edet" convert "$checkpoint" -o "$output" "$@"
