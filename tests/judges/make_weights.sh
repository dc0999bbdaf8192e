#!/usr/bin/env bash
# Golden weights in another kind of file; skipped (77) where the reference data is absent.
# Usage: make_weights.sh CHECKPOINT OUTPUT.tar.gz
#        make_weights.sh CHECKPOINT OUTPUT.h5 WRITE_KERAS_H5
set -euo pipefail
checkpoint="$1" output="$2"
if [ ! -e "$checkpoint" ]; then
  echo "skipped: no reference data at $checkpoint"
  exit 77
fi
mkdir -p "$(dirname "$output")"
case "$output" in
  *.tar.gz) exec tar -czf "$output" -C "$(dirname "$checkpoint")" "$(basename "$checkpoint")" ;;
  *.h5) exec "$3" "$checkpoint" "$output" ;;
esac
