#!/usr/bin/env bash
# Runs one judge in the Python environment that scripts/test.sh makes; skipped (77) where there is none.
# Usage: judge.sh JUDGE.py [arguments]
set -euo pipefail
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
python="${EDET_TEST_VENV:-$here/../../build/test-venv}/bin/python"
if [ ! -x "$python" ]; then
  echo "skipped: no Python environment at $python (scripts/test.sh makes it)"
  exit 77
fi
judge="$here/$1"
shift
exec "$python" "$judge" "$@"
